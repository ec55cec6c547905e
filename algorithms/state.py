"""A state is only named arrays, so that merging, saving, serving and tuning are written once for all algorithms.

Knows no algorithm: which names there are, and what they mean, is said in each algorithm's own docstring.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

State = dict[str, NDArray[np.generic]]


class Partial(NamedTuple):
    """What one shard contributed to a round.

    state: the arrays after training on the shard. Arrays of integers are constants and the same in every partial.
    weight: evidence behind each float array: shape (1,) for the array as a whole, (rows,) row by row, so that a word
        which only one shard has seen is taken from there and not diluted by the others.
    loss: summed over examples, because sums merge exactly and means do not.
    examples: trained pairs. words: corpus words consumed. Both count for this shard alone.
    """

    state: State
    weight: State
    loss: float
    examples: int
    words: int


def merge(partials: Sequence[Partial]) -> Partial:
    """The mean of the partials' states, weighted by evidence row by row; losses and counts add up.

    Rows without any evidence are equal in all partials (nobody touched them) and are taken from the first.
    Merging one partial gives that partial back, arrays uncopied.
    """
    assert partials, "merge() needs at least one partial"
    first = partials[0]
    if len(partials) == 1:
        return first
    state: State = {}
    weight: State = {}
    for name, array in first.state.items():
        if name not in first.weight:
            state[name] = array
            continue
        weights = [np.asarray(p.weight[name], np.float64) for p in partials]
        total = np.sum(weights, axis=0)
        shape = (-1,) + (1,) * (array.ndim - 1)
        mean = np.zeros(array.shape, np.float64)
        for partial, evidence in zip(partials, weights, strict=True):
            mean += partial.state[name].astype(np.float64) * (evidence / np.where(total > 0, total, 1)).reshape(shape)
        untouched = (total <= 0).reshape(shape)
        state[name] = np.where(untouched, array, mean).astype(array.dtype)
        weight[name] = total
    return Partial(
        state=state,
        weight=weight,
        loss=sum(p.loss for p in partials),
        examples=sum(p.examples for p in partials),
        words=sum(p.words for p in partials),
    )

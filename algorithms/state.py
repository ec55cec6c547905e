"""A state is only named arrays, so that merging, saving, serving and tuning are written once for all algorithms.

Knows no algorithm: which names there are, and what they mean, is said in each algorithm's own docstring.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
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
    memory: of arrays that are moved by plain steps, the evidence after which a row has forgotten where it began; see
        `lengthening`.
    """

    state: State
    weight: State
    loss: float
    examples: int
    words: int
    memory: Mapping[str, float] = MappingProxyType({})


def merge(partials: Sequence[Partial], *, base: State | None = None) -> Partial:
    """The mean of the partials' states, weighted by evidence row by row; losses and counts add up.

    Rows without any evidence are equal in all partials (nobody touched them) and are taken from the first.
    Merging one partial gives that partial back, arrays uncopied. base: what all were trained from; then rows of arrays
    that have a memory go as far as one worker had gone with all the evidence.
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
        if base is not None and name in first.memory:
            squares = np.sum([weight * weight for weight in weights], axis=0)
            start = base[name].astype(np.float64)
            mean = start + (mean - start) * lengthening(total, squares, first.memory[name]).reshape(shape)
        untouched = (total <= 0).reshape(shape)
        state[name] = np.where(untouched, array, mean).astype(array.dtype)
        weight[name] = total
    return Partial(
        state=state,
        weight=weight,
        loss=sum(p.loss for p in partials),
        examples=sum(p.examples for p in partials),
        words=sum(p.words for p in partials),
        memory=first.memory,
    )


def lengthening(total: NDArray[np.float64], squares: NDArray[np.float64], memory: float) -> NDArray[np.float64]:
    """By how much the mean of several moves of a row is too short: 1 to the number of workers.

    A step takes a share 1/memory of the way from a row to where its examples pull it, so n steps take 1 - exp(-n /
    memory) of it. Workers who made a few steps each have gone in a straight line, and their moves add up; after many
    steps each of them has arrived, and the mean is right. Between the two, a row goes as far as one worker had gone
    with all the steps: total of them, where each, on the mean, made squares / total.
    """
    each = squares / np.where(total > 0, total, 1)
    share = -np.expm1(-each / memory)
    return np.where(share > 0, -np.expm1(-total / memory) / np.where(share > 0, share, 1), 1.0)

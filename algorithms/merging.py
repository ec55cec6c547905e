"""A mean of states over several processes: each has its own partial, and all get the same merged one.

As `algorithms.state.merge`, but nobody has all partials: sums over the processes are all that is asked for, and of
tables only the rows that somebody has touched travel.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithms.state import Partial, State, merge

SMALL = 1 << 16  # numbers: arrays with fewer travel together, since each journey costs a fifth of a millisecond
MOST_ROWS = 0.7  # share of a table's rows above which picking them out costs more than it saves


Total = Callable[[NDArray[Any]], None]
"""Adds up an array over all processes, in place: contiguous float32 or float64. All call it alike."""


def merge_over(partials: Sequence[Partial], total: Total, *, base: State) -> State:
    """The mean of the states of this process's partials and of all others', weighted by evidence row by row.

    Every process has at least one partial, an idle one with no evidence, and all were trained from the same `base`,
    which stays as it is; the arrays of `partials` are used up. Large arrays are summed in float32: equal to `merge` of
    all partials to its rounding, and to the last bit the same in all processes.
    """
    own = merge(partials)
    names = sorted(own.weight)
    if not names:
        return own.state
    totals = _evidence(own, names, total)
    state = dict(own.state)
    large = [name for name in names if state[name].size >= SMALL]
    for name in large:
        state[name] = _mean(own, name, totals[name], total, base=base)
    small = [name for name in names if name not in large]
    means = _together([_share(own, name, totals[name], np.float64) for name in small], total)
    for name, mean in zip(small, means, strict=True):
        array = state[name]
        state[name] = np.where(_broadcast(totals[name] > 0, array), mean, array).astype(array.dtype)
    return state


def _evidence(own: Partial, names: Sequence[str], total: Total) -> dict[str, NDArray[Any]]:
    """The evidence of all processes, for each array."""
    return dict(zip(names, _together([np.asarray(own.weight[name], np.float64) for name in names], total), strict=True))


def _together(arrays: Sequence[NDArray[Any]], total: Total) -> list[NDArray[Any]]:
    """The totals of several arrays, in one journey."""
    if not arrays:
        return []
    flat = np.concatenate([np.ravel(array) for array in arrays])
    total(flat)
    parts = np.split(flat, np.cumsum([array.size for array in arrays])[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def _mean(own: Partial, name: str, evidence: NDArray[Any], total: Total, *, base: State) -> NDArray[Any]:
    """The mean of a large array. Rows that nobody touched are the same everywhere, and stay at home."""
    array = own.state[name]
    touched = np.flatnonzero(evidence > 0)
    if len(touched) == 0:
        return array
    if evidence.size == 1 or len(touched) > MOST_ROWS * len(array):
        mean = _share(own, name, evidence, np.float32)
        total(mean)
        if len(touched) < evidence.size:
            mean[evidence <= 0] = array[evidence <= 0]
        return mean.astype(array.dtype, copy=False)
    share = (np.asarray(own.weight[name])[touched] / evidence[touched]).astype(np.float32)
    rows = array[touched].astype(np.float32, copy=False)
    rows *= share.reshape(-1, *[1] * (array.ndim - 1))
    total(rows)
    if array is base.get(name) or not array.flags.writeable:
        array = array.copy()
    array[touched] = rows
    return array


def _share(own: Partial, name: str, evidence: NDArray[Any], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """What this process adds to the mean: its array, times its part of the evidence."""
    array = own.state[name]
    part = np.asarray(own.weight[name], np.float64) / np.where(evidence > 0, evidence, 1)
    share: NDArray[Any] = np.multiply(array, _broadcast(part.astype(dtype), array), dtype=dtype)
    return share


def _broadcast(rows: NDArray[Any], array: NDArray[Any]) -> NDArray[Any]:
    return rows.reshape(-1, *[1] * (array.ndim - 1))

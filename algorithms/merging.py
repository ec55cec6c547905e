"""A mean of states over several processes: each has its own partial, and all get the same merged one.

As `algorithms.state.merge`, but nobody has all partials: sums over the processes are all that is asked for, and of
tables only the rows that somebody has touched travel.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels.merging import flat, gather, scatter
from algorithms.state import Partial, State, lengthening, merge

SMALL = 1 << 16  # numbers: arrays with fewer travel together, since each journey costs a fifth of a millisecond
BLOCK = 1 << 22  # numbers of a large array that travel at a time


Total = Callable[[NDArray[Any]], None]
"""Adds up an array over all processes, in place: contiguous float32 or float64. All call it alike."""


def merge_over(partials: Sequence[Partial], total: Total, *, base: State) -> State:
    """What `merge` makes of this process's partials and all others', trained from `base`.

    Every process has at least one partial, an idle one with no evidence. base stays as it is; the arrays of `partials`
    are used up. Large arrays are summed in float32: equal to `merge` to its rounding, and to the last bit the same in
    all processes.
    """
    own = merge(partials)
    names = sorted(own.weight)
    if not names:
        return own.state
    shares = _shares(partials, own, names, total)
    state = dict(own.state)
    large = [name for name in names if state[name].size >= SMALL]
    for name in large:
        state[name] = _mean(state[name], shares[name], total, base=base[name])
    small = [name for name in names if name not in large]
    means = _together([_own(state[name], shares[name], np.float64) for name in small], total)
    for name, mean in zip(small, means, strict=True):
        state[name] = _settled(mean, state[name], shares[name], base=base[name])
    return state


class _Share(NamedTuple):
    """Of each row of an array. own: this process's part in the mean; touched: by anybody; longer: see lengthening."""

    own: NDArray[np.float64]
    touched: NDArray[np.bool_]
    longer: NDArray[np.float64] | None


def _shares(partials: Sequence[Partial], own: Partial, names: Sequence[str], total: Total) -> dict[str, _Share]:
    """From the evidence of all processes, and for arrays with a memory the squares of it, in one journey."""
    known = [np.asarray(own.weight[name], np.float64) for name in names]
    remembered = [name for name in names if name in own.memory]
    squares: list[NDArray[Any]] = [
        np.sum([np.square(partial.weight[name], dtype=np.float64) for partial in partials], axis=0)
        for name in remembered
    ]
    found = _together([*known, *squares], total)
    longer = {
        name: lengthening(found[names.index(name)], square, own.memory[name])
        for name, square in zip(remembered, found[len(names) :], strict=True)
    }
    shares = {}
    for name, weight, evidence in zip(names, known, found, strict=False):
        own_share = weight / np.where(evidence > 0, evidence, 1) * longer.get(name, 1)
        shares[name] = _Share(own_share, evidence > 0, longer.get(name))
    return shares


def _together(arrays: Sequence[NDArray[Any]], total: Total) -> list[NDArray[Any]]:
    """The totals of several arrays, in one journey."""
    if not arrays:
        return []
    flat = np.concatenate([np.ravel(array) for array in arrays])
    total(flat)
    parts = np.split(flat, np.cumsum([array.size for array in arrays])[:-1])
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def _mean(array: NDArray[Any], share: _Share, total: Total, *, base: NDArray[Any]) -> NDArray[Any]:
    """The mean of a large array, block by block. Rows that nobody touched are the same everywhere, and stay at home."""
    if array is base or not array.flags.writeable or array.dtype != np.float32:
        array = np.array(array, np.float32, order="C")
    if not np.may_share_memory(array, flat(array)[0]):
        array = np.ascontiguousarray(array)
    count = len(array)
    rows = np.flatnonzero(np.broadcast_to(share.touched, count))
    own = np.full(count, share.own, np.float32)
    longer = np.full(count, 1 if share.longer is None else share.longer, np.float32)
    (table, stride, size), (start, base_stride, _) = flat(array), flat(base.astype(np.float32, copy=False))
    most = max(1, BLOCK // max(1, size))
    packed = np.empty(min(most, len(rows)) * size, np.float32)
    for first in range(0, len(rows), most):
        some = rows[first : first + most]
        block = packed[: len(some) * size]
        gather(table, stride, size, some, own, block)
        total(block)
        scatter(block, size, some, longer, start, base_stride, table, stride)
    return array.astype(base.dtype, copy=False)


def _own(array: NDArray[Any], share: _Share, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """What this process adds to the mean: its array, times its part in it."""
    product: NDArray[Any] = np.multiply(array, _broadcast(share.own.astype(dtype), array), dtype=dtype)
    return product


def _settled(mean: NDArray[Any], array: NDArray[Any], share: _Share, *, base: NDArray[Any]) -> NDArray[Any]:
    """The mean, after rows that have to go further went there, and untouched ones are as they were. Uses up `mean`."""
    if share.longer is not None and np.any(share.longer != 1):
        mean += base * _broadcast((1 - share.longer).astype(mean.dtype), array)
    if not share.touched.all():
        mean[...] = np.where(_broadcast(share.touched, array), mean, array)
    return mean.astype(array.dtype, copy=False)


def _broadcast(rows: NDArray[Any], array: NDArray[Any]) -> NDArray[Any]:
    return rows.reshape(-1, *[1] * (array.ndim - 1))

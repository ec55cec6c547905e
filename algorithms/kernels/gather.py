"""A hidden vector is the mean of some rows of a table, and what it learns goes back to them.

All arrays are in the layout of `kernels.rows`; rows are named by numbers times `scale`: by the offset of their first
float with scale 1, by their number with scale `stride`.

Rows that nearly every example has (the end of a line, a comma) would be torn between the caches of threads that all
write to them. A thread therefore has its own copy of the first `hot` rows, `shift` floats behind their place in the
table, and `settle` brings the copies together from time to time. (Measured: 1.5 times the speed with two threads.)
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.simd import LANES, at, fma, load, prefetch, splat, store

ZERO, ONE = np.float32(0), np.float32(1)


@njit(nogil=True, forceinline=True)
def place(row: int, scale: int, hot: int, shift: int) -> int:
    """Where a row begins, or for the first `hot` of them this thread's copy of it: arithmetic, where a branch would
    often be guessed wrong.
    """
    return row * scale + (row < hot) * shift


@njit(nogil=True, forceinline=True)
def ask_for(table: NDArray[np.float32], row: int, stride: int) -> None:
    """Have the cache lines of one row fetched."""
    for k in range(0, stride, LANES):
        prefetch(table, row + k)


@njit(nogil=True, forceinline=True)
def ask_for_rows(
    table: NDArray[np.float32], stride: int, rows: NDArray[Any], first: int, last: int, scale: int, hot: int, shift: int
) -> None:
    """Have the cache lines of rows[first:last] fetched."""
    for i in range(first, last):
        ask_for(table, place(at(rows, i), scale, hot, shift), stride)


@njit(nogil=True, forceinline=True)
def mean(
    table: NDArray[np.float32],
    stride: int,
    rows: NDArray[Any],
    first: int,
    last: int,
    scale: int,
    hot: int,
    shift: int,
    result: NDArray[np.float32],
) -> None:
    """result[:stride] = the mean of rows[first:last]. In place.

    Four sums side by side: a single one would wait for each addition before the next.
    """
    share = splat(ONE / np.float32(last - first))
    for k in range(0, stride, LANES):
        a = b = c = d = splat(ZERO)
        i = first
        while i + 4 <= last:
            a = fma(load(table, place(at(rows, i), scale, hot, shift) + k), share, a)
            b = fma(load(table, place(at(rows, i + 1), scale, hot, shift) + k), share, b)
            c = fma(load(table, place(at(rows, i + 2), scale, hot, shift) + k), share, c)
            d = fma(load(table, place(at(rows, i + 3), scale, hot, shift) + k), share, d)
            i += 4
        while i < last:
            a = fma(load(table, place(at(rows, i), scale, hot, shift) + k), share, a)
            i += 1
        one = splat(ONE)
        store(result, k, fma(fma(a, one, b), one, fma(c, one, d)))


@njit(nogil=True, forceinline=True)
def add(
    table: NDArray[np.float32],
    stride: int,
    rows: NDArray[Any],
    first: int,
    last: int,
    scale: int,
    hot: int,
    shift: int,
    change: NDArray[np.float32],
    share: np.float32,
) -> None:
    """Add share * change[:stride] to each of rows[first:last]; to one that stands there twice, twice. In place."""
    for k in range(0, stride, LANES):
        step = fma(load(change, k), splat(share), splat(ZERO))
        for i in range(first, last):
            row = place(at(rows, i), scale, hot, shift) + k
            store(table, row, fma(step, splat(ONE), load(table, row)))


@njit(nogil=True, forceinline=True)
def settle(table: NDArray[np.float32], own: NDArray[np.float32], before: NDArray[np.float32], size: int) -> None:
    """Add to table[:size] what this thread changed in its copy since they last were equal; then they are. In place."""
    one = splat(ONE)
    for k in range(0, size, LANES):
        changed = fma(load(before, k), splat(-ONE), load(own, k))
        both = fma(changed, one, load(table, k))
        store(table, k, both)
        store(own, k, both)
        store(before, k, both)

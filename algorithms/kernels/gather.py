"""A hidden vector is the mean of some rows of a table, and what it learns goes back to them.

All arrays are in the layout of `kernels.rows`; rows are named by numbers times `scale`: by the offset of their first
float with scale 1, by their number with scale `stride`.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.simd import LANES, at, fma, load, prefetch, splat, store

ZERO, ONE = np.float32(0), np.float32(1)


@njit(nogil=True, forceinline=True)
def ask_for(table: NDArray[np.float32], row: int, stride: int) -> None:
    """Have the cache lines of one row fetched."""
    for k in range(0, stride, LANES):
        prefetch(table, row + k)


@njit(nogil=True, forceinline=True)
def ask_for_rows(
    table: NDArray[np.float32], stride: int, rows: NDArray[Any], first: int, last: int, scale: int
) -> None:
    """Have the cache lines of rows[first:last] fetched."""
    for i in range(first, last):
        ask_for(table, at(rows, i) * scale, stride)


@njit(nogil=True, forceinline=True)
def mean(
    table: NDArray[np.float32],
    stride: int,
    rows: NDArray[Any],
    first: int,
    last: int,
    scale: int,
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
            a = fma(load(table, at(rows, i) * scale + k), share, a)
            b = fma(load(table, at(rows, i + 1) * scale + k), share, b)
            c = fma(load(table, at(rows, i + 2) * scale + k), share, c)
            d = fma(load(table, at(rows, i + 3) * scale + k), share, d)
            i += 4
        while i < last:
            a = fma(load(table, at(rows, i) * scale + k), share, a)
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
    change: NDArray[np.float32],
    share: np.float32,
) -> None:
    """Add share * change[:stride] to each of rows[first:last]; to one that stands there twice, twice. In place."""
    for k in range(0, stride, LANES):
        step = fma(load(change, k), splat(share), splat(ZERO))
        for i in range(first, last):
            row = at(rows, i) * scale + k
            store(table, row, fma(step, splat(ONE), load(table, row)))

"""The layout in which kernels hold a table of vectors: flat, padded rows, aligned to a cache line.

A row of 100 floats takes 112, so that every row is whole vectors of LANES and, with the table's start aligned to 64
bytes, no load crosses a cache line (measured: 1.2 times the speed) and no two rows share one.
"""

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from algorithms.kernels.rng import HIGH, step
from algorithms.kernels.simd import LANES

CACHE_LINE = 64  # bytes


def stride_of(dim: int) -> int:
    """Floats from one row's start to the next: `dim` rounded up to whole vectors."""
    return -(-dim // LANES) * LANES


def unfilled(rows: int, *, dim: int) -> NDArray[np.float32]:
    """A flat array (rows * stride,) that starts at a cache line; what is in it is anything."""
    size = rows * stride_of(dim)
    room = np.empty(size + CACHE_LINE // 4, np.float32)
    skip = -(room.ctypes.data // 4) % (CACHE_LINE // 4)
    return room[skip : skip + size]


def packed(*tables: NDArray[np.float32], spare: int = 0) -> NDArray[np.float32]:
    """A flat copy (rows * stride,) of the (rows, D) tables one after the other, and `spare` rows of zeros."""
    dim = tables[0].shape[1]
    rows, stride = sum(len(table) for table in tables) + spare, stride_of(dim)
    flat = unfilled(rows, dim=dim)
    square, first = flat.reshape(rows, stride), 0
    for table in tables:
        square[first : first + len(table), :dim] = table
        first += len(table)
    square[:, dim:] = 0
    square[first:] = 0
    return flat


def unpacked(flat: NDArray[np.float32], first: int, last: int, *, dim: int) -> NDArray[np.float32]:
    """Rows first..last-1 of a flat table as a (rows, D) view."""
    return flat.reshape(-1, stride_of(dim))[first:last, :dim]


def in_place(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """The (rows, D) table as a flat one: itself where `unpacked` made it, else a copy."""
    rows, dim = table.shape
    stride, owner = stride_of(dim), table
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    before = (table.ctypes.data - owner.ctypes.data) // 4
    laid_out = (
        table.strides == (4 * stride, 4)
        and table.ctypes.data % CACHE_LINE == 0
        and table.flags.writeable
        and owner.nbytes >= 4 * (before + rows * stride)  # the last row's padding is there too
    )
    return as_strided(table, (rows * stride,), (4,)) if laid_out else packed(table)


@njit(nogil=True, cache=True)
def fill_uniform(
    flat: NDArray[np.float32], stride: int, dim: int, first: int, last: int, bound: float, rng: NDArray[np.uint64]
) -> None:
    """Rows first..last-1 drawn uniformly from +-bound, their padding zero. In place."""
    state, scale = rng[0], np.float32(bound * 2.0**-31)
    for row in range(first, last):
        for k in range(dim):
            state = step(state)
            flat[row * stride + k] = np.float32(np.int64(state >> HIGH) - 2**31) * scale
        for k in range(dim, stride):
            flat[row * stride + k] = 0
    rng[0] = state

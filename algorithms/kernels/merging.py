"""Rows of a table on their way to a mean over several processes, and back: one pass over the memory each way.

Tables are flat, row i at [i * stride : i * stride + size]; rows is the numbers of those that travel.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

ONE = np.float32(1)


@njit(nogil=True, cache=True)
def gather(
    table: NDArray[np.float32],
    stride: int,
    size: int,
    rows: NDArray[np.int64],
    own: NDArray[np.float32],
    packed: NDArray[np.float32],
) -> None:
    """packed[k * size :][:size] = row rows[k] times own[rows[k]], this process's part in the mean. In place."""
    for k in range(len(rows)):
        begin, share = rows[k] * stride, own[rows[k]]
        for j in range(size):
            packed[k * size + j] = table[begin + j] * share


@njit(nogil=True, cache=True)
def scatter(
    packed: NDArray[np.float32],
    size: int,
    rows: NDArray[np.int64],
    longer: NDArray[np.float32],
    base: NDArray[np.float32],
    base_stride: int,
    table: NDArray[np.float32],
    stride: int,
) -> None:
    """Row rows[k] of `table` = the total of what all have gathered, where their parts add up to longer[rows[k]], moved
    on from the row of `base` so that it is lengthened by that. In place.
    """
    for k in range(len(rows)):
        begin, start, rest = rows[k] * stride, rows[k] * base_stride, ONE - longer[rows[k]]
        if rest == 0:  # a third of the memory's work, for all arrays without a memory
            for j in range(size):
                table[begin + j] = packed[k * size + j]
        else:
            for j in range(size):
                table[begin + j] = packed[k * size + j] + base[start + j] * rest


def flat(table: NDArray[Any]) -> tuple[NDArray[Any], int, int]:
    """A table of rows as a flat view, its stride and the size of its rows. Rows may be padded; a copy where they are
    not one behind the other.
    """
    count = len(table)
    size = int(np.prod(table.shape[1:], dtype=np.int64))
    padded = table.ndim == 2 and table.strides[1] == table.itemsize and table.strides[0] % table.itemsize == 0
    if not padded or table.strides[0] < size * table.itemsize:
        table = np.ascontiguousarray(table).reshape(count, size)
    stride = table.strides[0] // table.itemsize
    shape = ((count - 1) * stride + size,) if count else (0,)
    return np.lib.stride_tricks.as_strided(table, shape, (table.itemsize,)), stride, size

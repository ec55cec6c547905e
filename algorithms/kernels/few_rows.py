"""A few rows times a matrix: what a request of ten pairs asks of a layer.

BLAS lays the whole matrix out anew for every product, which for a few rows takes longer than the product. Here it is
laid out once, in panels of LANES columns, which a product streams through, TILE rows at a time.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.simd import LANES, at, fma, load, splat, store
from algorithms.kernels.update import ZERO

TILE = 12  # rows: as many sums as fit into registers, beside what is added to them


def panels(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """A matrix (I, H) laid out for `product`: (ceil(H / LANES), I, LANES), filled up with zeros."""
    inner, width = matrix.shape
    padded = np.zeros((inner, -(-width // LANES) * LANES), np.float32)
    padded[:, :width] = matrix
    return np.ascontiguousarray(padded.reshape(inner, -1, LANES).transpose(1, 0, 2))


def product(rows: NDArray[np.float32], laid_out: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """The product (R, H) of rows (R, I) and the matrix (I, H) that `panels` has laid out. width: H."""
    count, inner = rows.shape
    tiles = -(-count // TILE)
    columns = np.zeros((tiles, inner, TILE), np.float32)
    for tile in range(tiles):
        part = rows[tile * TILE : (tile + 1) * TILE]
        columns[tile, :, : len(part)] = part.T
    result = np.empty((tiles * TILE, len(laid_out) * LANES), np.float32)
    _products(columns.reshape(-1), laid_out.reshape(-1), inner, tiles, len(laid_out), result.reshape(-1))
    return result[:count, :width]


@njit(nogil=True, cache=True)
def _products(
    columns: NDArray[np.float32],
    laid_out: NDArray[np.float32],
    inner: int,
    tiles: int,
    panels_count: int,
    result: NDArray[np.float32],
) -> None:
    """columns: of each tile I times TILE values. result: (tiles TILE, panels LANES), in place."""
    stride = panels_count * LANES
    for panel in range(panels_count):
        for tile in range(tiles):
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = s9 = s10 = s11 = splat(ZERO)
            weight, value = panel * inner * LANES, tile * inner * TILE
            for _ in range(inner):
                w = load(laid_out, weight)
                s0, s1 = fma(w, splat(at(columns, value)), s0), fma(w, splat(at(columns, value + 1)), s1)
                s2, s3 = fma(w, splat(at(columns, value + 2)), s2), fma(w, splat(at(columns, value + 3)), s3)
                s4, s5 = fma(w, splat(at(columns, value + 4)), s4), fma(w, splat(at(columns, value + 5)), s5)
                s6, s7 = fma(w, splat(at(columns, value + 6)), s6), fma(w, splat(at(columns, value + 7)), s7)
                s8, s9 = fma(w, splat(at(columns, value + 8)), s8), fma(w, splat(at(columns, value + 9)), s9)
                s10, s11 = fma(w, splat(at(columns, value + 10)), s10), fma(w, splat(at(columns, value + 11)), s11)
                weight, value = weight + LANES, value + TILE
            place = tile * TILE * stride + panel * LANES
            store(result, place, s0)
            store(result, place + stride, s1)
            store(result, place + 2 * stride, s2)
            store(result, place + 3 * stride, s3)
            store(result, place + 4 * stride, s4)
            store(result, place + 5 * stride, s5)
            store(result, place + 6 * stride, s6)
            store(result, place + 7 * stride, s7)
            store(result, place + 8 * stride, s8)
            store(result, place + 9 * stride, s9)
            store(result, place + 10 * stride, s10)
            store(result, place + 11 * stride, s11)

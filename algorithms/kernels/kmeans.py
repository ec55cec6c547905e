"""k-means around 256 centroids in few dimensions, as product quantisation needs it: the seeds and the step.

Points are (d, N), centroids (d, 256): a row for each dimension. The nearest centroid is the least of 256 integers:
the bits of a squared distance, which order as it does, with the centroid's number in the lowest eight. LLVM finds it
without a branch, many at a time; distances that differ by less than 2**-15 of themselves count as equal.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.rng import HIGH, step

CENTROIDS = 256
TALLIES = 2  # columns of `sums` before those of the points: their weight, their squared error

_NUMBER, _DISTANCE, _MOST = np.int32(CENTROIDS - 1), np.int32(-CENTROIDS), np.int32(0x7FFFFFFF)
_BLOCK = 1024  # points whose distances stay in the L1 cache


@njit(nogil=True, cache=True, fastmath={"contract"})
def assign(
    points: NDArray[np.float32],
    weights: NDArray[np.float32],
    centroids: NDArray[np.float32],
    codes: NDArray[np.uint8],
    sums: NDArray[np.float64],
) -> None:
    """Set codes (N,) to the nearest centroid of each point, and sums (256, 2 + d) to what belongs to each. In place.

    sums: the weight, the weighted squared error and the weighted sum of a centroid's points; weights are (N,).
    """
    last = points.shape[0] - 1
    distances = np.empty(CENTROIDS, np.float32)
    sums[:] = 0
    for i in range(points.shape[1]):
        distances[:] = 0
        for m in range(last):
            for k in range(CENTROIDS):
                apart = points[m, i] - centroids[m, k]
                distances[k] += apart * apart
        least = _MOST
        for k in range(CENTROIDS):
            apart = points[last, i] - centroids[last, k]
            # int32 at each step: numba would compute in 64 bits, half as many at a time
            bits = np.int32(np.float32(distances[k] + apart * apart).view(np.int32) & _DISTANCE)
            key = np.int32(bits | np.int32(k))
            least = key if key < least else least
        code = least & _NUMBER
        codes[i] = code
        weight = np.float64(weights[i])
        sums[code, 0] += weight
        sums[code, 1] += weight * np.int32(least & _DISTANCE).view(np.float32)
        for m in range(last + 1):
            sums[code, TALLIES + m] += weight * points[m, i]


@njit(nogil=True, cache=True, fastmath={"contract", "reassoc"})
def _approach(
    points: NDArray[np.float32],
    weights: NDArray[np.float32],
    chosen: int,
    errors: NDArray[np.float32],
    totals: NDArray[np.float64],
) -> None:
    """Lower each point's error (N,) to that from the point chosen, and add them up by blocks: totals. In place."""
    distances = np.empty(_BLOCK, np.float32)
    for block in range(totals.size):
        first = block * _BLOCK
        size = min(_BLOCK, points.shape[1] - first)
        distances[:] = 0
        for m in range(points.shape[0]):
            centre = points[m, chosen]
            for i in range(size):
                apart = points[m, first + i] - centre
                distances[i] += apart * apart
        total = np.float32(0)
        for i in range(size):
            error = min(weights[first + i] * distances[i], errors[first + i])
            errors[first + i] = error
            total += error
        totals[block] = total


@njit(nogil=True, cache=True)
def seed(points: NDArray[np.float32], weights: NDArray[np.float32], rng: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Numbers of 256 points that are far from each other; the same again when no other is left.

    k-means++ (Arthur & Vassilvitskii 2007): the chance of a point grows with its weight and with its squared distance
    from the nearest one chosen before. With points drawn evenly the error was twice as large (2026-11, a classifier
    of AG News): most rows are short, and some are very long.
    """
    chosen = np.zeros(CENTROIDS, np.int64)
    errors = weights.copy()  # before the first is chosen, all are as far
    totals = np.zeros(-(-weights.size // _BLOCK), np.float64)
    for i in range(weights.size):
        totals[i // _BLOCK] += weights[i]
    state = rng[0]
    for k in range(CENTROIDS):
        state = step(state)
        left = (state >> HIGH) / 4294967296.0 * totals.sum()
        block = 0
        while block < totals.size - 1 and left >= totals[block]:
            left -= totals[block]
            block += 1
        chosen[k] = chosen[max(0, k - 1)]
        for i in range(block * _BLOCK, min((block + 1) * _BLOCK, weights.size)):
            if errors[i] > 0:
                chosen[k] = i
                left -= errors[i]
                if left < 0:
                    break
        _approach(points, weights, chosen[k], errors, totals)
    rng[0] = state
    return chosen

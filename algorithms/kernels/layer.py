"""An output layer: one hidden vector against many output rows, each wanted (1) or not (0).

    score      s_j = h . c_j
    gradient   softmax:   g_j = rate (wanted_j - exp(s_j) / sum exp(s))
               logistic:  g_j = rate (wanted_j - sigmoid(s_j))
    apply      change = sum_j g_j c_j,  c_j += g_j h

Where `kernels.update` meets many inputs with few outputs, here is one input and there may be thousands of outputs. Rows
are addressed by the offset of their first float; `rows` is filled up to a multiple of TILE, with any row. All writes
are in place and without locks.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.simd import LANES, at, broadcast, exp, fma, load, splat, store, totals
from algorithms.kernels.update import ONE, ZERO, sigmoid

TILE = 12  # output rows that are scored together: as many sums as `totals` takes
PAD = LANES  # floats after the scores that a whole vector's store may overwrite
LEAST = 1e-30  # of a probability whose logarithm is taken


@njit(nogil=True, forceinline=True)
def all_rows(outputs: NDArray[np.float32], stride: int) -> NDArray[np.int64]:
    """The offsets of all rows, filled up to whole tiles with the first."""
    count = outputs.size // stride
    rows = np.zeros((count + TILE) // TILE * TILE, np.int64)
    for j in range(count):
        rows[j] = j * stride
    return rows


@njit(nogil=True, forceinline=True)
def score(
    hidden: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    rows: NDArray[np.int64],
    count: int,
    scores: NDArray[np.float32],
) -> None:
    """scores[j] = hidden . outputs row rows[j] for j < count. In place."""
    for j in range(0, count, TILE):
        c0, c1, c2, c3 = at(rows, j), at(rows, j + 1), at(rows, j + 2), at(rows, j + 3)
        c4, c5, c6, c7 = at(rows, j + 4), at(rows, j + 5), at(rows, j + 6), at(rows, j + 7)
        c8, c9, c10, c11 = at(rows, j + 8), at(rows, j + 9), at(rows, j + 10), at(rows, j + 11)
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = s8 = s9 = s10 = s11 = splat(ZERO)
        for k in range(0, stride, LANES):
            h = load(hidden, k)
            s0, s1 = fma(h, load(outputs, c0 + k), s0), fma(h, load(outputs, c1 + k), s1)
            s2, s3 = fma(h, load(outputs, c2 + k), s2), fma(h, load(outputs, c3 + k), s3)
            s4, s5 = fma(h, load(outputs, c4 + k), s4), fma(h, load(outputs, c5 + k), s5)
            s6, s7 = fma(h, load(outputs, c6 + k), s6), fma(h, load(outputs, c7 + k), s7)
            s8, s9 = fma(h, load(outputs, c8 + k), s8), fma(h, load(outputs, c9 + k), s9)
            s10, s11 = fma(h, load(outputs, c10 + k), s10), fma(h, load(outputs, c11 + k), s11)
        store(scores, j, totals(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11))


@njit(nogil=True, forceinline=True)
def softmax(scores: NDArray[np.float32], count: int) -> None:
    """Scores become probabilities that sum to one. In place."""
    highest = scores[0]
    for j in range(1, count):
        highest = max(highest, scores[j])
    for j in range(0, count, LANES):
        store(scores, j, exp(fma(splat(-highest), splat(ONE), load(scores, j))))
    total = ZERO
    for j in range(count):
        total += scores[j]
    share = ONE / total
    for j in range(count):
        scores[j] *= share


@njit(nogil=True, forceinline=True)
def logistic(scores: NDArray[np.float32], count: int) -> None:
    """Each score becomes a probability of its own, within 1e-4. In place."""
    for j in range(0, count, LANES):
        store(scores, j, sigmoid(load(scores, j)))


@njit(nogil=True)
def loss(probabilities: NDArray[np.float32], wanted: NDArray[np.float32], count: int, alternatives: bool) -> float:
    """Minus the logarithm of what was wanted, in nats; of what was not, too, unless they are `alternatives`."""
    total = 0.0
    for j in range(count):
        if wanted[j] > 0:
            total -= np.log(max(np.float64(probabilities[j]), LEAST))
        elif not alternatives:
            total -= np.log(max(1 - np.float64(probabilities[j]), LEAST))
    return total


@njit(nogil=True, forceinline=True)
def gradient(scores: NDArray[np.float32], wanted: NDArray[np.float32], count: int, rate: np.float32) -> None:
    """From probabilities to rate * (wanted - probability). In place."""
    for j in range(count):
        scores[j] = rate * (wanted[j] - scores[j])


@njit(nogil=True, forceinline=True)
def apply(
    hidden: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    rows: NDArray[np.int64],
    count: int,
    gradients: NDArray[np.float32],
    change: NDArray[np.float32],
) -> None:
    """Change = sum_j g_j c_j and c_j += g_j h; a row that comes a second time is as the first left it. In place."""
    for k in range(0, stride, LANES):
        h, total = load(hidden, k), splat(ZERO)
        for j in range(count):
            row, g = at(rows, j) + k, broadcast(gradients, j)
            c = load(outputs, row)
            total = fma(g, c, total)
            store(outputs, row, fma(g, h, c))
        store(change, k, total)

"""The one update that all modes share: some input rows against a tile of output rows, logistic loss.

    score      s_ij = x_i . c_j                       inputs x_i, outputs c_j
    gradient   g_ij = rate (label_j - sigmoid(s_ij))  label 1 for the first output of a group, 0 for the negatives
    apply      x_i += sum_j g_ij c_j,  c_j += sum_i g_ij x_i

An output tile is six rows (a word and its five negatives), held in registers while the inputs pass by: each row is
loaded and stored once an update (pWord2Vec's matrix products, Ji et al. 2016, without the copies that BLAS needs).
Rows are addressed by the offset of their first float in a flat array; all writes are in place and without locks
(Hogwild: Recht et al. 2011). Knows no words, windows or modes.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.simd import LANES, at, broadcast, clip, divide, fma, load, splat, store, totals

TILE = 6  # output rows an update holds in registers: with two inputs' sums, 12 of them and 8 more
PAD = LANES  # floats after the scores that a whole vector's store may overwrite

ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)
LARGEST = np.float32(4.9)  # of |x/2|, where the approximation's sigmoid is within 1e-4 of 0 or 1
N0, N1, N2 = np.float32(135135), np.float32(17325), np.float32(378)
D0, D1, D2, D3 = np.float32(135135), np.float32(62370), np.float32(3150), np.float32(28)


@njit(nogil=True, forceinline=True)
def sigmoid(x: Any) -> Any:
    """Sixteen times 1 / (1 + exp(-x)) by Lambert's continued fraction of tanh(x/2), within 1e-4: no table."""
    y = clip(fma(x, splat(HALF), splat(ZERO)), splat(LARGEST))
    q = fma(y, y, splat(ZERO))
    above = fma(y, fma(fma(fma(q, splat(ONE), splat(N2)), q, splat(N1)), q, splat(N0)), splat(ZERO))
    below = fma(fma(fma(q, splat(D3), splat(D2)), q, splat(D1)), q, splat(D0))
    return fma(divide(above, below), splat(HALF), splat(HALF))


@njit(nogil=True, forceinline=True)
def score(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    x: NDArray[np.int64],
    count: int,
    c: NDArray[np.int64],
    first: int,
    scores: NDArray[np.float32],
) -> None:
    """scores[6 i + j] = inputs row x[i] . outputs row c[first + j] for i < count, j < 6. In place.

    Two inputs at a time, so that each output block is loaded once for both; an odd last one is paired with itself.
    """
    c0, c1, c2 = at(c, first), at(c, first + 1), at(c, first + 2)
    c3, c4, c5 = at(c, first + 3), at(c, first + 4), at(c, first + 5)
    for i in range(0, count, 2):
        xa, xb = at(x, i), at(x, min(i + 1, count - 1))
        a0 = a1 = a2 = a3 = a4 = a5 = splat(ZERO)
        b0 = b1 = b2 = b3 = b4 = b5 = splat(ZERO)
        for k in range(0, stride, LANES):
            u, v = load(inputs, xa + k), load(inputs, xb + k)
            w = load(outputs, c0 + k)
            a0, b0 = fma(u, w, a0), fma(v, w, b0)
            w = load(outputs, c1 + k)
            a1, b1 = fma(u, w, a1), fma(v, w, b1)
            w = load(outputs, c2 + k)
            a2, b2 = fma(u, w, a2), fma(v, w, b2)
            w = load(outputs, c3 + k)
            a3, b3 = fma(u, w, a3), fma(v, w, b3)
            w = load(outputs, c4 + k)
            a4, b4 = fma(u, w, a4), fma(v, w, b4)
            w = load(outputs, c5 + k)
            a5, b5 = fma(u, w, a5), fma(v, w, b5)
        store(scores, TILE * i, totals(a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5))


@njit(nogil=True, forceinline=True)
def apply(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    x: NDArray[np.int64],
    count: int,
    c: NDArray[np.int64],
    first: int,
    gradient: NDArray[np.float32],
) -> None:
    """x_i += sum_j g_ij c_j and c_j += sum_i g_ij x_i, both with the rows as they were. In place."""
    c0, c1, c2 = at(c, first), at(c, first + 1), at(c, first + 2)
    c3, c4, c5 = at(c, first + 3), at(c, first + 4), at(c, first + 5)
    for k in range(0, stride, LANES):
        w0, w1, w2 = load(outputs, c0 + k), load(outputs, c1 + k), load(outputs, c2 + k)
        w3, w4, w5 = load(outputs, c3 + k), load(outputs, c4 + k), load(outputs, c5 + k)
        n0, n1, n2, n3, n4, n5 = w0, w1, w2, w3, w4, w5
        for i in range(count):
            row, g = at(x, i) + k, TILE * i
            u = load(inputs, row)
            v = u
            s = broadcast(gradient, g)
            n0, v = fma(s, u, n0), fma(s, w0, v)
            s = broadcast(gradient, g + 1)
            n1, v = fma(s, u, n1), fma(s, w1, v)
            s = broadcast(gradient, g + 2)
            n2, v = fma(s, u, n2), fma(s, w2, v)
            s = broadcast(gradient, g + 3)
            n3, v = fma(s, u, n3), fma(s, w3, v)
            s = broadcast(gradient, g + 4)
            n4, v = fma(s, u, n4), fma(s, w4, v)
            s = broadcast(gradient, g + 5)
            n5, v = fma(s, u, n5), fma(s, w5, v)
            store(inputs, row, v)
        store(outputs, c0 + k, n0)
        store(outputs, c1 + k, n1)
        store(outputs, c2 + k, n2)
        store(outputs, c3 + k, n3)
        store(outputs, c4 + k, n4)
        store(outputs, c5 + k, n5)


@njit(nogil=True, forceinline=True)
def gradient(scores: NDArray[np.float32], count: int, used: int, positive: bool, rate: np.float32) -> None:
    """From scores to rate * (label - sigmoid). In place.

    used: how many of a tile's six outputs count, the others' gradient is 0; positive: the first of them is the word
    itself, not a negative.
    """
    for i in range(0, TILE * count, LANES):
        store(scores, i, fma(sigmoid(load(scores, i)), splat(-rate), splat(ZERO)))
    for i in range(count):
        if positive:
            scores[TILE * i] += rate
        for j in range(used, TILE):
            scores[TILE * i + j] = ZERO


@njit(nogil=True)
def loss(scores: NDArray[np.float32], count: int, used: int, positive: bool) -> float:
    """The sum of -log sigmoid(s) for the word and -log sigmoid(-s) for its negatives, in nats."""
    total = 0.0
    for i in range(count):
        for j in range(used):
            s = np.float64(scores[TILE * i + j])
            if positive and j == 0:
                s = -s
            total += np.log1p(np.exp(-abs(s))) + max(s, 0.0)
    return total


@njit(nogil=True, forceinline=True)
def train_group(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    x: NDArray[np.int64],
    count: int,
    c: NDArray[np.int64],
    first: int,
    group: int,
    rate: np.float32,
    scores: NDArray[np.float32],
    watch: bool,
) -> float:
    """One step of `count` inputs against the word c[first] and its group - 1 negatives behind it. In place.

    Six outputs at a time; c is filled up to a whole tile with the last row of outputs, nobody's, which may also stand
    at the end of the group, for negatives that were not found: it is zero and stays so. Returns the loss before the
    step where `watch` is set (it costs more than the step), else 0.
    """
    watched, nobody = 0.0, outputs.size - stride
    for tile in range(0, group, TILE):
        used = min(TILE, group - tile)
        score(inputs, outputs, stride, x, count, c, first + tile, scores)
        if watch:
            found = used
            while found > 0 and at(c, first + tile + found - 1) == nobody:
                found -= 1
            watched += loss(scores, count, found, tile == 0)
        gradient(scores, count, used, tile == 0, rate)
        apply(inputs, outputs, stride, x, count, c, first + tile, scores)
        if at(c, first + tile + used - 1) == nobody:  # cheaper than leaving it out: 15 % of skipgram's time
            for k in range(nobody, outputs.size):
                outputs[k] = ZERO
    return watched

"""Loops of the topic models: the chances of words, normalising, draws from posteriors.

A mini-batch is B documents with N entries, words that they have, out of a vocabulary of V. Each loop passes once over
numbers that tensor operations would pass over five or ten times.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.simd import LANES, exp, fma, larger, load, splat, store

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Matrix = NDArray[np.float32]

LOOPS_ON = "cpu"  # where a loop over the numbers is faster than ten operations on tensors
SUMS = {"reassoc", "contract", "nsz"}  # sums in any order, while infinity stays what it is


@njit(nogil=True, cache=True)
def _highest(values: Floats, start: int, stop: int, lanes: Floats) -> np.float32:
    """The largest of values[start : stop]; lanes (LANES,) is room to work in."""
    first = splat(values[start])
    second = first
    at = start
    while at + 2 * LANES <= stop:  # two at a time: each waits for the one before it
        first = larger(first, load(values, at))
        second = larger(second, load(values, at + LANES))
        at += 2 * LANES
    store(lanes, 0, larger(first, second))
    highest: np.float32 = lanes.max()
    for j in range(at, stop):
        highest = max(highest, values[j])
    return highest


# without fastmath, which would take `exp` apart
@njit(nogil=True, cache=True, error_model="numpy")
def surprise(
    scores: NDArray[np.float32], first: int, owners: Ints, columns: Ints, inputs: Floats, counts: Floats,
    nats: Floats, factor: Floats,
) -> None:  # fmt: skip
    """What words cost when chances are the softmax of scores (R, V); scores become slopes of that. In place.

    R documents, `first` in the mini-batch being the first of them, with N entries: owners, columns, inputs, counts.
    nats (R,) gets what the counts cost; factor (R,) what a row must be multiplied by to be the slopes of what the
    inputs cost, 0 for a document without words.
    """
    rows, words = scores.shape
    flat = scores.reshape(-1)
    whole = words - words % LANES
    lanes = np.empty(LANES, np.float32)
    one = splat(np.float32(1))
    entry = 0
    for row in range(rows):
        start, begin = row * words, entry
        highest = _highest(flat, start, start + words, lanes)
        cost, length, shown = np.float32(0), np.float32(0), np.float32(0)
        while entry < owners.size and owners[entry] == first + row:
            cost -= counts[entry] * (flat[start + columns[entry]] - highest)
            length += counts[entry]
            shown += inputs[entry]
            entry += 1
        low, sums = splat(-highest), splat(np.float32(0))
        for j in range(start, start + whole, LANES):
            share = exp(fma(one, load(flat, j), low))
            store(flat, j, share)
            sums = fma(one, share, sums)
        store(lanes, 0, sums)
        total = lanes.sum()
        for j in range(start + whole, start + words):
            flat[j] = math.exp(flat[j] - highest)
            total += flat[j]
        nats[row] = cost + length * math.log(total)
        factor[row] = shown / total
        scale = total / shown
        for each in range(begin, entry):
            flat[start + columns[each]] -= inputs[each] * scale


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def scaled(epsilon: float, decoder: Matrix, spread: Matrix, variance: Floats, scale: Floats, topics: Matrix) -> None:
    """What makes the variances of scores 1, and the decoder (K, V) times that. In place.

    spread (K, V) is the covariance of the mixtures, (K, K), times the decoder. variance, scale (V,) and topics (K, V)
    are set.
    """
    _sum_products(decoder, spread, variance)
    for word in range(scale.size):
        scale[word] = np.float32(1) / math.sqrt(variance[word] + np.float32(epsilon))
    for topic in range(len(decoder)):
        weights, result = decoder[topic], topics[topic]
        for word in range(scale.size):
            result[word] = weights[word] * scale[word]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def scaled_back(decoder: Matrix, scale: Floats, slopes: Matrix, spread: Matrix) -> None:
    """The way back. In place.

    slopes (K, V) by the topics become those by the decoder, for mixtures that stay; spread becomes the decoder times
    the slopes by the variances.
    """
    by_variance = np.empty_like(scale)
    _sum_products(decoder, slopes, by_variance)
    for word in range(scale.size):
        by_variance[word] *= np.float32(-0.5) * scale[word] * scale[word] * scale[word]
    for topic in range(len(decoder)):
        weights, slope, products = decoder[topic], slopes[topic], spread[topic]
        for word in range(scale.size):
            slope[word] = slope[word] * scale[word] + np.float32(2) * by_variance[word] * products[word]
            products[word] = weights[word] * by_variance[word]


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _sum_products(left: Matrix, right: Matrix, sums: Floats) -> None:
    """Sums (W,) over the rows of two matrices (K, W), multiplied number by number."""
    sums[:] = 0
    for row in range(len(left)):
        some, others = left[row], right[row]
        for j in range(sums.size):
            sums[j] += some[j] * others[j]


@njit(nogil=True, cache=True, fastmath=SUMS, error_model="numpy")
def normalised_back(slope: Matrix, normal: Matrix, scale: Floats, result: Matrix) -> None:
    """The slopes (B, H) by values, given those by the normalised ones: see `layers.normalised`. In place."""
    share = np.float32(1 / max(1, len(slope)))
    mean, product = np.zeros_like(scale), np.zeros_like(scale)
    for row in range(len(slope)):
        given, values = slope[row], normal[row]
        for j in range(scale.size):
            mean[j] += given[j] * share
            product[j] += given[j] * values[j] * share
    for row in range(len(slope)):
        given, values, found = slope[row], normal[row], result[row]
        for j in range(scale.size):
            found[j] = (given[j] - mean[j] - values[j] * product[j]) * scale[j]


@njit(nogil=True, cache=True)
def _exponentials(values: Floats) -> None:
    """Of values of at most 88; their number is a multiple of LANES. In place. Who calls it is without fastmath, too."""
    for j in range(0, values.size, LANES):
        store(values, j, exp(load(values, j)))


@njit(nogil=True, cache=True, error_model="numpy")
def latent(
    half: float, shares: bool, variance: float, widest: float,
    heads: Matrix, normal: Matrix, kept: Matrix, sigma: Matrix, share: Matrix, mixture: Matrix, kld: Floats,
) -> None:  # fmt: skip
    """Draws from posteriors, what they mean, and their divergence: see `latent._by_tensors`. In place."""
    topics = normal.shape[1]
    wide, inverse = np.float32(widest), np.float32(1 / (2 * variance))
    room = np.zeros((topics + LANES - 1) // LANES * LANES, np.float32)
    for row in range(len(heads)):
        spreads = np.float32(0)
        for k in range(topics):
            room[k] = min(max(heads[row, topics + k] * np.float32(half), -wide), wide)
            spreads += room[k]
        _exponentials(room)
        squares = np.float32(0)
        for k in range(topics):
            mean = heads[row, k]
            squares += mean * mean + room[k] * room[k]
            sigma[row, k] = room[k]
            share[row, k] = mean + room[k] * normal[row, k]
        kld[row] = squares * inverse - spreads + np.float32(topics * (math.log(variance) - 1) / 2)
        if shares:
            _softmax(share[row], room)
        for k in range(topics):
            share[row, k] = max(share[row, k], np.float32(0))
            mixture[row, k] = share[row, k] * kept[row, k]


@njit(nogil=True, cache=True, error_model="numpy")
def _softmax(values: Floats, room: Floats) -> None:
    """In place; room is as large, rounded up to LANES."""
    highest = values.max()
    for k in range(values.size):
        room[k] = values[k] - highest
    _exponentials(room)
    total = np.float32(0)
    for k in range(values.size):
        total += room[k]
    for k in range(values.size):
        values[k] = room[k] / total


@njit(nogil=True, cache=True, fastmath=SUMS, error_model="numpy")
def latent_back(
    half: float, shares: bool, variance: float,
    heads: Matrix, normal: Matrix, kept: Matrix, sigma: Matrix, share: Matrix, slope: Matrix, weight: Floats,
    result: Matrix,
) -> None:  # fmt: skip
    """The slopes by the heads, given those by the mixture: see `latent.Draw.back`. In place."""
    topics = normal.shape[1]
    inverse = np.float32(1 / variance)
    for row in range(len(heads)):
        common = np.float32(0)
        if shares:
            for k in range(topics):
                common += slope[row, k] * kept[row, k] * share[row, k]
        for k in range(topics):
            by_share = slope[row, k] * kept[row, k] - common
            rate = share[row, k] if shares else np.float32(share[row, k] > 0)
            by_draw = by_share * rate
            wide = sigma[row, k]
            by_spread = by_draw * wide * normal[row, k] + weight[row] * (wide * wide * inverse - np.float32(1))
            result[row, k] = by_draw + weight[row] * inverse * heads[row, k]
            result[row, topics + k] = by_spread * np.float32(half)

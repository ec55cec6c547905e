"""Loops of the topic models: mini-batches out of sparse rows, the chances of words.

A mini-batch is B documents with N entries, words that they have, out of a vocabulary of V. Each loop passes once over
numbers that tensor operations would pass over five or ten times.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.simd import LANES, exp, fma, load, splat, store

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@njit(nogil=True, cache=True)
def take(
    starts: Ints, words: Ints, counts: Floats, chosen: NDArray[np.int64],
    begins: Ints, lengths: Floats, owners: Ints, ids: Ints, values: Floats,
) -> None:  # fmt: skip
    """Copy the chosen rows of a CSR matrix (starts, words, counts). In place.

    begins and lengths (B,) get where each row begins and its sum; owners, ids and values (N,) each entry's row, word
    and count.
    """
    at = 0
    for row in range(chosen.size):
        begins[row] = at
        total = np.float32(0)
        for entry in range(starts[chosen[row]], starts[chosen[row] + 1]):
            owners[at] = row
            ids[at] = words[entry]
            values[at] = counts[entry]
            total += counts[entry]
            at += 1
        lengths[row] = total


@njit(nogil=True, cache=True)
def sort_by_word(ids: Ints, owners: Ints, begins: Ints, order: Ints, sorted_owners: Ints) -> None:
    """The same entries word by word. In place.

    begins (V,), all zeros, gets where each word's entries begin; order (N,) which entries they are, sorted_owners (N,)
    their rows.
    """
    for entry in range(ids.size):
        if ids[entry] + 1 < begins.size:
            begins[ids[entry] + 1] += 1
    for word in range(1, begins.size):
        begins[word] += begins[word - 1]
    for entry in range(ids.size):  # each word's beginning moves to its end, where the next one begins
        place = begins[ids[entry]]
        begins[ids[entry]] += 1
        order[place] = entry
        sorted_owners[place] = owners[entry]
    for word in range(begins.size - 1, 0, -1):
        begins[word] = begins[word - 1]
    begins[0] = 0


@njit(nogil=True, cache=True)
def _highest(values: Floats, lanes: Floats) -> np.float32:
    """The largest value. LANES of them are compared at a time, which LLVM does not make of numba's max()."""
    lanes[:] = values[0]
    whole = values.size - values.size % LANES
    for j in range(0, whole, LANES):
        for k in range(LANES):
            lanes[k] = values[j + k] if values[j + k] > lanes[k] else lanes[k]
    highest: np.float32 = lanes[0]
    for k in range(LANES):
        highest = max(highest, lanes[k])
    for j in range(whole, values.size):
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
        highest = _highest(flat[start : start + words], lanes)
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
        for each in range(begin, entry):
            flat[start + columns[each]] -= inputs[each] * total / shown

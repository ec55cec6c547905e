"""Loops that make a mini-batch: B documents with N entries, words that they have, out of sparse rows."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.simd import prefetch_early

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

AHEAD = 8  # rows whose memory is asked for before they are read


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
        if row + AHEAD < chosen.size:  # rows lie anywhere
            prefetch_early(words, starts[chosen[row + AHEAD]])
            prefetch_early(counts, starts[chosen[row + AHEAD]])
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

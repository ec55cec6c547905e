"""Which words a kernel trains on: thinning of frequent ones, negatives from an alias table.

Thinning: Mikolov et al. 2013, "Distributed Representations of Words and Phrases", as word2vec.c and fastText do it.
Alias method: Walker 1977, Vose 1991. Eight bytes a word, so the table of a usual vocabulary stays in the L2 cache,
where word2vec.c's table of 10**8 entries misses at every draw.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.rng import HIGH, signed, step

SENTENCE_END = -1  # as in data.corpus, which kernels do not see
ONE = 1 << 32  # a probability of 1 in 32-bit fixed point
MAX_WORDS = 1 << 28  # of an alias table: 36 random bits choose the slot

_SLOT = np.uint64(36)
_FRACTION = np.uint64(4)
_LOW = np.uint64(0xFFFFFFFF)
_UNUSED = np.uint64(28)


def keep_thresholds(counts: NDArray[np.int64], *, sampling_threshold: float) -> NDArray[np.uint32]:
    """The chance, (V,) in 1/2**32, that one occurrence of a word is kept: sqrt(t/f) + t/f for frequency f."""
    ratio = sampling_threshold * counts.sum() / np.maximum(counts, 1)
    return np.asarray(np.minimum((np.sqrt(ratio) + ratio) * ONE, ONE - 1), np.uint32)


def noise_distribution(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The chance of each word as a negative: the square root of its count, normalised.

    fastText's exponent; word2vec.c's 3/4 measured worse (2026-11, Wikipedia in text8's form, batch_skipgram, three
    seeds each: mean_rho .672 against .696, and .687 when repeated, with equal analogies).
    """
    noise = np.sqrt(counts.astype(np.float64))
    return np.asarray(noise / noise.sum())


@njit(nogil=True, cache=True)
def _alias_rows(scaled: NDArray[np.float64]) -> NDArray[np.uint32]:
    size = scaled.size
    table = np.empty((size, 2), np.uint32)
    small, large = np.empty(size, np.int64), np.empty(size, np.int64)
    smalls, larges = 0, 0
    for word in range(size):
        table[word, 0], table[word, 1] = 0xFFFFFFFF, word
        if scaled[word] < 1:
            small[smalls] = word
            smalls += 1
        else:
            large[larges] = word
            larges += 1
    while smalls and larges:
        smalls -= 1
        word, rich = small[smalls], large[larges - 1]
        table[word, 0], table[word, 1] = np.uint32(scaled[word] * 4294967295.0), rich
        scaled[rich] -= 1 - scaled[word]
        if scaled[rich] < 1:
            larges -= 1
            small[smalls] = rich
            smalls += 1
    return table


def alias_table(probabilities: NDArray[np.float64]) -> NDArray[np.uint32]:
    """(V, 2) uint32: in each slot the chance to stay, in 1/2**32, and the word taken otherwise."""
    assert probabilities.size < MAX_WORDS
    return np.asarray(_alias_rows(probabilities * probabilities.size))


@njit(nogil=True, forceinline=True)
def draw(state: np.uint64, alias: NDArray[np.uint32]) -> int:
    """A word from the alias table, by the bits of one state: 36 choose the slot, the rest below it the side."""
    product = (state >> _UNUSED) * np.uint64(alias.shape[0])
    slot = signed(product >> _SLOT)
    if ((product >> _FRACTION) & _LOW) < np.uint64(alias[slot, 0]):
        return slot
    return signed(alias[slot, 1])


@njit(nogil=True, forceinline=True)
def thin(
    ids: NDArray[np.int32],
    position: int,
    keep: NDArray[np.uint32],
    state: np.uint64,
    sentence: NDArray[np.int64],
    seen: NDArray[np.int64],
) -> tuple[int, int, np.uint64]:
    """Fill `sentence` with the words that are kept up to the sentence's end, or until it is full. In place.

    Counts every word kept in `seen` (V,). Returns how many there are, where to go on, and the generator's state.
    """
    length = 0
    while position < ids.size and length < sentence.size:
        word = ids[position]
        position += 1
        if word == SENTENCE_END:
            break
        state = step(state)
        if (state >> HIGH) < np.uint64(keep[word]):
            sentence[length] = word
            length += 1
            seen[word] += 1
    return length, position, state


@njit(nogil=True, forceinline=True)
def draw_negatives(
    state: np.uint64,
    alias: NDArray[np.uint32],
    stride: int,
    nobody: int,
    rows: NDArray[np.int64],
    first: int,
    last: int,
) -> np.uint64:
    """Fill rows[first + 1 : last] with the offsets of words drawn at random, each other than those before it from
    `first` on. In place.

    A row twice in one update would lose one of its two increments. Where the vocabulary is too small to find
    another word, the row `nobody`, which stays zero, is taken for it and all that follow.
    """
    for at in range(first + 1, last):
        row = nobody
        for _ in range(8 * (rows[at - 1] != nobody)):
            state = step(state)
            row = draw(state, alias) * stride
            for before in range(first, at):
                if rows[before] == row:
                    row = nobody
                    break
            if row != nobody:
                break
        rows[at] = row
    return state

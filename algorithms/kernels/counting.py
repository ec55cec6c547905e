"""Counting words: one pass over bytes fills an open-addressing hash table and writes a provisional id a token.

Knows bytes and integers only. The table is a few flat arrays; when one is full the kernel stops where it is and
says so, the caller grows it (`rehash` for the slots) and calls again with the same position.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.sampling import SENTENCE_END

FNV_OFFSET = np.uint64(14695981039346656037)
FNV_PRIME = np.uint64(1099511628211)

# indices into the `cursor` array that survives between calls
POSITION, WORDS, BYTES, TOKENS, OPEN = range(5)  # OPEN: 1 within a sentence, which the next text may end


@njit(nogil=True, forceinline=True)
def is_space(byte: int) -> bool:
    """Whether a byte separates tokens, as in fastText: NUL, tab, newline, vertical tab, form feed, return, space."""
    return byte == 32 or byte == 0 or 9 <= byte <= 13


@njit(nogil=True, cache=True)
def rehash(slots: NDArray[np.int32], hashes: NDArray[np.uint64], words: int) -> None:
    """Fill `slots` (a power of two of -1) with the ids 0..words-1. In place."""
    mask = np.uint64(slots.size - 1)
    for word in range(words):
        slot = hashes[word] & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = word


@njit(nogil=True, cache=True)
def scan(
    text: NDArray[np.uint8],
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    ends: NDArray[np.int64],
    letters: NDArray[np.uint8],
    counts: NDArray[np.int64],
    ids: NDArray[np.int32],
    cursor: NDArray[np.int64],
) -> bool:
    """Read tokens from `text` on; True when the text is done, False when a table must grow first. In place.

    A newline ends a sentence, written as -1 after a sentence that has tokens; see `is_space` for what separates them.

    slots: (power of two,) int32, -1 or a word's id; hashes: (W,) uint64 FNV-1a; ends: (W,) where each word ends in
    letters; counts: (W,); ids: (T,) int32, provisional ids in order of first occurrence; cursor: see the constants.
    """
    position, words, used, tokens = cursor[POSITION], cursor[WORDS], cursor[BYTES], cursor[TOKENS]
    within = cursor[OPEN] == 1
    size = text.size
    mask = np.uint64(slots.size - 1)
    finished = True
    while position < size:
        byte = text[position]
        if is_space(byte):
            if byte == 10 and within:
                ids[tokens] = SENTENCE_END
                tokens += 1
                within = False
            position += 1
            continue
        start = position
        code = FNV_OFFSET
        while position < size:
            byte = text[position]
            if is_space(byte):
                break
            code = (code ^ np.uint64(byte)) * FNV_PRIME
            position += 1
        code ^= code >> np.uint64(29)
        length = position - start
        slot = code & mask
        word = slots[slot]
        while word >= 0:
            if hashes[word] == code:
                first = ends[word - 1] if word > 0 else 0
                if ends[word] - first == length:
                    same = True
                    for i in range(length):
                        if letters[first + i] != text[start + i]:
                            same = False
                            break
                    if same:
                        break
            slot = (slot + np.uint64(1)) & mask
            word = slots[slot]
        if word < 0:
            if words == counts.size or 2 * words >= slots.size or used + length > letters.size:
                position = start
                finished = False
                break
            word = words
            words += 1
            slots[slot] = word
            hashes[word] = code
            for i in range(length):
                letters[used + i] = text[start + i]
            used += length
            ends[word] = used
            counts[word] = 0
        counts[word] += 1
        ids[tokens] = word
        tokens += 1
        within = True
    cursor[OPEN] = within
    cursor[POSITION], cursor[WORDS], cursor[BYTES], cursor[TOKENS] = position, words, used, tokens
    return finished

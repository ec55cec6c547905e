"""fastText's character n-grams and their hash buckets, bit for bit (facebookresearch/fastText, src/dictionary.cc).

Knows UTF-8 and integers; the tests have the same in plain Python.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

END_OF_SENTENCE = "</s>"  # fastText's own mark; it has no n-grams
FNV_OFFSET = np.uint32(2166136261)
FNV_PRIME = np.uint32(16777619)


OPEN, CLOSE = np.uint8(ord("<")), np.uint8(ord(">"))  # stand before and behind every word


@njit(nogil=True, forceinline=True)
def _letter(text: NDArray[np.uint8], first: int, last: int, position: int) -> np.uint8:
    """A byte of "<word>", the word being text[first:last] and its first letter at position 1."""
    if position == 0:
        return OPEN
    return CLOSE if position == last - first + 1 else text[first + position - 1]


@njit(nogil=True)
def character_buckets(
    text: NDArray[np.uint8],
    first: int,
    last: int,
    min_char: int,
    max_char: int,
    buckets: int,
    found: NDArray[np.int64],
) -> int:
    """How many n-grams the word text[first:last] has; their buckets go to `found` while it has room. In place."""
    size, count = last - first + 2, 0
    for begin in range(size):
        if _letter(text, first, last, begin) & 0xC0 == 0x80:  # inside a character
            continue
        code, position, length = FNV_OFFSET, begin, 0
        while position < size and length < max_char:
            while True:
                # fastText hashes signed chars: bytes from 128 on reach the hash as 0xFFFFFF80..0xFFFFFFFF
                letter = _letter(text, first, last, position)
                code = np.uint32((code ^ np.uint32(np.int8(letter))) * FNV_PRIME)
                position += 1
                if position == size or _letter(text, first, last, position) & 0xC0 != 0x80:
                    break
            length += 1
            if length >= min_char and not (length == 1 and (begin == 0 or position == size)):
                if count < found.size:
                    found[count] = code % np.uint32(buckets)
                count += 1
    return count


@njit(nogil=True, cache=True)
def _buckets_of(
    letters: NDArray[np.uint8],
    ends: NDArray[np.int64],
    is_mark: NDArray[np.bool_],
    min_char: int,
    max_char: int,
    buckets: int,
    starts: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """The n-grams of each word: where they start in all, and their buckets as far as `found` has room. In place."""
    first = 0
    for word in range(ends.size):
        starts[word + 1] = starts[word]
        if not is_mark[word]:
            room = found[starts[word] :]
            starts[word + 1] += character_buckets(letters, first, ends[word], min_char, max_char, buckets, room)
        first = ends[word]


def word_buckets(
    words: Sequence[str], *, min_char: int, max_char: int, buckets: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hash buckets of the n-grams of "<word>", min_char to max_char characters long, for each word.

    Returns starts (W + 1,) int64 and the buckets (N,) int64, those of word i being [starts[i] : starts[i + 1]].
    """
    encoded = [word.encode(errors="replace") for word in words]
    letters = np.frombuffer(b"".join(encoded), np.uint8)
    ends = np.cumsum([len(word) for word in encoded], dtype=np.int64)
    is_mark = np.array([word == END_OF_SENTENCE for word in words], np.bool_)
    starts = np.zeros(len(words) + 1, np.int64)
    _buckets_of(letters, ends, is_mark, min_char, max_char, buckets, starts, np.empty(0, np.int64))
    found = np.empty(int(starts[-1]), np.int64)
    _buckets_of(letters, ends, is_mark, min_char, max_char, buckets, starts, found)
    return starts, found

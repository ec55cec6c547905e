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


@njit(nogil=True, cache=True)
def _buckets_of(
    letters: NDArray[np.uint8],
    ends: NDArray[np.int64],
    min_char: int,
    max_char: int,
    buckets: int,
    starts: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """Count the n-grams of each word into starts[1:] (found empty), or write their buckets from starts on. In place."""
    counting = found.size == 0
    first = 0
    for word in range(ends.size):
        last, count = ends[word], 0
        for begin in range(first, last):
            if letters[begin] & 0xC0 == 0x80:  # inside a character
                continue
            code, position, length = FNV_OFFSET, begin, 0
            while position < last and length < max_char:
                while True:
                    # fastText hashes signed chars: bytes from 128 on reach the hash as 0xFFFFFF80..0xFFFFFFFF
                    code = np.uint32((code ^ np.uint32(np.int8(letters[position]))) * FNV_PRIME)
                    position += 1
                    if position == last or letters[position] & 0xC0 != 0x80:
                        break
                length += 1
                if length >= min_char and not (length == 1 and (begin == first or position == last)):
                    if not counting:
                        found[starts[word] + count] = code % np.uint32(buckets)
                    count += 1
        if counting:
            starts[word + 1] = starts[word] + count
        first = last


def word_buckets(
    words: Sequence[str], *, min_char: int, max_char: int, buckets: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hash buckets of the n-grams of "<word>", min_char to max_char characters long, for each word.

    Returns starts (W + 1,) int64 and the buckets (N,) int64, those of word i being [starts[i] : starts[i + 1]].
    """
    marked = [f"<{word}>".encode(errors="replace") if word != END_OF_SENTENCE else b"" for word in words]
    letters = np.frombuffer(b"".join(marked), np.uint8)
    ends = np.cumsum([len(word) for word in marked], dtype=np.int64)
    starts = np.zeros(len(words) + 1, np.int64)
    _buckets_of(letters, ends, min_char, max_char, buckets, starts, np.empty(0, np.int64))
    found = np.empty(int(starts[-1]), np.int64)
    if found.size:
        _buckets_of(letters, ends, min_char, max_char, buckets, starts, found)
    return starts, found

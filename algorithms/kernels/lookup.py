"""Hash tables that kernels look things up in: which entry a token is, which row an n-gram's bucket has.

Open addressing in an array of int64, a power of two long, -1 where it is empty, else key and value.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.ngrams import FNV_OFFSET, FNV_PRIME
from algorithms.kernels.simd import prefetch

UNKNOWN = -1  # a word without a row, a label that training has not seen
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio: neighbouring buckets far apart in the table
HIGH = np.uint64(20)


@njit(nogil=True, forceinline=True)
def _slot(key: Any, value: int) -> int:
    """Both in one number, so that a lookup waits for memory once."""
    return (key << 32) | value  # type: ignore[no-any-return]


@njit(nogil=True, forceinline=True)
def _key(slot: int) -> int:
    return slot >> 32


@njit(nogil=True, forceinline=True)
def _value(slot: int) -> int:
    return slot & 0x7FFFFFFF


@njit(nogil=True, forceinline=True)
def _place(bucket: np.uint64, slots: NDArray[np.int64]) -> np.uint64:
    """Where the search for a bucket begins."""
    return ((bucket * SPREAD) >> HIGH) & np.uint64(slots.size - 1)


@njit(nogil=True, forceinline=True)
def ask_for_bucket(bucket: np.uint64, slots: NDArray[np.int64]) -> None:
    """Have the place fetched where the search for a bucket begins."""
    if slots.size:
        prefetch(slots, np.int64(_place(bucket, slots)))


@njit(nogil=True, forceinline=True)
def bucket_row(bucket: np.uint64, words: int, slots: NDArray[np.int64]) -> int:
    """The row of a bucket, `words` and more; -1 less the number of its slot where it has none."""
    if slots.size == 0:
        return words + np.int64(bucket)  # type: ignore[return-value]
    place = _place(bucket, slots)
    while slots[place] >= 0:
        if _key(slots[place]) == np.int64(bucket):
            return words + _value(slots[place])
        place = (place + np.uint64(1)) & np.uint64(slots.size - 1)
    return -1 - np.int64(place)  # type: ignore[return-value]


@njit(nogil=True, forceinline=True)
def enter_bucket(bucket: np.uint64, number: int, place: int, slots: NDArray[np.int64]) -> None:
    """Give a bucket the row `number` behind the words, at the place that `bucket_row` told. In place."""
    slots[place] = _slot(np.int64(bucket), number)


@njit(nogil=True, cache=True)
def enter_buckets(slots: NDArray[np.int64], buckets: NDArray[np.int64]) -> None:
    """Fill `slots` (a power of two of -1): each bucket's row is its place in the list. In place."""
    for number in range(buckets.size):
        bucket = np.uint64(buckets[number])
        enter_bucket(bucket, number, -1 - bucket_row(bucket, 0, slots), slots)


@njit(nogil=True, cache=True)
def hash_words(letters: NDArray[np.uint8], ends: NDArray[np.int64], hashes: NDArray[np.int32]) -> None:
    """hashes[w] = fastText's hash of the word letters[ends[w - 1] : ends[w]], with its sign. In place."""
    first = 0
    for word in range(ends.size):
        code = FNV_OFFSET
        for i in range(first, ends[word]):
            code = np.uint32((code ^ np.uint32(np.int8(letters[i]))) * FNV_PRIME)
        hashes[word] = np.int32(code)
        first = ends[word]


@njit(nogil=True, cache=True)
def mark(
    letters: NDArray[np.uint8], ends: NDArray[np.int64], prefix: NDArray[np.uint8], marked: NDArray[np.bool_]
) -> None:
    """marked[w] = whether the word letters[ends[w - 1] : ends[w]] begins with the prefix. In place."""
    first = 0
    for word in range(ends.size):
        marked[word] = starts_with(letters, first, ends[word], prefix)
        first = ends[word]


@njit(nogil=True, cache=True)
def enter_words(slots: NDArray[np.int64], hashes: NDArray[np.int32]) -> None:
    """Fill `slots` (a power of two of -1) with the numbers of the words, by their hashes. In place."""
    mask = np.uint64(slots.size - 1)
    for word in range(hashes.size):
        code = np.uint32(hashes[word])
        place = np.uint64(code) & mask
        while slots[place] >= 0:
            place = (place + np.uint64(1)) & mask
        slots[place] = _slot(np.int64(code >> np.uint32(1)), word)


@njit(nogil=True, forceinline=True)
def ask_for_word(code: np.uint32, slots: NDArray[np.int64]) -> None:
    """Have the place fetched where the search for a word begins."""
    prefetch(slots, np.int64(np.uint64(code) & np.uint64(slots.size - 1)))


@njit(nogil=True, forceinline=True)
def find(
    text: NDArray[np.uint8],
    first: int,
    last: int,
    code: np.uint32,
    slots: NDArray[np.int64],
    letters: NDArray[np.uint8],
    ends: NDArray[np.int64],
) -> int:
    """The number of the word text[first:last], of which `code` is the hash, or UNKNOWN.

    The slots hold the hash but for its last bit: -1 is free to mean that one is empty.
    """
    mask = np.uint64(slots.size - 1)
    place = np.uint64(code) & mask
    while slots[place] >= 0:
        if _key(slots[place]) == np.int64(code >> np.uint32(1)):
            word = _value(slots[place])
            begin = ends[word - 1] if word > 0 else 0
            if ends[word] - begin == last - first:
                same = True
                for i in range(last - first):
                    if letters[begin + i] != text[first + i]:
                        same = False
                        break
                if same:
                    return word
        place = (place + np.uint64(1)) & mask
    return UNKNOWN


@njit(nogil=True, forceinline=True)
def starts_with(text: NDArray[np.uint8], first: int, last: int, prefix: NDArray[np.uint8]) -> bool:
    """Whether text[first:last] begins with the prefix."""
    if last - first < prefix.size:
        return False
    for i in range(prefix.size):  # noqa: SIM110 - numba knows no all()
        if text[first + i] != prefix[i]:
            return False
    return True

"""Lines of text, as somebody sends them, become examples as `kernels.examples` writes them, without ids between.

A token is hashed as it is read, and its entry asked for before it is needed.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.counting import is_space
from algorithms.kernels.examples import LINE, POSITION, USED, put, put_ngrams
from algorithms.kernels.lookup import UNKNOWN, ask_for_word, bucket_row, find, starts_with
from algorithms.kernels.ngrams import FNV_OFFSET, FNV_PRIME, character_buckets


@njit(nogil=True)
def _put_buckets(
    found: NDArray[np.int64],
    count: int,
    words: int,
    slots: NDArray[np.int64],
    missing: int,
    stream: NDArray[np.int32],
    used: int,
) -> int:
    """Append the rows of the buckets found[:count], or for one that has none the row `missing`, or nothing."""
    for i in range(count):
        row = bucket_row(np.uint64(found[i]), words, slots)
        row = missing if row < 0 else row
        if row >= 0:
            used = put(stream, used, row)
    return used


@njit(nogil=True, forceinline=True)
def _read_line(
    text: NDArray[np.uint8],
    position: int,
    entries: NDArray[np.int64],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    codes: NDArray[np.uint32],
) -> tuple[int, int]:
    """Where the tokens of the line at `position` begin and end, and their hashes: where the next line begins, and how
    many there are. The entries that they may be are asked for. In place.
    """
    tokens = 0
    while text[position] != 10:
        if is_space(text[position]):
            position += 1
            continue
        begins[tokens] = position
        code = FNV_OFFSET
        while not is_space(text[position]):
            code = np.uint32((code ^ np.uint32(np.int8(text[position]))) * FNV_PRIME)
            position += 1
        ask_for_word(code, entries)
        ends[tokens], codes[tokens] = position, code
        tokens += 1
    return position + 1, tokens


@njit(nogil=True, cache=True)
def encode_text(
    text: NDArray[np.uint8],
    entries: NDArray[np.int64],
    letters: NDArray[np.uint8],
    letter_ends: NDArray[np.int64],
    words: int,
    end_entry: int,
    end_hash: int,
    prefix: NDArray[np.uint8],
    min_char: int,
    max_char: int,
    ngrams: int,
    buckets: int,
    slots: NDArray[np.int64],
    missing: int,
    blanks: bool,
    longest: int,
    grams: NDArray[np.int64],
    stream: NDArray[np.int32],
    offsets: NDArray[np.int64],
    cursor: NDArray[np.int64],
) -> bool:
    """Write the examples of the lines of `text`. True when done; False when stream or offsets are full. In place.

    Every line ends with a newline. Entries are the words, then the labels: see `kernels.lookup.find`; `end_entry` is
    that of the end, behind them all where it is no word. A token is separated as in `kernels.counting.scan`; one that
    begins with `prefix` and is no entry is the label UNKNOWN. A line without tokens is an example only where `blanks`
    is set. missing: see `put_ngrams`. longest: tokens of a line, with its end; grams: room for the n-grams of the
    longest line or token. When full, cursor[POSITION] is where the next line begins.
    """
    begins, ends = np.empty(longest, np.int64), np.empty(longest, np.int64)
    codes, hashes, labels = np.empty(longest, np.uint32), np.empty(longest, np.int32), np.empty(longest, np.int32)
    position, used, lines = cursor[POSITION], cursor[USED], cursor[LINE]
    while position < text.size:
        if lines + 1 == offsets.size:
            break
        first, begin = used, position
        position, tokens = _read_line(text, position, entries, begins, ends, codes)
        if tokens == 0 and not blanks:
            continue
        used += 2
        words_read, labelled, tokens_read = 0, 0, tokens + 1
        for token in range(tokens):
            entry = find(text, begins[token], ends[token], codes[token], entries, letters, letter_ends)
            if entry == end_entry:
                tokens_read = min(tokens_read, token + 1)  # the text itself holds the mark: no word behind it is read
                continue
            if entry >= words or (entry == UNKNOWN and starts_with(text, begins[token], ends[token], prefix)):
                labels[labelled] = max(entry - words, UNKNOWN)
                labelled += 1
                continue
            if token >= tokens_read:
                continue
            if entry >= 0:
                used = put(stream, used, entry)
            if max_char > 0:
                count = character_buckets(text, begins[token], ends[token], min_char, max_char, buckets, grams)
                used = _put_buckets(grams, count, words, slots, missing, stream, used)
            hashes[words_read] = np.int32(codes[token])
            words_read += 1
        if end_entry < words:
            used = put(stream, used, end_entry)
        hashes[words_read] = end_hash
        used, _ = put_ngrams(
            hashes, words_read + 1, ngrams, buckets, words, slots, grams, 0, missing, grams, stream, used
        )
        for i in range(labelled):
            used = put(stream, used, labels[i])
        if used > stream.size:
            position, used = begin, first
            break
        stream[first], stream[first + 1] = tokens_read, labelled
        lines += 1
        offsets[lines] = used
    cursor[POSITION], cursor[USED], cursor[LINE] = position, used, lines
    return bool(position == text.size)

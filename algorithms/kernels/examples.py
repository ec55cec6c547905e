"""Labelled lines become numbers: the input rows and the labels of each, in fastText's way, bit for bit.

One example is `[tokens, labels, rows ..., label numbers ...]` in a stream of int32. Its tokens are the line's and the
line's end, which is a word too. Its rows are those of its words, of their character n-grams where the model has
such, and of the word n-grams: h = h * 116049371 + h' over the words' 32-bit hashes with their sign, modulo the
buckets (facebookresearch/fastText, src/dictionary.cc: getLine, addWordNgrams).

Knows integers and bytes. The rows of words come first; which row a bucket has is found in a hash table, or it is the
bucket's own number where that table is empty.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.counting import is_space
from algorithms.kernels.lookup import (
    UNKNOWN,
    ask_for_bucket,
    ask_for_word,
    bucket_row,
    enter_bucket,
    find,
    starts_with,
)
from algorithms.kernels.ngrams import FNV_OFFSET, FNV_PRIME, character_buckets
from algorithms.kernels.sampling import SENTENCE_END

NGRAM_FACTOR = np.uint64(116049371)

# indices into the `cursor` array that survives between calls
LINE, USED, BUCKETS, POSITION = range(4)  # next example, stream used, buckets with a row, place in the text


@njit(nogil=True, forceinline=True)
def _put(stream: NDArray[np.int32], used: int, value: int) -> int:
    """Append to the stream, or only count where it is full: how much is used then."""
    if used < stream.size:
        stream[used] = value
    return used + 1


@njit(nogil=True, forceinline=True)
def _put_ngrams(
    hashes: NDArray[np.int32],
    count: int,
    ngrams: int,
    buckets: int,
    words: int,
    slots: NDArray[np.int64],
    keys: NDArray[np.int64],
    known: int,
    missing: int,
    grams: NDArray[np.int64],
    stream: NDArray[np.int32],
    used: int,
) -> tuple[int, int]:
    """Append the rows of the n-grams of hashes[:count]: where the stream ends then, and how many buckets are known.

    missing: the row for a bucket that has none; UNKNOWN for leaving it out; below that: it gets the next row, and its
    number is written to `keys`. grams: room for all of them, so that their slots are asked for before they are needed.
    """
    found = 0
    for i in range(count):
        code = np.uint64(np.int64(hashes[i]))
        for j in range(i + 1, min(count, i + ngrams)):
            code = code * NGRAM_FACTOR + np.uint64(np.int64(hashes[j]))
            bucket = code % np.uint64(buckets)
            ask_for_bucket(bucket, slots)
            grams[found] = np.int64(bucket)
            found += 1
    for i in range(found):
        bucket = np.uint64(grams[i])
        row = bucket_row(bucket, words, slots)
        if row < 0 and missing < UNKNOWN:
            enter_bucket(bucket, known, -1 - row, slots)
            keys[known] = np.int64(bucket)
            row = words + known
            known += 1
        elif row < 0:
            row = missing
        if row >= 0:
            used = _put(stream, used, row)
    return used, known


@njit(nogil=True, cache=True)
def count_words(
    ids: NDArray[np.int32], starts: NDArray[np.int64], lines: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    """Add how often each word stands in the lines to counts; line i is ids[starts[i] : starts[i + 1]]. In place."""
    for line in lines:
        for i in range(starts[line], starts[line + 1] - 1):
            counts[ids[i]] += 1


@njit(nogil=True, cache=True)
def count_labels(
    ids: NDArray[np.int32],
    starts: NDArray[np.int64],
    lines: NDArray[np.int64],
    counts: NDArray[np.int64],
    given: NDArray[np.int32],
    strange: NDArray[np.bool_],
) -> None:
    """given[at] = how many labels lines[at] has, strange[at] = whether one of them has no count. In place.

    counts: of each label, by its provisional id; -1 for words.
    """
    for at in range(lines.size):
        given[at], strange[at] = 0, False
        for i in range(starts[lines[at]], starts[lines[at] + 1] - 1):
            if counts[ids[i]] >= 0:
                given[at] += 1
                strange[at] |= counts[ids[i]] == 0


@njit(nogil=True, cache=True)
def encode_ids(
    ids: NDArray[np.int32],
    starts: NDArray[np.int64],
    order: NDArray[np.int64],
    rows: NDArray[np.int32],
    hashes: NDArray[np.int32],
    end_id: int,
    ngrams: int,
    buckets: int,
    words: int,
    slots: NDArray[np.int64],
    keys: NDArray[np.int64],
    missing: int,
    line_hashes: NDArray[np.int32],
    grams: NDArray[np.int64],
    stream: NDArray[np.int32],
    offsets: NDArray[np.int64],
    cursor: NDArray[np.int64],
) -> bool:
    """Write the examples of the lines `order`. True when done; False when keys and slots must grow first. In place.

    ids: provisional ids, line i being ids[starts[i] : starts[i + 1]], its last SENTENCE_END, for the word `end_id`.
    rows, hashes: by provisional id; rows of words, or UNKNOWN, or -2 less the label's number. missing: see
    `_put_ngrams`; buckets that get rows get them in the order in which they come. line_hashes, grams: room
    for the longest line and its n-grams; offsets: (len(order) + 1,), where each example begins in the stream.
    """
    used, known = cursor[USED], cursor[BUCKETS]
    for at in range(cursor[LINE], order.size):
        begin, end = starts[order[at]], starts[order[at] + 1]
        most = known + (end - begin) * min(ngrams - 1, end - begin)
        if missing < UNKNOWN and (most > keys.size or 2 * most > slots.size):
            cursor[LINE], cursor[USED], cursor[BUCKETS] = at, used, known
            return False
        first, tokens, words_read, labels = used, 0, 0, 0
        used += 2
        for i in range(begin, end):
            word = end_id if ids[i] == SENTENCE_END else ids[i]
            tokens += 1
            if rows[word] >= UNKNOWN:
                if rows[word] >= 0:
                    used = _put(stream, used, rows[word])
                line_hashes[words_read] = hashes[word]
                words_read += 1
            if word == end_id:
                break  # the text itself may hold the mark
        used, known = _put_ngrams(
            line_hashes, words_read, ngrams, buckets, words, slots, keys, known, missing, grams, stream, used
        )
        for i in range(begin, end - 1):
            if rows[ids[i]] < UNKNOWN:
                used = _put(stream, used, -2 - rows[ids[i]])
                labels += 1
        stream[first], stream[first + 1] = tokens, labels
        offsets[at + 1] = used
    cursor[LINE], cursor[USED], cursor[BUCKETS] = order.size, used, known
    return True


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
            used = _put(stream, used, row)
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
    is set. missing: see `_put_ngrams`. longest: tokens of a line, with its end; grams: room for the n-grams of the
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
                used = _put(stream, used, entry)
            if max_char > 0:
                count = character_buckets(text, begins[token], ends[token], min_char, max_char, buckets, grams)
                used = _put_buckets(grams, count, words, slots, missing, stream, used)
            hashes[words_read] = np.int32(codes[token])
            words_read += 1
        if end_entry < words:
            used = _put(stream, used, end_entry)
        hashes[words_read] = end_hash
        used, _ = _put_ngrams(
            hashes, words_read + 1, ngrams, buckets, words, slots, grams, 0, missing, grams, stream, used
        )
        for i in range(labelled):
            used = _put(stream, used, labels[i])
        if used > stream.size:
            position, used = begin, first
            break
        stream[first], stream[first + 1] = tokens_read, labelled
        lines += 1
        offsets[lines] = used
    cursor[POSITION], cursor[USED], cursor[LINE] = position, used, lines
    return bool(position == text.size)

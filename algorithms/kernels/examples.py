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
from algorithms.kernels.lookup import UNKNOWN, bucket_row, enter_bucket, find, starts_with
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
    stream: NDArray[np.int32],
    used: int,
) -> tuple[int, int]:
    """Append the rows of the n-grams of hashes[:count]: where the stream ends then, and how many buckets are known.

    missing: the row for a bucket that has none; UNKNOWN for leaving it out; below that: it gets the next row, and its
    number is written to `keys`.
    """
    for i in range(count):
        code = np.uint64(np.int64(hashes[i]))
        for j in range(i + 1, min(count, i + ngrams)):
            code = code * NGRAM_FACTOR + np.uint64(np.int64(hashes[j]))
            bucket = code % np.uint64(buckets)
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
    stream: NDArray[np.int32],
    offsets: NDArray[np.int64],
    cursor: NDArray[np.int64],
) -> bool:
    """Write the examples of the lines `order`. True when done; False when keys and slots must grow first. In place.

    ids: provisional ids, line i being ids[starts[i] : starts[i + 1]], its last SENTENCE_END, for the word `end_id`.
    rows, hashes: by provisional id; rows of words, or UNKNOWN, or -2 less the label's number. missing: see
    `_put_ngrams`; buckets that get rows get them in the order in which they come. line_hashes: room for the longest
    line; offsets: (len(order) + 1,), where each example begins in the stream.
    """
    used, known = cursor[USED], cursor[BUCKETS]
    for at in range(cursor[LINE], order.size):
        begin, end = starts[order[at]], starts[order[at] + 1]
        most = known + (end - begin) * (ngrams - 1)
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
            line_hashes, words_read, ngrams, buckets, words, slots, keys, known, missing, stream, used
        )
        for i in range(begin, end - 1):
            if rows[ids[i]] < UNKNOWN:
                used = _put(stream, used, -2 - rows[ids[i]])
                labels += 1
        stream[first], stream[first + 1] = tokens, labels
        offsets[at + 1] = used
    cursor[LINE], cursor[USED], cursor[BUCKETS] = order.size, used, known
    return True


@njit(nogil=True, cache=True)
def encode_text(
    text: NDArray[np.uint8],
    entries: NDArray[np.int64],
    letters: NDArray[np.uint8],
    ends: NDArray[np.int64],
    words: int,
    end_word: int,
    end_hash: int,
    prefix: NDArray[np.uint8],
    min_char: int,
    max_char: int,
    ngrams: int,
    buckets: int,
    slots: NDArray[np.int64],
    missing: int,
    blanks: bool,
    line_hashes: NDArray[np.int32],
    line_labels: NDArray[np.int32],
    grams: NDArray[np.int64],
    stream: NDArray[np.int32],
    offsets: NDArray[np.int64],
    cursor: NDArray[np.int64],
) -> bool:
    """Write the examples of the lines of `text`. True when done; False when stream or offsets are full. In place.

    Entries are the words, then the labels. A token is separated as in `kernels.counting.scan`; one that begins with
    `prefix` and is no entry is the label UNKNOWN. A line without tokens is an example only where `blanks` is set.
    missing: see `_put_ngrams`. line_hashes, line_labels: room for the tokens of the longest line; grams: room for the
    character n-grams of the longest token, or none. When full, cursor[POSITION] is where the next line begins.
    """
    position, used, lines = cursor[POSITION], cursor[USED], cursor[LINE]
    while position < text.size:
        begin, first = position, used
        used += 2
        tokens, words_read, labels, ended = 0, 0, 0, False
        while position < text.size and text[position] != 10:
            if is_space(text[position]):
                position += 1
                continue
            start, code = position, FNV_OFFSET
            while position < text.size and not is_space(text[position]):
                code = np.uint32((code ^ np.uint32(np.int8(text[position]))) * FNV_PRIME)
                position += 1
            if ended:
                continue
            tokens += 1
            entry = find(text, start, position, code, entries, letters, ends)
            if entry >= words or (entry == UNKNOWN and starts_with(text, start, position, prefix)):
                line_labels[labels] = entry - words if entry >= words else UNKNOWN
                labels += 1
                continue
            if entry == end_word and entry >= 0:
                ended = True  # the text itself holds the mark of the end
                continue
            if entry >= 0:
                used = _put(stream, used, entry)
            for i in range(character_buckets(text, start, position, min_char, max_char, buckets, grams)):
                row = bucket_row(np.uint64(grams[i]), words, slots)
                if row < 0:
                    row = missing
                if row >= 0:
                    used = _put(stream, used, row)
            line_hashes[words_read] = np.int32(code)
            words_read += 1
        position += 1
        if tokens == 0 and not blanks:
            used = first
            continue
        if end_word >= 0:
            used = _put(stream, used, end_word)
        line_hashes[words_read] = end_hash
        used, _ = _put_ngrams(
            line_hashes, words_read + 1, ngrams, buckets, words, slots, grams, 0, missing, stream, used
        )
        for i in range(labels):
            used = _put(stream, used, line_labels[i])
        if used > stream.size or lines + 1 == offsets.size:
            cursor[POSITION], cursor[USED], cursor[LINE] = begin, first, lines
            return False
        stream[first], stream[first + 1] = tokens + 1, labels
        lines += 1
        offsets[lines] = used
    cursor[POSITION], cursor[USED], cursor[LINE] = position, used, lines
    return True

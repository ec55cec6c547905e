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

from algorithms.kernels.lookup import UNKNOWN, ask_for_bucket, bucket_row, enter_bucket
from algorithms.kernels.sampling import SENTENCE_END

NGRAM_FACTOR = np.uint64(116049371)

# indices into the `cursor` array that survives between calls
LINE, USED, BUCKETS, POSITION = range(4)  # next example, stream used, buckets with a row, place in the text


@njit(nogil=True, forceinline=True)
def put(stream: NDArray[np.int32], used: int, value: int) -> int:
    """Append to the stream, or only count where it is full: how much is used then."""
    if used < stream.size:
        stream[used] = value
    return used + 1


@njit(nogil=True, forceinline=True)
def put_ngrams(
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
            used = put(stream, used, row)
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
    `put_ngrams`; buckets that get rows get them in the order in which they come. line_hashes, grams: room
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
                    used = put(stream, used, rows[word])
                line_hashes[words_read] = hashes[word]
                words_read += 1
            if word == end_id:
                break  # the text itself may hold the mark
        used, known = put_ngrams(
            line_hashes, words_read, ngrams, buckets, words, slots, keys, known, missing, grams, stream, used
        )
        for i in range(begin, end - 1):
            if rows[ids[i]] < UNKNOWN:
                used = put(stream, used, -2 - rows[ids[i]])
                labels += 1
        stream[first], stream[first + 1] = tokens, labels
        offsets[at + 1] = used
    cursor[LINE], cursor[USED], cursor[BUCKETS] = order.size, used, known
    return True

"""Stopping where a table is full, and going on; what is written is shown in tests/algorithms/text_classification."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from algorithms.kernels import examples as kernel
from algorithms.kernels.lookup import UNKNOWN, enter_buckets, enter_words, hash_words
from algorithms.kernels.sampling import SENTENCE_END
from algorithms.kernels.texts import encode_text
from tests.labels import END, LABEL, Model, ngram_buckets, signed_hash, tokens, words_of

WORDS, LABELS = [END, "a", "b", "c", "d"], [f"{LABEL}x", f"{LABEL}y"]
TOKENS = [*WORDS, "rare", *LABELS]  # in the order of their provisional ids
LINES = [
    f"{LABEL}x a b c d",
    f"a {END} b {LABEL}y",
    f"d c {LABEL}y {LABEL}x b rare",
    f"{LABEL}x",
    f"b a b a c {LABEL}y",
]
NGRAMS, BUCKETS = 3, 50


def bucket_rows(lines: list[str]) -> dict[int, int]:
    """Each bucket's row, in the order in which they come."""
    rows: dict[int, int] = {}
    for line in lines:
        for bucket in ngram_buckets(words_of(line), word_ngrams=NGRAMS, buckets=BUCKETS):
            rows.setdefault(bucket, len(WORDS) + len(rows))
    return rows


ROWS = bucket_rows(LINES[1:3])
PLAIN = Model(WORDS, LABELS, NGRAMS, BUCKETS, ROWS, missing=99)


def split(stream: NDArray[np.int32], offsets: NDArray[np.int64]) -> list[list[int]]:
    return [stream[a:b].tolist() for a, b in pairwise(offsets.tolist())]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 0, 1, 3], [1, 2], []])
def test_ids_whose_ngrams_get_rows_one_table_after_the_other(order: list[int]) -> None:
    ids = [[*(TOKENS.index(token) for token in tokens(line)), SENTENCE_END] for line in LINES]
    starts = np.cumsum([0, *map(len, ids)])
    rows = np.array([*range(len(WORDS)), UNKNOWN, -2, -3], np.int32)
    hashes = np.array([signed_hash(token) for token in TOKENS], np.int32)
    stream, offsets, cursor = np.zeros(200, np.int32), np.zeros(len(order) + 1, np.int64), np.zeros(4, np.int64)
    keys, stops = np.zeros(1, np.int64), -1
    done = False
    while not done:
        stops += 1
        known = int(cursor[kernel.BUCKETS])
        keys = np.concatenate([keys[:known], np.zeros(len(keys) + 5, np.int64)])
        slots = np.full(128, -1, np.int64)
        enter_buckets(slots, keys[:known])
        done = kernel.encode_ids(
            np.concatenate(ids).astype(np.int32), starts, np.array(order, np.int64), rows, hashes, 0, NGRAMS, BUCKETS,
            len(WORDS), slots, keys, UNKNOWN - 1, np.zeros(9, np.int32), np.zeros(30, np.int64), stream, offsets,
            cursor,
        )  # fmt: skip
    lines = [LINES[line] for line in order]
    expected = bucket_rows(lines)
    assert stops >= 2 or len(order) < 3
    assert keys[: cursor[kernel.BUCKETS]].tolist() == list(expected)
    model = PLAIN._replace(rows=expected)
    assert split(stream, offsets) == [model.example(line) for line in lines]
    assert cursor[kernel.USED] == offsets[-1]


@pytest.mark.parametrize("size", [24, 31, 47, 64, 200])
@pytest.mark.parametrize("missing", [99, UNKNOWN])
def test_text_one_stream_after_the_other(missing: int, size: int) -> None:
    text = np.frombuffer("".join(f"{line}\n\n" for line in LINES).encode(), np.uint8)
    entries = "".join([*WORDS, *LABELS]).encode()
    letters, ends = np.frombuffer(entries, np.uint8).copy(), np.cumsum([len(entry) for entry in [*WORDS, *LABELS]])
    hashes, slots = np.zeros(7, np.int32), np.full(16, -1, np.int64)
    hash_words(letters, ends, hashes)
    enter_words(slots, hashes)
    buckets = np.full(64, -1, np.int64)
    enter_buckets(buckets, np.array(list(ROWS)))
    found, cursor, done = list[list[int]](), np.zeros(4, np.int64), False
    while not done:
        cursor[[kernel.USED, kernel.LINE]] = 0
        stream, offsets = np.full(size, -7, np.int32), np.zeros(4, np.int64)
        done = encode_text(
            text, slots, letters, ends, len(WORDS), 0, signed_hash(END), np.frombuffer(LABEL.encode(), np.uint8).copy(),
            0, 0, NGRAMS, BUCKETS, buckets, missing, False, 20, np.zeros(60, np.int64), stream, offsets, cursor,
        )  # fmt: skip
        assert cursor[kernel.LINE] > 0 or done
        assert offsets[cursor[kernel.LINE]] == cursor[kernel.USED]
        found += split(stream, offsets[: cursor[kernel.LINE] + 1])
    model = PLAIN._replace(missing=missing)
    assert found == [model.example(line) for line in LINES]

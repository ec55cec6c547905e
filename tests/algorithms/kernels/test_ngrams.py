import io
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.kernels.ngrams import character_buckets, word_buckets
from data import fasttext as plain
from tests import subwords
from tests.strategies import words

SETTINGS = [(3, 6, 2_000_000), (1, 1, 7), (1, 3, 1), (2, 2, 1000), (5, 9, 2**31 - 1), (4, 3, 10), (1, 40, 2**31)]
WORDS = [
    "the",
    "straße",
    "日本語",
    "é",
    "x",
    "</s>",
    "<>",
    "a\xa0b",
    "👩‍🚀👩‍🚀",
    "e\u0301\u0301",
    "\u2028",
    "abcdefghijk",
]


def split(starts: np.ndarray, found: np.ndarray) -> list[list[int]]:
    return [found[first:last].tolist() for first, last in pairwise(starts)]


def buckets_of(some: list[str], settings: tuple[int, int, int]) -> list[list[int]]:
    min_char, max_char, buckets = settings
    starts, found = word_buckets(some, min_char=min_char, max_char=max_char, buckets=buckets)
    assert (starts.dtype, found.dtype) == (np.int64, np.int64)
    assert (starts[0], starts[-1], len(starts)) == (0, len(found), len(some) + 1)
    return split(starts, found)


def plainly(some: list[str], settings: tuple[int, int, int]) -> list[list[int]]:
    minn, maxn, bucket = settings
    return [subwords.ngram_buckets(word, minn=minn, maxn=maxn, bucket=bucket) for word in some]


@settings(max_examples=200)
@given(st.lists(words | st.just("</s>"), max_size=5), st.sampled_from(SETTINGS))
def test_bit_for_bit_the_plain_ones(some: list[str], settings: tuple[int, int, int]) -> None:
    assert buckets_of(some, settings) == plainly(some, settings)


@pytest.mark.parametrize("settings", SETTINGS)
def test_words_of_many_scripts(settings: tuple[int, int, int]) -> None:
    assert buckets_of(WORDS, settings) == plainly(WORDS, settings)


def test_the_end_of_a_sentence_has_none() -> None:
    assert buckets_of(["</s>", "a", "</s>"], (3, 6, 100)) == [[], buckets_of(["a"], (3, 6, 100))[0], []]


def test_no_words() -> None:
    assert buckets_of([], (3, 6, 100)) == []
    assert len(buckets_of([""], (2, 6, 100))[0]) == 1  # "<>"


@pytest.mark.parametrize("settings", [(3, 6, 1000), (1, 3, 77), (2, 5, 2_000)])
def test_fasttext_finds_the_same(settings: tuple[int, int, int], tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fasttext = pytest.importorskip("fasttext")
    minn, maxn, bucket = settings
    args = plain.Args(
        2, 5, 5, 1, 5, 1, plain.LossName.NEGATIVE_SAMPLING, plain.ModelName.SKIPGRAM, bucket, minn, maxn, 100, 1e-4
    )
    file = io.BytesIO()
    plain.write_model(
        file,
        args,
        plain.Dictionary([plain.Entry("known", 3)], tokens=3),
        input_blocks=[np.zeros((1 + bucket, 2), np.float32)],
        input_rows=1 + bucket,
        output_blocks=[np.zeros((1, 2), np.float32)],
        output_rows=1,
    )
    (tmp_path / "vectors.bin").write_bytes(file.getvalue())
    model = fasttext.load_model(str(tmp_path / "vectors.bin"))
    for word, ours in zip(WORDS, buckets_of(WORDS, settings), strict=True):
        if word != "</s>":
            assert (model.get_subwords(word)[1] - 1).tolist() == ours
    assert (model.get_subwords("known")[1] - 1).tolist() == [-1, *buckets_of(["known"], settings)[0]]


@pytest.mark.parametrize("word", [word for word in WORDS if word != "</s>"])
def test_a_word_within_a_text_has_the_same(word: str) -> None:
    """And what does not fit is counted all the same."""
    letters = word.encode()
    text = np.frombuffer(b"\xc3\xa9" + letters + b"\xa9x", np.uint8)  # letters on both sides, no whole ones
    wanted = plainly([word], (2, 5, 1000))[0]
    for room in (0, 3, len(wanted), len(wanted) + 2):
        found = np.full(room, -7)
        assert character_buckets(text, 2, 2 + len(letters), 2, 5, 1000, found) == len(wanted)
        assert found.tolist() == [*wanted, -7, -7][:room]

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.kernels.lookup import UNKNOWN
from algorithms.text_classification.encoder import Encoder, power_of_two
from data.examples import Batch
from tests.labels import END, LABEL, Model, tokens
from tests.strategies import SPACES, common_words, words

LABELS = [f"{LABEL}a", f"{LABEL}é", LABEL]
NGRAMS = [1, 2, 3, 5, 2**31 - 1]

line_tokens = common_words | st.sampled_from([*LABELS, f"{LABEL}unseen", END])
texts = st.lists(line_tokens | st.text(SPACES, min_size=1, max_size=3) | st.just("\n"), max_size=40).map(" ".join)
vocabularies = st.lists(common_words | st.just(END), unique=True, max_size=12).map(
    lambda some: [word for word in some if not word.startswith(LABEL)]
)


def encoder_of(model: Model) -> Encoder:
    rows = None if model.rows is None else np.array(list(model.rows), np.int64)
    return Encoder(
        [word.encode() for word in model.words],
        [label.encode() for label in model.labels],
        word_ngrams=model.word_ngrams,
        buckets=model.buckets,
        bucket_rows=rows,
        missing=model.missing,
        min_char=model.minn,
        max_char=model.maxn,
    )


def split(batch: Batch) -> list[list[int]]:
    assert (batch.stream.dtype, batch.offsets.dtype) == (np.int32, np.int64)
    assert batch.offsets[-1] == batch.stream.size
    return [batch.stream[a:b].tolist() for a, b in pairwise(batch.offsets.tolist())]


def assert_plain(model: Model, text: str, *, blanks: bool = False) -> list[list[int]]:
    """What the encoder makes of each line, compared with plain Python on the way."""
    found = split(encoder_of(model).encode(text.encode(), blanks=blanks))
    assert found == [model.example(line) for line in text.split("\n")[:-1] if blanks or tokens(line)]
    return found


@st.composite
def models(draw: st.DrawFn) -> Model:
    some, buckets = draw(vocabularies), draw(st.sampled_from([1, 7, 1000, 2**31 - 1]))
    kept = draw(st.none() | st.lists(st.integers(0, buckets - 1), unique=True, max_size=9))
    rows = None if kept is None else {bucket: len(some) + i for i, bucket in enumerate(kept)}
    return Model(
        some,
        LABELS[: draw(st.integers(0, 3))],
        draw(st.sampled_from(NGRAMS)),
        buckets,
        rows,
        missing=draw(st.sampled_from([UNKNOWN, len(some) + len(rows or ())])),
        minn=draw(st.integers(0, 3)),
        maxn=draw(st.sampled_from([0, 0, 1, 3, 6])),
    )


@settings(max_examples=200)
@given(model=models(), text=texts, blanks=st.booleans())
def test_agrees_with_plain_python(model: Model, text: str, blanks: bool) -> None:
    if model.rows is None and model.buckets > 10**6:
        model = model._replace(buckets=10**6)  # rows are int32
    assert_plain(model, text + "\n", blanks=blanks)


WORDS = [END, "a", "b", "straße"]
PLAIN = Model(WORDS, LABELS, 2, 50, None)


def test_blank_lines_are_examples_where_they_are_wanted() -> None:
    text = "\n \t\na\n\n\0\n"
    assert assert_plain(PLAIN, text) == [PLAIN.example("a")]
    assert assert_plain(PLAIN, text, blanks=True) == [[1, 0, 0], [1, 0, 0], PLAIN.example("a"), [1, 0, 0], [1, 0, 0]]


def test_no_lines() -> None:
    for blanks in (False, True):
        batch = encoder_of(PLAIN).encode(b"", blanks=blanks)
        assert (batch.size, batch.stream.size) == (0, 0)


def test_labels_are_no_words_whether_known_or_not() -> None:
    line = f"{LABEL}é a {LABEL}unseen b {LABEL} {LABEL}é"
    assert assert_plain(PLAIN, line + "\n") == [[7, 4, *PLAIN.example("a b")[2:], 1, UNKNOWN, 2, 1]]


@pytest.mark.parametrize("known", [True, False])
def test_behind_the_mark_of_the_end_stand_labels_alone(known: bool) -> None:
    model = PLAIN if known else PLAIN._replace(words=WORDS[1:])
    found = assert_plain(model, f"a {END} b {LABEL}a {END} a {LABEL}é\n{END}\na\n")
    assert found[0] == [2, 2, *model.example("a")[2:], 0, 1]
    assert found[1] == [1, 0, *([0] if known else [])]


def test_a_word_may_be_all_of_a_line_or_of_the_vocabulary() -> None:
    long = "straße" * 500
    assert_plain(PLAIN._replace(words=[long, END]), f"{long}\n{long} {long[:-1]}\n")
    assert_plain(Model([], [], 3, 7, {}), "a b c\n\n")


@pytest.mark.parametrize("text", ["a b\n" * 3000, "ab" * 2000 + "\n", "a " * 3000 + "\n"])
@pytest.mark.parametrize("settings", [{"maxn": 9, "minn": 1}, {"word_ngrams": 40}, {"word_ngrams": 5, "maxn": 6}])
def test_rows_that_do_not_fit_at_first(settings: dict[str, int], text: str) -> None:
    assert_plain(PLAIN._replace(**settings), text)


def test_labels_that_another_prefix_made_are_labels() -> None:
    """As a file of fastText's may have: what they are is told by where they stand in its dictionary."""
    model = PLAIN._replace(labels=["#x", END])
    batch = encoder_of(model._replace(words=WORDS[1:])).encode(b"a #x b #y\n")
    starts, numbers = batch.labels()
    assert (starts.tolist(), numbers.tolist()) == ([0, 1], [0])
    assert batch.rows(0).tolist()[:2] == [0, 1]


def test_only_whole_lines_are_taken() -> None:
    with pytest.raises(AssertionError):
        encoder_of(PLAIN).encode(b"a b")


@pytest.mark.parametrize(("least", "expected"), [(0, 16), (15, 16), (16, 32), (31, 32), (2**20, 2**21)])
def test_tables_are_less_than_full(least: int, expected: int) -> None:
    assert power_of_two(least) == expected


@given(st.lists(words, unique=True, min_size=1, max_size=300))
def test_any_vocabulary_is_known(some: list[str]) -> None:
    names = [word for word in some if not word.startswith(LABEL)]
    model: Any = Model(names, [], 1, 1, {})
    text = "".join(f"{word}\n" for word in names)
    assert [example[2:3] for example in assert_plain(model, text)] == [
        [i] if word != END or END in names else [] for i, word in enumerate(names)
    ]

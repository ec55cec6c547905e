import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.text_classification import encode as module
from algorithms.text_classification.encode import encode, encode_validation
from algorithms.text_classification.lines import ORDER
from data.errors import CorpusError, ExampleError
from data.examples import Examples, Shards
from data.vocabulary import Vocabulary
from tests.labels import END, LABEL, Model, labels_of, ngram_buckets, tokens, words_of
from tests.strategies import SPACES, common_words

BLANKS = SPACES.replace("\n", "")
BUCKETS = [1, 7, 1000, 2_000_000, 2**31 - 1]

labels = st.sampled_from(["a", "b", "c", "é", "a\xa0b", "", "__label__"]).map(lambda name: LABEL + name)
blanks = st.text(BLANKS, min_size=1, max_size=2)
line_tokens = st.builds(
    lambda some, own, place: [*some[:place], *own, *some[place:]],
    st.lists(common_words | st.just(END) | labels, max_size=12),
    st.lists(labels, min_size=1, max_size=3),
    st.integers(0, 12),
)


@st.composite
def texts(draw: st.DrawFn, *, lines: int = 8) -> list[bytes]:
    """Blocks of labelled lines, blank ones between them, cut between tokens, with or without a newline at the end."""
    units: list[str] = []  # what no cut may break
    for line in draw(st.lists(line_tokens, max_size=lines)):
        units += draw(st.lists(st.text(BLANKS, max_size=2).map(lambda blank: blank + "\n"), max_size=2))
        for token in line:
            units += [draw(st.just("") | blanks) if units and units[-1].endswith("\n") else draw(blanks), token]
        units.append(draw(st.just("") | blanks) + "\n")
    if units and draw(st.booleans()):
        units[-1] = units[-1].removesuffix("\n")
    cuts = sorted(draw(st.sets(st.integers(0, len(units)), max_size=6)))
    return ["".join(units[a:b]).encode() for a, b in pairwise([0, *cuts, len(units)])]


class Plain(NamedTuple):
    """What `encode` should make of a text, by the plainest means."""

    vocabulary: list[tuple[str, int]]
    labels: list[tuple[str, int]]
    buckets: list[int]
    train: list[list[int]]
    validation: list[list[int]]


def lines_of(blocks: Iterable[bytes]) -> list[str]:
    """The lines that are not blank."""
    return [line for line in b"".join(blocks).decode().split("\n") if tokens(line)]


def plainly(lines: list[str], *, min_count: int, word_ngrams: int, buckets: int, held_out: float) -> Plain:
    order = np.random.default_rng(ORDER).permutation(len(lines)).tolist()
    size = min(round(held_out * len(lines)), len(lines) - 1) if held_out else 0
    known = {label for i in order[size:] for label in labels_of(lines[i])}
    back = [i for i in order[:size] if not known.issuperset(labels_of(lines[i]))]
    train = [lines[i] for i in [*order[size:], *back]]
    validation = [lines[i] for i in order[:size] if i not in back]

    every = dict.fromkeys(token for line in lines for token in tokens(line))  # in order of first occurrence
    counts = Counter(token for line in train for token in tokens(line))
    counts[END] = len(train)
    ranked = sorted({**every, END: None}, key=lambda token: -counts[token])
    words = [token for token in ranked if counts[token] >= max(min_count, 1) and not token.startswith(LABEL)]
    names = [token for token in ranked if counts[token] and token.startswith(LABEL)]

    seen: dict[int, int] = {}
    for line in train:
        for bucket in ngram_buckets(words_of(line), word_ngrams=word_ngrams, buckets=buckets):
            seen.setdefault(bucket, len(words) + len(seen))
    model = Model(words, names, word_ngrams, buckets, seen, missing=len(words) + len(seen))
    return Plain(
        [(word, counts[word]) for word in words],
        [(name, counts[name]) for name in names],
        list(seen),
        [model.example(line) for line in train],
        [model.example(line) for line in validation],
    )


def counted(vocabulary: Vocabulary) -> list[tuple[str, int]]:
    return list(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))


def written(shards: Shards | None) -> list[list[int]]:
    """The examples of all shards, one after the other."""
    found: list[list[int]] = []
    for piece in shards.slices(0, shards.size) if shards else []:
        stream, offsets = piece.read()
        assert (stream.dtype, offsets.dtype) == (np.int32, np.int64)
        found += [stream[a:b].tolist() for a, b in pairwise(offsets.tolist())]
    assert shards is None or shards.tokens == sum(example[0] for example in found)
    return found


def assert_plain(examples: Examples, plain: Plain) -> None:
    assert counted(examples.vocabulary) == plain.vocabulary
    assert counted(examples.labels) == plain.labels
    assert examples.buckets.dtype == np.int64
    assert examples.buckets.tolist() == plain.buckets
    assert written(examples.train) == plain.train
    assert written(examples.validation) == plain.validation
    assert (examples.validation is None) == (not plain.validation)
    assert examples.tokens == sum(example[0] for example in plain.train)


@settings(max_examples=120)
@given(
    blocks=texts(),
    min_count=st.sampled_from([0, 1, 2, 5]),
    word_ngrams=st.integers(1, 4) | st.sampled_from([64, 2**31 - 1]),
    buckets=st.sampled_from(BUCKETS),
    held_out=st.sampled_from([0, 0.1, 0.5, 0.99]),
)
def test_agrees_with_plain_python(
    blocks: list[bytes], min_count: int, word_ngrams: int, buckets: int, held_out: float
) -> None:
    lines = lines_of(blocks)
    form = {"min_count": min_count, "word_ngrams": word_ngrams, "buckets": buckets}
    with tempfile.TemporaryDirectory() as folder:
        if len({label for line in lines for label in labels_of(line)}) < 2:
            with pytest.raises(CorpusError):
                encode(blocks, Path(folder), held_out=held_out, **form)
            assert list(Path(folder).iterdir()) == []
            return
        examples = encode(blocks, Path(folder), held_out=held_out, **form)
        plain = plainly(lines, held_out=held_out, **form)
        assert_plain(examples, plain)
        examples.save(folder)
        assert_plain(Examples.load(folder), plain)


@settings(max_examples=80)
@given(
    first=texts(lines=5),
    blocks=texts(),
    min_count=st.sampled_from([1, 2, 9]),
    word_ngrams=st.integers(1, 4),
    buckets=st.sampled_from(BUCKETS),
)
def test_validation_agrees_with_plain_python(
    first: list[bytes], blocks: list[bytes], min_count: int, word_ngrams: int, buckets: int
) -> None:
    first.insert(0, f"{LABEL}a x\n{LABEL}b x\n".encode())
    form = {"word_ngrams": word_ngrams, "buckets": buckets}
    with tempfile.TemporaryDirectory() as folder:
        examples = encode(first, Path(folder), min_count=min_count, **form)
        words, names = examples.vocabulary.words, examples.labels.words
        rows = {bucket: len(words) + i for i, bucket in enumerate(examples.buckets.tolist())}
        model = Model(words, names, word_ngrams, buckets, rows, missing=len(words) + len(rows))
        lines = lines_of(blocks)
        strange = [i for i, line in enumerate(lines) if not set(labels_of(line)) <= set(names)]
        if strange or not lines:
            with pytest.raises(CorpusError) as refused:
                encode_validation(blocks, Path(folder), examples, **form)
            assert getattr(refused.value, "index", None) == (strange[0] if strange else None)
            assert not [*Path(folder).glob("validation*")] or strange
            return
        judged = encode_validation(blocks, Path(folder), examples, **form)
        assert written(judged.validation) == [model.example(line) for line in lines]
        assert judged._replace(validation=None) == examples


def random_lines(count: int, *, words: int, length: int, labels: int = 3, seed: int = 1) -> list[str]:
    rng = np.random.default_rng(seed)
    drawn, names = rng.integers(0, words, (count, length)), rng.integers(0, labels, count)
    return [f"{LABEL}{name} {' '.join(f'w{word}' for word in line)}" for name, line in zip(names, drawn, strict=True)]


def as_blocks(lines: list[str]) -> list[bytes]:
    return [(line + "\n").encode() for line in lines]


@pytest.mark.parametrize("buckets", [100, 2**31 - 1])
def test_tables_grow(buckets: int, tmp_path: Path) -> None:
    """More n-grams than the table of buckets begins with."""
    lines = random_lines(1400, words=1000, length=25)
    form = {"min_count": 5, "word_ngrams": 4, "buckets": buckets, "held_out": 0.1}
    examples = encode(as_blocks(lines), tmp_path, **form)
    assert_plain(examples, plainly(lines, **form))
    assert examples.buckets.size == 100 or examples.buckets.size > 1 << 16


@pytest.mark.parametrize(("most", "shards"), [(1, (70, 30)), (100, (35, 15)), (1000, (3, 2)), (2000, (2, 1))])
def test_several_shards_hold_the_same(
    most: int, shards: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = random_lines(100, words=50, length=9)
    form = {"min_count": 1, "word_ngrams": 3, "buckets": 1000, "held_out": 0.3}
    monkeypatch.setattr(module, "MAX_SHARD", most)
    examples = encode(as_blocks(lines), tmp_path, **form)
    assert_plain(examples, plainly(lines, **form))
    assert examples.validation
    assert (len(examples.train.sizes), len(examples.validation.sizes)) == shards
    assert all(np.load(url).size <= max(most, 40) for url in examples.train.streams)


def test_the_order_is_shuffled(tmp_path: Path) -> None:
    lines = sorted(random_lines(400, words=50, length=9))
    examples = encode(as_blocks(lines), tmp_path, min_count=1, word_ngrams=1, buckets=1)
    classes = np.array([example[-1] for example in written(examples.train)])
    assert 120 < np.count_nonzero(np.diff(classes)) < 380


@pytest.mark.parametrize(("held_out", "size"), [(0, 0), (0.001, 0), (0.1, 20), (0.25, 50), (0.9, 180)])
def test_a_share_is_held_out(held_out: float, size: int, tmp_path: Path) -> None:
    lines = random_lines(200, words=50, length=9, labels=2)
    examples = encode(as_blocks(lines), tmp_path, min_count=1, word_ngrams=1, buckets=1, held_out=held_out)
    assert (examples.validation.size if examples.validation else 0) == size
    assert examples.train.size == 200 - size
    assert examples.labels.counts.sum() == 200 - size


def test_no_class_is_held_out_whole(tmp_path: Path) -> None:
    lines = [f"{LABEL}{i // 2} {LABEL}all word" for i in range(100)]
    examples = encode(as_blocks(lines), tmp_path, min_count=1, word_ngrams=1, buckets=1, held_out=0.5)
    assert examples.validation
    assert len(examples.labels) == 51
    assert examples.train.size + examples.validation.size == 100
    trained = {label for _, _, _, _, *labels in written(examples.train) for label in labels}
    assert trained == set(range(51))


# Bad input ------------------------------------------------------------------------------------------------------------

UNLABELLED = "begin the line with its class, as in: __label__sports the match was won"
NO_WORDS = "the text holds no words; give labelled lines"
ONE_CLASS = "give examples of two classes or more"
TRAINING_ERRORS = {
    "nothing": ([], NO_WORDS),
    "an empty text": ([b""], NO_WORDS),
    "blank lines": ([b"\n \n", b"\t\0\r\n"], NO_WORDS),
    "no label": ([b"__label__a x\n\n \n__label__b y\nz\n"], f"example 3: no label; {UNLABELLED}"),
    "no label, first of two": ([b"x\n", b"__label__b y\n", b"z\n"], f"example 1: no label; {UNLABELLED}"),
    "no label at the end": ([b"__label__b y\n", b"z"], f"example 2: no label; {UNLABELLED}"),
    "no label but within": ([b"__label__a\nx__label__b\n"], f"example 2: no label; {UNLABELLED}"),
    "the mark alone": ([b"__label__a\n</s>\n"], f"example 2: no label; {UNLABELLED}"),
    "one class": ([b"__label__a x\n\n", b"y __label__a\n"], f"all 2 examples are of one class, a; {ONE_CLASS}"),
    "many of one class": ([b"__label__a x\n"] * 3000, f"all 3,000 examples are of one class, a; {ONE_CLASS}"),
}


@pytest.mark.parametrize("held_out", [0, 0.5])
@pytest.mark.parametrize(("blocks", "message"), TRAINING_ERRORS.values(), ids=TRAINING_ERRORS)
def test_what_cannot_be_trained_on(blocks: list[bytes], message: str, held_out: float, tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as refused:
        encode(blocks, tmp_path, min_count=1, word_ngrams=2, buckets=10, held_out=held_out)
    assert str(refused.value) == message
    assert isinstance(refused.value, ExampleError) == message.startswith("example")
    assert list(tmp_path.iterdir()) == []


def unseen(number: int, name: str) -> str:
    remedy = "leave the line out, or train on examples of its class"
    return f"example {number}: the class {name} is in no training example; {remedy}"


VALIDATION_ERRORS = {
    "an empty text": ([b"\n", b" "], NO_WORDS),
    "no label": ([b"__label__a x\n \n\n", b"x\n"], f"example 2: no label; {UNLABELLED}"),
    "an unseen class": ([b"__label__a x\n\n__label__c y\n"], unseen(2, "c")),
    "later blocks": ([b"__label__a x\n__label__b\n", b"\n", b"y __label__c"], unseen(3, "c")),
    "one of several": (["__label__a __label__é __label__b __label__z x".encode()], unseen(1, "é")),
    "part of a name": ([b"__label__ x"], unseen(1, "__label__")),
    "more than a name": (["__label__a\xa0b\u2028 x".encode()], unseen(1, "a\xa0b\u2028")),
    "separators": ([b"__label__a\0__label__b\v__label__c\f__label__d"], unseen(1, "c")),
    "after the mark": ([b"__label__a </s> __label__c x"], unseen(1, "c")),
}


@pytest.mark.parametrize(("blocks", "message"), VALIDATION_ERRORS.values(), ids=VALIDATION_ERRORS)
def test_what_cannot_be_judged_by(blocks: list[bytes], message: str, tmp_path: Path) -> None:
    examples = encode([b"__label__a x\n__label__b y\n"], tmp_path, min_count=1, word_ngrams=2, buckets=10)
    with pytest.raises(CorpusError) as refused:
        encode_validation(blocks, tmp_path, examples, word_ngrams=2, buckets=10)
    assert str(refused.value) == message
    assert isinstance(refused.value, ExampleError) == message.startswith("example")


def test_a_reader_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"__label__a x\n"
        raise CorpusError("cut short")

    with pytest.raises(CorpusError, match=re.compile("^cut short$")):
        encode(blocks(), tmp_path, min_count=1, word_ngrams=2, buckets=10)
    assert list(tmp_path.iterdir()) == []

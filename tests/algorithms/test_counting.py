import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms import counting
from algorithms.counting import WordTable, count_and_encode
from algorithms.kernels import counting as kernel
from data.corpus import Corpus
from data.errors import CorpusError
from tests.strategies import SPACES, common_words

# pairs of words with the same 64-bit FNV-1a hash
TWINS = [("8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ"), ("7mohtcOFVz", "c1E51sSEyx")]

pieces = st.lists(common_words | st.text(SPACES, min_size=1, max_size=4), max_size=60)


def naive(text: bytes, min_count: int) -> tuple[list[str], list[int], list[int], int]:
    """Words, counts, ids, sentences of a text, by the plainest means."""
    *ended, rest = [re.findall(rb"[^ \0\t\v\f\r]+", line) for line in text.split(b"\n")]
    counts = Counter(token for line in [*ended, rest] for token in line)  # in order of first occurrence
    kept = sorted((word for word, count in counts.items() if count >= max(min_count, 1)), key=lambda w: -counts[w])
    index = {word: i for i, word in enumerate(kept)}
    sentences = [[index[token] for token in line if token in index] for line in [*ended, rest]]
    ids = [i for sentence in sentences[:-1] if sentence for i in [*sentence, -1]] + sentences[-1]
    return [word.decode() for word in kept], [counts[word] for word in kept], ids, sum(map(bool, sentences))


def assert_naive(corpus: Corpus, text: bytes, min_count: int) -> None:
    words, counts, ids, sentences = naive(text, min_count)
    assert corpus.vocabulary.words == words
    assert corpus.vocabulary.counts.tolist() == counts
    assert (corpus.tokens, corpus.sentences) == (sum(counts), sentences)
    shards = [np.load(shard) for shard in corpus.shards]
    assert [shard.dtype for shard in shards] == [np.int32] * len(shards)
    assert [len(shard) for shard in shards] == corpus.lengths
    assert np.concatenate(shards).tolist() == ids


def counted(blocks: Iterable[bytes], folder: Path, *, min_count: int = 1) -> Corpus:
    return count_and_encode(blocks, folder, min_count=min_count)


@st.composite
def cut_texts(draw: st.DrawFn) -> list[bytes]:
    """Blocks of a text that are cut between tokens: beside a separator, on either side, or between two."""
    drawn = draw(pieces)
    units: list[str] = []  # what no cut may break
    for piece in drawn:
        spaces = piece[0] in SPACES
        if units and not spaces and units[-1][0] not in SPACES:
            units[-1] += piece
        else:
            units += list(piece) if spaces else [piece]
    cuts = sorted(draw(st.sets(st.integers(0, len(units)), max_size=6)))
    return ["".join(units[a:b]).encode() for a, b in pairwise([0, *cuts, len(units)])]


@settings(max_examples=200)
@given(cut_texts(), st.integers(0, 3))
def test_agrees_with_a_counter(blocks: list[bytes], min_count: int) -> None:
    text = b"".join(blocks)
    with tempfile.TemporaryDirectory() as folder:
        if not naive(text, min_count)[0]:
            with pytest.raises(CorpusError):
                counted(blocks, Path(folder), min_count=min_count)
            assert list(Path(folder).iterdir()) == []
            return
        corpus = counted(blocks, Path(folder), min_count=min_count)
        assert_naive(corpus, text, min_count)
        again = Corpus.load(folder)
        assert again.vocabulary.words == corpus.vocabulary.words
        assert again[1:] == corpus[1:]


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=60), max_size=4), st.sampled_from([1, 2, 4]))
def test_small_tables_grow(texts: list[bytes], words: int) -> None:
    small, large = WordTable(words=words), WordTable()
    for text in texts:  # any bytes: the table knows no UTF-8
        assert small.encode(text).tolist() == large.encode(text).tolist()
    known = large.cursor[kernel.WORDS]
    np.testing.assert_array_equal(small.counts[:known], large.counts[:known])
    np.testing.assert_array_equal(small.ends[:known], large.ends[:known])
    assert bytes(small.letters[: small.cursor[kernel.BYTES]]) == bytes(large.letters[: large.cursor[kernel.BYTES]])


def test_thousands_of_words_grow_the_smallest_table() -> None:
    table = WordTable(words=1)
    tokens = [f"{'long' * (i % 9)}{i * i % 5003}" for i in range(20_000)]
    ids = [i for start in range(0, 20_000, 777) for i in table.encode(" ".join(tokens[start : start + 777]).encode())]
    first: dict[str, int] = {}
    assert ids == [first.setdefault(token, len(first)) for token in tokens]
    vocabulary, final = table.vocabulary(2)
    counts = Counter(tokens)
    assert vocabulary.words == sorted((w for w in counts if counts[w] > 1), key=lambda word: -counts[word])
    assert vocabulary.counts.tolist() == [counts[word] for word in vocabulary.words]
    assert final[-1] == -1
    assert [final[first[word]] for word in vocabulary.words] == list(range(len(vocabulary)))
    assert all(final[first[word]] == -2 for word in counts if counts[word] == 1)


@pytest.mark.parametrize("words", [2, 1 << 16])
def test_words_of_equal_hash_stay_apart(words: int) -> None:
    table = WordTable(words=words)
    text = " ".join(word for pair in TWINS for word in pair) + " x"
    assert table.encode(f"{text} {text}".encode()).tolist() == [*range(5), *range(5)]
    assert [table.hashes[0], table.hashes[2]] == [table.hashes[1], table.hashes[3]]


def test_order_is_by_count_then_by_first_occurrence(tmp_path: Path) -> None:
    corpus = counted([b"z y y a z b\n", b"c b\n"], tmp_path)
    assert corpus.vocabulary.words == ["z", "y", "b", "a", "c"]
    assert corpus.vocabulary.counts.tolist() == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("blocks", "ids", "sentences"),
    [
        ([b"a b\na"], [0, 1, -1, 0], 2),
        ([b"\n\n a \n\n\n \0\n a b\n\n"], [0, -1, 0, 1, -1], 2),
        ([b"a b ", b"a\n"], [0, 1, 0, -1], 1),  # a block ends within a sentence
        ([b"a b", b"\na\n"], [0, 1, -1, 0, -1], 2),  # the newline is in the next block
        ([b"a b ", b"", b" ", b"\n\na"], [0, 1, -1, 0], 2),
        ([b"a b\n", b"\na"], [0, 1, -1, 0], 2),
    ],
)
def test_newlines_end_sentences(blocks: list[bytes], ids: list[int], sentences: int, tmp_path: Path) -> None:
    corpus = counted(blocks, tmp_path)
    assert np.load(corpus.shards[0]).tolist() == ids
    assert corpus.sentences == sentences


def test_pruned_sentences_leave_nothing(tmp_path: Path) -> None:
    corpus = counted([b"rare\na b a b\nrare2 rare3\n", b"odd\na odd2 b\nlast\n"], tmp_path, min_count=2)
    assert np.load(corpus.shards[0]).tolist() == [0, 1, 0, 1, -1, 0, 1, -1]
    assert (corpus.tokens, corpus.sentences) == (6, 2)


def test_min_count_zero_is_one(tmp_path: Path) -> None:
    assert counted([b"a b a"], tmp_path, min_count=0).vocabulary.words == ["a", "b"]


@pytest.mark.parametrize(("smallest", "largest", "shards"), [(8, 1000, 10), (1000, 1000, 1), (1, 5, 45)])
def test_shards(smallest: int, largest: int, shards: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MIN_SHARD", smallest)
    monkeypatch.setattr(counting, "MAX_SHARD", largest)
    rng = np.random.default_rng(1)
    words = [f"w{i}" for i in rng.zipf(1.5, 300)]
    text = "".join(word + rng.choice([" ", "\n"], p=[0.8, 0.2]) for word in words).encode()
    corpus = counted([text], tmp_path, min_count=2)
    assert_naive(corpus, text, 2)
    assert len(corpus.shards) >= shards
    assert max(corpus.lengths) <= 2 * max(smallest, min(largest, corpus.tokens // counting.SHARDS))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "corpus.json",
        *(f"shard-{i:05d}.npy" for i in range(len(corpus.shards))),
        "vocabulary.txt",
    ]


def test_a_line_of_megabytes_is_the_same_words(tmp_path: Path) -> None:
    words = [b"w%d" % (i * i % 7919) for i in range(500_000)]
    line, lines = b" ".join(words), b"\n".join(words)
    assert len(line) > 2_500_000
    one, many = counted([line], tmp_path / "one", min_count=5), counted([lines], tmp_path / "many", min_count=5)
    assert one.vocabulary.words == many.vocabulary.words
    np.testing.assert_array_equal(one.vocabulary.counts, many.vocabulary.counts)
    ids, marked = (np.concatenate([np.load(shard) for shard in corpus.shards]) for corpus in (one, many))
    np.testing.assert_array_equal(ids, marked[marked >= 0])
    assert (one.sentences, many.sentences) == (1, many.tokens)


def test_an_emptied_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as refused:
        counted([b"a b c b\n"], tmp_path, min_count=5)
    assert str(refused.value) == (
        "min_count=5: no word is seen 5 times, and the most frequent of 3 is seen 2; "
        "choose min_count <= 2, or give more text"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("blocks", [[], [b""], [b" \n\0\n"]])
@pytest.mark.parametrize("min_count", [0, 5])
def test_no_words_at_all_are_refused(blocks: list[bytes], min_count: int, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"^the text holds no words; give more text$"):
        counted(blocks, tmp_path, min_count=min_count)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def blocks() -> Iterable[bytes]:
        yield b"a b\n"
        raise CorpusError("cut short")

    with pytest.raises(CorpusError, match="cut short"):
        counted(blocks(), tmp_path)
    assert list(tmp_path.iterdir()) == []

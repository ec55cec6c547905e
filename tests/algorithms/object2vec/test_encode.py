"""From pairs as they were read to sets of ids: what is split, numbered, shuffled, and made to judge by."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.counting import WordTable
from algorithms.object2vec import waiting
from algorithms.object2vec.encode import Encoded, encode, split
from algorithms.object2vec.negatives import negatives
from algorithms.object2vec.pairing import Pairing
from data.errors import CorpusError
from data.pair_records import NO_DOCUMENTS, NO_IDS, Read
from data.pairs import Pairs, Shards

Pair = tuple[str, str, float]
PAIRING = Pairing(min_count=1)
FOLDER = iter(range(10**9))


def read_of(
    pairs: Iterable[tuple[object, object, float]], documents: list[int] | None = None, *, texts: bool = True
) -> Read:
    """Texts, or ids with spaces between them."""
    lines = [str(side) for in0, in1, _ in pairs for side in (in0, in1)]
    labels = np.array([label for *_, label in pairs], np.float32)
    marks = NO_DOCUMENTS if documents is None else np.array(documents, np.int64)
    if texts:
        return Read("".join(f"{line}\n" for line in lines).encode(), NO_IDS, labels, marks)
    ids = [number for line in lines for number in [*map(int, line.split()), -1]]
    return Read(b"", np.array(ids, np.int32), labels, marks)


def encoded(
    train: list[Read], folder: Path, *, texts: bool = True, held_out: float = 0, pairing: Pairing = PAIRING, **options
):
    return encode(train, folder / f"{next(FOLDER)}", pairing, texts=texts, held_out=held_out, **({"seed": 1} | options))


def content(pairs: Pairs, shards: Shards | None) -> list[Pair]:
    """The pairs of a set in words, or in ids, in their order."""
    assert shards
    words = ["?", *pairs.vocabulary.words] if pairs.vocabulary else [str(i) for i in range(max(pairs.vocab_sizes))]
    found = []
    for piece in shards.all():
        batch = piece.read()
        for i in range(batch.size):
            in0, in1 = (" ".join(words[j] for j in side.sequence(i)) for side in (batch.in0, batch.in1))
            found.append((in0, in1, float(batch.labels[i])))
    return found


def numbered(size: int) -> list[Pair]:
    return [(f"a{i} the", f"b{i} the the", 1.0) for i in range(size)]


def test_words_have_ids_by_falling_count(tmp_path):
    done = encoded(
        [read_of([("b <pad> a", "b b x", 1)]), read_of([("a y", "b", 0)])], tmp_path, pairing=Pairing(min_count=2)
    )
    pairs = done.pairs
    assert pairs.vocabulary
    assert pairs.vocabulary.words == ["b", "a"]
    assert pairs.vocabulary.counts.tolist() == [4, 2]
    assert (pairs.vocab_sizes, pairs.longest, pairs.tokens) == ((3, 3), (3, 3), 9)
    assert sorted(content(pairs, pairs.train)) == [("a ?", "b", 0), ("b ? a", "b b ?", 1)]
    assert (pairs.validation, pairs.test, done.skipped) == (None, None, 0)


@pytest.mark.parametrize("text", ["<pad> <pad> b a a", "a a <pad> b", "b <pad> b b a a"])
def test_the_mark_of_padding_is_no_word(tmp_path, text):
    pairs = encoded([read_of([(text, "a b c", 1)])], tmp_path).pairs
    assert pairs.vocabulary
    assert sorted(pairs.vocabulary.words) == ["a", "b", "c"]
    assert content(pairs, pairs.train) == [(text.replace("<pad>", "?"), "a b c", 1)]


def test_the_vocabulary_has_a_bound(tmp_path):
    pairs = encoded(
        [read_of([("a a a b b c", "d", 1)])], tmp_path, pairing=Pairing(min_count=1, max_vocabulary=2)
    ).pairs
    assert content(pairs, pairs.train) == [("a a a b b ?", "?", 1)]
    assert pairs.vocab_sizes == (3, 3)


def test_only_training_pairs_have_words(tmp_path):
    others = {"validation": [read_of([("a b", "c", 0), ("c", "b", 1)])], "test": [read_of([("a", "x", 0)])]}
    pairs = encoded([read_of([("a", "a c", 1)])], tmp_path, others=others).pairs
    assert pairs.vocabulary
    assert pairs.vocabulary.words == ["a", "c"]
    assert sorted(content(pairs, pairs.validation)) == [("a ?", "c", 0), ("c", "?", 1)]
    assert content(pairs, pairs.test) == [("a", "?", 0)]


@pytest.mark.parametrize("sentences", [1, 2, 3])
def test_words_of_a_document_count_once_however_many_sentences_are_drawn(tmp_path, sentences):
    document = [("a b", "a c a d", 1.0), ("a c", "a b a d", 1.0), ("a d", "a b a c", 1.0)][:sentences]
    other = [("a x", "y", 1.0), ("y", "a x", 1.0)][:sentences]  # a shorter one
    documents = [7] * len(document) + [8] * len(other)
    pairs = encoded([read_of(document + other, documents)], tmp_path, pairing=Pairing(min_count=1, sentences=3)).pairs
    assert pairs.vocabulary
    assert dict(zip(pairs.vocabulary.words, pairs.vocabulary.counts.tolist(), strict=True)) == {
        "a": 4, "b": 1, "c": 1, "d": 1, "x": 1, "y": 1,
    }  # fmt: skip
    assert len(content(pairs, pairs.train)) == len(documents)


def test_of_documents_that_were_cut_every_word_counts(tmp_path):
    pairs = encoded(
        [read_of([("a b", "c", 1.0), ("c d", "a", 1.0), ("e f", "a", 1.0)], [7, 7, 7])],
        tmp_path, pairing=Pairing(min_count=1, sentences=3),
    ).pairs  # fmt: skip
    assert pairs.vocabulary
    assert pairs.vocabulary.counts.tolist() == [1] * 6


def test_lines_of_files_count_as_often_as_they_stand_there(tmp_path):
    pairs = encoded([read_of([("a", "film", 1.0), ("b", "film", 1.0)])], tmp_path, pairing=Pairing(min_count=2)).pairs
    assert pairs.vocabulary
    assert pairs.vocabulary.words == ["film"]


def test_given_ids_stay(tmp_path):
    train = [read_of([("5", "0 2", 2), ("1 1 1", "7", 0)], texts=False), read_of([], texts=False)]
    pairs = encoded(train, tmp_path, texts=False, others={"test": [read_of([("1", "9", 0.5)], texts=False)]}).pairs
    assert sorted(content(pairs, pairs.train)) == [("1 1 1", "7", 0), ("5", "0 2", 2)]
    assert content(pairs, pairs.test) == [("1", "9", 0.5)]
    assert (pairs.vocabulary, pairs.vocab_sizes, pairs.longest) == (None, (6, 10), (3, 2))


def test_shares_are_held_out_with_pairs_that_are_none(tmp_path):
    pairs = encoded([read_of(numbered(60)), read_of(numbered(100)[60:])], tmp_path, held_out=0.1).pairs
    sets = {
        name: content(pairs, shards) for name, shards in zip(("train", "validation", "test"), pairs[-3:], strict=True)
    }
    train = sets.pop("train")
    assert len(train) == 80
    assert [pair[1] for pair in train] != sorted(pair[1] for pair in train)
    seen = {text.split()[0] for pair in train for text in pair[:2]}
    for judged in sets.values():
        assert [label for *_, label in judged] == [1, 0, 0, 0, 0, 0] * 10
        for i, (in0, in1, label) in enumerate(judged):
            assert in0 == judged[i - i % 6][0]  # a pair, then those that are none
            assert in1.count("?") == 1  # words of its own, which training does not know
            assert label == (i % 6 == 0)
            assert not {in0.split()[0], in1.split()[0]} & (seen - {"the"})


def test_a_set_with_labels_of_its_own_gets_no_more(tmp_path):
    train = [read_of([(f"a{i}", f"b{i}", i % 2) for i in range(100)])]
    pairs = encoded(train, tmp_path, held_out=0.1).pairs
    assert [shards.size for shards in pairs[-3:]] == [80, 10, 10]
    positives = [read_of(numbered(100))]
    assert encoded(positives, tmp_path, held_out=0.1, pairing=Pairing(min_count=1, negatives=0)).pairs.test.size == 10


def test_too_few_pairs_are_all_trained_on(tmp_path):
    pairs = encoded([read_of(numbered(2))], tmp_path, held_out=0.1).pairs
    assert (pairs.train.size, pairs.validation, pairs.test) == (2, None, None)
    assert [shards.size for shards in encoded([read_of(numbered(3))], tmp_path, held_out=0.1).pairs[-3:]] == [1, 1, 1]


def test_it_depends_on_the_seed_alone(tmp_path):
    def all_of(done: Encoded) -> list[list[Pair]]:
        return [content(done.pairs, shards) for shards in done.pairs[-3:]]

    whole, cut = [read_of(numbered(50))], [read_of([pair]) for pair in numbered(50)]
    first = all_of(encoded(whole, tmp_path, held_out=0.1))
    assert first == all_of(encoded(cut, tmp_path, held_out=0.1))
    assert first != all_of(encoded(whole, tmp_path, held_out=0.1, seed=2))


def test_shards_are_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(waiting, "MAX_SHARD", 10)
    pairs = encoded([read_of([*numbered(7), ("a " * 30, "b", 1)])], tmp_path).pairs
    assert len(pairs.train.sizes) >= 4
    assert pairs.train.size == 8
    assert {pair[0].split()[-1] for pair in content(pairs, pairs.train)} == {"the", "a"}


def test_nothing_to_learn_from(tmp_path):
    nothing = Read(b"", NO_IDS, np.empty(0, np.float32), NO_DOCUMENTS, skipped=7)
    with pytest.raises(CorpusError, match="channel train: no pairs in it, and 7 documents of fewer than two sentences"):
        encoded([nothing], tmp_path)
    with pytest.raises(CorpusError, match="channel test: no pairs in it"):
        encoded([read_of(numbered(3))], tmp_path, others={"test": [nothing]})
    with pytest.raises(CorpusError, match=r"min_count=4: no word is seen 4 times, .* is seen 3; choose min_count <= 3"):
        encoded([read_of(numbered(1))], tmp_path, pairing=Pairing(min_count=4))


GROUPS = st.lists(st.integers(0, 12), min_size=1, max_size=60)


@given(GROUPS, st.floats(0.01, 0.3), st.integers(0, 5))
def test_no_group_is_in_two_sets(groups, share, seed):
    numbers = np.unique(np.array(groups), return_inverse=True)[1].astype(np.int64)
    sets = split(numbers, share, np.random.default_rng(seed))
    assert sorted(np.concatenate([*sets.values()]).tolist()) == list(range(len(groups)))
    assert list(sets) in (["train"], ["train", "validation", "test"])
    found = Counter(group for members in sets.values() for group in set(numbers[members].tolist()))
    assert set(found.values()) == {1}
    for name in set(sets) - {"train"}:
        assert 0 < sets[name].size <= max(1, round(2 * share * len(groups)))


def groups_of(folder: Path, pairs: list[Pair], documents: list[int] | None, *, texts: bool) -> list[int]:
    with (folder / "scratch").open("w+b") as file:
        read = read_of(pairs, documents, texts=texts)
        return waiting.Waiting(file, [read], WordTable() if texts else None).groups().tolist()


def same(groups: list[int]) -> list[list[bool]]:
    return [[a == b for a in groups] for b in groups]


def test_pairs_of_one_document_or_with_one_in1_stay_together(tmp_path):
    pairs = [("a", "r s", 1), ("b", "r s", 1), ("c", "t", 1), ("d", "u", 1), ("e", "u", 1), ("f", "w", 1)]
    assert same(groups_of(tmp_path, pairs, None, texts=True)) == same([0, 0, 1, 2, 2, 3])
    assert same(groups_of(tmp_path, pairs, [1, 2, 2, 3, 3, 4], texts=True)) == same([0, 0, 0, 1, 1, 2])


def test_few_texts_that_many_pairs_have_are_in_all_sets(tmp_path):
    pairs = [(f"a{i // 2}", ("of sport", "of war")[i % 2], 1) for i in range(82)]
    assert len(set(groups_of(tmp_path, pairs, None, texts=True))) == 82
    assert len(set(groups_of(tmp_path, pairs[:40], None, texts=True))) == 2


def test_films_that_many_have_rated_are_in_all_sets(tmp_path):
    pairs = [("1", "7", 1), ("2", "7", 1), ("1", "7", 0), ("3", "8", 1)]
    assert same(groups_of(tmp_path, pairs, None, texts=False)) == same([0, 1, 0, 2])
    assert same(groups_of(tmp_path, [*pairs, ("3", "8 9", 1)], None, texts=False)) == same([0, 0, 0, 1, 2])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12),
    st.integers(0, 4),
    st.booleans(),
)
def test_no_pair_that_is_one_is_made(pairs, each, documents):
    codes = np.array([pair[:2] for pair in pairs], np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    marks = np.array([pair[2] for pair in pairs], np.int64) if documents else NO_DOCUMENTS
    known = np.sort(waiting.joint(codes[:, 0], codes[:, 1]))
    first, second = negatives(codes, marks, known, each=each, rng=np.random.default_rng(1))
    made = [(pairs[i], pairs[j]) for i, j in zip(first.tolist(), second.tolist(), strict=True)]
    right = {(a[0], b[1]) for a in pairs for b in pairs} - {pair[:2] for pair in pairs}
    assert {(a[0], b[1]) for a, b in made} <= right
    if documents:
        assert all(a[2] != b[2] for a, b in made)
    for number, times in Counter(first.tolist()).items():
        possible = [
            b for b in pairs if (pairs[number][0], b[1]) in right and not (documents and b[2] == pairs[number][2])
        ]
        assert times <= each
        assert possible
        assert times == each or len(possible) * 4 < len(pairs)

import io
import tempfile
from itertools import chain, pairwise
from pathlib import Path

import fsspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import storage
from data.corpus import Corpus, Slice
from data.errors import StorageError
from data.vocabulary import Vocabulary

VOCABULARY = Vocabulary(["a", "é", "b"], np.array([5, 3, 1]))
LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=6)


def of(lengths: list[int], folder: str = "nowhere") -> Corpus:
    shards = [storage.join(folder, f"shard-{i:05d}.npy") for i in range(len(lengths))]
    return Corpus(VOCABULARY, shards, lengths, sum(lengths), 1)


def written(lengths: list[int], folder: str) -> Corpus:
    """A corpus whose ids are 0, 1, 2 ... through all shards."""
    corpus, first = of(lengths, folder), 0
    for url, length in zip(corpus.shards, lengths, strict=True):
        file = io.BytesIO()
        np.save(file, np.arange(first, first + length, dtype=np.int32))
        storage.write_bytes(url, file.getvalue())
        first += length
    corpus.save(folder)
    return corpus


def places(pieces: list[Slice], corpus: Corpus) -> list[int]:
    """Where in the whole corpus the ids of the pieces are."""
    offsets = dict(zip(corpus.shards, np.cumsum([0, *corpus.lengths]).tolist(), strict=False))
    return [offsets[piece.url] + i for piece in pieces for i in range(piece.start, piece.stop)]


@given(LENGTHS, st.integers(0, 300), st.integers(0, 300))
def test_slices_are_the_ids_asked_for(lengths: list[int], start: int, stop: int) -> None:
    corpus = of(lengths)
    pieces = corpus.slices(start, stop)
    assert places(pieces, corpus) == list(range(sum(lengths)))[start:stop]
    assert all(piece.start < piece.stop for piece in pieces)


@given(LENGTHS, st.integers(1, 12), st.integers(1, 5))
def test_parts_cover_the_corpus_once_and_in_order(lengths: list[int], of_: int, workers: int) -> None:
    corpus = of(lengths)
    parts = [corpus.parts(index, of_, workers) for index in range(of_)]
    assert [len(stretch) for stretch in parts] == [workers] * of_
    flat = [places(part, corpus) for stretch in parts for part in stretch]
    assert list(chain.from_iterable(flat)) == list(range(sum(lengths)))
    for stretch in parts:  # equal to one id
        sizes = [len(places(part, corpus)) for part in stretch]
        assert max(sizes) - min(sizes) <= 1
    sizes = [sum(len(places(part, corpus)) for part in stretch) for stretch in parts]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("where", ["local", "file", "memory"])
def test_round_trip_and_reading(where: str, tmp_path: Path) -> None:
    folder = {"local": str(tmp_path), "file": f"file://{tmp_path}", "memory": "memory://test_corpus/round_trip"}[where]
    corpus = written([7, 0, 5], folder)
    again = Corpus.load(folder)
    assert again[1:] == corpus[1:] or where == "file"  # file:// loads as a path
    assert again.vocabulary.words == VOCABULARY.words
    np.testing.assert_array_equal(again.vocabulary.counts, VOCABULARY.counts)
    assert again.lengths == [7, 0, 5]
    ids = np.concatenate([piece.read() for piece in again.slices(3, 11)])
    assert ids.dtype == np.int32
    assert ids.tolist() == list(range(3, 11))


@settings(max_examples=20)
@given(LENGTHS.filter(any), st.integers(1, 5), st.integers(1, 3))
def test_what_is_read_is_what_was_asked_for(lengths: list[int], of_: int, workers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus = written(lengths, folder)
        parts = [part for index in range(of_) for part in corpus.parts(index, of_, workers)]
        ids = [piece.read() for part in parts for piece in part]
    assert np.concatenate(ids).tolist() == list(range(sum(lengths)))


def test_ids_can_be_changed_without_changing_the_file(tmp_path: Path) -> None:
    corpus = written([9], str(tmp_path))
    ids = Slice(corpus.shards[0], 2, 5).read()
    assert type(ids) is np.ndarray
    assert ids.flags.writeable
    ids[:] = -1
    assert np.load(corpus.shards[0]).tolist() == list(range(9))


def test_a_piece_of_a_remote_shard_is_fetched_once() -> None:
    folder = "memory://test_corpus/once"
    corpus = written([9], folder)
    first = Slice(corpus.shards[0], 4, 9).read()
    fsspec.filesystem("memory").rm("/test_corpus/once", recursive=True)
    assert Slice(corpus.shards[0], 4, 9).read().tolist() == [4, 5, 6, 7, 8]
    assert first.tolist() == [4, 5, 6, 7, 8]


def test_the_index_is_written_last_and_names_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    for place in ("data.storage.write_bytes", "data.storage.values.write_bytes"):
        monkeypatch.setattr(place, lambda url, _data: order.append(storage.name(url)))
    of([3, 4], str(tmp_path)).save(str(tmp_path))
    assert order == ["vocabulary.txt", "corpus.json"]
    monkeypatch.undo()
    of([3, 4], str(tmp_path)).save(str(tmp_path))
    assert storage.read_json(str(tmp_path / "corpus.json")) == {
        "shards": ["shard-00000.npy", "shard-00001.npy"],
        "lengths": [3, 4],
        "tokens": 7,
        "sentences": 1,
        "words": 3,
    }


def test_a_folder_that_moved_still_loads(tmp_path: Path) -> None:
    written([4, 4], str(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    corpus = Corpus.load(str(tmp_path / "new"))
    assert [piece.read().tolist() for piece in corpus.slices(3, 6)] == [[3], [4, 5]]


def test_a_folder_without_an_index_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"corpus\.json.*no such file"):
        Corpus.load(str(tmp_path))


def test_more_workers_than_ids() -> None:
    corpus = of([2])
    sizes = [len(places(part, corpus)) for part in corpus.parts(0, 1, 5)]
    assert sum(sizes) == 2
    assert len(sizes) == 5
    assert all(start <= stop for start, stop in pairwise([0, *np.cumsum(sizes).tolist()]))

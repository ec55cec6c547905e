from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import arrays, storage
from data.errors import StorageError
from data.examples import Batch, Examples, Shards, Slice
from data.vocabulary import Vocabulary

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=6)
VOCABULARY = Vocabulary(["</s>", "é", "b"], np.array([50, 3, 1]))
LABELS = Vocabulary(["__label__a", "__label__é"], np.array([30, 20]))

# three of them: one with two labels and no rows, one without tokens of its own
STREAM = [5, 1, 7, 0, 2, 2, 2, 1, 0, 1, 1, 0, 1]
OFFSETS = [0, 5, 9, 13]


def shards_of(sizes: list[int], folder: str = "nowhere", name: str = "train") -> Shards:
    urls = [[storage.join(folder, f"{name}-{kind}-{i:05d}.npy") for i in range(len(sizes))] for kind in "so"]
    return Shards(*urls, sizes, 3 * sum(sizes))


def written(sizes: list[int], folder: str, name: str = "train") -> Shards:
    """Shards whose examples have the rows 0, 1, 2 ... through all of them, a label each."""
    shards, first = shards_of(sizes, folder, name), 0
    for stream, offsets, size in zip(shards.streams, shards.offsets, sizes, strict=True):
        examples = [[3, 1, row, row % 2] for row in range(first, first + size)]
        arrays.write(stream, np.array(list(chain.from_iterable(examples)), np.int32))
        arrays.write(offsets, np.arange(0, 4 * size + 1, 4))
        first += size
    return shards


def examples_of(train: Shards, validation: Shards | None = None) -> Examples:
    return Examples(VOCABULARY, LABELS, np.array([7, 2**31 - 2]), train, validation)


def places(pieces: list[Slice], shards: Shards) -> list[int]:
    """Where in the whole set the examples of the pieces are."""
    firsts = dict(zip(shards.streams, np.cumsum([0, *shards.sizes]).tolist(), strict=False))
    assert [shards.offsets[shards.streams.index(piece.stream)] for piece in pieces] == [p.offsets for p in pieces]
    return [firsts[piece.stream] + i for piece in pieces for i in range(piece.start, piece.stop)]


def test_a_batch_knows_its_labels_and_rows() -> None:
    batch = Batch(np.array(STREAM, np.int32), np.array(OFFSETS))
    assert batch.size == 3
    starts, numbers = batch.labels()
    assert (starts.dtype, numbers.dtype) == (np.int64, np.int32)
    assert starts.tolist() == [0, 1, 3, 4]
    assert numbers.tolist() == [2, 1, 0, 1]
    assert [batch.rows(example).tolist() for example in range(3)] == [[7, 0], [], [0]]


def test_a_batch_in_the_middle_of_a_stream() -> None:
    batch = Batch(np.array(STREAM, np.int32), np.array(OFFSETS)[1:])
    assert batch.size == 2
    starts, numbers = batch.labels()
    assert (starts.tolist(), numbers.tolist()) == ([0, 2, 3], [1, 0, 1])
    assert batch.rows(1).tolist() == [0]


def test_a_batch_of_nothing() -> None:
    batch = Batch(np.zeros(0, np.int32), np.zeros(1, np.int64))
    starts, numbers = batch.labels()
    assert (batch.size, starts.tolist(), numbers.tolist()) == (0, [0], [])


@given(SIZES, st.integers(0, 300), st.integers(0, 300))
def test_slices_are_the_examples_asked_for(sizes: list[int], start: int, stop: int) -> None:
    shards = shards_of(sizes)
    pieces = shards.slices(start, stop)
    assert places(pieces, shards) == list(range(sum(sizes)))[start:stop]
    assert all(piece.start < piece.stop for piece in pieces)
    assert shards.size == sum(sizes)


@given(SIZES, st.integers(1, 12), st.integers(1, 5))
def test_parts_cover_the_examples_once_and_in_order(sizes: list[int], of: int, workers: int) -> None:
    shards = shards_of(sizes)
    parts = [examples_of(shards).parts(index, of, workers) for index in range(of)]
    assert [len(stretch) for stretch in parts] == [workers] * of
    flat = [[places(part, shards) for part in stretch] for stretch in parts]
    assert list(chain.from_iterable(chain.from_iterable(flat))) == list(range(sum(sizes)))
    for stretch in flat:  # equal to one example
        assert max(map(len, stretch)) - min(map(len, stretch)) <= 1
    lengths = [sum(map(len, stretch)) for stretch in flat]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("validation", [None, [4], [2, 0, 3]])
@pytest.mark.parametrize("where", ["local", "memory"])
def test_round_trip_and_reading(where: str, validation: list[int] | None, tmp_path: Path) -> None:
    folder = {"local": str(tmp_path), "memory": f"memory://test_examples/{validation}"}[where]
    judged = None if validation is None else written(validation, folder, "validation")
    examples = examples_of(written([7, 0, 5], folder), judged)
    examples.save(folder)
    again = Examples.load(folder)
    assert again.vocabulary.words == VOCABULARY.words
    assert again.labels.words == LABELS.words
    assert again.labels.counts.tolist() == [30, 20]
    assert again.buckets.dtype == np.int64
    assert again.buckets.tolist() == [7, 2**31 - 2]
    assert (again.train, again.validation, again.tokens) == (examples.train, judged, 36)
    batches = [piece.read() for piece in again.train.slices(3, 11)]
    assert [batch.size for batch in batches] == [4, 4]
    assert [batch.rows(i).tolist() for batch in batches for i in range(4)] == [[row] for row in range(3, 11)]
    assert np.concatenate([batch.labels()[1] for batch in batches]).tolist() == [row % 2 for row in range(3, 11)]
    assert all(type(array) is np.ndarray and array.flags.writeable for batch in batches for array in batch)


def test_no_buckets(tmp_path: Path) -> None:
    examples = examples_of(written([3], str(tmp_path)))._replace(buckets=np.zeros(0, np.int64))
    examples.save(str(tmp_path))
    again = Examples.load(str(tmp_path)).buckets
    assert (again.shape, again.dtype) == ((0,), np.int64)


def test_a_folder_that_moved_still_loads(tmp_path: Path) -> None:
    examples_of(written([4, 4], str(tmp_path / "old"))).save(str(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    pieces = Examples.load(str(tmp_path / "new")).train.slices(3, 6)
    assert [batch.rows(i).tolist() for batch in (p.read() for p in pieces) for i in range(batch.size)] == [
        [3],
        [4],
        [5],
    ]


def test_the_index_is_written_last_and_names_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    for place in ("data.storage.write_bytes", "data.storage.values.write_bytes"):
        monkeypatch.setattr(place, lambda url, _data: order.append(storage.name(url)))
    examples = examples_of(shards_of([3], str(tmp_path)), shards_of([1, 1], str(tmp_path), "validation"))
    examples.save(str(tmp_path))
    assert order[-1] == "examples.json"
    assert sorted(order) == ["buckets.npy", "examples.json", "labels.txt", "vocabulary.txt"]
    monkeypatch.undo()
    examples.save(str(tmp_path))
    index = storage.read_json(str(tmp_path / "examples.json"))
    assert index["train"] == {
        "streams": ["train-s-00000.npy"], "offsets": ["train-o-00000.npy"], "sizes": [3], "tokens": 9,
    }  # fmt: skip
    assert index["validation"]["sizes"] == [1, 1]


def test_a_folder_without_an_index_is_none(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"examples\.json.*no such file"):
        Examples.load(str(tmp_path))

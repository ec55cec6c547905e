from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import arrays, storage
from data.errors import StorageError
from data.pairs import Batch, Pairs, Sequences, Shards, Slice, Writer
from data.vocabulary import Vocabulary

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=6)
IDS = st.lists(st.integers(0, 3_000_000 - 1), min_size=1, max_size=6)
PAIRS = st.lists(st.tuples(IDS, IDS, st.floats(-5, 5, width=32)), min_size=1, max_size=12)
VOCABULARY = Vocabulary(["é", "b"], np.array([30, 20]))


def batch_of(pairs: list[tuple[list[int], list[int], float]]) -> Batch:
    in0, in1, labels = zip(*pairs, strict=True)
    return Batch(Sequences.of(in0), Sequences.of(in1), np.array(labels, np.float32))


def listed(batch: Batch) -> list[tuple[list[int], list[int], float]]:
    return [
        (batch.in0.sequence(i).tolist(), batch.in1.sequence(i).tolist(), float(batch.labels[i]))
        for i in range(batch.size)
    ]


def shards_of(sizes: list[int], folder: str = "nowhere", name: str = "train") -> Shards:
    return Shards([storage.join(folder, f"{name}-{i:05d}") for i in range(len(sizes))], sizes, 3 * sum(sizes))


def written(sizes: list[int], folder: str, name: str = "train") -> Shards:
    """Shards of the pairs ([n], [n, n], n % 2) for n = 0, 1, 2 ... through all of them."""
    shards, first = shards_of(sizes, folder, name), 0
    for shard, size in zip(shards.shards, sizes, strict=True):
        numbers = range(first, first + size)
        batch = Batch(
            Sequences.of([n] for n in numbers),
            Sequences.of([n, n] for n in numbers),
            np.array([n % 2 for n in numbers], np.float32),
        )
        batch.save(shard)
        first += size
    return shards


def pairs_of(train: Shards, validation: Shards | None = None, test: Shards | None = None) -> Pairs:
    return Pairs(VOCABULARY, (3, 3), (1, 2), train, validation, test)


def places(pieces: list[Slice], shards: Shards) -> list[int]:
    """Where in the whole set the pairs of the pieces are."""
    firsts = dict(zip(shards.shards, np.cumsum([0, *shards.sizes]).tolist(), strict=False))
    return [firsts[piece.shard] + i for piece in pieces for i in range(piece.start, piece.stop)]


def test_sequences() -> None:
    found = Sequences.of([[3, 1], [2], []])
    assert (found.tokens.dtype, found.offsets.dtype) == (np.int32, np.int64)
    assert found.size == 3
    assert found.lengths.tolist() == [2, 1, 0]
    assert found.sequence(0).tolist() == [3, 1]
    assert Sequences.of([]).size == 0


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=8), st.data())
def test_sequences_are_taken_in_any_order(lists: list[list[int]], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(lists) - 1))
    numbers = data.draw(st.lists(st.integers(0, len(lists) - first - 1), max_size=10))
    tokens, offsets = Sequences.of(lists)
    taken = Sequences(tokens, offsets[first:]).take(np.array(numbers, np.int64))
    assert [taken.sequence(i).tolist() for i in range(taken.size)] == [lists[first + number] for number in numbers]
    assert taken.tokens.dtype == np.int32


@given(PAIRS, st.data())
def test_a_batch_comes_back_from_disk(pairs: list[tuple[list[int], list[int], float]], data: st.DataObject) -> None:
    shard = "memory://test_pairs/any/train-00000"
    start = data.draw(st.integers(0, len(pairs) - 1))
    stop = data.draw(st.integers(start + 1, len(pairs)))
    batch = batch_of(pairs)
    middle = Batch(
        batch.in0._replace(offsets=batch.in0.offsets[start : stop + 1]),
        batch.in1._replace(offsets=batch.in1.offsets[start : stop + 1]),
        batch.labels[start:stop],
    )
    middle.save(shard)
    arrays.forget()  # the same names hold other pairs now
    again = Slice(shard, 0, stop - start).read()
    assert listed(again) == pairs[start:stop]
    assert again.tokens == sum(len(in0) + len(in1) for in0, in1, _ in pairs[start:stop])
    assert [array.dtype for array in (*again.in0, *again.in1, again.labels)] == ["i4", "i8", "i4", "i8", "f4"]


@given(SIZES, st.integers(0, 300), st.integers(0, 300))
def test_slices_are_the_pairs_asked_for(sizes: list[int], start: int, stop: int) -> None:
    shards = shards_of(sizes)
    pieces = shards.slices(start, stop)
    assert places(pieces, shards) == list(range(sum(sizes)))[start:stop]
    assert all(piece.start < piece.stop for piece in pieces)
    assert places(shards.all(), shards) == list(range(shards.size))


@given(SIZES, st.integers(1, 12), st.integers(1, 5))
def test_parts_cover_the_pairs_once_and_in_order(sizes: list[int], of: int, workers: int) -> None:
    shards = shards_of(sizes)
    parts = [pairs_of(shards).parts(index, of, workers) for index in range(of)]
    assert [len(stretch) for stretch in parts] == [workers] * of
    flat = [[places(part, shards) for part in stretch] for stretch in parts]
    assert list(chain.from_iterable(chain.from_iterable(flat))) == list(range(sum(sizes)))
    for stretch in flat:  # equal to one pair
        assert max(map(len, stretch)) - min(map(len, stretch)) <= 1


@pytest.mark.parametrize("sets", [{}, {"validation": [4]}, {"test": [2, 0, 3]}, {"validation": [1], "test": [2]}])
@pytest.mark.parametrize("where", ["local", "memory"])
def test_round_trip_and_reading(where: str, sets: dict[str, list[int]], tmp_path: Path) -> None:
    folder = {"local": str(tmp_path), "memory": f"memory://test_pairs/{'-'.join(sets)}"}[where]
    judged = {name: written(sizes, folder, name) for name, sizes in sets.items()}
    pairs = pairs_of(written([7, 0, 5], folder), **judged)
    pairs.save(folder)
    again = Pairs.load(folder)
    assert again.vocabulary is not None
    assert again.vocabulary.words == VOCABULARY.words
    assert again[1:] == pairs[1:]
    assert again.tokens == 36
    assert again.ids() == {"<pad>": 0, "é": 1, "b": 2}
    batches = [piece.read() for piece in again.train.slices(3, 11)]
    assert [batch.size for batch in batches] == [4, 4]
    assert [*chain.from_iterable(map(listed, batches))] == [([n], [n, n], n % 2) for n in range(3, 11)]
    read = [array for batch in batches for array in (*batch.in0, *batch.in1, batch.labels)]
    assert all(type(array) is np.ndarray and array.flags.writeable for array in read)


def test_ids_that_came_ready_have_no_words(tmp_path: Path) -> None:
    pairs = Pairs(None, (7, 3_000_000), (1, 2), written([3], str(tmp_path)))
    pairs.save(str(tmp_path))
    assert Pairs.load(str(tmp_path)) == pairs
    assert pairs.ids() == {}


def test_a_writer_makes_a_shard_of_each_batch(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "test")
    writer.add(batch_of([([1], [2, 3], 1.0)]))
    writer.add(batch_of([([4], [5], 0.5), ([6], [7], 0.0)]))
    assert writer.written == Shards([f"{tmp_path}/test-00000", f"{tmp_path}/test-00001"], [1, 2], 7)
    assert listed(writer.written.slices(1, 2)[0].read()) == [([4], [5], 0.5)]


def test_a_folder_that_moved_still_loads(tmp_path: Path) -> None:
    pairs_of(written([4, 4], str(tmp_path / "old"))).save(str(tmp_path / "old"))
    (tmp_path / "old").rename(tmp_path / "new")
    pieces = Pairs.load(str(tmp_path / "new")).train.slices(3, 6)
    assert [piece.read().in0.tokens[piece.read().in0.offsets[0]] for piece in pieces] == [3, 4]


def test_the_index_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    for place in ("data.storage.write_bytes", "data.storage.values.write_bytes"):
        monkeypatch.setattr(place, lambda url, _data: order.append(storage.name(url)))
    pairs_of(shards_of([3], str(tmp_path))).save(str(tmp_path))
    assert order == ["vocabulary.txt", "pairs.json"]
    monkeypatch.undo()
    pairs_of(shards_of([3], str(tmp_path))).save(str(tmp_path))
    assert storage.read_json(str(tmp_path / "pairs.json")) == {
        "words": 2, "vocab_sizes": [3, 3], "longest": [1, 2],
        "sets": {"train": {"shards": ["train-00000"], "sizes": [3], "tokens": 9}},
    }  # fmt: skip


def test_a_folder_without_an_index_is_none(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"pairs\.json.*no such file"):
        Pairs.load(str(tmp_path))

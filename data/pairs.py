"""Prepared pairs: what an Object2Vec trains on, and is judged by, as ids. It knows a folder, not where pairs come from.

One pair is a sequence of ids on each of two sides, in0 and in1, and a label: the number of a class, or a score. Id 0 is
`<pad>` and every unknown word; words have the ids from 1, by falling count. On disk, for each shard of each set:

    train-00000-in0.npy             (N,) int32, all ids of the side, memory-mapped when read
    train-00000-in0-offsets.npy     (E + 1,) int64, where each sequence begins
    train-00000-in1.npy, train-00000-in1-offsets.npy
    train-00000-labels.npy          (E,) float32
    validation-..., test-...        the same, where there are pairs to be judged by
    vocabulary.txt                  "word count" lines, the word of id 1 first; not for ids that came ready
    pairs.json                      names, counts; written last, so its presence says the folder is whole
"""

from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data import arrays, storage
from data.vocabulary import Vocabulary

INDEX, WORDS = "pairs.json", "vocabulary.txt"
PAD = "<pad>"
SIDES = ("in0", "in1")
SETS = ("train", "validation", "test")


class Sequences(NamedTuple):
    """E sequences of ids: tokens (N,) int32, offsets (E + 1,) int64. The first need not begin at 0."""

    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Iterable[Iterable[int]]) -> "Sequences":
        """Those of some lists."""
        lists = [list(each) for each in sequences]
        ends = np.cumsum([len(each) for each in lists], dtype=np.int64)
        return cls(np.array([*chain.from_iterable(lists)], np.int32), np.concatenate([np.zeros(1, np.int64), ends]))

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Ids in each, (E,)."""
        return np.diff(self.offsets)

    def sequence(self, number: int) -> NDArray[np.int32]:
        """The ids of one."""
        return self.tokens[self.offsets[number] : self.offsets[number + 1]]

    def take(self, numbers: NDArray[np.int64]) -> "Sequences":
        """Those with these numbers, in their order, as new arrays."""
        lengths = self.lengths[numbers]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        places = np.repeat(self.offsets[numbers] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Sequences(self.tokens[places], offsets)


class Batch(NamedTuple):
    """Some pairs. labels: (E,) float32, the number of a class, or a real score."""

    in0: Sequences
    in1: Sequences
    labels: NDArray[np.float32]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.labels)

    @property
    def tokens(self) -> int:
        """Ids on both sides."""
        return int(sum(side.offsets[-1] - side.offsets[0] for side in (self.in0, self.in1)))

    def save(self, shard: str) -> None:
        """Write the files that begin with the path or URL `shard`."""
        for name, side in zip(SIDES, (self.in0, self.in1), strict=True):
            begin, end = side.offsets[0], side.offsets[-1]
            arrays.write(f"{shard}-{name}.npy", side.tokens[begin:end])
            arrays.write(f"{shard}-{name}-offsets.npy", side.offsets - begin)
        arrays.write(f"{shard}-labels.npy", self.labels)


class Slice(NamedTuple):
    """Pairs start..stop-1 of the shard whose files begin with the URL `shard`."""

    shard: str
    start: int
    stop: int

    def read(self) -> Batch:
        """The pairs, memory-mapped."""
        labels = arrays.part(f"{self.shard}-labels.npy", self.start, self.stop)
        return Batch(self._side(SIDES[0]), self._side(SIDES[1]), labels)

    def _side(self, name: str) -> Sequences:
        offsets = arrays.part(f"{self.shard}-{name}-offsets.npy", self.start, self.stop + 1)
        tokens = arrays.part(f"{self.shard}-{name}.npy", int(offsets[0]), int(offsets[-1]))
        return Sequences(tokens, offsets - offsets[0])


class Shards(NamedTuple):
    """A set of pairs. sizes: pairs in each shard; tokens: ids of all, both sides."""

    shards: list[str]
    sizes: list[int]
    tokens: int

    @property
    def size(self) -> int:
        """How many pairs there are."""
        return sum(self.sizes)

    def slices(self, start: int, stop: int) -> list[Slice]:
        """The pieces of shards that hold pairs start..stop-1."""
        pieces, before = [], 0
        for shard, size in zip(self.shards, self.sizes, strict=True):
            low, high = max(start - before, 0), min(stop - before, size)
            if low < high:
                pieces.append(Slice(shard, low, high))
            before += size
        return pieces

    def all(self) -> list[Slice]:
        """The pieces that hold every pair."""
        return self.slices(0, self.size)

    def describe(self) -> dict[str, Any]:
        """For the index: names without their folder."""
        return {**self._asdict(), "shards": [storage.name(shard) for shard in self.shards]}


class Writer:
    """Writes the shards of one set, one for each batch."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.written = Shards([], [], 0)

    def add(self, batch: Batch) -> None:
        """Write a shard."""
        shards, sizes, tokens = self.written
        shard = str(self.folder / f"{self.name}-{len(shards):05d}")
        batch.save(shard)
        self.written = Shards([*shards, shard], [*sizes, batch.size], tokens + batch.tokens)


class Pairs(NamedTuple):
    """All that training needs.

    vocabulary: the words, that of id 1 first, on both sides; None for ids that came ready. vocab_sizes: ids of in0 and
    in1 are less than these. longest: ids in the longest sequence of each side, in training.
    """

    vocabulary: Vocabulary | None
    vocab_sizes: tuple[int, int]
    longest: tuple[int, int]
    train: Shards
    validation: Shards | None = None
    test: Shards | None = None

    @property
    def tokens(self) -> int:
        """Ids of the training pairs."""
        return self.train.tokens

    def parts(self, index: int, of: int, workers: int) -> list[list[Slice]]:
        """Stretch `index` of `of` equal ones that the training pairs fall into, cut for `workers`, in order."""
        total = self.train.size
        first, last = total * index // of, total * (index + 1) // of
        cuts = [first + (last - first) * worker // workers for worker in range(workers + 1)]
        return [self.train.slices(start, stop) for start, stop in pairwise(cuts)]

    def ids(self) -> dict[str, int]:
        """The id of every word, as SageMaker's vocab.json has it: `<pad>` is 0. Empty for ids that came ready."""
        return {PAD: 0} | {word: i for i, word in enumerate(self.vocabulary.words, 1)} if self.vocabulary else {}

    def save(self, folder: str) -> None:
        """Write the vocabulary, then the index. The shards are already in `folder`."""
        if self.vocabulary is not None:
            self.vocabulary.save(storage.join(folder, WORDS))
        sets = {name: shards.describe() for name, shards in zip(SETS, self[-3:], strict=True) if shards}
        index = {
            "words": None if self.vocabulary is None else len(self.vocabulary),
            "vocab_sizes": self.vocab_sizes,
            "longest": self.longest,
            "sets": sets,
        }
        storage.write_json(storage.join(folder, INDEX), index)

    @classmethod
    def load(cls, folder: str) -> "Pairs":
        """Read the index and the vocabulary; the shards stay where they are."""
        index = storage.read_json(storage.join(folder, INDEX))

        def shards(described: dict[str, Any]) -> Shards:
            return Shards(**{**described, "shards": [storage.join(folder, name) for name in described["shards"]]})

        return cls(
            vocabulary=None if index["words"] is None else Vocabulary.load(storage.join(folder, WORDS)),
            vocab_sizes=(index["vocab_sizes"][0], index["vocab_sizes"][1]),
            longest=(index["longest"][0], index["longest"][1]),
            **{name: shards(described) for name, described in index["sets"].items()},
        )

"""Prepared examples: what a classifier trains on, and is judged by, as numbers.

One example is [tokens, labels, rows ..., label numbers ...] in a stream of int32: how many tokens its line has, how
many labels, which input rows stand for it, which labels it has. Rows are those of words and, behind them, those of the
n-grams' hash buckets that occur. On disk:

    vocabulary.txt, labels.txt      "word count" and "label count" lines, in the order of their numbers
    buckets.npy                     (U,) int64, the bucket of each row behind the words
    train-stream-00000.npy          (N,) int32, memory-mapped when read
    train-offsets-00000.npy         (E + 1,) int64, where each example begins in it
    validation-...                  the same, where there are examples to be judged by
    examples.json                   names, counts; written last, so its presence says the folder is whole
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data import arrays, storage
from data.vocabulary import Vocabulary

INDEX, WORDS, LABELS, BUCKETS = "examples.json", "vocabulary.txt", "labels.txt", "buckets.npy"


class Batch(NamedTuple):
    """Some examples: stream (N,) int32, offsets (E + 1,) int64."""

    stream: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.offsets) - 1

    def labels(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Starts (E + 1,) and numbers (M,): the labels of example i are numbers[starts[i] : starts[i + 1]]."""
        given = self.stream[self.offsets[:-1] + 1].astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(given)])
        return starts, self.stream[np.repeat(self.offsets[1:] - starts[1:], given) + np.arange(starts[-1])]

    def rows(self, example: int) -> NDArray[np.int32]:
        """The rows of one example, words before n-grams."""
        begin, end = self.offsets[example], self.offsets[example + 1]
        return self.stream[begin + 2 : end - self.stream[begin + 1]]


class Slice(NamedTuple):
    """Examples start..stop-1 of the shard whose arrays are at two URLs."""

    stream: str
    offsets: str
    start: int
    stop: int

    def read(self) -> Batch:
        """The examples, memory-mapped."""
        offsets = arrays.part(self.offsets, self.start, self.stop + 1)
        return Batch(arrays.part(self.stream, int(offsets[0]), int(offsets[-1])), offsets - offsets[0])


class Shards(NamedTuple):
    """A set of examples. sizes: of each shard; tokens: of all lines, with their ends."""

    streams: list[str]
    offsets: list[str]
    sizes: list[int]
    tokens: int

    @property
    def size(self) -> int:
        """How many examples there are."""
        return sum(self.sizes)

    def slices(self, start: int, stop: int) -> list[Slice]:
        """The pieces of shards that hold examples start..stop-1."""
        pieces, before = [], 0
        for stream, offsets, size in zip(self.streams, self.offsets, self.sizes, strict=True):
            low, high = max(start - before, 0), min(stop - before, size)
            if low < high:
                pieces.append(Slice(stream, offsets, low, high))
            before += size
        return pieces

    def describe(self) -> dict[str, Any]:
        """For the index: names without their folder."""
        names = {name: [storage.name(url) for url in getattr(self, name)] for name in ("streams", "offsets")}
        return {**names, "sizes": self.sizes, "tokens": self.tokens}


class Examples(NamedTuple):
    """All that a classifier's training needs. labels: as in the lines, `__label__` and all."""

    vocabulary: Vocabulary
    labels: Vocabulary
    buckets: NDArray[np.int64]
    train: Shards
    validation: Shards | None

    @property
    def tokens(self) -> int:
        """Of the training lines, with their ends."""
        return self.train.tokens

    def parts(self, index: int, of: int, workers: int) -> list[list[Slice]]:
        """Stretch `index` of `of` equal ones that the training examples fall into, cut for `workers`, in order."""
        total = self.train.size
        first, last = total * index // of, total * (index + 1) // of
        cuts = [first + (last - first) * worker // workers for worker in range(workers + 1)]
        return [self.train.slices(start, stop) for start, stop in pairwise(cuts)]

    def save(self, folder: str) -> None:
        """Write vocabulary, labels and buckets, then the index. The shards are already in `folder`."""
        self.vocabulary.save(storage.join(folder, WORDS))
        self.labels.save(storage.join(folder, LABELS))
        arrays.write(storage.join(folder, BUCKETS), self.buckets)
        index = {"train": self.train.describe(), "validation": self.validation and self.validation.describe()}
        storage.write_json(storage.join(folder, INDEX), index)

    @classmethod
    def load(cls, folder: str) -> "Examples":
        """Read the index, vocabulary, labels and buckets; the shards stay where they are."""
        index = storage.read_json(storage.join(folder, INDEX))

        def shards(described: dict[str, Any] | None) -> Shards | None:
            if described is None:
                return None
            urls = {name: [storage.join(folder, each) for each in described[name]] for name in ("streams", "offsets")}
            return Shards(**urls, sizes=described["sizes"], tokens=described["tokens"])

        train = shards(index["train"])
        assert train is not None
        return cls(
            vocabulary=Vocabulary.load(storage.join(folder, WORDS)),
            labels=Vocabulary.load(storage.join(folder, LABELS)),
            buckets=np.array(arrays.opened(storage.join(folder, BUCKETS))),
            train=train,
            validation=shards(index["validation"]),
        )

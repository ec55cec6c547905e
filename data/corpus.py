"""A prepared corpus: a vocabulary and shards of word ids.

A shard is an .npy file of int32 ids, -1 after each sentence; words outside the vocabulary are gone. On disk:

    vocabulary.txt    "word count" lines in id order
    shard-00000.npy   (T,) int32, memory-mapped when read
    ...
    corpus.json       names, counts; written last, so its presence says the folder is whole
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data import arrays, storage
from data.vocabulary import Vocabulary

SENTENCE_END = -1


class Slice(NamedTuple):
    """ids[start:stop] of a shard."""

    url: str
    start: int
    stop: int

    def read(self) -> NDArray[np.int32]:
        """The ids, (stop - start,) int32, memory-mapped."""
        return arrays.part(self.url, self.start, self.stop)


class Corpus(NamedTuple):
    """shards: URLs of the id arrays; lengths: their sizes; tokens, sentences: how many all hold together."""

    vocabulary: Vocabulary
    shards: list[str]
    lengths: list[int]
    tokens: int
    sentences: int

    def save(self, folder: str) -> None:
        """Write the vocabulary, then corpus.json. The shards are already in `folder`."""
        self.vocabulary.save(storage.join(folder, "vocabulary.txt"))
        names = [shard.rsplit("/", 1)[-1] for shard in self.shards]
        index = {
            "shards": names,
            "lengths": self.lengths,
            "tokens": self.tokens,
            "sentences": self.sentences,
            "words": len(self.vocabulary),
        }
        storage.write_json(storage.join(folder, "corpus.json"), index)

    @classmethod
    def load(cls, folder: str) -> "Corpus":
        """Read the index and the vocabulary; the shards stay where they are."""
        index = storage.read_json(storage.join(folder, "corpus.json"))
        return cls(
            vocabulary=Vocabulary.load(storage.join(folder, "vocabulary.txt")),
            shards=[storage.join(folder, name) for name in index["shards"]],
            lengths=index["lengths"],
            tokens=index["tokens"],
            sentences=index["sentences"],
        )

    def parts(self, index: int, of: int, workers: int) -> list[list[Slice]]:
        """Stretch `index` of `of` equal ones that the corpus falls into, cut for `workers`, in order."""
        total = sum(self.lengths)
        first, last = total * index // of, total * (index + 1) // of
        cuts = [first + (last - first) * worker // workers for worker in range(workers + 1)]
        return [self.slices(start, stop) for start, stop in pairwise(cuts)]

    def slices(self, start: int, stop: int) -> list[Slice]:
        """The pieces of shards that hold ids start..stop-1 of the whole corpus."""
        pieces, offset = [], 0
        for url, length in zip(self.shards, self.lengths, strict=True):
            low, high = max(start - offset, 0), min(stop - offset, length)
            if low < high:
                pieces.append(Slice(url, low, high))
            offset += length
        return pieces

"""A prepared corpus: a vocabulary and shards of word ids.

A shard is an .npy file of int32 ids, -1 after each sentence; words outside the vocabulary are gone. On disk:

    vocabulary.txt    "word count" lines in id order
    shard-00000.npy   (T,) int32, memory-mapped when read
    ...
    corpus.json       names, counts; written last, so its presence says the folder is whole
"""

from typing import NamedTuple

from data import storage
from data.vocabulary import Vocabulary

SENTENCE_END = -1


class Corpus(NamedTuple):
    """vocabulary; shards: URLs of the id arrays; tokens, sentences: how many of each all shards hold together."""

    vocabulary: Vocabulary
    shards: list[str]
    tokens: int
    sentences: int

    def save(self, folder: str) -> None:
        """Write the vocabulary, then corpus.json. The shards are already in `folder`."""
        self.vocabulary.save(storage.join(folder, "vocabulary.txt"))
        names = [shard.rsplit("/", 1)[-1] for shard in self.shards]
        index = {"shards": names, "tokens": self.tokens, "sentences": self.sentences, "words": len(self.vocabulary)}
        storage.write_json(storage.join(folder, "corpus.json"), index)

    @classmethod
    def load(cls, folder: str) -> "Corpus":
        """Read the index and the vocabulary; the shards stay where they are."""
        index = storage.read_json(storage.join(folder, "corpus.json"))
        return cls(
            vocabulary=Vocabulary.load(storage.join(folder, "vocabulary.txt")),
            shards=[storage.join(folder, name) for name in index["shards"]],
            tokens=index["tokens"],
            sentences=index["sentences"],
        )

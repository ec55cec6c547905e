"""Counts of words on disk: what a topic model trains on, and is judged by. It knows the folder, not a matrix.

train-00000.pbr ...         RecordIO-protobuf, one document a record: float32 counts, keys, shape [V]
train-00000.txt ...         how each of its documents begins, one a line; not for counts that came ready
validation-..., test-...    the same, where there are such
vocab.txt                   the auxiliary channel: one word a line, in the order of the columns; where known
counts.json                 names, numbers of rows; written last, so its presence says the folder is whole
"""

from typing import Any, NamedTuple

from data import storage

INDEX, VOCABULARY = "counts.json", "vocab.txt"
CHANNELS = ("train", "validation", "test")


class Channel(NamedTuple):
    """The shards of one channel. rows: documents in each; words: the sum of all counts."""

    files: list[str]
    rows: list[int]
    words: float

    @property
    def size(self) -> int:
        """How many documents it has."""
        return sum(self.rows)

    def openings(self) -> list[str]:
        """How each document begins, row by row; empty for counts that came ready."""
        found: list[str] = []
        for url in (url.removesuffix(".pbr") + ".txt" for url in self.files):
            if not storage.exists(url):
                return []
            found += storage.read_bytes(url).decode().split("\n")[:-1]
        return found


class Counts(NamedTuple):
    """columns: V, the width of every row; vocabulary: V words, or none."""

    columns: int
    vocabulary: list[str]
    channels: dict[str, Channel]

    def channel(self, name: str) -> Channel:
        """One of `CHANNELS`; without files where there is none."""
        return self.channels.get(name, Channel([], [], 0.0))

    def save(self, folder: str) -> None:
        """Write the vocabulary, then the index. The shards are already in `folder`."""
        if self.vocabulary:
            storage.write_bytes(storage.join(folder, VOCABULARY), "".join(f"{w}\n" for w in self.vocabulary).encode())
        described = {
            name: {**each._asdict(), "files": [storage.name(url) for url in each.files]}
            for name, each in self.channels.items()
        }
        storage.write_json(storage.join(folder, INDEX), {"columns": self.columns, "channels": described})

    @classmethod
    def load(cls, folder: str) -> "Counts":
        """Read the index and the vocabulary; the shards stay where they are."""
        index = storage.read_json(storage.join(folder, INDEX))

        def channel(described: dict[str, Any]) -> Channel:
            return Channel(**{**described, "files": [storage.join(folder, name) for name in described["files"]]})

        place = storage.join(folder, VOCABULARY)
        words = storage.read_bytes(place).decode().split("\n")[:-1] if storage.exists(place) else []
        return cls(index["columns"], words, {name: channel(each) for name, each in index["channels"].items()})

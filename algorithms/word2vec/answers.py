"""Word vectors that answer: `open` a folder with vectors.bin, ask for words, get them with their vectors.

    application/json        {"instances": ["word", ...]}  ->  [{"vector": [...], "word": "word"}, ...]
    application/jsonlines   {"source": "word"}, or "word"  ->  {"vector": [...], "word": "word"}

An answer has the type of its request, whatever Accept says, as BlazingText's. What it says of a word is put together
once: writing a number as text takes longer than all else that is done for a request.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from algorithms import codecs
from algorithms.answers import JSON, JSON_LINES, Answer, Answers, Neighbour, Neighbours
from algorithms.codecs import Wrong, printable, shown
from algorithms.nearest import WAYS, Nearest
from algorithms.negotiation import accepted, media_type
from algorithms.word2vec.table import Table, Vectors

BINARIES = ("vectors.bin", "model.bin")
READY = 1 << 27  # bytes of answers that are kept, about: those of the most frequent words
DIGITS = 12  # characters of a number
STRETCH = 64  # words whose answers are made ready at once


def open(folder: Path) -> "Words":  # noqa: A001 - answers.open(folder)
    """The model in a local folder, whose files may be deleted then. Raises EmbertextError where there is none."""
    return Words(Table(next((path for name in BINARIES if (path := folder / name).exists()), folder / BINARIES[0])))


class Words:
    """Answers of word vectors."""

    algorithm = "word2vec"
    content_types = (JSON, JSON_LINES)

    def __init__(self, table: Table) -> None:
        self.table = table
        most = min(len(table.words), READY // (DIGITS * table.dim + 100))
        self._ready: list[bytes | None] = [None] * most
        self._zeros = b"[" + b",".join([b"0.0"] * table.dim) + b"]"

    def about(self) -> dict[str, Any]:
        """See `answers.Answers`."""
        words = [printable(word) for word in self.table.words[:20]]
        return {
            "algorithm": self.algorithm,
            "vocabulary_size": len(self.table.words),
            "dimension": self.table.dim,
            "subwords": self.table.subwords,
            "words": words,
            "neighbours": list(WAYS),
            "example": {"instances": words[1:4]},
        }

    def answer(self, body: bytes, *, content_type: str, accept: str = "") -> Answer:
        """See `answers.Answers`. Accept is not read."""
        kind, _ = media_type(content_type, self.content_types)
        return self.encode(self.predict(self.decode(body, content_type=kind)), accept=kind)

    def decode(self, body: bytes, *, content_type: str) -> list[str]:
        """The words."""
        kind, _ = media_type(content_type, self.content_types)
        records = codecs.read_json(body)[0] if kind == JSON else codecs.read_lines(body)
        return records.instances(_word)

    def predict(self, instances: Sequence[str]) -> list[bytes]:
        """JSON of each word and its vector."""
        rows, ready, subwords = self.table.rows, self._ready, self.table.subwords
        found: list[bytes] = []
        others: list[int] = []  # places of words whose answers are not kept
        for place, word in enumerate(instances):
            row = rows.get(word, -1)
            if 0 <= row < len(ready):
                found.append(ready[row] or self._made(row))
            elif row < 0 and not subwords:
                found.append(_item(self._zeros, word))
            else:
                found.append(b"")
                others.append(place)
        if others:
            words = [instances[place] for place in others]
            for place, item in zip(others, _items(words, self.table.look(words)), strict=True):
                found[place] = item
        return found

    def encode(self, predictions: Sequence[bytes], *, accept: str = "") -> Answer:
        """See `answers.Answers`."""
        if accepted(accept, JSON, self.content_types) == JSON_LINES:
            return codecs.lines(predictions)
        return Answer(b"[" + b",".join(predictions) + b"]", JSON)

    def neighbours(
        self,
        *,
        words: Sequence[str] = (),
        vector: Sequence[float] = (),
        positive: Sequence[str] = (),
        negative: Sequence[str] = (),
        documents: Sequence[str] = (),
        k: int = 10,
    ) -> list[list[Neighbour]]:
        """See `answers.Neighbours`."""
        return self._nearest.neighbours(
            words=words, vector=vector, positive=positive, negative=negative, documents=documents, k=k
        )

    @cached_property
    def _nearest(self) -> Nearest:
        return Nearest([printable(word) for word in self.table.words], lambda: self.table.vectors, self._find)

    def _find(self, word: str) -> tuple[int, Vectors] | None:
        row = self.table.rows.get(word, -1)
        [vector] = self.table.look([word])
        return (row, vector) if row >= 0 or vector.any() else None

    def _made(self, row: int) -> bytes:
        """What is said of a word of the vocabulary; its neighbours' answers are made ready with it."""
        first = row // STRETCH * STRETCH
        words = [printable(each) for each in self.table.words[first : min(first + STRETCH, len(self._ready))]]
        items = _items(words, self.table.stretch(first, first + len(words)))
        self._ready[first : first + len(words)] = items
        return items[row - first]


def _word(item: Any) -> str:
    """The word of a record."""
    if type(item) is dict and "source" in item:
        item = item["source"]
    if type(item) is not str:
        raise Wrong(f"{shown(item)}, expected a word", remedy='send "word", or on a line {"source": "word"}')
    return item


def _items(words: Sequence[str], vectors: Vectors) -> list[bytes]:
    """Vectors (n, D), n > 0, as text all at once, cut into rows."""
    assert vectors.dtype == np.float32, vectors.dtype
    rows = orjson.dumps(vectors, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].split(b"],[")
    return [_item(b"[" + row + b"]", word) for row, word in zip(rows, words, strict=True)]


def _item(vector: bytes, word: str) -> bytes:
    return b'{"vector":' + vector + b',"word":' + orjson.dumps(word) + b"}"


def _conforms(words: Words) -> tuple[Answers, Neighbours]:
    return words, words

"""Bags of words: how often each word stands in each of some documents. It knows words, not which of them count.

A word is a token of nltk's `word_tokenize` on the text in small letters, if it has two characters or more, begins with
a letter from a to z and goes on with a letter, digit or underscore: the recipe of SageMaker's NTM notebook. Without
nltk's model of English sentences Punkt is untrained (`data/punkt.py`), which needs no data.

Most of a text is repetition, so each distinct chunk, characters without white space between, is cut into words once a
process, and later looked up. What a chunk's words are depends on no more than the full stops in it: does a sentence
end here? Punkt says so by this chunk and the next. Beyond that reach, and taken the long way, are

* a chunk that closes brackets or quotes alone, behind a full stop or at the end of the text,
* white space that nltk's two halves do not agree on, such as the no-break space;
* a quoted clitic, `'it's'`, which is cut where a space follows and not before other white space.
"""

import functools
import re
from array import array
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data import messages, punkt, treebank
from data.messages import Part
from data.punkt import Punkt

MOST_CHUNKS = 1 << 19  # that are remembered, about 150 bytes each
OPENING = 200  # characters

_CLOSING = punkt.CLOSING + ">"
_CLOSED = re.compile(rf"\.\s+[{re.escape(punkt.CLOSING)}]+(?=\s|--)")
_WHITE = " \n\t\r\v\f"
_OTHER_WHITE = re.compile("[\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_QUOTED_CLITIC = re.compile(r"'[smd]'(?:[^\S ]|\s*\Z)")
_MAY_END_INSIDE = re.compile(rf"[.?!][{re.escape(punkt.NO_WORD)}]")
_ENDS = re.compile(r"[(\[{*\"]*([a-z]{2,})\.[)\]}\"]*")  # a sentence, but behind some words
_LETTER = re.compile("[a-z]")
_UNDECIDED = 0


class Bags(NamedTuple):
    """Of N documents: entries ends[i - 1] .. ends[i] say which of the words document i has, and how often."""

    words: list[str]  # distinct
    ends: NDArray[np.int64]  # (N,)
    ids: NDArray[np.int32]  # (E,) distinct in each document
    counts: NDArray[np.int32]  # (E,)
    openings: list[str]  # (N,) how each document begins, in one line


def count(texts: Iterable[str], *, trained: bool, strip: Iterable[Part] = ()) -> Bags:
    """The bags of some documents, without those parts of theirs. trained: with nltk's model of English sentences."""
    return _memory(trained).count([messages.strip(text, tuple(strip)) for text in texts])


def words(text: str, model: Punkt) -> list[str]:
    """The words of a text in small letters, each as often as it stands there: the long way, nothing remembered."""
    return [
        token for sentence in model.sentences(text) for token in treebank.split(sentence)
        if treebank.is_word(token)
    ]  # fmt: skip


def _opening(text: str) -> str:
    """How a text begins, in one line; whole words, and an ellipsis where there is more of it."""
    line = " ".join(text[: 2 * OPENING].split())
    if len(text) <= 2 * OPENING and len(line) <= OPENING:
        return line
    return line[: OPENING - 1].rsplit(" ", 1)[0] + "…"


@functools.cache
def _memory(trained: bool) -> "Memory":
    return Memory(Punkt.load() if trained else Punkt())


class Memory(dict[str, int]):
    r"""Chunks that have been cut: key -> number, in whose row their words' ids are. Grows when asked for a new one.

    Keys are "chunk"; "chunk next" where the next one decides; "chunk " at the end of a text; "\nchunk ) " with closing
    marks behind it; and " word" for a word.
    """

    def __init__(self, model: Punkt) -> None:
        super().__init__()
        self.model = model
        self.lock = Lock()
        self.forget()
        self.unsure = {first for first, _ in model.collocations} | model.abbreviations

    def forget(self) -> None:
        """Begin anew."""
        self.clear()
        self.words: dict[str, int] = {}
        self.ids, self.ends = array("i"), array("q", [0])  # the row of _UNDECIDED is empty

    def count(self, texts: Sequence[str]) -> Bags:
        """The bags of these texts."""
        with self.lock:  # a Dask worker may have several threads
            if len(self) > MOST_CHUNKS:
                self.forget()
            return self._count(texts)

    def _count(self, texts: Sequence[str]) -> Bags:
        keys: list[str] = []
        ends = []
        for text in texts:
            keys += self._keys(text.lower())
            ends.append(len(keys))
        numbers = np.fromiter(map(self.__getitem__, keys), np.int64, len(keys))
        for i in np.flatnonzero(numbers == _UNDECIDED).tolist():
            numbers[i] = self[f"{keys[i]} {keys[i + 1].split(None, 1)[0]}"]
        return self._bags(numbers, np.array(ends, np.int64), [_opening(text) for text in texts])

    def _keys(self, text: str) -> list[str]:
        chunks = text.split()
        if not chunks:
            return chunks
        if not chunks[-1].strip(_CLOSING) or _OTHER_WHITE.search(text) or _QUOTED_CLITIC.search(text):
            return self._the_long_way(text)
        if "." in chunks[-1]:
            chunks[-1] += " "
        return chunks if not _CLOSED.search(text) else self._closed(text, chunks[-1])

    def _the_long_way(self, text: str) -> list[str]:
        return [f" {word}" for word in words(text, self.model)]

    def _closed(self, text: str, last: str) -> list[str]:
        """The keys of a text in which closing marks stand alone behind a full stop: the two chunks are one key."""
        keys, begin = [], 0
        for match in _CLOSED.finditer(text):
            if text[match.end()] == "-":
                return self._the_long_way(text)
            start = max(text.rfind(white, begin, match.start()) for white in _WHITE) + 1
            start = max(start, begin)
            keys += [*text[begin:start].split(), f"\n{text[start : match.end()]}"]
            begin = match.end()
        return [*keys, *text[begin:].split()[:-1], last]

    def _bags(self, numbers: NDArray[np.int64], ends: NDArray[np.int64], openings: list[str]) -> Bags:
        rows = np.array(self.ends)
        starts = np.append(0, rows[:-1])[numbers]
        lengths = rows[numbers] - starts
        after = np.append(0, np.cumsum(lengths))
        ids = np.array(self.ids)[np.repeat(starts - after[:-1], lengths) + np.arange(after[-1])]
        total = max(1, len(self.words))
        documents = np.repeat(np.arange(len(ends)), np.diff(after[ends], prepend=0))
        pairs, counts = np.unique(documents * total + ids, return_counts=True)
        used, local = np.unique(pairs % total, return_inverse=True)
        every = list(self.words)
        return Bags(
            words=[every[i] for i in used.tolist()],
            ends=np.cumsum(np.bincount(pairs // total, minlength=len(ends))),
            ids=local.astype(np.int32),
            counts=counts.astype(np.int32),
            openings=openings,
        )

    def __missing__(self, key: str) -> int:
        found = self._cut(*key.partition(" ")) if key[0] != "\n" else words(f"xx {key} xx", self.model)[1:-1]
        number = _UNDECIDED
        if found is not None:
            for word in found:
                self.ids.append(self.words.setdefault(word, len(self.words)))
            number = len(self.ends)
            self.ends.append(len(self.ids))
        self[key] = number
        return number

    def _cut(self, chunk: str, space: str, after: str) -> list[str] | None:
        """The words of a chunk; None where the next chunk decides."""
        if not chunk:
            return [after]
        if not _LETTER.search(chunk):
            return []
        if "." not in chunk:
            return treebank.words(chunk, last=False)
        if (found := _ENDS.fullmatch(chunk)) and found[1] not in self.unsure:
            return treebank.words(chunk, last=True)
        if space:
            if not after:  # the text ends here
                return self._cut_inside(f"xx {chunk}")[1:]
            return treebank.words(chunk, last=self.model.ends(f"{chunk} {after}"))
        if chunk[-1] == ".":
            ends, goes_on = (treebank.words(chunk, last=last) for last in (True, False))
            return ends if ends == goes_on else None
        if chunk[-1] not in punkt.ENDS and _MAY_END_INSIDE.search(chunk):
            return self._cut_inside(f"xx {chunk} xx")[1:-1]
        return treebank.words(chunk, last=False)

    def _cut_inside(self, text: str) -> list[str]:
        """The words of a text of a few chunks, none of which is closing marks alone."""
        found = []
        for sentence in self.model.sentences(text):
            *chunks, last = sentence.split(" ")
            found += [word for chunk in chunks for word in treebank.words(chunk, last=False)]
            found += treebank.words(last, last=True)
        return found

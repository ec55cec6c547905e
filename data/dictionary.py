"""fastText's dictionary: the words and labels of a model, and which n-grams a pruned model has kept.

    int32 entries, words, labels; int64 tokens, pruned (-1: nothing is pruned)
    each entry: its UTF-8 bytes, a zero byte, int64 count, int8 type
    as many times as `pruned` says: int32 bucket, int32 row of it after those of the words

(facebookresearch/fastText, src/dictionary.cc.) It does not know matrices.
"""

import struct
from bisect import bisect_left
from enum import IntEnum
from itertools import repeat
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.cursor import Cursor

_COUNTS = struct.Struct("<iiiqq")
_ENTRY = struct.Struct("<xqb")  # after the word: the zero byte, count, type


class EntryType(IntEnum):
    """What an entry of the dictionary is."""

    WORD = 0
    LABEL = 1


class Entry(NamedTuple):
    """A word or a label. Bytes that are not UTF-8 are kept as surrogates."""

    word: str
    count: int  # type: ignore[assignment]  # hides tuple.count
    type: EntryType = EntryType.WORD


class Dictionary(NamedTuple):
    """Words first, then labels, each with the most frequent first."""

    entries: list[Entry]
    tokens: int  # in the training corpus

    @property
    def words(self) -> int:
        """How many entries are words."""
        return bisect_left(self.entries, EntryType.LABEL, key=lambda entry: entry.type)


def write_dictionary(file: BinaryIO, dictionary: Dictionary, prune: NDArray[np.int32] | None) -> None:
    """Writes a dictionary. `prune` is (P, 2), bucket and row of the n-grams that are left, None for all of them."""
    entries, words = dictionary.entries, dictionary.words
    assert all((entry.type == EntryType.LABEL) == (i >= words) for i, entry in enumerate(entries)), (
        "labels follow the words"
    )
    pruned = -1 if prune is None else len(prune)
    file.write(_COUNTS.pack(len(entries), words, len(entries) - words, dictionary.tokens, pruned))
    for entry in entries:
        word = entry.word.encode("utf-8", "surrogateescape")
        assert b"\0" not in word, "a zero byte ends a word"
        file.write(word + _ENTRY.pack(entry.count, entry.type))
    if prune is not None:
        assert prune.shape == (pruned, 2), prune.shape
        file.write(np.ascontiguousarray(prune, "<i4").tobytes())


def read_dictionary(cursor: Cursor) -> tuple[Dictionary, NDArray[np.int32] | None]:
    """A dictionary and the (P, 2) buckets and rows of its n-grams, None where it is not pruned."""
    offset = cursor.position
    size, words, labels, tokens, pruned = cursor.unpack(_COUNTS, "the dictionary's sizes")
    if min(size, words, labels) < 0 or words + labels != size:
        cursor.refuse(f"{words} words and {labels} labels are not {size} entries", offset)
    if tokens < 0 or pruned < -1:
        cursor.refuse(f"{tokens} tokens, {pruned} pruned n-grams", offset + 12)
    if size * _ENTRY.size > cursor.left:
        cursor.refuse(f"{size} entries do not fit in the {cursor.left} bytes that follow", offset)
    entries = _read_entries(cursor, 0, words, EntryType.WORD)
    entries += _read_entries(cursor, words, size, EntryType.LABEL)
    prune = None if pruned < 0 else cursor.array("<i4", (pruned, 2), f"{pruned} pruned n-grams")
    return Dictionary(entries, tokens), prune


def _read_entries(cursor: Cursor, first: int, last: int, expected: EntryType) -> list[Entry]:
    # one plain loop, twice as fast as with the cursor's methods: a large model has a million entries
    data, begin, limit, unpack = cursor.data, cursor.position, len(cursor.data) - _ENTRY.size, _ENTRY.unpack_from
    texts, counts = list[str](), list[int]()
    for i in range(first, last):
        end = data.find(b"\0", begin)
        if not 0 <= end <= limit:
            cursor.refuse(f"entry {i} does not end", begin, "the file was cut short")
        count, kind = unpack(data, end)
        if kind != expected:
            cursor.refuse(f"entry {i} has type {kind}, expected a {expected.name.lower()}", end + 9)
        if count < 0:
            cursor.refuse(f"entry {i} has count {count}", end + 1)
        texts.append(data[begin:end].decode("utf-8", "surrogateescape"))
        counts.append(count)
        begin = end + _ENTRY.size
    cursor.position = begin
    return list(map(Entry, texts, counts, repeat(expected)))

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cursor import Cursor
from data.dictionary import Dictionary, Entry, EntryType, read_dictionary, write_dictionary
from data.errors import FormatError

texts = st.binary(max_size=8).map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
counts = st.integers(0, 2**63 - 1)
pairs = st.none() | st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), max_size=4)


def written(dictionary: Dictionary, prune: list[tuple[int, int]] | None = None) -> bytes:
    file = io.BytesIO()
    write_dictionary(file, dictionary, None if prune is None else np.array(prune, np.int32).reshape(-1, 2))
    return file.getvalue()


def naive_bytes(dictionary: Dictionary, prune: list[tuple[int, int]] | None) -> bytes:
    """Dictionary::save, field by field."""
    labels = [entry for entry in dictionary.entries if entry.type == EntryType.LABEL]
    sizes = len(dictionary.entries), len(dictionary.entries) - len(labels), len(labels)
    data = struct.pack("<3i2q", *sizes, dictionary.tokens, -1 if prune is None else len(prune))
    for word, count, kind in dictionary.entries:
        data += word.encode("utf-8", "surrogateescape") + b"\0" + struct.pack("<qb", count, kind)
    return data + b"".join(struct.pack("<ii", *pair) for pair in prune or [])


@given(words=st.lists(st.tuples(texts, counts)), labels=st.lists(st.tuples(texts, counts)), tokens=counts, prune=pairs)
def test_the_format(
    words: list[tuple[str, int]], labels: list[tuple[str, int]], tokens: int, prune: list[tuple[int, int]] | None
) -> None:
    entries = [Entry(*word) for word in words] + [Entry(*label, EntryType.LABEL) for label in labels]
    dictionary = Dictionary(entries, tokens)
    data = written(dictionary, prune)
    assert data == naive_bytes(dictionary, prune)
    cursor = Cursor(data + b"what follows", "model.ftz")
    again, kept = read_dictionary(cursor)
    assert cursor.position == len(data)
    assert again == dictionary
    assert again.words == len(words)
    assert prune == (None if kept is None else [tuple(pair) for pair in kept.tolist()])


WHOLE = written(Dictionary([Entry("the", 7), Entry("__label__a", 2, EntryType.LABEL)], 9), [(3, 1), (4, 0)])
BROKEN = {
    "entries that are neither": (0, b"\3", 0, "1 words and 1 labels are not 3 entries"),
    "entries below zero": (0, b"\xff" * 12, 0, "are not -1 entries"),
    "more entries than bytes": (0, struct.pack("<3i", 2**31 - 1, 2**31 - 2, 1), 0, "do not fit"),
    "tokens below zero": (12, b"\xff" * 8, 12, "-1 tokens"),
    "pruned below zero": (20, struct.pack("<q", -2), 12, "-2 pruned"),
    "more pruned than bytes": (20, struct.pack("<q", 2**61), 61, "pruned n-grams take"),
    "a label among words": (40, b"\1", 40, "entry 0 has type 1, expected a word"),
    "a word among labels": (60, b"\0", 60, "entry 1 has type 0, expected a label"),
    "a count below zero": (32, b"\xff" * 8, 32, "entry 0 has count -1"),
    "a word without end": (28 + 3, b"x" * 46, 28, "entry 0 does not end"),
}


@pytest.mark.parametrize(("at", "patch", "offset", "what"), BROKEN.values(), ids=BROKEN)
def test_tampered_dictionaries_are_refused(at: int, patch: bytes, offset: int, what: str) -> None:
    data = bytearray(WHOLE)
    data[at : at + len(patch)] = patch
    with pytest.raises(FormatError) as error:
        read_dictionary(Cursor(bytes(data), "model.ftz"))
    assert what in str(error.value)
    assert error.value.offset == offset


@pytest.mark.parametrize("size", range(len(WHOLE)))
def test_every_cut_is_refused(size: int) -> None:
    with pytest.raises(FormatError):
        read_dictionary(Cursor(WHOLE[:size], "model.ftz"))


def test_the_writer_keeps_the_order_and_the_zero_bytes() -> None:
    with pytest.raises(AssertionError, match="labels follow the words"):
        written(Dictionary([Entry("a", 1, EntryType.LABEL), Entry("b", 1)], 2))
    with pytest.raises(AssertionError, match="a zero byte ends a word"):
        written(Dictionary([Entry("a\0b", 1)], 1))

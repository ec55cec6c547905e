"""word2vec's text format, `vectors.txt`: a line "words dimensions", then one line a word: "word 0.1 -0.2 ...".

UTF-8; numbers are the shortest that read back as the same float32. gensim's KeyedVectors and most other tools load it.
"""

import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

import numpy as np
import orjson
from numpy.typing import NDArray

from data.errors import EmbertextError, FormatError

_SPACE = re.compile(r"[ \t\n\v\f\r]")  # what splits lines and columns; other Unicode spaces may be part of a word
_BLOCK = 4096  # rows written or parsed at a time


class Vectors(NamedTuple):
    """A whole file."""

    words: list[str]
    vectors: NDArray[np.float32]  # (V, D)


def write_vectors(file: BinaryIO | str | Path, words: list[str], vectors: NDArray[np.float32]) -> None:
    """Writes (V, D) float32 vectors in the order of their words.

    Raises EmbertextError for a word that is empty, holds ASCII whitespace or is not Unicode, and for a vector that is
    not finite.
    """
    if isinstance(file, str | Path):
        with Path(file).open("wb") as opened:
            return write_vectors(opened, words, vectors)
    assert vectors.dtype == np.float32, vectors.dtype
    assert vectors.ndim == 2, vectors.shape
    assert len(words) == len(vectors), (len(words), vectors.shape)
    assert vectors.shape[1], "no dimensions"
    for i, word in enumerate(words):
        if not word or _SPACE.search(word):
            what = f"{word!r} is empty or holds whitespace, which separates columns"
            raise EmbertextError(what, where=f"word {i}", remedy="replace it, with '_' say")
    file.write(b"%d %d\n" % vectors.shape)
    for i in range(0, len(words), _BLOCK):
        block = np.ascontiguousarray(vectors[i : i + _BLOCK])
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            where = f"the vector of {words[i + bad[0]]!r}"
            raise EmbertextError("it is not finite", where=where, remedy="train with a lower learning_rate")
        # one JSON text [[1.0,2.0],[...]] a block, cut into its rows: no number is touched by Python
        rows = orjson.dumps(block, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].replace(b"],[", b"\n").replace(b",", b" ")
        lines = zip(
            (_encode(word, i + j) for j, word in enumerate(words[i : i + _BLOCK])), rows.split(b"\n"), strict=True
        )
        file.write(b"".join([b"%b %b\n" % line for line in lines]))
    return None


def read_vectors(file: BinaryIO | str | Path, *, path: str = "") -> Vectors:
    """Words and (V, D) vectors of a file. `path` is its name in messages, when it is open already.

    Raises FormatError, with the line and the byte at which it begins, for a wrong header, a wrong number of lines or
    columns, a number that is none or not finite, and bytes that are not UTF-8.
    """
    if isinstance(file, str | Path):
        with Path(file).open("rb") as opened:
            return read_vectors(opened, path=path or str(file))
    lines = _Lines(file, path)
    count, width = _header(lines)
    words: list[str] = []
    blocks = []
    while rows := list(itertools.islice(lines, _BLOCK)):
        block = []
        for offset, line in rows:
            word, numbers = _row(lines, len(words), offset, line, width)
            words.append(word)
            block.append(numbers)
        if len(words) > count:
            lines.refuse(f"more than the {count} words of the header", count, rows[count - len(words)][0])
        with np.errstate(over="ignore"):
            blocks.append(np.array(block, np.float32))
        bad = np.flatnonzero(~np.isfinite(blocks[-1]).all(axis=1))
        if len(bad):
            lines.refuse("a number is beyond float32", len(words) - len(rows) + int(bad[0]), rows[bad[0]][0])
    if len(words) < count:
        lines.refuse(f"the file ends after {len(words)} of {count} words", len(words), lines.offset)
    vectors = np.concatenate(blocks) if blocks else np.empty((0, width), np.float32)
    return Vectors(words, vectors)


class _Lines:
    """The lines of a file with the byte at which each begins."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self.file = file if isinstance(file, io.BufferedIOBase) else io.BufferedReader(file)  # type: ignore[type-var]
        self.path, self.offset = path, 0

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self

    def __next__(self) -> tuple[int, bytes]:
        line = self.file.readline()
        if not line:
            raise StopIteration
        offset = self.offset
        self.offset += len(line)
        return offset, line

    def refuse(self, what: str, row: int, offset: int) -> NoReturn:
        """Row 0 is the first after the header."""
        remedy = "is this word2vec text (not binary), and whole?"
        raise FormatError(f"line {row + 2}: {what}", path=self.path, offset=offset, remedy=remedy)


def _header(lines: _Lines) -> tuple[int, int]:
    _, line = next(lines, (0, b""))
    columns = line.split()
    if len(columns) != 2 or not all(column.isdigit() and len(column) < 19 for column in columns) or not int(columns[1]):
        lines.refuse(f"{line[:40]!r}, expected 'words dimensions'", -1, 0)
    return int(columns[0]), int(columns[1])


def _row(lines: _Lines, row: int, offset: int, line: bytes, width: int) -> tuple[str, list[float]]:
    encoded, _, numbers = line.strip(b"\r\n").partition(b" ")
    numbers = numbers.strip()  # fastText and word2vec end their lines with a space
    try:
        word = encoded.decode()
    except UnicodeDecodeError as error:
        lines.refuse("a word is not UTF-8", row, offset + error.start)
    try:
        values = orjson.loads(b"[%b]" % numbers.replace(b" ", b","))
    except orjson.JSONDecodeError:
        values = [_number(lines, row, offset, column) for column in numbers.split()]
    if len(values) != width:
        lines.refuse(f"{len(values)} numbers, the header says {width}", row, offset)
    if not all(type(value) is float for value in values):
        values = [_number(lines, row, offset, str(value).encode()) for value in values]
    return word, values


def _number(lines: _Lines, row: int, offset: int, column: bytes) -> float:
    try:
        value = float(column)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        lines.refuse(f"{column[:40]!r} is not a finite number", row, offset)
    return value


def _encode(word: str, row: int) -> bytes:
    try:
        return word.encode()
    except UnicodeEncodeError:
        raise EmbertextError(f"{word!r} is not Unicode", where=f"word {row}", remedy="replace the word") from None

"""Counts that came ready: RecordIO-protobuf or CSV rows, as SageMaker's NTM takes them, checked and made shards.

A channel is a set of files. Whatever cannot be trained on is refused by its channel, file and record: a record wider
than the vocabulary, a negative or missing count, an empty document, a file cut short, a vocab.txt of another length.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algorithms import records
from data import recordio, storage, streams, utf8
from data.counts import VOCABULARY, Channel, Counts
from data.errors import CorpusError, FormatError

BLOCK = 1 << 22  # numbers of CSV rows handled at a time
MOST = 1e9  # that a count may be: their sums are whole numbers of 64 bits
AUXILIARY = "auxiliary"  # the channel of vocab.txt


def collect(channels: Mapping[str, Sequence[str]], vocabulary: str, folder: Path, *, feature_dim: int) -> Counts:
    """Write the shards of ready counts into `folder`, one a file; the caller saves the index.

    channels: URLs by the channel's name; vocabulary: the URL of vocab.txt, or "". feature_dim: how many columns there
    are, 0 for as many as the first record has. Raises CorpusError for what cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, Channel] = {}
    columns = feature_dim
    words = _read_vocabulary(vocabulary) if vocabulary else []
    for name, urls in channels.items():
        files, rows, total = [], [], 0.0
        for number, url in enumerate(urls):
            path = folder / f"{name}-{number:05d}.pbr"
            count = 0
            with path.open("wb") as file:
                for block in read(url, channel=name, columns=columns):
                    columns = block.shape[1]
                    if words and len(words) != columns:
                        what = f"{len(words):,} words, and the records have {columns:,} columns"
                        remedy = f"write one word a line for each column, or leave {VOCABULARY} out"
                        raise CorpusError(what, where=_place(AUXILIARY, vocabulary), remedy=remedy)
                    records.write_matrix(file, block)
                    count, total = count + block.shape[0], total + float(block.data.sum())
            files.append(str(path))
            rows.append(count)
        written[name] = Channel(files, rows, total)
    return Counts(columns, words, written)


def read(url: str, *, channel: str, columns: int) -> Iterator[sparse.csr_matrix]:
    """The rows of one file, (N, columns) float32, in blocks; columns 0: as wide as the first row."""
    before = 0
    for block, what in _csv(url, channel) if streams.suffix(url) == ".csv" else _records(url, channel):
        columns = columns or block.shape[1]
        _check(block, columns, channel=channel, url=url, before=before, what=what)
        found = sparse.csr_matrix(block, dtype=np.float32)
        found.sum_duplicates()
        found.eliminate_zeros()
        yield found
        before += found.shape[0]
    if not before:
        raise CorpusError("no records", where=_place(channel, url), remedy="give documents, or leave the file out")


def _records(url: str, channel: str) -> Iterator[tuple[sparse.csr_matrix, str]]:
    data = storage.read_bytes(url)
    try:
        matrix = records.read_matrix(data, path=url).features
    except FormatError as error:
        number = _number(data, error.offset)
        where = f"{_place(channel, url)}: record {number} (byte {error.offset})"
        raise CorpusError(error.what, where=where, remedy=error.remedy or "write the file again") from error
    yield sparse.csr_matrix(matrix), "record"


def _csv(url: str, channel: str) -> Iterator[tuple[sparse.csr_matrix, str]]:
    rows: list[NDArray[np.float64]] = []
    held = 0
    for member in streams.Files([url], member="", size=1).members():
        for line in utf8.lines(member):
            cells = line.data.strip()
            if not cells:
                continue
            where = f"{_place(channel, url)}: line {line.number}"
            try:
                row = np.array(cells.split(b","), np.float64)
            except ValueError:
                wrong = next(cell for cell in cells.split(b",") if not is_number(cell))
                what = f"{wrong[:20].decode(errors='replace')!r} is no number"
                raise CorpusError(what, where=where, remedy="write one count a word, separated by commas") from None
            if rows and row.size != rows[0].size:
                what = f"{row.size} columns, the line before it has {rows[0].size}"
                raise CorpusError(what, where=where, remedy="write one count for each word of the vocabulary")
            rows.append(row)
            held += row.size
            if held >= BLOCK:
                yield sparse.csr_matrix(np.stack(rows)), "line"
                rows, held = [], 0
    if rows:
        yield sparse.csr_matrix(np.stack(rows)), "line"


def _check(block: sparse.csr_matrix, columns: int, *, channel: str, url: str, before: int, what: str) -> None:
    """Raise CorpusError for the first row that is no document."""

    def refuse(row: int, said: str, remedy: str) -> NoReturn:
        raise CorpusError(said, where=f"{_place(channel, url)}: {what} {before + row + 1}", remedy=remedy)

    if block.shape[1] != columns:
        than = "wider" if block.shape[1] > columns else "narrower"
        said = f"{block.shape[1]:,} columns, {than} than feature_dim, {columns:,}"
        refuse(0, said, "count the words of one vocabulary in all channels, and set feature_dim to its length")
    bad = np.flatnonzero(~((block.data >= 0) & (block.data <= MOST)))
    sums = np.asarray(block.sum(axis=1)).reshape(-1)
    empty = np.flatnonzero(sums == 0)
    first = int(np.searchsorted(block.indptr, bad[0], side="right")) - 1 if bad.size else len(sums)
    if empty.size and empty[0] < first:
        refuse(int(empty[0]), "an empty document", "leave it out: it says nothing of any topic")
    if bad.size:
        place = int(bad[0])
        said = f"a count of {block.data[place]:g} in column {block.indices[place]}"
        refuse(first, said, f"a count is from 0 to {MOST:,.0f}")


def _read_vocabulary(url: str) -> list[str]:
    """The words of vocab.txt, one a line."""
    try:
        lines = storage.read_bytes(url).decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        what = f"not UTF-8 (byte 0x{error.object[error.start]:02x} at {error.start})"
        raise CorpusError(what, where=_place(AUXILIARY, url), remedy="write it in UTF-8") from error
    words = [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
    for number, word in enumerate(words, 1):
        if not word.strip():
            where = f"{_place(AUXILIARY, url)}: line {number}"
            raise CorpusError("a blank line", where=where, remedy="write one word a line, in the order of the columns")
    return words


def _place(channel: str, url: str) -> str:
    return f"channel {channel}: {url}"


def is_number(cell: bytes) -> bool:
    """Whether a table's cell says a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(data: bytes, offset: int) -> int:
    """Which record, from 1, a byte of a file belongs to."""
    number, position = 0, 0
    while position <= offset and position + 8 <= len(data):
        magic, word = struct.unpack_from("<II", data, position)
        number += magic != recordio.MAGIC or word >> 29 in (0, 1)  # a whole record, or the first part of one
        position += 8 + ((word & recordio.MAX_LENGTH) + 3) // 4 * 4
    return number if position > offset else number + 1

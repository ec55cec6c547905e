"""Files cut into slices that workers take, and the records of a slice in batches, each with its place.

A slice is a range of a file's bytes. Of lines it has those that begin in it: whoever has the slice finds its first
line, and reads its last one beyond the end. Records of RecordIO are cut where one begins. A compressed file, and one
JSON body, is a single slice. Knows no model.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from algorithms.codecs import BOM
from data import recordio, storage, streams, utf8
from data.bounded import Counted, decompressed
from data.errors import CorpusError, EmbertextError, FormatError
from tasks import stages
from tasks.transform.formats import Format

SLICE = 4 * 2**20  # bytes: answers can be a hundred times as large
MOST_WHOLE = 100 * 2**20  # bytes of a file that has to be read at once, and of a batch: SageMaker's largest payload
MOST_UNFOLDED = 2**30  # bytes of a compressed file of RecordIO
PIECE = 2**20  # bytes

_LONG = "is this the right kind of file? records are at most 64 MB"


class Slice(NamedTuple):
    """Bytes `begin` to `end` of the file `url`. key: stands for the file's content, the range, and what is asked."""

    url: str
    begin: int
    end: int
    key: str


class Batch(NamedTuple):
    """Records that are asked together. places: of each in the slice, from 1: its line, or its number."""

    places: list[int]
    records: list[bytes]


class Reader:
    """The batches of a slice. `places`: lines, or records, read so far."""

    def __init__(self, cut: Slice, form: Format, *, most_records: int, most_bytes: int) -> None:
        self.slice, self.form, self.places = cut, form, 0
        self.most_records, self.most_bytes = most_records, most_bytes

    def __iter__(self) -> Iterator[Batch]:
        """In the file's order. Raises CorpusError where it cannot be read."""
        batch, size = Batch([], []), 0
        for places, records in self._lines() if self.form.split == "lines" else self._records():
            first = 0
            while first < len(records):
                last = first + self.most_records - len(batch.records)
                more = sum(map(len, records[first:last]))
                if size + more > self.most_bytes:
                    last, more = self._fitting(records, first, size)
                batch.places.extend(places[first:last])
                batch.records.extend(records[first:last])
                first, size = last, size + more
                if first < len(records):
                    yield batch
                    batch, size = Batch([], []), 0
        if batch.records:
            yield batch

    def _fitting(self, records: Sequence[bytes], first: int, size: int) -> tuple[int, int]:
        """Where those end that a batch of `size` bytes has room for, and their bytes; alone any record fits."""
        last, more = first, 0
        while last < len(records) and (size + more + len(records[last]) <= self.most_bytes or not size + more):
            more += len(records[last])
            last += 1
        return last, more

    def _lines(self) -> Iterator[tuple[Sequence[int], list[bytes]]]:
        """Those that are not blank, many at a time, and their numbers."""
        for lines in _lines(self.slice):
            if not (self.slice.begin or self.places):
                lines[0] = lines[0].removeprefix(BOM)
            numbers: Sequence[int] = range(self.places + 1, self.places + 1 + len(lines))
            self.places += len(lines)
            if not all(lines) or any(map(bytes.isspace, lines)):
                some = [
                    (number, line) for number, line in zip(numbers, lines, strict=True) if line and not line.isspace()
                ]
                numbers, lines = [number for number, _ in some], [line for _, line in some]
            yield numbers, lines

    def _records(self) -> Iterator[tuple[Sequence[int], list[bytes]]]:
        """Frames, one by one; where they are damaged all bytes until the next sound one are a record."""
        data, position = _span(self.slice), 0
        while position < len(data):
            try:
                _, end = recordio.record_at(data, position, path="")
            except FormatError:
                end = _next_record(data, position + 4)
            self.places += 1
            yield [self.places], [data[position:end]]
            position = end


def whole(url: str) -> bytes:
    """All of a file, decompressed. Raises EmbertextError where it is larger than what is read at once."""
    return _all(url, MOST_WHOLE, "write JSON Lines instead, which are read by parts")


def cut(url: str, size: int, form: Format, *, key: str) -> Iterator[Slice]:
    """The slices of a file of `size` bytes, in order. Raises CorpusError where it cannot be read."""
    ends = [size]
    if form.split == "lines" and not _compressed(url):
        ends = [*range(SLICE, size, SLICE), size]
    elif form.split == "records" and not _compressed(url) and size > SLICE:
        ends = [*_ends_of_records(url, size), size]
    begin = 0
    for end in ends:
        yield Slice(url, begin, end, stages.digest({"file": key, "begin": begin, "end": end}))
        begin = end


def _compressed(url: str) -> bool:
    return streams.endings(url) != streams.suffix(url)


def _lines(wanted: Slice) -> Iterator[list[bytes]]:
    """The lines of a slice without their newlines, many at a time."""
    if not _compressed(wanted.url):
        if data := _span_of_lines(wanted):
            yield _apart(data)
        return
    carry = b""
    with storage.open_read(wanted.url) as file:
        stream = decompressed(wanted.url, file)
        while True:
            with streams.readable(wanted.url):
                data = stream.read(PIECE)
            if not data:
                break
            end = data.rfind(b"\n") + 1
            if end:
                yield _apart(carry + data[:end])
                carry = data[end:]
            else:
                carry += data
            if len(carry) > utf8.LONGEST_LINE:
                raise CorpusError("a line without an end", where=wanted.url, remedy=_LONG)
    if carry:
        yield _apart(carry)


def _apart(data: bytes) -> list[bytes]:
    return data.removesuffix(b"\n").split(b"\n")


def _span_of_lines(wanted: Slice) -> bytes:
    """All bytes of the lines that begin in the slice."""
    start = max(wanted.begin - 1, 0)
    with storage.open_read(wanted.url) as file, streams.readable(wanted.url):
        file.seek(start)
        data = file.read(wanted.end - start)
        if wanted.begin:  # the rest of a line that began before, or its newline alone
            data = data[data.find(b"\n") + 1 or len(data) :]
        parts = [data]
        while data and not data.endswith(b"\n"):
            data = file.read(PIECE)
            end = data.find(b"\n") + 1 or len(data)
            data = data[:end]
            parts.append(data)
            if sum(map(len, parts)) > wanted.end - start + utf8.LONGEST_LINE:
                raise CorpusError("a line without an end", where=wanted.url, remedy=_LONG)
    return b"".join(parts)


def _span(wanted: Slice) -> bytes:
    """All bytes of the slice, decompressed."""
    if _compressed(wanted.url):
        return _all(wanted.url, MOST_UNFOLDED, "write it as several files")
    with storage.open_read(wanted.url) as file, streams.readable(wanted.url):
        file.seek(wanted.begin)
        return file.read(wanted.end - wanted.begin)


def _all(url: str, most: int, remedy: str) -> bytes:
    with storage.open_read(url) as file:
        stream, parts, size = Counted(url, decompressed(url, file), 2 * most), [b""], 0
        while piece := stream.read(PIECE):
            parts.append(piece)
            size += len(piece)
            if size > most:
                raise EmbertextError(f"more than {most >> 20} MB in one body", where=url, remedy=remedy)
    return b"".join(parts)


def _ends_of_records(url: str, size: int) -> Iterator[int]:
    """Where to cut: behind a record, about every SLICE bytes. What is damaged stays in one slice with all behind it."""
    position, cut_at, inside = 0, SLICE, False
    with storage.open_read(url) as file, streams.readable(url):
        for magic, word in _headers(file):
            flag, length = word >> 29, word & recordio.MAX_LENGTH
            if magic != recordio.MAGIC:
                return
            if position >= cut_at and not inside:
                yield position
                cut_at = position + SLICE
            inside = flag in (1, 2)
            position += 8 + (length + 3) // 4 * 4
            if position >= size:
                return


def _headers(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Magic and length of each frame, one behind the other."""
    buffer, skip = b"", 0
    while True:
        while len(buffer) < skip + 8:
            buffer, skip = buffer[skip:], max(skip - len(buffer), 0)
            data = file.read(PIECE)
            if not data:
                return
            buffer += data
        magic, word = struct.unpack_from("<II", buffer, skip)
        yield magic, word
        skip += 8 + ((word & recordio.MAX_LENGTH) + 3) // 4 * 4


def _next_record(data: bytes, position: int) -> int:
    """Where the next record may begin, or the end."""
    found = data.find(recordio.MAGIC_BYTES, position)
    while found >= 0 and (found % 4 or found + 8 > len(data) or data[found + 7] >> 5 > 1):
        found = data.find(recordio.MAGIC_BYTES, found + 1)
    return found if found >= 0 else len(data)

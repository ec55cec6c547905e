"""RecordIO, the framing of MXNet and SageMaker: where a record begins and ends. It does not know what a record says.

    magic    uint32   0xCED7230A, little-endian like everything here
    lrecord  uint32   bits 0-28 the length, bits 29-31 the cflag
    data     length bytes
    padding  0-3 zero bytes, up to a multiple of 4, not counted in the length

cflag 0 is a whole record; 1, 2 and 3 are the first, middle and last part of a split one. Wherever the magic stands in a
record at a multiple of 4 bytes, the writer splits there and leaves the magic out; the reader puts it back. So the magic
at a multiple of 4 bytes of a file always begins a frame. (dmlc-core src/recordio.cc.)

The SageMaker SDK's writer never splits: bytes equal its own unless a record holds an aligned magic. Its reader does not
know cflags, ours reads both ways of writing. Padding that is not zero is refused: it means that a length was damaged.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NoReturn

from data.errors import EmbertextError, FormatError

MAGIC = 0xCED7230A
MAGIC_BYTES = struct.pack("<I", MAGIC)
MAX_LENGTH = 2**29 - 1  # bytes of one frame

Buffer = bytes | bytearray | memoryview

_HEADER = struct.Struct("<II")
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_CHUNK = 1 << 20  # bytes read at a time: a few of them fit in a cache


def frame(payload: Buffer) -> bytes:
    """One record with its header and padding, in as many frames as it has aligned magics, plus one."""
    size = memoryview(payload).nbytes
    if size > MAX_LENGTH:
        raise EmbertextError(
            f"a record of {size} bytes is longer than RecordIO's {MAX_LENGTH}",
            where="RecordIO",
            remedy="write it as several records",
        )
    data = bytes(payload)
    frames: list[bytes] = []
    begin = 0
    while (split := _find_magic(data, begin)) >= 0:
        frames.append(_frame(data[begin:split], _MIDDLE if frames else _FIRST))
        begin = split + 4
    frames.append(_frame(data[begin:], _LAST if frames else _WHOLE))
    return b"".join(frames)


def write_records(file: BinaryIO, payloads: Iterable[Buffer]) -> int:
    """Appends each payload as a record; the number of records written."""
    count = 0
    for payload in payloads:
        file.write(frame(payload))
        count += 1
    return count


def read_records(file: BinaryIO, *, path: str) -> Iterator[bytes]:
    """The records of a file, one after the other, in the memory of the longest. `path` is for messages.

    Raises FormatError with the byte offset at which the file stops being RecordIO.
    """
    decoder = Decoder(path=path)
    while chunk := file.read(_CHUNK):
        yield from decoder.feed(chunk)
    decoder.close()


class Decoder:
    """Bytes in, records out: fed in pieces of any size, it needs no file. `close` says whether the end is one."""

    def __init__(self, *, path: str) -> None:
        self._path = path
        self._buffer = bytearray()
        self._offset = 0  # in the file, of the buffer's first byte
        self._parts: list[bytes] = []
        self._begun = 0  # where the split record in `_parts` begins

    def feed(self, data: Buffer) -> list[bytes]:
        """The records that these bytes complete."""
        self._buffer += data
        records, position = [], 0
        while (end := _frame_end(self._buffer, position, len(self._buffer))) <= len(self._buffer):
            cflag, part = _read_frame(self._buffer, position, end, self._path, self._offset, bool(self._parts))
            if cflag in (_WHOLE, _FIRST):
                self._begun = self._offset + position
            self._parts.append(part)
            if cflag in (_WHOLE, _LAST):
                records.append(MAGIC_BYTES.join(self._parts))
                self._parts = []
            position = end
        if len(self._buffer) - position >= 8:
            # a wrong magic is refused before the bytes that its length asks for
            _header(self._buffer, position, self._path, self._offset, bool(self._parts))
        del self._buffer[:position]
        self._offset += position
        return records

    def close(self) -> None:
        """Raises FormatError when the bytes ended inside a record."""
        if self._buffer:
            _refuse_end(self._buffer, 0, self._path, self._offset, bool(self._parts))
        if self._parts:
            _refuse_open(self._path, self._begun)


def scan(buffer: Buffer, *, path: str) -> Iterator[tuple[int, bytes]]:
    """Where each record of a whole file in memory begins (its first frame), and the record.

    Raises FormatError as `read_records` does.
    """
    position = 0
    while position < len(buffer):
        record, end = record_at(buffer, position, path=path)
        yield position, record
        position = end


def record_at(buffer: Buffer, position: int, *, path: str) -> tuple[bytes, int]:
    """The record that begins at this place of a whole file in memory, and where its last frame ends."""
    parts: list[bytes] = []
    begin, cflag = position, _WHOLE
    while not parts or cflag not in (_WHOLE, _LAST):
        end = _frame_end(buffer, position, len(buffer))
        if parts and position == len(buffer):
            _refuse_open(path, begin)
        if end > len(buffer):
            _refuse_end(buffer, position, path, 0, bool(parts))
        cflag, part = _read_frame(buffer, position, end, path, 0, bool(parts))
        parts.append(part)
        position = end
    return MAGIC_BYTES.join(parts), position


def _find_magic(data: bytes, begin: int) -> int:
    """The first multiple of 4 from `begin` (one itself) at which the magic stands, or -1."""
    found = data.find(MAGIC_BYTES, begin)
    while found >= 0 and found % 4:
        found = data.find(MAGIC_BYTES, found + 1)
    return found


def _frame(part: bytes, cflag: int) -> bytes:
    return _HEADER.pack(MAGIC, cflag << 29 | len(part)) + part + bytes(-len(part) % 4)


def _frame_end(data: Any, position: int, size: int) -> int:
    """Where the frame at `position` ends, or past `size` when not even its header is there."""
    if size - position < 8:
        return size + 1
    _, word = _HEADER.unpack_from(data, position)
    return int(position + 8 + ((word & MAX_LENGTH) + 3) // 4 * 4)


def _header(data: Any, position: int, path: str, base: int, inside: bool) -> tuple[int, int]:
    """Cflag and length of the frame at `position`; `inside` tells whether a split record is unfinished before it."""
    magic, word = _HEADER.unpack_from(data, position)
    cflag, length, offset = word >> 29, word & MAX_LENGTH, base + position
    if magic != MAGIC:
        raise FormatError(
            f"magic 0x{magic:08x}, expected 0x{MAGIC:08x}",
            path=path,
            offset=offset,
            remedy="is this file RecordIO, uncompressed and whole?",
        )
    if cflag > _LAST or inside != (cflag in (_MIDDLE, _LAST)):
        expected = "2 or 3 (a record is unfinished)" if inside else "0 or 1 (no record is unfinished)"
        raise FormatError(
            f"cflag {cflag}, expected {expected}",
            path=path,
            offset=offset + 4,
            remedy="parts of a split record are missing or out of order; write the file again",
        )
    return cflag, length


def _read_frame(data: Any, position: int, end: int, path: str, base: int, inside: bool) -> tuple[int, bytes]:
    """Cflag and payload of the frame from `position` to `end`."""
    cflag, length = _header(data, position, path, base, inside)
    begin = position + 8
    if any(data[begin + length : end]):
        raise FormatError(
            "the padding after a record is not zero",
            path=path,
            offset=base + begin + length,
            remedy="the record's length is damaged; write the file again",
        )
    return cflag, bytes(data[begin : begin + length])


def _refuse_open(path: str, offset: int) -> NoReturn:
    raise FormatError(
        "the file ends before the last part of the split record that begins here",
        path=path,
        offset=offset,
        remedy="the file was cut short; copy or write it again",
    )


def _refuse_end(data: Any, position: int, path: str, base: int, inside: bool) -> NoReturn:
    """The file ends inside the frame at `position`: says in which of its parts."""
    left, offset = len(data) - position, base + position
    if left >= 4:
        _header(bytes(data[position : position + 8]).ljust(8, b"\0"), 0, path, offset, inside and left >= 8)
    if left < 8:
        what = f"a record's header needs 8 bytes, the file ends after {left}"
    else:
        _, word = _HEADER.unpack_from(data, position)
        length = word & MAX_LENGTH
        if left - 8 < length:
            what = f"the record says {length} bytes, the file ends after {left - 8}"
        else:
            what = f"the record's {-length % 4} bytes of padding are missing, the file ends after {left - 8 - length}"
    raise FormatError(what, path=path, offset=offset, remedy="the file was cut short; copy or write it again")

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
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from data.errors import EmbertextError, FormatError

MAGIC = 0xCED7230A
MAGIC_BYTES = struct.pack("<I", MAGIC)
MAX_LENGTH = 2**29 - 1  # bytes of one frame

Buffer = bytes | bytearray | memoryview

_HEADER = struct.Struct("<II")
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)
_CHUNK = 1 << 20  # bytes read, or searched, at a time: a few of them fit in a cache


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
            cflag, length = self._header(position)
            payload = bytes(self._buffer[position + 8 : position + 8 + length])
            if any(self._buffer[position + 8 + length : end]):
                _refuse_padding(self._path, self._offset + position + 8 + length)
            if cflag in (_WHOLE, _FIRST):
                self._begun = self._offset + position
            self._parts.append(payload)
            if cflag in (_WHOLE, _LAST):
                records.append(MAGIC_BYTES.join(self._parts))
                self._parts = []
            position = end
        if len(self._buffer) - position >= 8:
            self._header(position)  # a wrong magic is refused before the bytes that its length asks for
        del self._buffer[:position]
        self._offset += position
        return records

    def close(self) -> None:
        """Raises FormatError when the bytes ended inside a record."""
        if self._buffer:
            _refuse_end(self._buffer, 0, self._path, self._offset)
        if self._parts:
            _refuse_open(self._path, self._begun)

    def _header(self, position: int) -> tuple[int, int]:
        return _header(self._buffer, position, self._path, self._offset, bool(self._parts))


class Records(NamedTuple):
    """Where the N records of a buffer are: record i is `data[starts[i] : starts[i] + lengths[i]]`."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]  # (N,)
    lengths: NDArray[np.int64]  # (N,) bytes
    offsets: NDArray[np.int64]  # (N,) of each record's first payload byte in the file, for messages


def scan(buffer: Buffer | NDArray[np.uint8], *, path: str) -> Records:
    """Finds all records of a whole file (read or memory-mapped) without copying them.

    Split records alone are joined, behind a copy of the buffer. Raises FormatError as `read_records` does.
    """
    data = np.frombuffer(buffer, np.uint8)
    heads = _heads(data)
    if heads is None:
        heads = _walk(data, path)  # names the fault, or finds magics that a writer like the SDK's left in a payload
    words = data[: len(data) // 4 * 4].view("<u4")[heads // 4 + 1] if len(heads) else np.empty(0, np.uint32)
    starts, lengths = heads + 8, (words & MAX_LENGTH).astype(np.int64)
    cflags = words >> 29
    if not cflags.any():
        return Records(data, starts, lengths, starts)
    return _join_parts(data, starts, lengths, cflags, path)


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


def _refuse_padding(path: str, offset: int) -> NoReturn:
    raise FormatError(
        "the padding after a record is not zero",
        path=path,
        offset=offset,
        remedy="the record's length is damaged; write the file again",
    )


def _refuse_open(path: str, offset: int) -> NoReturn:
    raise FormatError(
        "the file ends before the last part of the split record that begins here",
        path=path,
        offset=offset,
        remedy="the file was cut short; copy or write it again",
    )


def _refuse_end(data: Any, position: int, path: str, base: int) -> NoReturn:
    """The file ends inside the frame at `position`: says in which of its parts."""
    left, offset = len(data) - position, base + position
    if left >= 4 and bytes(data[position : position + 4]) != MAGIC_BYTES:
        _header(bytes(data[position : position + 4]) + bytes(4), 0, path, offset, False)
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


def _heads(data: NDArray[np.uint8]) -> NDArray[np.int64] | None:
    """Offsets of all frames: the aligned magics, if each begins where the frame before it ends; else None."""
    if len(data) % 4:
        return None
    words = data.view("<u4")
    equal = _equal_heads(words)
    if equal is not None:
        return equal
    step = _CHUNK // 4
    found = [np.flatnonzero(words[i : i + step] == MAGIC) + i for i in range(0, len(words), step)]
    heads = np.concatenate(found) if found else np.empty(0, np.int64)
    if len(words) and (not len(heads) or heads[-1] + 1 >= len(words)):
        return None
    lrecords = words[heads + 1]
    lengths = (lrecords & MAX_LENGTH).astype(np.int64)
    ends = heads + 2 + (lengths + 3) // 4
    whole = len(words) if len(heads) else 0
    if not np.array_equal(np.append(heads, whole), np.append(0, ends)):
        return None
    inside = np.isin(lrecords >> 29, (_FIRST, _MIDDLE))  # a part is to follow
    continues = np.isin(lrecords >> 29, (_MIDDLE, _LAST))
    if (lrecords >> 29 > _LAST).any() or not np.array_equal(np.append(False, inside), np.append(continues, False)):
        return None
    ragged = np.flatnonzero(lengths & 3)  # the others have no padding
    if (words[ends[ragged] - 1] >> (8 * (lengths[ragged] & 3)).astype(np.uint32)).any():
        return None
    return heads * 4


def _equal_heads(words: NDArray[np.uint32]) -> NDArray[np.int64] | None:
    """Offsets of all frames when all are whole and of one length, as rows of floats are; else None."""
    if len(words) < 2 or words[1] > MAX_LENGTH:
        return None
    length = int(words[1])
    stride = 2 + (length + 3) // 4
    if len(words) % stride:
        return None
    frames = words.reshape(-1, stride)
    if (frames[:, 0] != MAGIC).any() or (frames[:, 1] != length).any():
        return None
    if length % 4 and (frames[:, -1] >> np.uint32(8 * (length % 4))).any():
        return None
    return np.arange(len(frames)) * (4 * stride)


def _walk(data: NDArray[np.uint8], path: str) -> NDArray[np.int64]:
    """Offsets of all frames, from one to the next: slow, and sure where the file goes wrong."""
    view, size = data.data, len(data)
    heads, position, begun = [], 0, -1
    while position < size:
        end = _frame_end(view, position, size)
        if size - position >= 8:
            cflag, length = _header(view, position, path, 0, begun >= 0)
        if end > size:
            _refuse_end(view, position, path, 0)
        if any(view[position + 8 + length : end]):
            _refuse_padding(path, position + 8 + length)
        if cflag == _FIRST:
            begun = position
        elif cflag == _LAST:
            begun = -1
        heads.append(position)
        position = end
    if begun >= 0:
        _refuse_open(path, begun)
    return np.array(heads, np.int64)


def _join_parts(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    cflags: NDArray[np.integer[Any]],
    path: str,
) -> Records:
    """Records in which the parts of each split one are joined, with the magic between them."""
    begins = np.flatnonzero((cflags == _WHOLE) | (cflags == _FIRST))
    ends = np.flatnonzero((cflags == _WHOLE) | (cflags == _LAST))
    first, size = starts[begins].copy(), lengths[begins].copy()
    joined, position = [data], len(data)
    for record in np.flatnonzero(begins != ends).tolist():
        parts = range(int(begins[record]), int(ends[record]) + 1)
        whole = MAGIC_BYTES.join(data[starts[part] : starts[part] + lengths[part]].tobytes() for part in parts)
        joined.append(np.frombuffer(whole, np.uint8))
        first[record], size[record] = position, len(whole)
        position += len(whole)
    return Records(np.concatenate(joined), first, size, starts[begins])

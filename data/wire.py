"""Protobuf's wire format: a message is fields, each a tag (its number and how it is written), then its body.

    tag      varint   number << 3 | wire type
    body     varint (0), 8 bytes (1), a varint length and as many bytes (2), fields up to an end tag (3, 4), 4 bytes (5)

It does not know any message: which numbers there are, and what their bodies mean, is for the caller.
(protobuf.dev/programming-guides/encoding.)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from data import varint
from data.errors import FormatError

VARINT, FIXED64, DELIMITED, GROUP, GROUP_END, FIXED32 = range(6)


def delimited(number: int, body: bytes) -> bytes:
    """A field of bytes, a string or a message. `number` up to 15: one byte of tag."""
    return bytes([number << 3 | DELIMITED]) + varint.encode_one(len(body)) + body


@dataclass(frozen=True)
class Message:
    """The bytes of one message, read field by field. Every part is a span (begin, end) of them."""

    data: bytes
    path: str
    offset: int  # of the first byte in the file, for errors
    remedy: str

    def refuse(self, what: str, position: int) -> NoReturn:
        """Raises FormatError at a byte of the message."""
        raise FormatError(what, path=self.path, offset=self.offset + position, remedy=self.remedy)

    def fields(self, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type and span of each field between; groups are skipped with all that they hold."""
        position, groups = begin, list[int]()
        while position < end:
            start = position
            tag, position = self._varint(position, end)
            number, wire = tag >> 3, tag & 7
            first = position
            if not 0 < number < 1 << 29 or wire > FIXED32:
                self.refuse(f"no field has tag {tag}", start)
            if wire == VARINT:
                _, position = self._varint(position, end)
            elif wire in (FIXED64, FIXED32):
                position += 8 if wire == FIXED64 else 4
            elif wire == DELIMITED:
                size, first = self._varint(position, end)
                position = first + size
            elif wire == GROUP:
                groups.append(number)
            elif not groups or groups.pop() != number:
                self.refuse(f"group {number} ends and has not begun", start)
            if position > end:
                self.refuse(f"field {number} reaches {position - end} bytes past the end of its message", start)
            if not groups and wire not in (GROUP, GROUP_END):
                yield number, wire, first, position
        if groups:
            self.refuse(f"group {groups[-1]} begins and does not end", begin)

    def text(self, begin: int, end: int) -> str:
        """A string."""
        try:
            return self.data[begin:end].decode()
        except UnicodeDecodeError as error:
            self.refuse("a string is not UTF-8", begin + error.start)

    def varints(self, begin: int, end: int) -> NDArray[np.uint64]:
        """Packed integers, or a single one: the bytes are the same."""
        decoded = varint.decode(np.frombuffer(self.data[begin:end], np.uint8))
        if decoded is None:
            self.refuse("a packed varint is cut short or longer than 10 bytes", begin)
        return decoded

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        """The integer that begins here, and where it ends."""
        value, begin, byte = 0, position, 0x80
        while byte >= 0x80:
            if position in (end, begin + 10):
                self.refuse("a varint is cut short or longer than 10 bytes", begin)
            byte = self.data[position]
            value |= (byte & 0x7F) << 7 * (position - begin)
            position += 1
        return value & 0xFFFFFFFFFFFFFFFF, position

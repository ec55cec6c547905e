"""A place in the bytes of a file, which moves on only over bytes that are there.

Sizes that a file claims are compared with the bytes that are left before anything is allocated: a damaged header
costs one clear error, never memory. It does not know any format.
"""

import math
import mmap
import struct
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from data.errors import FormatError

DAMAGED = "the file is damaged; save or copy it again"

_FLAG = struct.Struct("<B")


class Cursor:
    """Reads `data`, the bytes of a whole file, front to back. `path` names the file in errors.

    copies: arrays are copied, so that the file can be closed; else they are its bytes, read-only and perhaps unaligned.
    """

    def __init__(self, data: bytes | mmap.mmap, path: str, *, copies: bool = True) -> None:
        self.data, self.path, self.position, self.copies = data, path, 0, copies

    @property
    def left(self) -> int:
        """Bytes from here to the end of the file."""
        return len(self.data) - self.position

    def refuse(self, what: str, offset: int, remedy: str = DAMAGED) -> NoReturn:
        """Raises FormatError at a byte of the file."""
        raise FormatError(what, path=self.path, offset=offset, remedy=remedy)

    def need(self, size: int, what: str) -> int:
        """Moves over this many bytes; where they begin."""
        begin = self.position
        if size > self.left:
            self.refuse(f"{what} take {size} bytes, the file ends after {self.left}", begin, "the file was cut short")
        self.position += size
        return begin

    def unpack(self, layout: struct.Struct, what: str) -> tuple[int, ...]:
        """The numbers of a fixed layout."""
        return layout.unpack_from(self.data, self.need(layout.size, what))

    def flag(self, what: str) -> bool:
        """One byte, 0 or 1."""
        (value,) = self.unpack(_FLAG, f"the flag '{what}'")
        if value > 1:
            self.refuse(f"the flag '{what}' is {value}, expected 0 or 1", self.position - 1)
        return bool(value)

    def array(self, dtype: str, shape: tuple[int, ...], what: str) -> NDArray[Any]:
        """The numbers that follow, in C order."""
        count = math.prod(shape)
        begin = self.need(count * np.dtype(dtype).itemsize, what)
        numbers = np.frombuffer(self.data, dtype, count, begin).reshape(shape)
        return numbers.copy() if self.copies else numbers

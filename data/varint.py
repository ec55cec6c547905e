"""Varints, protobuf's integers, many at once: 7 bits a byte, the low ones first; the top bit says that more follow.

Negative numbers are sign-extended to 64 bits and take ten bytes. It does not know what the integers mean, nor to which
of many messages each belongs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]


def encode_one(value: int) -> bytes:
    """The varint of one integer, 0 or more."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(values: NDArray[Any]) -> Bits:
    """Varints of (n,) integers, one after the other."""
    rest = values.astype(np.int64 if values.dtype.kind == "i" else np.uint64).view(np.uint64)
    longest = max(1, -(-int(rest.max(initial=0)).bit_length() // 7))
    columns = np.empty((len(rest), longest), np.uint8)
    counts = np.ones((len(rest), longest), np.bool_)
    for i in range(longest):
        columns[:, i] = rest & 0x7F
        rest >>= np.uint64(7)
        if i + 1 < longest:
            counts[:, i + 1] = rest > 0
            columns[:, i] |= counts[:, i + 1].view(np.uint8) << 7
    return columns[counts]


def decode(raw: Bits) -> NDArray[np.uint64] | None:
    """The integers (n,) of varints one after the other. None when one is cut short or longer than ten bytes."""
    if len(raw) and raw[-1] >= 0x80:
        return None
    ends = np.flatnonzero(raw < 0x80) + 1
    starts = np.append(0, ends)[:-1]
    lengths = ends - starts
    longest = int(lengths.max(initial=0))
    if longest > 10:
        return None
    values = np.zeros(len(ends), np.uint64)
    for i in range(longest):
        reach = np.flatnonzero(lengths > i)
        values[reach] |= (raw[starts[reach] + i] & 0x7F).astype(np.uint64) << np.uint64(7 * i)
    return values

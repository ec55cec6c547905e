"""Varints, protobuf's integers, many at once: 7 bits a byte, the low ones first; the top bit says that more follow.

Negative numbers are sign-extended to 64 bits and take ten bytes. It does not know what the integers mean, nor to which
of many messages each belongs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]
Ints = NDArray[np.int64]


def encode_one(value: int) -> bytes:
    """The varint of one integer, 0 or more."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode(values: NDArray[Any]) -> tuple[Bits, Ints]:
    """Varints of (n,) integers, one after the other, and the bytes that each takes (n,)."""
    if not 0 <= values.min(initial=0) <= values.max(initial=0) < 2**28:
        columns, counts, sizes = encode_columns(values)
        return columns.reshape(-1).take(np.flatnonzero(counts)), sizes
    # all bytes of a varint side by side in one integer: several times faster than column by column
    longest = _longest(values)
    dtype: Any = (np.uint8, np.uint16, np.uint32, np.uint32)[longest - 1]
    number = values.astype(dtype)
    packed, counted, sizes = number & dtype(0x7F), np.ones(len(number), dtype), np.ones(len(number), np.int64)
    for i in range(1, longest):
        rest = number >> dtype(7 * i)
        more = (rest != 0).astype(dtype)
        packed |= (rest & dtype(0x7F)) << dtype(8 * i) | more << dtype(8 * i - 1)
        counted |= more << dtype(8 * i)
        sizes += more
    return packed.view(np.uint8).take(np.flatnonzero(counted.view(np.bool_))), sizes


def encode_columns(values: NDArray[Any]) -> tuple[Bits, NDArray[np.bool_], Ints]:
    """Varints of (n,) integers as rows of (n, longest) bytes, which of them count, and how many do (n,)."""
    if values.min(initial=0) < 0:
        rest = values.astype(np.int64).view(np.uint64)
    else:
        rest = values.astype(np.uint32 if values.max(initial=0) < 2**32 else np.uint64)
    longest = _longest(rest)
    columns = np.empty((len(rest), longest), np.uint8)
    counts, sizes = np.ones((len(rest), longest), np.bool_), np.ones(len(rest), np.int64)
    for i in range(longest):
        low = rest.astype(np.uint8) & 0x7F
        if i + 1 < longest:
            rest = rest >> rest.dtype.type(7)
            more = rest != 0
            low |= more.view(np.uint8) << 7
            counts[:, i + 1] = more
            sizes += more
        columns[:, i] = low
    return columns, counts, sizes


def decode(raw: Bits) -> tuple[NDArray[Any], Ints] | None:
    """Varints one after the other: their values, and where each ends (the index of its last byte). None when broken.

    Every byte is treated as if it were the last of its varint: the bytes before it, as long as they say that more
    follows, are shifted in, for all bytes at once. Then those that really are the last are taken.
    """
    if len(raw) and raw[-1] >= 0x80:
        return None
    more: Bits = raw >> np.uint8(7)  # 1 where another byte follows
    ends = np.flatnonzero(more == 0)
    runs: list[Bits] = []  # runs[k][i]: byte i + k + 1 ends or continues a varint of more than k + 1 bytes
    run = more[:-1]
    while run.any():
        runs.append(run)
        run = run[:-1] & more[len(runs) : -1]
    if len(runs) > 9:
        return None
    dtype: Any = np.uint16 if len(runs) < 2 else np.uint32 if len(runs) < 4 else np.uint64
    low: Any = (raw & 0x7F).astype(dtype)
    values = low.copy()
    for k, run in enumerate(runs, 1):
        tail = values[k:]
        tail += (tail * dtype(127) + low[:-k]) * run  # tail * 128 + low where the run goes on
    return values.take(ends), ends


def _longest(values: NDArray[Any]) -> int:
    """Bytes of the longest varint; at least 1."""
    return max(1, -(-int(values.max(initial=0)).bit_length() // 7))

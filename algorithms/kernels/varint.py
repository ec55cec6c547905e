"""Varints, protobuf's integers, read and written several at a time: 7 bits a byte, the top bit says that more follow.

Neighbours are mostly of one length, ascending columns above all: after a varint the next ones are taken by fours for
as long as they are of its length. It is `data.varint` for kernels; the two agree.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.words import read_fours, set_word, trailing_zeros, word, write_fours

ONE = np.uint64(1)
TOPS = np.uint64(0x8080808080808080)
_LOW_HALF = np.uint64(0xFFFFFFFF)

_read_ones, _read_twos, _read_threes = read_fours(1), read_fours(2), read_fours(3)
_write_ones, _write_twos, _write_threes = write_fours(1), write_fours(2), write_fours(3)


@njit(nogil=True, forceinline=True)
def peek(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Eight bytes from `at` on, of at least eight; those past the end are zeros, or anything when none is inside."""
    inside = min(at, data.size - 8)
    return np.uint64(word(data, inside) >> np.uint64(8 * (at - inside) & 63))


@njit(nogil=True, forceinline=True)
def signed(value: np.uint64) -> int:
    """The same bits as a signed integer."""
    return int(np.int64(value))


@njit(nogil=True, forceinline=True)
def join(sevens: np.uint64) -> np.uint64:
    """The 35 bits that the low five bytes hold, seven each."""
    return (
        sevens & np.uint64(0x7F)
        | sevens >> np.uint64(1) & np.uint64(0x7F << 7)
        | sevens >> np.uint64(2) & np.uint64(0x7F << 14)
        | sevens >> np.uint64(3) & np.uint64(0x7F << 21)
        | sevens >> np.uint64(4) & np.uint64(0x7F << 28)
    )


@njit(nogil=True, forceinline=True)
def spread(value: np.uint64) -> np.uint64:
    """The reverse of `join`: 35 bits in five bytes."""
    return (
        value & np.uint64(0x7F)
        | (value & np.uint64(0x7F << 7)) << np.uint64(1)
        | (value & np.uint64(0x7F << 14)) << np.uint64(2)
        | (value & np.uint64(0x7F << 21)) << np.uint64(3)
        | (value & np.uint64(0x7F << 28)) << np.uint64(4)
    )


@njit(nogil=True, forceinline=True)
def size_of(value: int) -> int:
    """Bytes of the varint of an integer of 32 bits, negative or not."""
    if value < 0:
        return 10
    return 1 + (value >= 1 << 7) + (value >= 1 << 14) + (value >= 1 << 21) + (value >= 1 << 28)


@njit(nogil=True)
def read(
    target: NDArray[np.uint32],
    index: int,
    full: int,
    data: NDArray[np.uint8],
    begin: int,
    end: int,
    most: int,
    any_sign: bool,
) -> int:
    """Write the varints of data[begin:end] to target[index:full]. In place.

    The number of them, or -1 where one is broken, is not below `most` (at most 2**31) or has no place. With `any_sign`,
    any is good, of which the low 32 bits are taken: negative numbers have ten bytes.
    """
    at, out, wide = begin, index, data.size - 16
    below = np.uint32(0xFFFFFFFF) if any_sign else np.uint32(most)
    while at < end:
        eight = peek(data, at)
        stop = ~eight & TOPS
        length = (trailing_zeros(stop) >> 3) + 1
        if length <= 5:
            ending = stop & (~stop + ONE)
            number = join(eight & (ending | (ending - ONE)))
            if not any_sign and number >= np.uint64(most):
                return -1
        elif any_sign:  # the bytes from the sixth on are above 32 bits
            number = join(eight)
            if length > 8:
                length = 9 if at + 8 < end and data[at + 8] < 128 else 10
                if at + length > end or data[at + length - 1] >= 128:
                    return -1
        else:
            return -1
        at += length
        if at > end or out >= full:
            return -1
        target[out] = np.uint32(number & _LOW_HALF)
        out += 1
        last, last_out = min(end - 4 * length, wide), full - 4
        if length == 2:
            while at <= last and out <= last_out and _read_twos(target, out, data, at, below):
                at += 8
                out += 4
        elif length == 1:
            while at <= last and out <= last_out and _read_ones(target, out, data, at, below):
                at += 4
                out += 4
        elif length == 3:
            while at <= last and out <= last_out and _read_threes(target, out, data, at, below):
                at += 12
                out += 4
    return out - index


@njit(nogil=True, forceinline=True)
def write(out: NDArray[np.uint8], at: int, value: int) -> int:
    """Put the varint of an integer of 32 bits, negative or not, at out[at:], with room for ten. In place.

    Returns where it ends.
    The lengths are told apart by branches, which neighbours of one length make cheap.
    """
    if 0 <= value < 1 << 7:
        out[at] = value
        return at + 1
    number = np.uint64(value)  # sign-extended
    if 0 <= value < 1 << 14:
        set_word(out, at, spread(number) | np.uint64(0x80))
        return at + 2
    if 0 <= value < 1 << 21:
        set_word(out, at, spread(number) | np.uint64(0x8080))
        return at + 3
    if value < 0:
        set_word(out, at, spread(number) | np.uint64(0x7F7F7F << 40) | TOPS)
        out[at + 8] = 0xFF
        out[at + 9] = 1
        return at + 10
    size = size_of(value)
    set_word(out, at, spread(number) | TOPS >> np.uint64(72 - 8 * size))
    return at + size


@njit(nogil=True)
def write_all(out: NDArray[np.uint8], at: int, source: NDArray[np.int32], begin: int, end: int) -> int:
    """Put the varints of source[begin:end], 0 or more, at out[at:], with five bytes for each and 16. In place.

    Returns where they end.
    """
    i = begin
    while i < end:
        number = source[i] & 0xFFFFFFFF
        at = write(out, at, number)
        i += 1
        if number < 1 << 7:
            while i + 4 <= end and _write_ones(out, at, source, i):
                at += 4
                i += 4
        elif number < 1 << 14:
            while i + 4 <= end and _write_twos(out, at, source, i):
                at += 8
                i += 4
        elif number < 1 << 21:
            while i + 4 <= end and _write_threes(out, at, source, i):
                at += 12
                i += 4
    return at

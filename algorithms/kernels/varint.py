"""Varints, protobuf's integers, read and written several at a time: 7 bits a byte, the top bit says that more follow.

Neighbours are mostly of one length, column numbers in ascending order above all: the top bits of eight bytes show
whether they are four varints of two bytes, two of three or four of one, and a branch that is seldom mispredicted then
takes all of them. What stands in `data.varint` for numpy arrays; the two agree.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.words import fours, set_word, trailing_zeros, word

ONE = np.uint64(1)
TOPS = np.uint64(0x8080808080808080)
_LOW_HALF = np.uint64(0xFFFFFFFF)

four_of_one, four_of_two, four_of_three = fours(1), fours(2), fours(3)


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
    target: NDArray[np.uint32], index: int, data: NDArray[np.uint8], begin: int, end: int, most: int, any_sign: bool
) -> int:
    """Write the varints of data[begin:end] to target[index:]. In place.

    The number of them, or -1 where one is broken or not below `most` (at most 2**31). With `any_sign`, any is good,
    of which the low 32 bits are taken: negative numbers have ten bytes. `target` has room for end - begin of them.
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
        if at > end:
            return -1
        target[out] = np.uint32(number & _LOW_HALF)
        out += 1
        last = min(end - 4 * length, wide)
        if length == 2:
            while at <= last and four_of_two(target, out, data, at, below):
                at += 8
                out += 4
        elif length == 1:
            while at <= last and four_of_one(target, out, data, at, below):
                at += 4
                out += 4
        elif length == 3:
            while at <= last and four_of_three(target, out, data, at, below):
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

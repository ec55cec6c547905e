"""Rows of a matrix read from RecordIO frames of protobuf Records, in one pass over the bytes.

It knows the one layout in which SageMaker's writers and their like put a row (see `data.record`, `data.recordio`):

    features 1 { key 1 "values", value 2 { kind { values 1, keys 2, shape 3 } } }, then perhaps label 2 of the same form

where every message ends where the one around it ends. At the first row that is anything else the kernel stops,
judges nothing and says how far it came.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels import varint
from algorithms.kernels.varint import ONE, join, peek, signed
from algorithms.kernels.words import copy, trailing_zeros

# what all rows of a matrix have in common: indices into `outline`; kinds are field numbers, COLUMNS is below 2**31
KIND, COLUMNS, SPARSE, LABEL_KIND, LABELS = range(5)
FLOAT32, FLOAT64, INT32 = 2, 3, 7
LONGEST = 1 << 28  # bytes of a record: its lengths are varints of at most four

MAGIC = np.uint64(0xCED7230A)
NAME = np.uint64(int.from_bytes(b"\x0a\x06values", "little"))
_FIRST, _SECOND, _THIRD = 0x0A, 0x12, 0x1A  # tags of bytes: field << 3 | 2
_TAG = np.uint64(0xFF)
_FOUR_TOPS = np.uint64(0x8080808000)
_LOW_HALF = np.uint64(0xFFFFFFFF)


@njit(nogil=True, forceinline=True)
def _field(data: NDArray[np.uint8], at: int) -> tuple[int, int, int]:
    """Tag of the field at this place, where its body begins and ends; tag 0 for a length of more than four bytes."""
    eight = peek(data, at)
    stop = ~eight & _FOUR_TOPS
    ending = stop & (~stop + ONE)
    length = join((eight & (ending | (ending - ONE))) >> np.uint64(8))
    begin = at + 1 + (trailing_zeros(ending) >> 3)
    return signed(eight & _TAG) if stop else 0, begin, begin + signed(length & np.uint64(0xFFFFFFF))


@njit(nogil=True, forceinline=True)
def _tensor(data: NDArray[np.uint8], at: int, tag: int, kind: int) -> tuple[bool, int, int]:
    """Whether a map entry with a tensor of this kind is at this place; where the tensor begins and ends."""
    outer, name, end = _field(data, at)
    value, body, value_end = _field(data, name + 8)
    inner, begin, inner_end = _field(data, body)
    good = (
        (outer == tag)
        & (peek(data, name) == NAME)
        & (value == _SECOND)
        & (inner == (kind << 3 | 2))
        & (value_end == end)
        & (inner_end == end)
    )
    return good, begin, end


@njit(nogil=True, forceinline=True)
def _frame(data: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Where the payload of the whole record at this place ends, and its frame; -1 when none is there."""
    if at + 8 > data.size:
        return -1, -1
    header = peek(data, at)
    length = signed(header >> np.uint64(32))
    last = at + 8 + length
    padding = -length & 3
    if header & _LOW_HALF != MAGIC or length >= LONGEST or last + padding > data.size:
        return -1, -1
    if padding and peek(data, last + padding - 8) >> np.uint64(64 - 8 * padding):
        return -1, -1
    return last, last + padding


@njit(nogil=True, cache=True)
def read_rows(
    values: NDArray[np.uint8],
    keys: NDArray[np.uint32],
    ends: NDArray[np.int64],
    labels: NDArray[np.uint8],
    data: NDArray[np.uint8],
    at: int,
    outline: NDArray[np.int64],
) -> tuple[int, int]:
    """Read rows from the frame at this place up to the first that is not like `outline`, or not laid out as above.

    In place. Returns their number, and where the frame is at which it stopped: at the latest at the end of the data or
    when an array is full. values, keys: (n,) of all rows, the values as bytes; ends: (N,) of each row in them; labels:
    (N, L) as bytes; data: eight bytes or more; outline: see the constants.
    """
    kind, columns, sparse = outline[KIND], int(outline[COLUMNS]), outline[SPARSE] != 0
    label_kind, label_count = outline[LABEL_KIND], int(outline[LABELS])
    size, label_size = 8 if kind == FLOAT64 else 4, 8 if label_kind == FLOAT64 else 4
    room, label_room = min(values.size // size, keys.size if sparse else data.size), labels.size // label_size
    value_numbers, label_numbers = values.view(np.uint32), labels.view(np.uint32)
    row, filled, labelled = 0, 0, 0
    while row < ends.size and columns < 1 << 31:
        last, following = _frame(data, at)
        if last < 0:
            break
        good, body, end = _tensor(data, at + 8, _FIRST, kind)
        if not good or end > last:
            break
        count = 0
        tag, begin, stop = _field(data, body)
        if tag == _FIRST and body < end:
            if stop > end:
                break
            body = stop
            if kind == INT32:
                count = varint.read(value_numbers, filled, room, data, begin, stop, 0, True)
                if count < 0:
                    break
            else:
                count = (stop - begin) // size
                if count * size != stop - begin or count > room - filled:
                    break
                copy(values, filled * size, data, begin, stop - begin)
        if sparse:
            if count:
                tag, begin, stop = _field(data, body)
                if tag != _SECOND or stop > end:
                    break
                if varint.read(keys, filled, filled + count, data, begin, stop, columns, False) != count:
                    break
                body = stop
            tag, begin, stop = _field(data, body)
            if tag != _THIRD or stop != end or body >= end:
                break
            _, after, reach = _field(data, begin - 1)  # as if the byte before were a tag
            if after != end or reach - after != columns:
                break
        elif count != columns or body != end:
            break
        if label_kind:
            good, body, end = _tensor(data, end, _SECOND, label_kind)
            tag, begin, stop = _field(data, body)
            if not good or end != last or tag != _FIRST or stop != end or label_count > label_room - labelled:
                break
            if label_kind == INT32:
                full = labelled + label_count
                if varint.read(label_numbers, labelled, full, data, begin, stop, 0, True) != label_count:
                    break
            elif stop - begin == label_count * label_size:
                copy(labels, labelled * label_size, data, begin, stop - begin)
            else:
                break
            labelled += label_count
        elif end != last:
            break
        filled += count
        ends[row] = filled
        row += 1
        at = following
    return row, at

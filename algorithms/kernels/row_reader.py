"""Rows of a matrix read from RecordIO frames of protobuf Records: where the frames are, then all that they hold.

It knows the one layout in which SageMaker's writers and their like put a row (see `data.record`, `data.recordio`):

    features 1 { key 1 "values", value 2 { kind { values 1, keys 2, shape 3 } } }, then perhaps label 2 of the same form

where every message ends where the one around it ends. At the first row that is anything else a kernel stops, judges
nothing and says how far it came.
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


@njit(nogil=True, cache=True)
def frames(
    starts: NDArray[np.int64], headers: NDArray[np.uint32], data: NDArray[np.uint8], at: int, count: int
) -> tuple[int, int]:
    """Note where the frames of `data` (eight bytes or more) are, from the one at `at` on. In place.

    Returns the place of the first that is not noted, and the number of those that are. It is the end of the data when
    all are noted and sound; else `starts` is full, or here or in the last frame something is wrong. starts, headers:
    (room,), of which `count` are filled: where the payload starts, and lrecord.
    """
    inside = count > 0 and 0 < headers[count - 1] >> 29 < 3  # a split record is not finished
    while at < data.size and count < starts.size:
        if at + 8 > data.size:
            return at, count
        header = peek(data, at)
        lrecord = signed(header >> np.uint64(32))
        cflag, length = lrecord >> 29, lrecord & 0x1FFFFFFF
        end = at + 8 + (length + 3) // 4 * 4
        if header & np.uint64(0xFFFFFFFF) != MAGIC or cflag > 3 or inside != (cflag >= 2) or end > data.size:
            return at, count
        padding = end - at - 8 - length
        if padding and peek(data, end - 8) >> np.uint64(64 - 8 * padding):
            return at, count
        inside = 0 < cflag < 3
        if inside and end == data.size:
            return at, count
        starts[count] = at + 8
        headers[count] = lrecord
        count += 1
        at = end
    return at, count


@njit(nogil=True, cache=True)
def read_rows(
    values: NDArray[np.uint8],
    keys: NDArray[np.uint32],
    ends: NDArray[np.int64],
    labels: NDArray[np.uint8],
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    outline: NDArray[np.int64],
) -> int:
    """Read rows up to the first that is not like `outline`, or is not laid out as above; their number. In place.

    values, keys: (n,) of all rows, with room for what the bytes can hold; ends: (N,), of each row in them; labels:
    (N, L) as bytes; data: eight bytes or more, with N records; outline: see the constants.
    """
    kind, columns, sparse = outline[KIND], outline[COLUMNS], outline[SPARSE] != 0
    label_kind, label_count = outline[LABEL_KIND], outline[LABELS]
    size, label_size = 8 if kind == FLOAT64 else 4, 8 if label_kind == FLOAT64 else 4
    value_numbers, label_numbers = values.view(np.uint32), labels.view(np.uint32)
    filled, labelled = 0, 0
    if columns >= 1 << 31:
        return 0
    for row in range(starts.size):
        last = starts[row] + lengths[row]
        good, at, end = _tensor(data, starts[row], _FIRST, kind)
        if not good or end > last:
            return row
        count = 0
        tag, begin, stop = _field(data, at)
        if tag == _FIRST and at < end:
            if stop > end:
                return row
            at = stop
            if kind == INT32:
                count = varint.read(value_numbers, filled, data, begin, stop, 0, True)
                if count < 0:
                    return row
            else:
                count = (stop - begin) // size
                if count * size != stop - begin:
                    return row
                copy(values, filled * size, data, begin, stop - begin)
        if sparse:
            if count:
                tag, begin, stop = _field(data, at)
                if tag != _SECOND or stop > end:
                    return row
                if varint.read(keys, filled, data, begin, stop, columns, False) != count:
                    return row
                at = stop
            tag, begin, stop = _field(data, at)
            if tag != _THIRD or stop != end or at >= end:
                return row
            _, after, reach = _field(data, begin - 1)  # as if the byte before were a tag
            if after != end or reach - after != columns:
                return row
        elif count != columns or at != end:
            return row
        if label_kind:
            good, at, end = _tensor(data, end, _SECOND, label_kind)
            tag, begin, stop = _field(data, at)
            if not good or end != last or tag != _FIRST or stop != end:
                return row
            if label_kind == INT32:
                if varint.read(label_numbers, labelled, data, begin, stop, 0, True) != label_count:
                    return row
            elif stop - begin == label_count * label_size:
                copy(labels, labelled * label_size, data, begin, stop - begin)
            else:
                return row
            labelled += label_count
        elif end != last:
            return row
        filled += count
        ends[row] = filled
    return starts.size

"""Rows of a matrix written as RecordIO frames of protobuf Records: the layout of `row_reader`, the other way round.

Lengths come before what they count: a row's varints are written aside, sizes are added up from the inside out, then all
is put in order.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.row_reader import COLUMNS, FLOAT32, INT32, KIND, LABEL_KIND, LONGEST, MAGIC, NAME, SPARSE
from algorithms.kernels.varint import signed, size_of, write, write_all
from algorithms.kernels.words import copy, set_word, word

ROOM = 128  # bytes that a frame takes beside its values and keys, and more


@njit(nogil=True, forceinline=True)
def _with_head(size: int) -> int:
    """Bytes of a field with a body of this size."""
    return 1 + size_of(size) + size


@njit(nogil=True, forceinline=True)
def _head(out: NDArray[np.uint8], at: int, field: int, size: int) -> int:
    """Put a field's tag and length; where its body begins. In place."""
    out[at] = field << 3 | 2
    return write(out, at + 1, size)


@njit(nogil=True, forceinline=True)
def _open(out: NDArray[np.uint8], at: int, field: int, kind: int, tensor: int) -> int:
    """Put all that comes before a tensor of this size; where it begins. In place."""
    value = _with_head(tensor)
    at = _head(out, at, field, 8 + _with_head(value))
    set_word(out, at, NAME)
    at = _head(out, at + 8, 2, value)
    return _head(out, at, kind, tensor)


@njit(nogil=True, cache=True)
def write_rows(
    out: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    values: NDArray[np.uint8],
    keys: NDArray[np.int32],
    indptr: NDArray[np.signedinteger],
    labels: NDArray[np.uint8],
    outline: NDArray[np.int64],
    row: int,
) -> tuple[int, int]:
    """Write frames to `out` from `row` on, until the rows end or there may be no room. In place.

    Returns the first row that is not written and the bytes that are; a row that `out` is too small for, or with more
    than a frame's bytes, is for the caller. lengths: (N,) bytes of each record; values: of all rows as bytes, int64 for
    integers of 32 bits; keys: their columns, when sparse; indptr: (N + 1,), where the rows begin, when sparse; labels:
    (N,) as bytes, or none; outline: see `row_reader`.
    """
    kind, columns, sparse = outline[KIND], int(outline[COLUMNS]), outline[SPARSE] != 0
    label_kind = outline[LABEL_KIND]
    size, label_size = 4 if kind == FLOAT32 else 8, 4 if label_kind == FLOAT32 else 8
    count = min(values.size // size, keys.size) if sparse else values.size // size
    packed = (10 if kind == INT32 else 0) + (5 if sparse else 0)  # bytes of a value's varints, at most
    at = 0
    while row < lengths.size and columns < 1 << 31:
        begin, end = (int(indptr[row]), int(indptr[row + 1])) if sparse else (row * columns, (row + 1) * columns)
        behind = at + ROOM + (end - begin) * (size + packed)
        if not 0 <= begin <= end <= count or behind + ROOM + (end - begin) * packed > min(out.size, at + LONGEST):
            break
        # varints are put behind the room for the frame: what they take must be known before they find their place
        value_size, key_place = (end - begin) * size, behind
        if kind == INT32:
            for i in range(begin, end):
                key_place = write(out, key_place, signed(word(values, 8 * i)))
            value_size = key_place - behind
        label_place = write_all(out, key_place, keys, begin, end) if sparse else key_place
        key_size = label_place - key_place
        if label_kind == INT32:
            label_size = write(out, label_place, signed(word(labels, 8 * row))) - label_place
        tensor = _with_head(value_size) if value_size else 0
        tensor += _with_head(key_size) if key_size else 0
        tensor += _with_head(size_of(columns)) if sparse else 0

        first = at + 8
        at = _open(out, first, 1, kind, tensor)
        if value_size:
            at = _head(out, at, 1, value_size)
            if kind == INT32:
                copy(out, at, out, behind, value_size)
            else:
                copy(out, at, values, begin * size, value_size)
            at += value_size
        if key_size:
            at = _head(out, at, 2, key_size)
            copy(out, at, out, key_place, key_size)
            at += key_size
        if sparse:
            at = write(out, _head(out, at, 3, size_of(columns)), columns)
        if label_kind:
            at = _head(out, _open(out, at, 2, label_kind, _with_head(label_size)), 1, label_size)
            if label_kind == INT32:
                copy(out, at, out, label_place, label_size)
            else:
                copy(out, at, labels, row * label_size, label_size)
            at += label_size
        lengths[row] = at - first
        set_word(out, first - 8, MAGIC | np.uint64(at - first) << np.uint64(32))
        set_word(out, at, np.uint64(0))  # the padding
        at = first + (at - first + 3) // 4 * 4
        row += 1
    return row, at

"""Where values, keys, shape and label lie in the records of a matrix, found with numpy in N records at once.

It looks at tags and lengths alone, does not know what the values are, and never judges: records that are not laid out
as the SDK writes rows (see `data.record`) are None, and the caller reads them one by one.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.record import DTYPES
from data.varint import Bits, Ints
from data.wire import DELIMITED, delimited

NAME = delimited(1, b"values")  # how the one entry of features, and of label, begins
_NAME = int.from_bytes(NAME, "little")  # its eight bytes
AFTER = 8  # bytes to put behind the last record, since eight are looked at from any place


class Spans(NamedTuple):
    """Begins and ends, each (N,), of the parts of N records; begin == end where a record lacks a part."""

    kind: int
    values: tuple[Ints, Ints]
    keys: tuple[Ints, Ints]
    shape: Ints | None  # (N,) the only axis; None: no shape
    label_kind: int  # 0: no label
    label: tuple[Ints, Ints]


def locate(data: Bits, starts: Ints, ends: Ints) -> Spans | None:
    """Walks through N records at once: features, then perhaps label, each with one tensor named "values"."""
    if len(data) < 8:
        return None
    windows = np.ndarray(
        (len(data) - 7,), "<u8", buffer=data, strides=(1,)
    )  # eight bytes from each one, aligned or not
    fine = np.ones(len(starts), np.bool_)

    def window(position: Ints) -> NDArray[Any]:
        return windows[np.minimum(position, len(windows) - 1)]

    def head(position: Ints) -> tuple[NDArray[Any], Ints, Ints]:
        """Tag (one byte), where the field's body begins, and its length (up to four bytes)."""
        word = window(position)
        tag, size = word & 0xFF, (word >> 8) & 0x7F
        body = position + 2
        more = np.ones(len(word), np.bool_)
        for i in range(1, 5):
            more = more & ((word >> (8 * i + 7)) & 1).astype(np.bool_)
            if not more.any():
                return tag, body, size.astype(np.int64)
            size |= np.where(more, ((word >> (8 * i + 8)) & 0x7F) << (7 * i), 0)
            body = body + more
        fine[more] = False
        return tag, body, size.astype(np.int64)

    def tensor(field: int, begin: Ints) -> tuple[int, Ints, Ints]:
        """Kind, begin and end of the tensor in the map entry (features 1, label 2) that begins here."""
        tag, body, size = head(begin)
        end = body + size
        good = (tag == (field << 3 | DELIMITED)) & (window(body) == _NAME)
        tag, body, size = head(body + len(NAME))
        good &= (tag == (2 << 3 | DELIMITED)) & (body + size == end)
        kinds, body, size = head(body)
        good &= (kinds == kinds[0]) & (body + size == end)
        fine[~good] = False
        return int(kinds[0]) >> 3 if int(kinds[0]) & 7 == DELIMITED else 0, body, end

    def part(field: int, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
        """The span of this field where it comes next."""
        tag, body, size = head(begin)
        here = (tag == (field << 3 | DELIMITED)) & (begin < end)
        return np.where(here, body, begin), np.where(here, body + size, begin)

    kind, begin, end = tensor(1, starts)
    values = part(1, begin, end)
    keys = part(2, values[1], end)
    axes = part(3, keys[1], end)
    fine &= (values[1] <= end) & (keys[1] <= end) & (axes[1] == end)
    shape, shaped = None, axes[1] > axes[0]
    if shaped.any():
        _, after, shape = head(axes[0] - 1)  # as if the byte before were a tag
        fine &= shaped & (after == end)
    label_kind, label = 0, (ends, ends)
    labelled = end < ends
    if labelled.any():
        label_kind, begin, end = tensor(2, end)
        label = part(1, begin, end)
        fine &= labelled & (label[1] == end) & (label[0] < label[1])
    fine &= end == ends
    if kind not in DTYPES or (label_kind and label_kind not in DTYPES) or not fine.all():
        return None
    return Spans(kind, values, keys, shape, label_kind, label)

"""Dense rows of floats as framed records: all frames are equal but for the values and the label.

So one row says where these are in all, and a matrix is one copy of a strided view. It does not know integers, whose
bytes differ in number, nor keys: these rows are `data.ragged`'s.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import recordio
from data.record import DTYPES, Record, Tensor, encode
from data.spans import locate
from data.varint import Bits, Ints


def frame(rows: NDArray[Any], labels: NDArray[Any] | None) -> tuple[Bits, Ints]:
    """Frames of (N, D) rows and their (N, L) labels, one after the other, and the length of each record (N,)."""
    width = rows.shape[1] * rows.itemsize
    features = encode(Record({"values": Tensor(np.zeros(rows.shape[1], rows.dtype))}))
    label = b"" if labels is None else encode(Record(label={"values": Tensor(np.zeros(labels.shape[1], labels.dtype))}))
    length = len(features) + len(label)
    template = np.frombuffer(recordio.frame(features + label), np.uint8)
    framed = np.empty((len(rows), len(template)), np.uint8)
    end = 8 + len(features)  # values and label are the last bytes of the two fields
    framed[:, : end - width] = template[: end - width]
    framed[:, end - width : end] = rows.view(np.uint8)
    framed[:, end:] = template[end:]
    if labels is not None:
        bits = np.ascontiguousarray(labels).view(np.uint8)
        framed[:, 8 + length - bits.shape[1] : 8 + length] = bits
    return framed.reshape(-1), np.full(len(rows), length, np.int64)


def read(records: recordio.Records) -> tuple[NDArray[Any], NDArray[Any] | None] | None:
    """Features (N, D) and labels (N, L) of all records of a file. None: they are not equal, read them otherwise."""
    data, starts, lengths, _ = records
    count, length = len(starts), int(lengths[0])
    stride = int(starts[1] - starts[0]) if count > 1 else length
    if count > 1 and ((lengths != length).any() or (np.diff(starts) != stride).any()):
        return None
    spans = locate(data, starts[:1], starts[:1] + length)
    if spans is None or spans.shape is not None or spans.keys[0][0] < spans.keys[1][0]:
        return None
    begin, end = int(spans.values[0][0]), int(spans.values[1][0])
    label, last = int(spans.label[0][0]), int(spans.label[1][0])
    for kind, size in ((spans.kind, end - begin), (spans.label_kind, last - label)):
        if kind and (DTYPES[kind].kind == "i" or size % DTYPES[kind].itemsize):
            return None
    for first, stop in ((int(starts[0]), begin), (end, label)):  # what must be equal, eight bytes at a time
        for column in [*range(first, stop - 8, 8), stop - 8] if first < stop else []:
            words = np.ndarray((count,), "<u8", buffer=data, offset=column, strides=(stride,))
            if (words != words[0]).any():
                return None

    def cut(kind: int, first: int, stop: int) -> NDArray[Any]:
        rows = np.empty((count, stop - first), np.uint8)
        rows[:] = np.ndarray(rows.shape, np.uint8, buffer=data, offset=first, strides=(stride, 1))
        return np.asarray(rows.view(DTYPES[kind]))

    labels = cut(spans.label_kind, label, last) if spans.label_kind else None
    return cut(spans.kind, begin, end), labels

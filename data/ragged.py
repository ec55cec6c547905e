"""Rows of different lengths as framed records: sparse ones, and those with integers, whose varints differ in length.

Whole blocks of rows are written and read with numpy: the few bytes between values, keys and labels as columns over all
rows, the rest cut row by row. It does not know matrices: which rows belong together is for `data.matrix` to say.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data import recordio, varint
from data.columns import Columns
from data.errors import EmbertextError
from data.record import DTYPES, KINDS
from data.spans import AFTER, NAME, locate
from data.varint import Bits, Ints
from data.wire import DELIMITED, delimited

_INT32 = KINDS[np.dtype(np.int32)]


class Rows(NamedTuple):
    """A run of N rows of one kind."""

    values: NDArray[Any]  # (n,) of all rows
    counts: Ints  # (N,) values in each row
    keys: NDArray[Any] | None  # (n,) columns; None: dense
    columns: int
    labels: NDArray[Any] | None  # (N, L)
    offset: int = 0  # of the first row in the file, for errors


def frame(rows: Rows) -> tuple[Bits, Ints]:
    """Frames of N rows with at most one label each, one after the other, and the length of each record (N,).

    int64 is written as int32. Raises EmbertextError where an integer does not fit.
    """
    count, indptr = len(rows.counts), np.append(0, np.cumsum(rows.counts))
    values, value_ends = _pack(rows.values, indptr, "features")
    keys, key_ends = np.empty(0, np.uint8), np.zeros_like(indptr)
    tail = Columns(count)
    if rows.keys is not None:
        keys, key_ends = _pack_varints(rows.keys, indptr)
        tail.add(delimited(3, varint.encode_one(rows.columns)))
    value_sizes, key_sizes, shape_sizes = np.diff(value_ends), np.diff(key_ends), tail.sizes.copy()
    if rows.labels is not None:
        label, label_ends = _pack(rows.labels.reshape(-1), np.arange(count + 1), "labels")
        size = np.diff(label_ends)  # at most 10, so that all lengths here are one byte
        tail.add(_tag(2)).varint(size + 14).add(NAME + _tag(2)).varint(size + 4)
        tail.add(_tag(_kind(rows.labels))).varint(size + 2).add(_tag(1)).varint(size).ragged(label, size)

    # a length comes before what it counts: from the inside out
    middle = Columns(count).add(_tag(2), key_sizes > 0).varint(key_sizes, key_sizes > 0)
    front = Columns(count).add(_tag(1), value_sizes > 0).varint(value_sizes, value_sizes > 0)
    tensor = front.sizes + value_sizes + middle.sizes + key_sizes + shape_sizes
    inner = Columns(count).add(_tag(_kind(rows.values))).varint(tensor)
    value = inner.sizes + tensor
    outer = Columns(count).add(NAME + _tag(2)).varint(value)
    entry = outer.sizes + value
    record = Columns(count).add(_tag(1)).varint(entry)
    lengths = record.sizes + entry + tail.sizes - shape_sizes
    if lengths.max(initial=0) > recordio.MAX_LENGTH:
        recordio.frame(bytes(int(lengths.max())))  # refuses it
    padding = -lengths % 4
    tail.ragged(np.zeros(int(padding.sum()), np.uint8), padding)
    head = Columns(count).add(recordio.MAGIC_BYTES).fixed32(lengths).then(record, outer, inner, front)

    pieces = [head.pack(), (values, value_ends), middle.pack(), (keys, key_ends), tail.pack()]
    slices = [_slices(*piece) for piece in pieces if len(piece[0])]
    return np.frombuffer(b"".join(itertools.chain.from_iterable(zip(*slices, strict=True))), np.uint8), lengths


def read(data: Bits, starts: Ints, lengths: Ints, offset: int) -> Rows | None:
    """The rows of N records. None: they are not all alike, or not laid out as the SDK does; read them one by one."""
    chunk, starts = _chunk(data, starts, lengths)
    spans = locate(np.frombuffer(chunk, np.uint8), starts, starts + lengths)
    if spans is None:
        return None
    values = _unpack(chunk, spans.kind, spans.values)
    if values is None:
        return None
    numbers, counts = values
    labels = None
    if spans.label_kind:
        label = _unpack(chunk, spans.label_kind, spans.label)
        if label is None or (label[1] != label[1][0]).any():
            return None
        labels = label[0].reshape(len(starts), -1)
    if spans.shape is None:
        keyed = (spans.keys[0] < spans.keys[1]).any()
        if keyed or (counts != counts[0]).any():
            return None
        return Rows(numbers, counts, None, int(counts[0]), labels, offset)
    if (spans.shape != spans.shape[0]).any():
        return None
    decoded = varint.decode(_gather(chunk, *spans.keys))
    if decoded is None or len(decoded[0]) != len(numbers):
        return None
    keys, ends = decoded
    filled = np.flatnonzero(counts)
    key_ends, last = np.cumsum(spans.keys[1] - spans.keys[0]), np.cumsum(counts) - 1
    if not np.array_equal(ends[last[filled]] + 1, key_ends[filled]) or keys.max(initial=0) >= max(1, spans.shape[0]):
        return None
    return Rows(numbers, counts, keys, int(spans.shape[0]), labels, offset)


def _tag(field: int) -> bytes:
    return bytes([field << 3 | DELIMITED])


def _kind(values: NDArray[Any]) -> int:
    return KINDS.get(values.dtype, _INT32)


def _pack(values: NDArray[Any], indptr: Ints, where: str) -> tuple[Bits, Ints]:
    """Packed values of all rows, and where each row ends in them: (N + 1,), from 0."""
    if values.dtype.kind == "f":
        return np.ascontiguousarray(values).view(np.uint8), indptr * values.itemsize
    if len(values) and (values.max() > 0x7FFFFFFF or values.min() < -0x80000000):
        raise EmbertextError("an integer does not fit in 32 bits", where=where, remedy="convert them to float64")
    return _pack_varints(values, indptr)


def _pack_varints(values: NDArray[Any], indptr: Ints) -> tuple[Bits, Ints]:
    raw, sizes = varint.encode(values)
    return raw, np.append(0, np.cumsum(sizes))[indptr]


def _slices(raw: Bits, ends: Ints) -> list[bytes]:
    data, bounds = raw.tobytes(), ends.tolist()
    return [data[a:b] for a, b in itertools.pairwise(bounds)]


def _unpack(chunk: bytes, kind: int, spans: tuple[Ints, Ints]) -> tuple[NDArray[Any], Ints] | None:
    """Packed values of N rows, and how many each has."""
    sizes = spans[1] - spans[0]
    raw = _gather(chunk, *spans)
    dtype = DTYPES[kind]
    if dtype.kind == "f":
        return (raw.view(dtype), sizes // dtype.itemsize) if not (sizes % dtype.itemsize).any() else None
    decoded = varint.decode(raw)
    if decoded is None:
        return None
    values, ends = decoded
    bounds = np.append(0, np.cumsum(sizes))
    indptr = np.searchsorted(ends, bounds)
    filled = bounds > 0
    if (ends[indptr[filled] - 1] + 1 != bounds[filled]).any():
        return None  # a varint lies across two rows
    return values.astype(np.uint32).view(np.int32), np.diff(indptr)


def _chunk(data: Bits, starts: Ints, lengths: Ints) -> tuple[bytes, Ints]:
    """These records as bytes of their own, which are faster to slice, and where each starts in them."""
    low, high = int(starts.min()), int((starts + lengths).max())
    if high - low <= 2 * int(lengths.sum()) + 16 * len(starts):
        return b"".join((data[low:high].data, bytes(AFTER))), starts - low
    bounds = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)  # joined records lie far from the others
    return b"".join([*(data[a:b].data for a, b in bounds), bytes(AFTER)]), np.cumsum(lengths) - lengths


def _gather(chunk: bytes, begins: Ints, ends: Ints) -> Bits:
    """These spans, one after the other."""
    return np.frombuffer(b"".join([chunk[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]), np.uint8)

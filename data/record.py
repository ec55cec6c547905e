"""The `aialgs.data` protobuf Record, SageMaker's training row: one message, and whole matrices of them.

    Record   features 1, label 2: map<string, Value>    uid 3, metadata 4, configuration 5: string
    Value    oneof  float32_tensor 2, float64_tensor 3, int32_tensor 7: Tensor    bytes 9: Bytes
    Tensor   values 1: packed float, double or int32    keys 2, shape 3: packed uint64
    Bytes    value 1: repeated bytes    content_type 2: string

(proto2; sagemaker-python-sdk src/sagemaker/amazon/record.proto.) A tensor without keys is dense. The framing is
`data.recordio`'s. This file speaks the wire format itself: `decode` reads any record, field by field; `read_matrix`
reads a file of N rows with numpy over all rows at once, and leaves every block that it does not recognise to `decode`,
which then reads it or names the fault.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data import recordio
from data.errors import EmbertextError, FormatError

Bits = NDArray[np.uint8]
Ints = NDArray[np.int64]

# Field number of a tensor in Value -> dtype of its values
_FLOAT32, _FLOAT64, _INT32, _BYTES = 2, 3, 7, 9
_DTYPES: Final[dict[int, np.dtype[Any]]] = {
    _FLOAT32: np.dtype("<f4"),
    _FLOAT64: np.dtype("<f8"),
    _INT32: np.dtype("<i4"),
}
# What the SDK's writers take: a platform integer becomes int32, everything else is refused
_WRITES: Final[dict[np.dtype[Any], int]] = {
    np.dtype("<f4"): _FLOAT32,
    np.dtype("<f8"): _FLOAT64,
    np.dtype("<i8"): _INT32,
}
_VARINT, _FIXED64, _DELIMITED, _GROUP, _GROUP_END, _FIXED32 = range(6)
_BLOCK = 1 << 20  # bytes of a file handled at a time: a few of them fit in a cache


@dataclass(frozen=True, eq=False)
class Tensor:
    """Values of one feature. With `keys`, value i stands at place `keys[i]` of a sparse tensor of `shape`."""

    values: NDArray[Any]  # (n,) float32, float64 or int32
    keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))  # (n,) or (0,)
    shape: tuple[int, ...] = ()

    def __eq__(self, other: object) -> bool:
        """Bit for bit, so that a NaN equals itself."""
        return isinstance(other, Tensor) and (
            (self.values.dtype, self.values.tobytes(), self.keys.tobytes(), self.shape)
            == (other.values.dtype, other.values.tobytes(), other.keys.tobytes(), other.shape)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Bytes:
    """Raw values (an image, a text) with their media type."""

    value: tuple[bytes, ...] = ()
    content_type: str | None = None


Value = Tensor | Bytes | None  # None: a name is there, its value is not


@dataclass(frozen=True)
class Record:
    """One row. Plain vectors have one feature, and at most one label, named "values"."""

    features: dict[str, Value] = field(default_factory=dict)
    label: dict[str, Value] = field(default_factory=dict)
    uid: str | None = None
    metadata: str | None = None
    configuration: str | None = None


class Matrix(NamedTuple):
    """N rows of one file."""

    features: NDArray[Any] | sparse.csr_matrix  # (N, D) float32, float64 or int32
    labels: NDArray[Any] | None  # (N,), or (N, L) for L labels a row


# One record, to bytes -------------------------------------------------------------------------------------------------


def encode(record: Record) -> bytes:
    """The message, fields and map entries in the order of the schema and the dicts, as the SDK's protobuf writes it."""
    parts = [_delimited(1, _entry(name, value)) for name, value in record.features.items()]
    parts += [_delimited(2, _entry(name, value)) for name, value in record.label.items()]
    texts = (record.uid, record.metadata, record.configuration)
    parts += [_delimited(number, text.encode()) for number, text in enumerate(texts, 3) if text is not None]
    return b"".join(parts)


def _entry(name: str, value: Value) -> bytes:
    if value is None:
        body = b""
    elif isinstance(value, Bytes):
        parts = [_delimited(1, item) for item in value.value]
        if value.content_type is not None:
            parts.append(_delimited(2, value.content_type.encode()))
        body = _delimited(_BYTES, b"".join(parts))
    else:
        kinds = [kind for kind, dtype in _DTYPES.items() if dtype == value.values.dtype]
        if not kinds:
            raise EmbertextError(
                f"a tensor of {value.values.dtype} cannot be written",
                where=name,
                remedy="convert it to float32, float64 or int32",
            )
        values = value.values.tobytes() if kinds[0] != _INT32 else _encode_varints(value.values)[0]
        shape = np.array(value.shape, np.uint64)
        columns = (values, _encode_varints(value.keys)[0], _encode_varints(shape)[0])
        body = _delimited(kinds[0], b"".join(_delimited(i, bytes(c)) for i, c in enumerate(columns, 1) if len(c)))
    return _delimited(1, name.encode()) + _delimited(2, body)


def _delimited(number: int, body: bytes) -> bytes:
    return bytes([number << 3 | _DELIMITED]) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint_columns(values: NDArray[Any]) -> tuple[Bits, NDArray[np.bool_], Ints]:
    """Varints of (n,) integers as rows of (n, longest) bytes, which of them count, and how many do (n,)."""
    if values.min(initial=0) < 0:
        rest = values.astype(np.int64).view(np.uint64)  # negative numbers are sign-extended to 64 bits
    else:
        rest = values.astype(np.uint32 if values.max(initial=0) < 2**32 else np.uint64)
    longest = max(1, -(-int(rest.max(initial=0)).bit_length() // 7))
    columns = np.empty((len(rest), longest), np.uint8)
    counts = np.ones((len(rest), longest), np.bool_)
    sizes = np.ones(len(rest), np.int64)
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


def _encode_varints(values: NDArray[Any]) -> tuple[Bits, Ints]:
    """Varints of (n,) integers, one after the other, and the bytes that each takes (n,)."""
    if not 0 <= values.min(initial=0) <= values.max(initial=0) < 2**28:
        columns, counts, sizes = _varint_columns(values)
        return columns.reshape(-1).take(np.flatnonzero(counts)), sizes
    # all bytes of a varint side by side in one integer: several times faster than column by column
    longest = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    dtype: Any = (np.uint8, np.uint16, np.uint32, np.uint32)[longest - 1]
    number = values.astype(dtype)
    packed, counted, size = number & dtype(0x7F), np.ones(len(number), dtype), np.ones(len(number), np.int64)
    for i in range(1, longest):
        rest = number >> dtype(7 * i)
        more = (rest != 0).astype(dtype)
        packed |= (rest & dtype(0x7F)) << dtype(8 * i) | more << dtype(8 * i - 1)
        counted |= more << dtype(8 * i)
        size += more
    return packed.view(np.uint8).take(np.flatnonzero(counted.view(np.bool_))), size


# One record, from bytes -----------------------------------------------------------------------------------------------


def decode(payload: recordio.Buffer, *, path: str = "record", offset: int = 0) -> Record:
    """The record in a message. `path` and `offset` tell where the message begins, for errors.

    Packed and unpacked numbers, fields in any order and repeated entries (the last wins) are read as protobuf reads
    them; unknown fields are skipped. Raises FormatError at the byte that is not protobuf.
    """
    return _Message(bytes(payload), path, offset).record()


class _Message:
    """The bytes of one message, read field by field. Every part is a span (begin, end) of them."""

    def __init__(self, data: bytes, path: str, offset: int) -> None:
        self.data, self.path, self.offset = data, path, offset

    def refuse(self, what: str, position: int) -> NoReturn:
        raise FormatError(
            what,
            path=self.path,
            offset=self.offset + position,
            remedy="this is not an aialgs.data Record; write the file again",
        )

    def record(self) -> Record:
        maps: tuple[dict[str, Value], dict[str, Value]] = ({}, {})
        texts: list[str | None] = [None, None, None]
        for number, wire, begin, end in self.fields(0, len(self.data)):
            if wire != _DELIMITED:
                continue
            if number in (1, 2):
                name, value = self.entry(begin, end)
                maps[number - 1][name] = value
            elif number in (3, 4, 5):
                texts[number - 3] = self.text(begin, end)
        return Record(*maps, *texts)

    def entry(self, begin: int, end: int) -> tuple[str, Value]:
        name, kind, spans = "", 0, list[tuple[int, int]]()
        for number, wire, first, last in self.fields(begin, end):
            if wire != _DELIMITED:
                continue
            if number == 1:
                name = self.text(first, last)
            elif number == 2:
                for member, member_wire, i, j in self.fields(first, last):
                    if member_wire == _DELIMITED and (member in _DTYPES or member == _BYTES):
                        # a oneof keeps the member that came last; the same member again is merged
                        spans = [*spans, (i, j)] if member == kind else [(i, j)]
                        kind = member
        if not kind:
            return name, None
        return name, self.blob(spans) if kind == _BYTES else self.tensor(_DTYPES[kind], spans)

    def blob(self, spans: list[tuple[int, int]]) -> Bytes:
        items, content_type = [], None
        for number, wire, begin, end in itertools.chain.from_iterable(self.fields(*span) for span in spans):
            if wire == _DELIMITED and number == 1:
                items.append(self.data[begin:end])
            elif wire == _DELIMITED and number == 2:
                content_type = self.text(begin, end)
        return Bytes(tuple(items), content_type)

    def tensor(self, dtype: np.dtype[Any], spans: list[tuple[int, int]]) -> Tensor:
        single = {"<f4": _FIXED32, "<f8": _FIXED64}.get(dtype.str, _VARINT)  # the wire type of an unpacked value
        columns: list[list[NDArray[Any]]] = [[], [], []]
        for number, wire, begin, end in itertools.chain.from_iterable(self.fields(*span) for span in spans):
            if number > 3 or wire not in (_DELIMITED, single if number == 1 else _VARINT):
                continue
            if number == 1 and dtype.kind == "f":
                if (end - begin) % dtype.itemsize:
                    self.refuse(f"{end - begin} bytes are no whole number of {dtype.name} values", begin)
                columns[0].append(np.frombuffer(self.data[begin:end], dtype))
            else:
                columns[number - 1].append(self.varints(begin, end))
        values, keys, shape = (np.concatenate(column) if column else np.empty(0, np.uint64) for column in columns)
        if dtype.kind == "i":
            values = values.astype(np.uint32).view(np.int32)  # negative numbers are sign-extended to 64 bits
        return Tensor(values.astype(dtype, copy=False), keys, tuple(shape.tolist()))

    def varints(self, begin: int, end: int) -> NDArray[np.uint64]:
        raw = np.frombuffer(self.data[begin:end], np.uint8)
        decoded = _decode_varints(raw)
        if decoded is None:
            self.refuse("a packed varint is cut short or longer than 10 bytes", begin)
        return decoded[0].astype(np.uint64)

    def text(self, begin: int, end: int) -> str:
        try:
            return self.data[begin:end].decode()
        except UnicodeDecodeError as error:
            self.refuse("a string is not UTF-8", begin + error.start)

    def fields(self, begin: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type and span of each field between; groups are skipped with all that they hold."""
        position, groups = begin, list[int]()
        while position < end:
            start = position
            tag, position = self.varint(position, end)
            number, wire = tag >> 3, tag & 7
            first = position
            if not 0 < number < 1 << 29 or wire > _FIXED32:
                self.refuse(f"no field has tag {tag}", start)
            if wire == _VARINT:
                _, position = self.varint(position, end)
            elif wire in (_FIXED64, _FIXED32):
                position += 8 if wire == _FIXED64 else 4
            elif wire == _DELIMITED:
                size, first = self.varint(position, end)
                position = first + size
            elif wire == _GROUP:
                groups.append(number)
            elif not groups or groups.pop() != number:
                self.refuse(f"group {number} ends and has not begun", start)
            if position > end:
                self.refuse(f"field {number} reaches {position - end} bytes past the end of its message", start)
            if not groups and wire not in (_GROUP, _GROUP_END):
                yield number, wire, first, position
        if groups:
            self.refuse(f"group {groups[-1]} begins and does not end", begin)

    def varint(self, position: int, end: int) -> tuple[int, int]:
        value, begin, byte = 0, position, 0x80
        while byte >= 0x80:
            if position in (end, begin + 10):
                self.refuse("a varint is cut short or longer than 10 bytes", begin)
            byte = self.data[position]
            value |= (byte & 0x7F) << 7 * (position - begin)
            position += 1
        return value & 0xFFFFFFFFFFFFFFFF, position


def _decode_varints(raw: Bits) -> tuple[NDArray[Any], Ints] | None:
    """Varints one after the other: their values, and where each ends (the index of its last byte). None when broken.

    Every byte is treated as if it were the last of its varint: the bytes before it, as long as they say that more
    follows, are shifted in, for all bytes at once. Then those that really are the last are taken.
    """
    if len(raw) and raw[-1] >= 0x80:
        return None
    more: Bits = raw >> np.uint8(7)  # 1 where another byte follows
    ends = np.flatnonzero(more == 0)
    runs, run = (
        list[Bits](),
        more[:-1],
    )  # runs[k][i]: byte i + k + 1 ends or continues a varint of more than k + 1 bytes
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


# A matrix, to records -------------------------------------------------------------------------------------------------


def write_matrix(file: BinaryIO, features: Any, labels: NDArray[Any] | None = None) -> None:
    """Appends (N, D) features, a numpy array or a scipy sparse matrix, and (N,) labels as N framed records.

    The bytes are those of the SDK's `write_numpy_to_dense_tensor` (values alone) and `write_spmatrix_to_sparse_tensor`
    (values, keys and shape), except for rows that hold RecordIO's magic (see `data.recordio`). float32 and float64
    stay, int64 is written as int32; EmbertextError for other types, wrong shapes and integers beyond 32 bits.
    """
    if len(features.shape) != 2:
        raise EmbertextError(
            f"shape {features.shape}, expected (rows, columns)", where="features", remedy="reshape them"
        )
    if labels is not None and labels.shape != features.shape[:1]:
        what = f"shape {labels.shape}, expected ({features.shape[0]},)"
        raise EmbertextError(what, where="labels", remedy="give one label a row")
    kind = _kind(features.dtype, "features")
    label_kind = _kind(labels.dtype, "labels") if labels is not None else 0
    dense = not sparse.issparse(features)
    array: Any = np.ascontiguousarray(features) if dense else features.tocsr()
    size = array.dtype.itemsize
    per_row = size * array.shape[1] if dense else (size + 4) * -(-array.nnz // max(1, array.shape[0]))
    step = max(1, _BLOCK // (per_row + 64))
    for i in range(0, array.shape[0], step):
        rows: Any = array[i : i + step] if dense else _CSR(array, i, min(i + step, array.shape[0]))
        block_labels = None if labels is None else labels[i : i + step]
        if dense and kind != _INT32 and label_kind != _INT32:
            framed, lengths = _frame_equal(kind, rows, label_kind, block_labels)
        else:
            framed, lengths = _frame_ragged(kind, rows, label_kind, block_labels)
        _emit(file, framed, lengths)


def _kind(dtype: np.dtype[Any], where: str) -> int:
    if dtype not in _WRITES:
        raise EmbertextError(
            f"type {dtype} cannot be written as a Record", where=where, remedy="convert to float32, float64 or int64"
        )
    return _WRITES[dtype]


def _emit(file: BinaryIO, framed: Bits, lengths: Ints) -> None:
    """Writes a block of frames; if the magic stands inside of one, each by itself, split there."""
    if np.count_nonzero(framed.view("<u4") == recordio.MAGIC) == len(lengths):
        file.write(framed.data)
        return
    ends = np.cumsum(8 + (lengths + 3) // 4 * 4)
    starts = ends - (lengths + 3) // 4 * 4
    view = framed.data
    recordio.write_records(file, (view[a : a + n] for a, n in zip(starts.tolist(), lengths.tolist(), strict=True)))


def _frame_equal(kind: int, rows: NDArray[Any], label_kind: int, labels: NDArray[Any] | None) -> tuple[Bits, Ints]:
    """Frames of dense float rows: all are as long as the first and differ in the values alone."""
    count, width = len(rows), rows.shape[1] * rows.itemsize

    def tensor(name: int, tag: int, size: int) -> bytes:
        """Everything before the `size` bytes of values of features (1) or label (2)."""
        values = b"\x0a" + _varint(size) if size else b""
        one = bytes([tag << 3 | _DELIMITED]) + _varint(len(values) + size) + values
        two = b"\x0a\x06values\x12" + _varint(len(one) + size) + one
        return bytes([name << 3 | _DELIMITED]) + _varint(len(two) + size) + two

    head = tensor(1, kind, width)
    columns: list[Any] = [np.frombuffer(head, np.uint8), rows.view(np.uint8)]
    if labels is not None:
        size = labels.itemsize
        columns += [np.frombuffer(tensor(2, label_kind, size), np.uint8)]
        columns += [np.ascontiguousarray(labels).view(np.uint8).reshape(count, size)]
    length = sum(column.shape[-1] for column in columns)
    header = np.frombuffer(recordio.frame(bytes(length))[:8], np.uint8)
    framed = np.zeros((count, 8 + (length + 3) // 4 * 4), np.uint8)
    position = 0
    for column in [header, *columns]:
        framed[:, position : position + column.shape[-1]] = column
        position += column.shape[-1]
    return framed.reshape(-1), np.full(count, length, np.int64)


class _CSR:
    """Rows first to stop of a CSR matrix, as views."""

    def __init__(self, matrix: Any, first: int, stop: int) -> None:
        indptr = matrix.indptr[first : stop + 1].astype(np.int64)
        self.data, self.indices = (column[indptr[0] : indptr[-1]] for column in (matrix.data, matrix.indices))
        self.indptr: Ints = indptr - indptr[0]
        self.shape = (stop - first, matrix.shape[1])


def _frame_ragged(
    kind: int, rows: "NDArray[Any] | _CSR", label_kind: int, labels: NDArray[Any] | None
) -> tuple[Bits, Ints]:
    """Frames of rows of different lengths: sparse ones, and all with integers, whose varints differ in length.

    The few bytes between values and keys are laid out for all rows at once, as columns of which some do not count in
    some rows; then values, keys and those bytes are put together row by row.
    """
    is_sparse = isinstance(rows, _CSR)
    count, width = rows.shape
    if isinstance(rows, _CSR):
        values, keys, indptr = rows.data, rows.indices, rows.indptr
    else:
        indptr = np.arange(count + 1, dtype=np.int64) * width
        values, keys = rows.reshape(-1), np.empty(0, np.int64)
    value_bytes, value_ends = _column_bytes(kind, values, indptr, "features")
    value_sizes = np.diff(value_ends)
    key_bytes, key_ends = _column_bytes(_INT32, keys, indptr if is_sparse else np.zeros_like(indptr), "keys")
    key_sizes = np.diff(key_ends)

    tail = _Columns(count)
    if is_sparse:
        shape = _varint(width)
        tail.add(b"\x1a" + _varint(len(shape)) + shape)
    shape_size = tail.sizes.copy()
    if labels is not None:
        label_bytes, label_ends = _column_bytes(label_kind, labels, np.arange(count + 1), "labels")
        size = np.diff(label_ends)  # at most 10, so that all lengths here are one byte
        tail.add(b"\x12").varint(size + 14).add(b"\x0a\x06values\x12").varint(size + 4)
        tail.add(bytes([label_kind << 3 | _DELIMITED])).varint(size + 2).add(b"\x0a").varint(size)
        tail.ragged(label_bytes, size)
    middle = _Columns(count).add(b"\x12", key_sizes > 0).varint(key_sizes, key_sizes > 0)
    front = _Columns(count).add(b"\x0a", value_sizes > 0).varint(value_sizes, value_sizes > 0)
    tensor = front.sizes + value_sizes + middle.sizes + key_sizes + shape_size
    inner = _Columns(count).add(bytes([kind << 3 | _DELIMITED])).varint(tensor)
    value = inner.sizes + tensor
    outer = _Columns(count).add(b"\x0a\x06values\x12").varint(value)
    entry = outer.sizes + value
    record = _Columns(count).add(b"\x0a").varint(entry)
    lengths = record.sizes + entry + tail.sizes - shape_size
    if lengths.max(initial=0) > recordio.MAX_LENGTH:
        recordio.frame(bytes(int(lengths.max())))  # refuses it
    padding = -lengths % 4
    tail.ragged(np.zeros(int(padding.sum()), np.uint8), padding)
    head = _Columns(count).add(recordio.MAGIC_BYTES).fixed32(lengths).then(record, outer, inner, front)

    pieces = [head.pack(), (value_bytes, value_ends), middle.pack(), (key_bytes, key_ends), tail.pack()]
    slices = [_slices(*piece) for piece in pieces if len(piece[0])]
    return np.frombuffer(b"".join(itertools.chain.from_iterable(zip(*slices, strict=True))), np.uint8), lengths


def _column_bytes(kind: int, values: NDArray[Any], indptr: Ints, where: str) -> tuple[Bits, Ints]:
    """Packed values of all rows, and where each row ends in them: (N + 1,), from 0."""
    if kind != _INT32:
        return np.ascontiguousarray(values).view(np.uint8), indptr * values.itemsize
    if len(values) and (values.max() > 0x7FFFFFFF or values.min() < -0x80000000) and where != "keys":
        raise EmbertextError("an integer does not fit in 32 bits", where=where, remedy="convert them to float64")
    raw, sizes = _encode_varints(values)
    return raw, np.append(0, np.cumsum(sizes))[indptr]


def _slices(raw: Bits, ends: Ints) -> list[bytes]:
    data, bounds = raw.tobytes(), ends.tolist()
    return [data[a:b] for a, b in itertools.pairwise(bounds)]


class _Columns:
    """N short byte strings, built column by column for all rows at once. In place."""

    def __init__(self, count: int) -> None:
        self.bytes: list[Bits] = []  # each (N, w)
        self.counts: list[NDArray[np.bool_]] = []  # each (N, w): does this byte count in this row?
        self.sizes: Ints = np.zeros(count, np.int64)

    def _append(self, columns: Bits, counts: NDArray[np.bool_]) -> "_Columns":
        self.bytes.append(columns)
        self.counts.append(counts)
        for column in counts.T:  # faster than a sum along so short an axis
            self.sizes += column
        return self

    def add(self, constant: bytes, where: NDArray[np.bool_] | None = None) -> "_Columns":
        shape = (len(self.sizes), len(constant))
        counts = np.True_ if where is None else where[:, None]
        return self._append(np.broadcast_to(np.frombuffer(constant, np.uint8), shape), np.broadcast_to(counts, shape))

    def varint(self, values: Ints, where: NDArray[np.bool_] | None = None) -> "_Columns":
        columns, counts, _ = _varint_columns(values)
        return self._append(columns, counts if where is None else counts & where[:, None])

    def fixed32(self, values: Ints) -> "_Columns":
        columns = values.astype("<u4").view(np.uint8).reshape(-1, 4)
        return self._append(columns, np.ones(columns.shape, np.bool_))

    def ragged(self, raw: Bits, sizes: Ints) -> "_Columns":
        counts = np.arange(sizes.max(initial=0)) < sizes[:, None]
        columns = np.zeros(counts.shape, np.uint8)
        columns[counts] = raw
        return self._append(columns, counts)

    def then(self, *others: "_Columns") -> "_Columns":
        for other in others:
            self.bytes += other.bytes
            self.counts += other.counts
            self.sizes += other.sizes
        return self

    def pack(self) -> tuple[Bits, Ints]:
        """All rows one after the other, and where each ends: (N + 1,), from 0."""
        ends = np.append(0, np.cumsum(self.sizes))
        if not ends[-1]:
            return np.empty(0, np.uint8), ends
        columns, counts = np.concatenate(self.bytes, axis=1), np.concatenate(self.counts, axis=1)
        return columns.reshape(-1)[np.flatnonzero(counts)], ends


# A matrix, from records -----------------------------------------------------------------------------------------------


class _Rows(NamedTuple):
    """A run of rows of one kind. The fast path gives blocks of them, `decode` gives them one by one."""

    values: NDArray[Any]  # (n,) of all rows
    counts: Ints  # (N,) values in each row
    keys: NDArray[Any] | None  # (n,) columns; None: dense
    columns: int
    labels: NDArray[Any] | None  # (N, L)
    offset: int  # of the first row in the file


def read_matrix(buffer: recordio.Buffer | NDArray[np.uint8], *, path: str) -> Matrix:
    """The N records of a whole file, read or memory-mapped, as a matrix.

    Rows without keys make a dense array; if any row has keys, or a shape and no values (an empty sparse row), the
    matrix is CSR with its keys as they stand. Raises FormatError where a record is damaged, or is no row of the same
    matrix as the rows before it: another type, another width, a key beyond the shape, labels in some rows only.
    """
    records = recordio.scan(buffer, path=path)
    if not len(records.starts):
        raise FormatError("no records", path=path, offset=0, remedy="give a file with at least one row")
    equal = _read_equal(records)
    return equal if equal is not None else _stack(list(_read_rows(records, path)), path)


def _read_rows(records: recordio.Records, path: str) -> Iterator[_Rows]:
    data, starts, lengths, offsets = records
    step = max(1, _BLOCK * len(starts) // (int(lengths.sum()) + 1))
    for i in range(0, len(starts), step):
        block = slice(i, i + step)
        rows = _read_block(data, starts[block], lengths[block], int(offsets[i]))
        if rows is not None:
            yield rows
            continue
        for start, length, offset in zip(
            starts[block].tolist(), lengths[block].tolist(), offsets[block].tolist(), strict=True
        ):
            yield _read_row(data[start : start + length].data, path, offset)


def _read_row(payload: memoryview, path: str, offset: int) -> _Rows:
    """One row by way of `decode`: reads whatever is a row, says what is not one."""

    def refuse(what: str, remedy: str) -> NoReturn:
        raise FormatError(what, path=path, offset=offset, remedy=remedy)

    record = decode(payload, path=path, offset=offset)
    tensor = record.features.get("values")
    if not isinstance(tensor, Tensor):
        refuse("this record has no numbers under features['values']", "read it with data.record.decode")
    label = record.label.get("values")
    if record.label and (not isinstance(label, Tensor) or len(label.keys) or not len(label.values)):
        refuse("this record has no dense numbers under label['values']", "read it with data.record.decode")
    labels = label.values[None, :] if isinstance(label, Tensor) else None
    count, columns = len(tensor.values), 1
    for axis in tensor.shape:
        columns *= axis
    if columns >= 2**63:
        refuse(f"shape {list(tensor.shape)} is too large", "write the file again")
    is_sparse = len(tensor.keys) > 0 or (len(tensor.shape) > 0 and not count)
    if not is_sparse and tensor.shape and columns != count:
        refuse(f"{count} values do not fill the shape {list(tensor.shape)}", "write the keys too, or all values")
    if is_sparse and not tensor.shape:
        refuse("a sparse tensor needs its shape", "write the number of columns as the shape")
    if is_sparse and len(tensor.keys) != count:
        refuse(f"{len(tensor.keys)} keys for {count} values", "write one key a value")
    if is_sparse and count and int(tensor.keys.max()) >= columns:
        refuse(
            f"key {tensor.keys.max()} is beyond the shape's {columns} columns", "write the right shape, or fewer keys"
        )
    counts = np.array([count], np.int64)
    if not is_sparse:
        return _Rows(tensor.values, counts, None, count, labels, offset)
    return _Rows(tensor.values, counts, tensor.keys, columns, labels, offset)


def _outline(rows: _Rows) -> tuple[str, str, str]:
    """What all rows of a matrix have in common."""
    labels = "no labels" if rows.labels is None else f"{rows.labels.shape[1]} {rows.labels.dtype} labels"
    return f"{rows.values.dtype} values", f"{rows.columns} columns", labels


def _stack(blocks: list[_Rows], path: str) -> Matrix:
    """All rows as one matrix. Raises FormatError at the first that does not belong to it."""
    is_sparse = any(block.keys is not None for block in blocks)
    first = blocks[0]
    for block in blocks:
        for has, expected in zip(_outline(block), _outline(first), strict=True):
            if has != expected:
                says = f"a row of {has}, the rows before it have {expected}"
                raise FormatError(says, path=path, offset=block.offset, remedy="one file holds one matrix")
    labels = None
    if first.labels is not None:
        labels = np.concatenate([block.labels for block in blocks if block.labels is not None])
    if labels is not None and labels.shape[1] == 1:
        labels = labels[:, 0]
    values = np.concatenate([block.values for block in blocks])
    counts = np.concatenate([block.counts for block in blocks])
    if not is_sparse:
        return Matrix(values.reshape(len(counts), first.columns), labels)
    index = np.int32 if max(first.columns, len(values)) < 2**31 else np.int64
    every = np.arange(first.columns if any(block.keys is None for block in blocks) else 0)
    columns = np.concatenate(
        [np.tile(every, len(b.counts)) if b.keys is None else b.keys for b in blocks], dtype=index, casting="unsafe"
    )
    indptr = np.append(0, np.cumsum(counts)).astype(index)
    matrix = sparse.csr_matrix((len(counts), first.columns), dtype=values.dtype)
    matrix.data, matrix.indices, matrix.indptr = values, columns, indptr  # checked above; scipy would check again
    return Matrix(matrix, labels)


# The fast path never judges: what it does not recognise it leaves, as None, to the slow one.


def _window(data: Bits, dtype: str) -> NDArray[Any]:
    """The number that begins at each byte, aligned or not."""
    size = np.dtype(dtype).itemsize
    return np.ndarray((len(data) - size + 1,), dtype, buffer=data, strides=(1,))


_NAME = int.from_bytes(b"\x0a\x06values", "little")


class _Spans(NamedTuple):
    """Where the parts of N messages are; begin == end where a message lacks a part."""

    kind: int
    values: tuple[Ints, Ints]
    keys: tuple[Ints, Ints]
    shape: Ints | None  # (N,) the only axis; None: no shape
    label_kind: int  # 0: no label
    label: tuple[Ints, Ints]


def _locate(data: Bits, starts: Ints, ends: Ints) -> _Spans | None:
    """Walks through N messages at once: features, then perhaps label, each with one tensor named "values"."""
    if len(data) < 8:
        return None
    windows, fine = _window(data, "<u8"), np.ones(len(starts), np.bool_)

    def head(position: Ints) -> tuple[NDArray[Any], Ints, Ints]:
        """Tag (one byte), where the field's body begins, and its length (up to four bytes)."""
        word = windows[np.minimum(position, len(windows) - 1)]
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

    def tensor(name: int, begin: Ints) -> tuple[int, Ints, Ints]:
        """Kind, begin and end of the tensor in the map entry (field `name`) that begins here."""
        tag, body, size = head(begin)
        end = body + size
        good = (tag == (name << 3 | _DELIMITED)) & (windows[np.minimum(body, len(windows) - 1)] == _NAME)
        tag, body, size = head(body + 8)
        good &= (tag == (2 << 3 | _DELIMITED)) & (body + size == end)
        kinds, body, size = head(body)
        good &= (kinds == kinds[0]) & (body + size == end)
        fine[~good] = False
        return int(kinds[0]) >> 3 if int(kinds[0]) & 7 == _DELIMITED else 0, body, end

    def part(number: int, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
        """The span of this field where it comes next."""
        tag, body, size = head(begin)
        here = (tag == (number << 3 | _DELIMITED)) & (begin < end)
        return np.where(here, body, begin), np.where(here, body + size, begin)

    kind, begin, end = tensor(1, starts)
    values = part(1, begin, end)
    keys = part(2, values[1], end)
    shape_span = part(3, keys[1], end)
    fine &= (values[1] <= end) & (keys[1] <= end) & (shape_span[1] == end)
    shaped = shape_span[1] > shape_span[0]
    shape = None
    if shaped.any():
        _, after, axis = head(shape_span[0] - 1)  # as if the byte before were a tag
        fine &= shaped & (after == end)
        shape = axis
    label_kind, label = 0, (ends, ends)
    labelled = end < ends
    if labelled.any():
        fine &= labelled
        label_kind, begin, end = tensor(2, end)
        label = part(1, begin, end)
        fine &= (label[1] == end) & (label[0] < label[1])
    fine &= end == ends
    if kind not in _DTYPES or (label_kind and label_kind not in _DTYPES) or not fine.all():
        return None
    return _Spans(kind, values, keys, shape, label_kind, label)


def _read_block(data: Bits, starts: Ints, lengths: Ints, offset: int) -> _Rows | None:
    chunk, starts = _chunk(data, starts, lengths)
    ends = starts + lengths
    spans = _locate(np.frombuffer(chunk, np.uint8), starts, ends)
    if spans is None:
        return None
    values = _read_values(chunk, spans.kind, spans.values)
    if values is None:
        return None
    numbers, counts = values
    labels = None
    if spans.label_kind:
        read = _read_values(chunk, spans.label_kind, spans.label)
        if read is None or (read[1] != read[1][0]).any():
            return None
        labels = read[0].reshape(len(starts), -1)
    if spans.shape is None:
        keyed = (spans.keys[0] < spans.keys[1]).any()
        if keyed or (counts != counts[0]).any():
            return None
        return _Rows(numbers, counts, None, int(counts[0]), labels, offset)
    if (spans.shape != spans.shape[0]).any():
        return None
    raw = _gather(chunk, *spans.keys)
    decoded = _decode_varints(raw)
    if decoded is None or len(decoded[0]) != len(numbers):
        return None
    keys, ends = decoded
    filled = np.flatnonzero(counts)
    key_ends, last = np.cumsum(spans.keys[1] - spans.keys[0]), np.cumsum(counts) - 1
    if not np.array_equal(ends[last[filled]] + 1, key_ends[filled]) or keys.max(initial=0) >= max(1, spans.shape[0]):
        return None
    return _Rows(numbers, counts, keys, int(spans.shape[0]), labels, offset)


def _read_values(chunk: bytes, kind: int, spans: tuple[Ints, Ints]) -> tuple[NDArray[Any], Ints] | None:
    """Packed values of N rows, and how many each has."""
    sizes = spans[1] - spans[0]
    raw = _gather(chunk, *spans)
    dtype = _DTYPES[kind]
    if kind != _INT32:
        return (raw.view(dtype), sizes // dtype.itemsize) if not (sizes % dtype.itemsize).any() else None
    decoded = _decode_varints(raw)
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
    """These records as bytes of their own, which are faster to slice, and where each starts in them.

    Eight zeros follow, since `_locate` looks at eight bytes from any place.
    """
    low, high = int(starts.min()), int((starts + lengths).max())
    if high - low <= 2 * _BLOCK + 16 * len(starts):
        return b"".join((data[low:high].data, bytes(8))), starts - low
    bounds = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)  # joined records lie far from the others
    return b"".join([*(data[a:b].data for a, b in bounds), bytes(8)]), np.cumsum(lengths) - lengths


def _gather(chunk: bytes, begins: Ints, ends: Ints) -> Bits:
    """These spans, one after the other."""
    return np.frombuffer(b"".join([chunk[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]), np.uint8)


def _read_equal(records: recordio.Records) -> Matrix | None:
    """Dense rows of floats, as the SDK writes them: equal frames, equal but for the values and the label.

    So the first says where they are in all, and a matrix is one copy of a strided view.
    """
    data, starts, lengths, _ = records
    count, length = len(starts), int(lengths[0])
    stride = int(starts[1] - starts[0]) if count > 1 else length
    if count > 1 and ((lengths != length).any() or (np.diff(starts) != stride).any()):
        return None
    spans = _locate(data, starts[:1], starts[:1] + length)
    if spans is None or _INT32 in (spans.kind, spans.label_kind) or spans.shape is not None:
        return None
    begin, end = int(spans.values[0][0]), int(spans.values[1][0])
    label, last = int(spans.label[0][0]), int(spans.label[1][0])
    size = _DTYPES[spans.kind].itemsize
    if spans.keys[0][0] < spans.keys[1][0] or (end - begin) % size:
        return None
    for first, stop in ((int(starts[0]), begin), (end, label)):
        for column in [*range(first, stop - 8, 8), stop - 8] if first < stop else []:
            words = np.ndarray((count,), "<u8", buffer=data, offset=column, strides=(stride,))
            if (words != words[0]).any():
                return None

    def cut(kind: int, first: int, stop: int) -> NDArray[Any]:
        rows = np.empty((count, stop - first), np.uint8)
        rows[:] = np.ndarray(rows.shape, np.uint8, buffer=data, offset=first, strides=(stride, 1))
        return np.asarray(rows.view(_DTYPES[kind]))

    if spans.label_kind and (last - label) % _DTYPES[spans.label_kind].itemsize:
        return None
    labels = cut(spans.label_kind, label, last) if spans.label_kind else None
    if labels is not None and labels.shape[1] == 1:
        labels = labels[:, 0]
    return Matrix(cut(spans.kind, begin, end), labels)

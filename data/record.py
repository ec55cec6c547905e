"""The `aialgs.data` protobuf Record, SageMaker's training row, and its bytes: `encode` and `decode`.

    Record   features 1, label 2: map<string, Value>    uid 3, metadata 4, configuration 5: string
    Value    oneof  float32_tensor 2, float64_tensor 3, int32_tensor 7: Tensor    bytes 9: Bytes
    Tensor   values 1: packed float, double or int32    keys 2, shape 3: packed uint64
    Bytes    value 1: repeated bytes    content_type 2: string

(proto2; sagemaker-python-sdk src/sagemaker/amazon/record.proto.) A map is one field an entry: key 1, value 2. A tensor
without keys is dense. It does not know files: `data.recordio` frames records, `data.matrix` makes a matrix of many.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from data import varint
from data.errors import EmbertextError
from data.recordio import Buffer
from data.wire import DELIMITED, FIXED32, FIXED64, VARINT, Message, delimited

# Kind of a tensor, its field number in Value -> dtype of its values, and back
DTYPES: Final[dict[int, np.dtype[Any]]] = {2: np.dtype("<f4"), 3: np.dtype("<f8"), 7: np.dtype("<i4")}
KINDS: Final = {dtype: kind for kind, dtype in DTYPES.items()}
_BYTES = 9


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


def encode(record: Record) -> bytes:
    """The message, fields and map entries in the order of the schema and the dicts, as the SDK's protobuf writes it."""
    parts = [delimited(1, _write_entry(name, value)) for name, value in record.features.items()]
    parts += [delimited(2, _write_entry(name, value)) for name, value in record.label.items()]
    texts = (record.uid, record.metadata, record.configuration)
    parts += [delimited(number, text.encode()) for number, text in enumerate(texts, 3) if text is not None]
    return b"".join(parts)


def decode(payload: Buffer, *, path: str = "record", offset: int = 0) -> Record:
    """The record in a message. `path` and `offset` tell where the message begins, for errors.

    Packed and unpacked numbers, fields in any order and repeated entries (the last wins) are read as protobuf reads
    them; unknown fields are skipped. Raises FormatError at the byte that is not protobuf.
    """
    message = Message(bytes(payload), path, offset, "this is not an aialgs.data Record; write the file again")
    maps: tuple[dict[str, Value], dict[str, Value]] = ({}, {})
    texts: list[str | None] = [None, None, None]
    for number, wire, begin, end in message.fields(0, len(message.data)):
        if wire != DELIMITED:
            continue
        if number in (1, 2):
            name, value = _read_entry(message, begin, end)
            maps[number - 1][name] = value
        elif number in (3, 4, 5):
            texts[number - 3] = message.text(begin, end)
    return Record(*maps, *texts)


def _write_entry(name: str, value: Value) -> bytes:
    if value is None:
        body = b""
    elif isinstance(value, Bytes):
        body = delimited(_BYTES, _write_bytes(value))
    elif value.values.dtype in KINDS:
        body = delimited(KINDS[value.values.dtype], _write_tensor(value))
    else:
        raise EmbertextError(
            f"a tensor of {value.values.dtype} cannot be written",
            where=name,
            remedy="convert it to float32, float64 or int32",
        )
    return delimited(1, name.encode()) + delimited(2, body)


def _write_bytes(value: Bytes) -> bytes:
    parts = [delimited(1, item) for item in value.value]
    if value.content_type is not None:
        parts.append(delimited(2, value.content_type.encode()))
    return b"".join(parts)


def _write_tensor(tensor: Tensor) -> bytes:
    parts = []
    for number, column in enumerate((tensor.values, tensor.keys, np.array(tensor.shape, np.uint64)), 1):
        if len(column):
            packed = column if column.dtype.kind == "f" else varint.encode(column)
            parts.append(delimited(number, packed.tobytes()))
    return b"".join(parts)


def _read_entry(message: Message, begin: int, end: int) -> tuple[str, Value]:
    name, kind, spans = "", 0, list[tuple[int, int]]()
    for number, wire, first, last in message.fields(begin, end):
        if wire != DELIMITED:
            continue
        if number == 1:
            name = message.text(first, last)
        elif number == 2:
            for member, member_wire, i, j in message.fields(first, last):
                if member_wire == DELIMITED and (member in DTYPES or member == _BYTES):
                    # a oneof keeps the member that came last; the same member again is merged
                    spans = [*spans, (i, j)] if member == kind else [(i, j)]
                    kind = member
    if not kind:
        return name, None
    return name, _read_bytes(message, spans) if kind == _BYTES else _read_tensor(message, DTYPES[kind], spans)


def _read_bytes(message: Message, spans: list[tuple[int, int]]) -> Bytes:
    items, content_type = [], None
    for number, wire, begin, end in itertools.chain.from_iterable(message.fields(*span) for span in spans):
        if wire == DELIMITED and number == 1:
            items.append(message.data[begin:end])
        elif wire == DELIMITED and number == 2:
            content_type = message.text(begin, end)
    return Bytes(tuple(items), content_type)


def _read_tensor(message: Message, dtype: np.dtype[Any], spans: list[tuple[int, int]]) -> Tensor:
    single = {"<f4": FIXED32, "<f8": FIXED64}.get(dtype.str, VARINT)  # the wire type of an unpacked value
    columns: list[list[NDArray[Any]]] = [[], [], []]
    for number, wire, begin, end in itertools.chain.from_iterable(message.fields(*span) for span in spans):
        if number > 3 or wire not in (DELIMITED, single if number == 1 else VARINT):
            continue
        if number == 1 and dtype.kind == "f":
            if (end - begin) % dtype.itemsize:
                message.refuse(f"{end - begin} bytes are no whole number of {dtype.name} values", begin)
            columns[0].append(np.frombuffer(message.data[begin:end], dtype))
        else:
            columns[number - 1].append(message.varints(begin, end))
    values, keys, shape = (np.concatenate(column) if column else np.empty(0, np.uint64) for column in columns)
    if dtype.kind == "i":
        values = values.astype(np.uint32).view(np.int32)  # negative numbers are sign-extended to 64 bits
    return Tensor(values.astype(dtype, copy=False), keys, tuple(shape.tolist()))

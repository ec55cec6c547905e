"""The schema of `aialgs.data.Record`, built for the protobuf package at run time, and rows as the SDK writes them."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from data import recordio
from data.record import Bytes, Record, Tensor, Value

protobuf = pytest.importorskip("google.protobuf", reason="the protobuf package is not installed")
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402
from google.protobuf.message import DecodeError as DecodeError  # noqa: E402

PROTO = descriptor_pb2.FieldDescriptorProto
NUMBERS = {"float32": PROTO.TYPE_FLOAT, "float64": PROTO.TYPE_DOUBLE, "int32": PROTO.TYPE_INT32}


def build(*, packed: bool = True) -> Any:
    """The class of `aialgs.data.Record`, written with packed numbers or without."""
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")

    def field(message: Any, name: str, number: int, kind: int, **settings: Any) -> None:
        added = message.field.add(
            name=name, number=number, type=kind, label=settings.pop("label", PROTO.LABEL_OPTIONAL)
        )
        if added.label == PROTO.LABEL_REPEATED and kind not in (PROTO.TYPE_MESSAGE, PROTO.TYPE_BYTES):
            added.options.packed = packed
        for key, value in settings.items():
            setattr(added, key, value)

    many = PROTO.LABEL_REPEATED
    for dtype, kind in NUMBERS.items():
        tensor = file.message_type.add(name=f"{dtype.capitalize()}Tensor")
        field(tensor, "values", 1, kind, label=many)
        field(tensor, "keys", 2, PROTO.TYPE_UINT64, label=many)
        field(tensor, "shape", 3, PROTO.TYPE_UINT64, label=many)
    blob = file.message_type.add(name="Bytes")
    field(blob, "value", 1, PROTO.TYPE_BYTES, label=many)
    field(blob, "content_type", 2, PROTO.TYPE_STRING)
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    members = {"float32_tensor": (2, "Float32Tensor"), "float64_tensor": (3, "Float64Tensor")}
    members |= {"int32_tensor": (7, "Int32Tensor"), "bytes": (9, "Bytes")}
    for name, (number, message) in members.items():
        field(value, name, number, PROTO.TYPE_MESSAGE, type_name=f".aialgs.data.{message}", oneof_index=0)
    row = file.message_type.add(name="Record")
    for number, name in enumerate(("features", "label"), 1):
        entry = row.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        field(entry, "key", 1, PROTO.TYPE_STRING)
        field(entry, "value", 2, PROTO.TYPE_MESSAGE, type_name=".aialgs.data.Value")
        type_name = f".aialgs.data.Record.{name.capitalize()}Entry"
        field(row, name, number, PROTO.TYPE_MESSAGE, label=many, type_name=type_name)
    for number, name in enumerate(("uid", "metadata", "configuration"), 3):
        field(row, name, number, PROTO.TYPE_STRING)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


PROTOBUF, UNPACKED = build(), build(packed=False)
MEMBERS = {np.dtype("f4"): "float32_tensor", np.dtype("f8"): "float64_tensor", np.dtype("i4"): "int32_tensor"}


def to_protobuf(row: Record, message: Any = PROTOBUF) -> Any:
    theirs = message()
    for ours, field in ((row.features, theirs.features), (row.label, theirs.label)):
        for name, value in ours.items():
            entry = field[name]
            if isinstance(value, Bytes):
                entry.bytes.value.extend(value.value)
                entry.bytes.SetInParent()
                if value.content_type is not None:
                    entry.bytes.content_type = value.content_type
            elif value is not None:
                tensor = getattr(entry, MEMBERS[value.values.dtype])
                tensor.SetInParent()
                tensor.values.extend(value.values.tolist())
                tensor.keys.extend(value.keys.tolist())
                tensor.shape.extend(value.shape)
    for name in ("uid", "metadata", "configuration"):
        if getattr(row, name) is not None:
            setattr(theirs, name, getattr(row, name))
    return theirs


def from_protobuf(theirs: Any) -> Record:
    dtypes = {member: dtype for dtype, member in MEMBERS.items()}

    def value(entry: Any) -> Value:
        kind = entry.WhichOneof("value")
        if kind is None:
            return None
        if kind == "bytes":
            content_type = entry.bytes.content_type if entry.bytes.HasField("content_type") else None
            return Bytes(tuple(entry.bytes.value), content_type)
        tensor = getattr(entry, kind)
        return Tensor(np.array(tensor.values, dtypes[kind]), np.array(tensor.keys, np.uint64), tuple(tensor.shape))

    features, label = ({k: value(v) for k, v in entries.items()} for entries in (theirs.features, theirs.label))
    texts = (getattr(theirs, n) if theirs.HasField(n) else None for n in ("uid", "metadata", "configuration"))
    return Record(features, label, *texts)


def sdk_frames(features: Any, labels: Any = None) -> bytes:
    """What the SDK's writers do, row by row, with the protobuf package."""
    kinds = {np.dtype("f4"): "float32_tensor", np.dtype("f8"): "float64_tensor", np.dtype("i8"): "int32_tensor"}
    out = b""
    for i in range(features.shape[0]):
        message = PROTOBUF()
        tensor = getattr(message.features["values"], kinds[features.dtype])
        row = features[[i]]
        tensor.values.extend((row.data if sparse.issparse(row) else row[0]).tolist())
        if sparse.issparse(row):
            tensor.keys.extend(row.indices.tolist())
        if labels is not None:
            getattr(message.label["values"], kinds[labels.dtype]).values.extend([labels[i].item()])
        if sparse.issparse(row):
            tensor.shape.extend([features.shape[1]])
        out += recordio.frame(message.SerializeToString())
    return out

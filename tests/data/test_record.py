import io
import itertools
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from data import record, recordio
from data.errors import EmbertextError, FormatError
from data.record import Bytes, Record, Tensor

protobuf = pytest.importorskip("google.protobuf", reason="the protobuf package is not installed")
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402
from google.protobuf.message import DecodeError  # noqa: E402

# The oracle: the schema, built for the protobuf package at run time --------------------------------------------------

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

    def value(entry: Any) -> record.Value:
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


# One record ----------------------------------------------------------------------------------------------------------


def floats(*values: float) -> Tensor:
    return Tensor(np.array(values, np.float32))


SPARSE = Tensor(np.array([1, 1, 4], np.float32), np.array([0, 1, 3], np.uint64), (4,))
# One table for the writer and the reader: (record, bytes in hex); the first two are the reference's own examples.
CASES = {
    "dense": (Record({"values": floats(1, 2)}), "0a16 0a06 76616c756573 120c 120a 0a08 0000803f 00000040"),
    "sparse": (
        Record({"values": SPARSE}),
        "0a22 0a06 76616c756573 1218 1216 0a0c 0000803f0000803f00008040 1203 000103 1a01 04",
    ),
    "nothing": (Record(), ""),
    "no values": (Record({"values": floats()}), "0a0c 0a06 76616c756573 1202 1200"),
    "no value": (Record({"a": None}), "0a05 0a0161 1200"),
    "label": (  # a negative number takes ten bytes
        Record({"": floats()}, {"values": Tensor(np.array([-1, 300], np.int32))}),
        "0a06 0a00 1202 1200 121a 0a06 76616c756573 1210 3a0e 0a0c ffffffffffffffffff01 ac02",
    ),
    "float64": (Record({"a": Tensor(np.array([0.5]))}), "0a11 0a0161 120c 1a0a 0a08 000000000000e03f"),
    "bytes": (Record({"a": Bytes((b"\xff", b""), "image/x")}), "0a15 0a0161 1210 4a0e 0a01ff 0a00 1207 696d6167652f78"),
    "texts": (Record(uid="7", metadata="", configuration="{}"), "1a0137 2200 2a027b7d"),
}
TABLE = pytest.mark.parametrize(("row", "encoded"), [(r, bytes.fromhex(h)) for r, h in CASES.values()], ids=CASES)


@TABLE
def test_encodes(row: Record, encoded: bytes) -> None:
    assert record.encode(row) == encoded
    assert to_protobuf(row).SerializeToString() == encoded


@TABLE
def test_decodes(row: Record, encoded: bytes) -> None:
    assert record.decode(encoded) == row
    assert from_protobuf(PROTOBUF.FromString(encoded)) == row


@TABLE
def test_decodes_unpacked_numbers(row: Record, encoded: bytes) -> None:
    assert record.decode(to_protobuf(row, UNPACKED).SerializeToString()) == row


@TABLE
def test_every_cut_is_refused_or_read_as_protobuf_reads_it(row: Record, encoded: bytes) -> None:
    for size in range(len(encoded)):
        assert_read_alike(encoded[:size])


UNKNOWN = bytes.fromhex("f83f 01  f93f 0102030405060708  fa3f 03 616263  fd3f 01020304  fb3f 0801 fc3f")


@TABLE
def test_skips_unknown_fields(row: Record, encoded: bytes) -> None:
    assert record.decode(UNKNOWN + encoded + UNKNOWN) == row
    assert from_protobuf(PROTOBUF.FromString(UNKNOWN + encoded + UNKNOWN)) == row


def test_a_repeated_entry_wins_and_a_repeated_tensor_is_merged() -> None:
    one, two = (record.encode(Record({"values": floats(x)})) for x in (1, 2))
    assert record.decode(one + two) == Record({"values": floats(2)})
    value = bytes.fromhex("1206 0a04 0000803f") + bytes.fromhex("1206 0a04 00000040")
    merged = b"\x0a" + bytes([len(value) + 4]) + b"\x0a\x00\x12" + bytes([len(value)]) + value
    assert record.decode(merged) == from_protobuf(PROTOBUF.FromString(merged)) == Record({"": floats(1, 2)})


def tensors() -> st.SearchStrategy[Tensor]:
    values = st.sampled_from([np.float32, np.float64, np.int32]).flatmap(lambda d: hnp.arrays(d, st.integers(0, 5)))
    keys = hnp.arrays(np.uint64, st.integers(0, 3))
    return st.builds(Tensor, values, keys, st.lists(st.integers(0, 2**64 - 1), max_size=2).map(tuple))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
VALUES = st.none() | tensors() | st.builds(Bytes, st.lists(st.binary(max_size=5)).map(tuple), st.none() | TEXT)
RECORDS = st.builds(
    Record,
    st.dictionaries(TEXT, VALUES, max_size=3),
    st.dictionaries(TEXT, VALUES, max_size=2),
    st.none() | TEXT,
    st.none() | TEXT,
    st.none() | TEXT,
)


def without_nan(row: Record) -> Record:
    """Python's floats lose which NaN it was, so the oracle cannot keep it."""
    for value in (*row.features.values(), *row.label.values()):
        if isinstance(value, Tensor):
            value.values[np.isnan(value.values)] = 0
    return row


@settings(deadline=None)
@given(RECORDS)
def test_round_trip(row: Record) -> None:
    assert record.decode(record.encode(row)) == row


@settings(deadline=None)
@given(RECORDS.map(without_nan))
def test_protobuf_reads_ours_and_we_read_protobufs(row: Record) -> None:
    assert from_protobuf(PROTOBUF.FromString(record.encode(row))) == row
    assert record.decode(to_protobuf(row).SerializeToString()) == row
    assert record.decode(to_protobuf(row, UNPACKED).SerializeToString()) == row


def assert_read_alike(encoded: bytes) -> None:
    """Read as protobuf reads it; where protobuf refuses, FormatError."""
    try:
        theirs = from_protobuf(PROTOBUF.FromString(encoded))
    except (DecodeError, UnicodeDecodeError):
        with pytest.raises(FormatError) as error:
            record.decode(encoded)
        assert 0 <= error.value.offset <= len(encoded)
        return
    assert record.decode(encoded) == theirs


@given(
    RECORDS.map(without_nan), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=3), st.integers(0, 99)
)
@settings(max_examples=400, deadline=None)
def test_damage_raises_nothing_but_format_errors(row: Record, changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(record.encode(row) or b"\0")
    for position, value in changes:
        data[position % len(data)] = value
    for damaged in (bytes(data), bytes(data[: cut % (len(data) + 1)])):
        try:
            record.decode(damaged)
        except FormatError as error:
            assert 0 <= error.offset <= len(damaged)  # noqa: PT017


BROKEN = {
    "tag 0": ("00", 0, "no field has tag 0"),
    "wire type 7": ("0f", 0, "no field has tag 15"),
    "field too long": ("0a05 0a00", 0, "field 1 reaches 3 bytes past"),
    "endless varint": ("08" + "ff" * 11, 1, "longer than 10 bytes"),
    "packed floats cut": ("0a0b 0a00 1207 1205 0a03 000000", 10, "3 bytes are no whole number of float32"),
    "packed varint cut": ("0a0b 0a00 1207 3a05 0a03 000080", 10, "a packed varint is cut short"),
    "text": ("1a01ff", 2, "not UTF-8"),
    "group without a begin": ("0c", 0, "group 1 ends"),
    "group without an end": ("0b", 0, "group 1 begins"),
}


@pytest.mark.parametrize(("encoded", "offset", "what"), BROKEN.values(), ids=BROKEN)
def test_broken_messages_are_refused_with_file_and_offset(encoded: str, offset: int, what: str) -> None:
    with pytest.raises(FormatError, match=what) as error:
        record.decode(bytes.fromhex(encoded), path="x.pbr", offset=100)
    assert str(error.value).startswith(f"x.pbr: byte {100 + offset}: ")
    assert error.value.remedy


def test_other_types_cannot_be_encoded() -> None:
    with pytest.raises(EmbertextError, match="a: a tensor of uint8 cannot be written"):
        record.encode(Record({"a": Tensor(np.zeros(1, np.uint8))}))


# A matrix ------------------------------------------------------------------------------------------------------------


def written(features: Any, labels: Any = None) -> bytes:
    file = io.BytesIO()
    record.write_matrix(file, features, labels)
    return file.getvalue()


def read(buffer: bytes) -> record.Matrix:
    return record.read_matrix(buffer, path="x.pbr")


def assert_same(ours: record.Matrix, features: Any, labels: Any = None) -> None:
    stored = {"int64": "int32"}.get(features.dtype.name, features.dtype.name)
    assert ours.features.dtype == stored
    assert ours.features.shape == features.shape
    if sparse.issparse(features):
        for name in ("data", "indices", "indptr"):
            assert getattr(ours.features, name).tolist() == getattr(features, name).tolist()
    else:
        assert ours.features.tolist() == features.tolist()
    if labels is None:
        assert ours.labels is None
    else:
        assert ours.labels is not None
        assert ours.labels.tolist() == labels.tolist()


def random_matrix(dtype: str, shape: tuple[int, int], *, dense: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    values = rng.integers(-(2**31), 2**31, shape) if dtype == "int64" else rng.standard_normal(shape).astype(dtype)
    if dense:
        return values
    values[rng.random(shape) < 0.7] = 0
    values[::5] = 0  # empty rows
    return sparse.csr_matrix(values)


LABELS = {
    None: None,
    "float32": np.arange(7, dtype=np.float32),
    "float64": np.arange(7) / 3,
    "int64": np.array([0, 1, 300, -1, 2**31 - 1, -(2**31), 127]),
}


@pytest.mark.parametrize("columns", [1, 31, 300, 20000], ids="D={}".format)
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("label", LABELS, ids="label={}".format)
def test_matrices_are_written_as_the_sdk_writes_them_and_read_back(dtype, dense, columns, label) -> None:
    features = random_matrix(dtype, (7, columns), dense=dense)
    buffer = sdk_frames(features, LABELS[label])
    assert written(features, LABELS[label]) == buffer
    assert_same(read(buffer), features, LABELS[label])


@settings(deadline=None)
@given(st.data(), st.sampled_from(["float32", "float64", "int64"]), st.booleans(), st.sampled_from(list(LABELS)))
def test_matrices_round_trip(data: st.DataObject, dtype: str, dense: bool, label: str | None) -> None:
    low, high = -(2**31), 2**31 - 1
    elements = st.integers(low, high) if dtype == "int64" else st.floats(-9, 9, width=32)
    shape = st.tuples(st.integers(1, 7), st.integers(0, 9))
    values = data.draw(hnp.arrays(dtype, shape, elements=elements, fill=st.just(0)))
    features = values if dense else sparse.csr_matrix(values)
    labels = None if label is None else LABELS[label][: len(values)]
    assert_same(read(written(features, labels)), features, labels)


def test_more_rows_than_a_block(monkeypatch) -> None:
    monkeypatch.setattr(record, "_BLOCK", 1000)
    for dtype, dense in itertools.product(["float32", "int64"], [True, False]):
        features = random_matrix(dtype, (211, 12), dense=dense)
        labels = np.arange(211, dtype=np.float32)
        assert written(features, labels) == sdk_frames(features, labels)
        assert_same(read(written(features, labels)), features, labels)


def test_the_reference_examples() -> None:
    dense = bytes.fromhex("0a23d7ce 18000000 0a16 0a06 76616c756573 120c 120a 0a08 0000803f 00000040")
    assert written(np.array([[1, 2]], np.float32)) == dense
    rows = bytes.fromhex(
        "0a23d7ce 24000000 0a22 0a06 76616c756573 1218 1216 0a0c 0000803f0000803f00008040 1203 000103 1a01 04"
    )
    assert written(sparse.csr_matrix(np.array([[1, 1, 0, 4]], np.float32))) == rows


def test_a_real_file_reads_back_and_is_written_byte_for_byte() -> None:
    folder = os.environ.get("EMBERTEXT_DATA")
    path = Path(folder or "") / "sagemaker" / "nips-train_1.pbr"
    if not folder or not path.exists():
        pytest.skip("EMBERTEXT_DATA does not name a folder with sagemaker/nips-train_1.pbr")
    features, labels = record.read_matrix(np.memmap(path, mode="r"), path=str(path))
    assert features.shape == (350, 12419)
    assert features.dtype == np.float32
    assert features.has_sorted_indices
    assert labels is None
    assert written(features) == path.read_bytes()


MAGIC = np.frombuffer(recordio.MAGIC_BYTES, np.float32)[0]


@pytest.mark.parametrize("dense", [True, False], ids=["dense", "sparse"])
def test_values_that_are_the_magic_are_split_and_joined(dense: bool) -> None:
    features = np.arange(40, dtype=np.float32).reshape(10, 4) + 1
    features[3, 1:] = features[7] = MAGIC
    given = features if dense else sparse.csr_matrix(features)
    buffer = written(given)
    assert_same(read(buffer), given)
    payloads = list(recordio.read_records(io.BytesIO(buffer), path="x"))
    assert buffer == b"".join(map(recordio.frame, payloads))
    unsplit = b"".join(struct.pack("<II", recordio.MAGIC, len(p)) + p + bytes(-len(p) % 4) for p in payloads)
    assert_same(read(unsplit), given)  # as the SDK would have written it


def frames(*rows: Record) -> bytes:
    return b"".join(recordio.frame(record.encode(row)) for row in rows)


def row(values: list[float], label: list[float] | None = None, dtype: str = "f4", **more: Any) -> Record:
    labels = {"values": Tensor(np.array(label, "f4"))} if label is not None else {}
    return Record({"values": Tensor(np.array(values, dtype), **more)}, labels)


def keys(*places: int) -> Any:
    return np.array(places, np.uint64)


def test_fields_that_a_matrix_does_not_need_are_no_hindrance() -> None:
    rows = [Record({"values": floats(i, 2)}, uid=str(i), metadata="x") for i in range(5)]
    assert_same(read(frames(*rows)), np.array([[i, 2] for i in range(5)], np.float32))
    unpacked = b"".join(recordio.frame(to_protobuf(row, UNPACKED).SerializeToString()) for row in rows)
    assert_same(read(unpacked), np.array([[i, 2] for i in range(5)], np.float32))


def test_dense_and_sparse_rows_make_a_sparse_matrix() -> None:
    buffer = frames(row([1, 2, 3]), row([5], keys=keys(2), shape=(3,)), row([], shape=(3,)), row([7, 8, 9], shape=(3,)))
    assert read(buffer).features.toarray().tolist() == [[1, 2, 3], [0, 0, 5], [0, 0, 0], [7, 8, 9]]


def test_a_tensor_of_more_axes_is_a_row() -> None:
    features = read(frames(row([5, 6], keys=keys(1, 5), shape=(2, 3)))).features
    assert features.toarray().tolist() == [[0, 5, 0, 0, 0, 6]]


def test_several_labels_a_row() -> None:
    for values in ([1.0, 2.0], [3.0]):
        assert read(frames(row(values, [1, 2]), row(values, [3, 4]))).labels.tolist() == [[1, 2], [3, 4]]


def test_huge_shapes_allocate_nothing() -> None:
    assert read(frames(row([1], keys=keys(2**40), shape=(2**41,)))).features.shape == (1, 2**41)


A = row([1, 2])
S = row([1], keys=keys(1), shape=(9,))
REFUSED = {
    "no records": ((), "no records"),
    "no features": ((A, Record()), "no numbers under features['values']"),
    "bytes": ((Record({"values": Bytes((b"x",))}),), "no numbers under features['values']"),
    "another width": ((A, A, row([1])), "a row of 1 columns, the rows before it have 2 columns"),
    "another type": ((A, row([1, 2], dtype="f8")), "a row of float64 values, the rows before it have float32"),
    "label missing": (
        (row([1], [2]), row([1])),
        "no labels, the rows before it have 1 float32 labels",
    ),
    "another number of labels": ((row([1], [2]), row([1], [2, 3])), "2 float32 labels, the rows before it have 1"),
    "label without numbers": ((row([1], []),), "no dense numbers under label['values']"),
    "key beyond the shape": ((S, row([1], keys=keys(9), shape=(9,))), "key 9 is beyond the shape's 9 columns"),
    "another shape": ((S, row([1], keys=keys(1), shape=(8,))), "8 columns, the rows before it have 9"),
    "no shape": ((row([1], keys=keys(1)),), "a sparse tensor needs its shape"),
    "more keys than values": ((row([1], keys=keys(1, 2), shape=(9,)),), "2 keys for 1 values"),
    "values that do not fill the shape": ((row([1, 2], shape=(9,)),), "2 values do not fill the shape [9]"),
    "a shape beyond numbers": ((row([1], keys=keys(1), shape=(2**40, 2**40)),), "is too large"),
}


@pytest.mark.parametrize(("rows", "what"), REFUSED.values(), ids=REFUSED)
def test_rows_that_are_no_matrix_are_refused(rows: tuple[Record, ...], what: str) -> None:
    """The last row is the fault, and its place is named."""
    with pytest.raises(FormatError) as error:
        read(frames(*rows))
    assert what in str(error.value)
    assert error.value.remedy
    assert error.value.offset == [0, *recordio.scan(frames(*rows), path="x").offsets.tolist()][-1]


def test_the_byte_that_is_wrong_is_named() -> None:
    buffer = bytearray(written(np.ones((50, 4), np.float32)))
    place = 30 * (len(buffer) // 50) + 8 + 15  # in row 30, the length of the values
    buffer[place] += 1
    with pytest.raises(FormatError, match=r"x\.pbr: byte .*field 1 reaches 1 bytes past") as error:
        read(bytes(buffer))
    assert error.value.offset == place - 1  # where the field's tag is


@given(st.data(), st.booleans(), st.sampled_from(["float32", "int64"]), st.sampled_from(list(LABELS)))
@settings(max_examples=300, deadline=None)
def test_damaged_files_are_read_as_row_by_row_or_refused(
    data: st.DataObject, dense: bool, dtype: str, label: str | None
) -> None:
    """The fast path and `decode` never disagree: what one reads the other reads, to the same numbers."""
    clean = written(random_matrix(dtype, (7, 9), dense=dense), LABELS[label])
    buffer = bytearray(clean)
    for _ in range(data.draw(st.integers(1, 3))):
        buffer[data.draw(st.integers(0, len(buffer) - 1))] = data.draw(st.integers(0, 255))
    results = []
    for fast in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not fast:
                patch.setattr(record, "_read_block", lambda *_: None)
                patch.setattr(record, "_read_equal", lambda *_: None)
            try:
                features, labels = read(bytes(buffer))
            except FormatError as error:
                results.append(str(error))
                continue
            if sparse.issparse(features):
                features = (
                    features.data.tobytes(),
                    features.indices.tolist(),
                    features.indptr.tolist(),
                    features.shape,
                )
            else:
                features = (features.tobytes(), features.shape)
            results.append((features, None if labels is None else labels.tobytes()))
    assert results[0] == results[1]


TOO_LARGE = sparse.csr_matrix(np.array([[2**31]]))
UNWRITABLE = {
    "int32": (np.zeros((2, 2), np.int32), None, "features: type int32 cannot be written"),
    "float16": (np.zeros((2, 2), np.float16), None, "features: type float16"),
    "sparse int32": (sparse.csr_matrix(np.ones((2, 2), np.int32)), None, "features: type int32"),
    "label type": (np.zeros((2, 2)), np.zeros(2, np.int8), "labels: type int8"),
    "a vector": (np.zeros(2), None, r"features: shape \(2,\), expected \(rows, columns\)"),
    "labels too few": (np.zeros((2, 2)), np.zeros(1), r"labels: shape \(1,\), expected \(2,\)"),
    "labels a matrix": (np.zeros((2, 2)), np.zeros((2, 1)), r"labels: shape \(2, 1\)"),
    "beyond 32 bits": (np.array([[2**31]]), None, "features: an integer does not fit in 32 bits"),
    "sparse beyond 32 bits": (TOO_LARGE, None, "features: an integer does not fit in 32 bits"),
    "label beyond 32 bits": (np.zeros((1, 2)), np.array([-(2**31) - 1]), "labels: an integer does not fit"),
}


@pytest.mark.parametrize(("features", "labels", "what"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_the_sdk_cannot_write_is_refused(features: Any, labels: Any, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        written(features, labels)

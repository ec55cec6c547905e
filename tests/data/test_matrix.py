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

from data import matrix, record, recordio
from data.errors import FormatError
from data.record import Bytes, Record, Tensor
from tests.data.oracle import UNPACKED, sdk_frames, to_protobuf


def written(features: Any, labels: Any = None) -> bytes:
    file = io.BytesIO()
    matrix.write_matrix(file, features, labels)
    return file.getvalue()


def read(buffer: bytes) -> matrix.Matrix:
    return matrix.read_matrix(buffer, path="x.pbr")


def assert_same(ours: matrix.Matrix, features: Any, labels: Any = None) -> None:
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
    monkeypatch.setattr(matrix, "_BLOCK", 1000)
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
    features, labels = matrix.read_matrix(np.memmap(path, mode="r"), path=str(path))
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
    rows = [Record({"values": Tensor(np.array([i, 2], np.float32))}, uid=str(i), metadata="x") for i in range(5)]
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
                patch.setattr(matrix.ragged, "read", lambda *_: None)
                patch.setattr(matrix.dense, "read", lambda *_: None)
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

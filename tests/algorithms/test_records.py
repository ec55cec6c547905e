import io
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from algorithms import records
from algorithms.kernels import row_reader
from data import matrix, recordio
from data.errors import FormatError
from data.matrix import Matrix
from data.record import KINDS, Record, Tensor
from tests.data.oracle import UNPACKED, sdk_frames, to_protobuf
from tests.data.rows import (
    LABELS,
    REFUSED,
    UNWRITABLE,
    assert_same,
    frames,
    keys,
    last_offset,
    random_matrix,
    read_one_by_one,
    row,
    write_one_by_one,
)


def written(features: Any, labels: Any = None) -> bytes:
    file = io.BytesIO()
    records.write_matrix(file, features, labels)
    return file.getvalue()


def read(buffer: bytes) -> Matrix:
    return records.read_matrix(buffer, path="x.pbr")


def alone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that are read one by one, from now on."""
    rows, read_row = [], matrix.read_row

    def read(payload: bytes, *, path: str, offset: int) -> matrix.Rows:
        rows.append(offset)
        return read_row(payload, path=path, offset=offset)

    monkeypatch.setattr(matrix, "read_row", read)
    return rows


def test_kernels_and_data_mean_the_same_numbers() -> None:
    assert row_reader.MAGIC == recordio.MAGIC
    assert {np.dtype(name): getattr(row_reader, name.upper()) for name in ("float32", "float64", "int32")} == KINDS


SHAPES = [("dense", 1), ("dense", 31), ("dense", 300), *(("sparse", D) for D in (1, 31, 300, 20_000, 3_000_000))]


@pytest.mark.parametrize(("form", "columns"), SHAPES, ids="{}".format)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("label", LABELS, ids="label={}".format)
def test_matrices_are_written_as_the_sdk_writes_them_and_read_back(monkeypatch, dtype, form, columns, label) -> None:
    features = random_matrix(dtype, (7, min(columns, 300)), dense=form == "dense")
    if columns > 300:
        features.indices *= columns // 300
        features = sparse.csr_matrix((features.data, features.indices, features.indptr), (7, columns))
    buffer = sdk_frames(features, LABELS[label])
    assert written(features, LABELS[label]) == buffer
    rows = alone(monkeypatch)
    assert_same(read(buffer), features, LABELS[label])
    assert rows == [8]  # the kernel took them all, once it knew the first


@given(st.data(), st.sampled_from(["float32", "float64", "int64"]), st.booleans(), st.sampled_from(list(LABELS)))
def test_matrices_round_trip(data: st.DataObject, dtype: str, dense: bool, label: str | None) -> None:
    low, high = -(2**31), 2**31 - 1
    elements = st.integers(low, high) if dtype == "int64" else st.floats(-9, 9, width=32)
    shape = st.tuples(st.integers(1, 7), st.integers(0, 9))
    values = data.draw(hnp.arrays(dtype, shape, elements=elements, fill=st.just(0)))
    features = values if dense else sparse.csr_matrix(values)
    labels = None if label is None else LABELS[label][: len(values)]
    assert written(features, labels) == write_one_by_one(features, labels)
    assert_same(read(written(features, labels)), features, labels)


@given(st.data(), st.integers(1, 2**31 - 1), st.booleans())
def test_any_keys_in_any_order(data: st.DataObject, columns: int, ascending: bool) -> None:
    places = st.lists(st.integers(0, columns - 1) | st.integers(0, min(columns - 1, 20000)), max_size=60)
    rows = [sorted(row) if ascending else row for row in data.draw(st.lists(places, min_size=1, max_size=4))]
    indptr = np.cumsum([0, *map(len, rows)])
    indices = np.array([place for row in rows for place in row], np.int32)
    features = sparse.csr_matrix((np.arange(len(indices), dtype=np.float32), indices, indptr), (len(rows), columns))
    assert written(features) == write_one_by_one(features)
    assert_same(read(written(features)), features)


def test_columns_beyond_32_bits_are_for_the_slow_way() -> None:
    places = (np.array([0, 2**31, 7, 2**40]), np.array([0, 2, 2, 4]))
    features = sparse.csr_matrix((np.arange(4.0), *places), (3, 2**40 + 1))
    assert written(features) == write_one_by_one(features)
    assert_same(read(written(features)), features)


@pytest.mark.parametrize("change", ["tocsc", "tocoo"])
def test_any_sparse_matrix_is_written_as_csr(change: str) -> None:
    features = random_matrix("float32", (7, 12), dense=False)
    assert written(getattr(features, change)()) == written(sparse.csr_array(features)) == written(features)


def test_strides_and_wide_indices_are_no_hindrance() -> None:
    features = random_matrix("float32", (7, 12), dense=True)
    assert written(np.asfortranarray(features)[::2]) == written(features[::2].copy())
    rows = sparse.csr_matrix(features)
    expected = written(rows)
    rows.indices, rows.indptr = rows.indices.astype(np.int64), rows.indptr.astype(np.int64)
    assert written(rows) == expected


def test_more_rows_than_a_block_and_rows_longer_than_one(monkeypatch) -> None:
    monkeypatch.setattr(records, "_BLOCK", 256)
    for dtype, dense in ((dtype, dense) for dtype in ("float32", "int64") for dense in (True, False)):
        features = random_matrix(dtype, (211, 12), dense=dense)
        labels = np.arange(211, dtype=np.float32)
        assert written(features, labels) == write_one_by_one(features, labels)
        wide = random_matrix(dtype, (3, 5000), dense=dense)
        assert written(wide) == write_one_by_one(wide)


def test_a_real_file_reads_back_and_is_written_byte_for_byte() -> None:
    folder = os.environ.get("EMBERTEXT_DATA")
    path = Path(folder or "") / "sagemaker" / "nips-train_1.pbr"
    if not folder or not path.exists():
        pytest.skip("EMBERTEXT_DATA does not name a folder with sagemaker/nips-train_1.pbr")
    features, labels = records.read_matrix(np.memmap(path, mode="r"), path=str(path))
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
    assert buffer == write_one_by_one(given)
    assert_same(read(buffer), given)
    payloads = list(recordio.read_records(io.BytesIO(buffer), path="x"))
    unsplit = b"".join(struct.pack("<II", recordio.MAGIC, len(p)) + p + bytes(-len(p) % 4) for p in payloads)
    assert_same(read(unsplit), given)  # as the SDK would have written it


def test_several_labels_a_row() -> None:
    for values in ([1.0, 2.0], [3.0]):
        assert read(frames(row(values, [1, 2]), row(values, [3, 4]))).labels.tolist() == [[1, 2], [3, 4]]


def test_odd_rows_among_many_are_read_one_by_one_alone(monkeypatch) -> None:
    plain = row([1, 2], keys=keys(3, 500), shape=(900,))
    odd = Record(plain.features, uid="a")
    unpacked = recordio.frame(to_protobuf(plain, UNPACKED).SerializeToString())
    split = frames(row([1, MAGIC], keys=keys(3, 500), shape=(900,)))
    many = frames(plain) * 150
    rows = alone(monkeypatch)
    features = read(many + frames(odd) + many + unpacked + many + split + many).features
    assert len(rows) <= 10
    assert features.shape == (603, 900)
    assert features.indices.tolist() == [3, 500] * 603


def test_a_file_is_read_in_windows_once_it_has_odd_rows(monkeypatch) -> None:
    monkeypatch.setattr(records, "_WINDOW", 10_000)
    features = random_matrix("float32", (500, 40), dense=False)
    buffer = frames(Record(row([1], keys=keys(39), shape=(40,)).features, uid="a")) + written(features)
    assert_same(read(buffer), sparse.vstack([sparse.csr_matrix(([1], ([0], [39])), (1, 40), "f4"), features], "csr"))


def test_a_file_of_odd_rows_asks_the_kernel_less_and_less(monkeypatch) -> None:
    buffer = frames(*(Record({"values": Tensor(np.array([i, 2], np.float32))}, uid="x") for i in range(300)))
    calls, read_rows = [], row_reader.read_rows
    monkeypatch.setattr(row_reader, "read_rows", lambda *arguments: calls.append(1) or read_rows(*arguments))
    assert_same(read(buffer), np.array([[i, 2] for i in range(300)], np.float32))
    assert len(calls) <= 10


def test_dense_and_sparse_rows_make_a_sparse_matrix() -> None:
    buffer = frames(row([1, 2, 3]), row([5], keys=keys(2), shape=(3,)), row([], shape=(3,)), row([7, 8, 9], shape=(3,)))
    assert read(buffer).features.toarray().tolist() == [[1, 2, 3], [0, 0, 5], [0, 0, 0], [7, 8, 9]]


@pytest.mark.parametrize(("rows", "what"), REFUSED.values(), ids=REFUSED)
def test_rows_that_are_no_matrix_are_refused(rows: tuple[Record, ...], what: str) -> None:
    """The last row is the fault, and its place is named."""
    with pytest.raises(FormatError) as error:
        read(frames(*rows))
    assert what in str(error.value)
    assert error.value.offset == last_offset(frames(*rows))


def outcome(reader: Any, buffer: bytes) -> object:
    """What a reader makes of a file, so that it can be compared bit for bit."""
    try:
        features, labels = reader(buffer)
    except FormatError as error:
        return str(error)
    parts = [features.data, features.indices, features.indptr] if sparse.issparse(features) else [features]
    return [(part.dtype, part.shape, part.tobytes()) for part in (*parts, *([] if labels is None else [labels]))]


@settings(max_examples=300)
@given(
    st.data(),
    st.booleans(),
    st.sampled_from(["float32", "float64", "int64"]),
    st.sampled_from(list(LABELS)),
    st.sampled_from([9, 140, 20000]),
)
def test_damaged_files_are_read_as_row_by_row_or_refused(
    data: st.DataObject, dense: bool, dtype: str, label: str | None, columns: int
) -> None:
    """The kernels and `decode` never disagree: what one reads the other reads, to the same numbers and errors."""
    features = random_matrix(dtype, (7, 9), dense=dense)
    if not dense:
        features = sparse.csr_matrix(
            (features.data, features.indices * (columns // 9), features.indptr), (7, max(columns, 9))
        )
    buffer = bytearray(written(features, LABELS[label]))
    for _ in range(data.draw(st.integers(1, 3))):
        buffer[data.draw(st.integers(0, len(buffer) - 1))] = data.draw(
            st.integers(0, 255) | st.sampled_from([0, 1, 0x0A, 0x12, 0x1A, 0x7F, 0x80, 0xFF])
        )
    cut = bytes(buffer[: data.draw(st.just(len(buffer)) | st.integers(0, len(buffer)))])
    assert outcome(read, cut) == outcome(read_one_by_one, cut)


def test_lengths_that_lie_allocate_no_more_than_the_file_could_hold() -> None:
    clean = written(random_matrix("int64", (50, 40), dense=False), np.arange(50))
    labels = frames(row([1], [2] * 500)) + frames(row([1], [3])) * 500  # 500 labels, then one: not 500 x 500
    places = [*range(len(clean) // 50 * 3), len(clean) - 9]
    for buffer in (labels, *(clean[:i] + bytes([byte] * 4) + clean[i + 4 :] for i in places for byte in (0x7F, 0xFF))):
        tracemalloc.start()
        outcome(read, buffer)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 40 * len(buffer) + 50_000


@pytest.mark.parametrize(("features", "labels", "what"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_the_sdk_cannot_write_is_refused_before_a_byte_is_written(features: Any, labels: Any, what: str) -> None:
    file = io.BytesIO()
    with pytest.raises(ValueError, match=what):
        records.write_matrix(file, features, labels)
    assert not file.getvalue()

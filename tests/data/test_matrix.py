from typing import Any

import numpy as np
import pytest
from scipy import sparse

from data import matrix, recordio
from data.errors import EmbertextError, FormatError
from data.record import Record, Tensor
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


@pytest.mark.parametrize("columns", [1, 31, 20000], ids="D={}".format)
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("label", LABELS, ids="label={}".format)
def test_rows_are_written_as_the_sdk_writes_them_and_read_back(dtype, dense, columns, label) -> None:
    features = random_matrix(dtype, (7, columns), dense=dense)
    buffer = sdk_frames(features, LABELS[label])
    assert write_one_by_one(features, LABELS[label]) == buffer
    assert_same(read_one_by_one(buffer), features, LABELS[label])


def test_the_reference_examples() -> None:
    dense = bytes.fromhex("0a23d7ce 18000000 0a16 0a06 76616c756573 120c 120a 0a08 0000803f 00000040")
    assert matrix.frame_row(np.array([1, 2], np.float32), None, 2, None) == dense
    rows = bytes.fromhex(
        "0a23d7ce 24000000 0a22 0a06 76616c756573 1218 1216 0a0c 0000803f0000803f00008040 1203 000103 1a01 04"
    )
    assert matrix.frame_row(np.array([1, 1, 4], np.float32), np.array([0, 1, 3]), 4, None) == rows


def test_fields_that_a_matrix_does_not_need_are_no_hindrance() -> None:
    rows = [Record({"values": Tensor(np.array([i, 2], np.float32))}, uid=str(i), metadata="x") for i in range(5)]
    expected = np.array([[i, 2] for i in range(5)], np.float32)
    assert_same(read_one_by_one(frames(*rows)), expected)
    unpacked = b"".join(recordio.frame(to_protobuf(row, UNPACKED).SerializeToString()) for row in rows)
    assert_same(read_one_by_one(unpacked), expected)


def test_dense_and_sparse_rows_make_a_sparse_matrix() -> None:
    buffer = frames(row([1, 2, 3]), row([5], keys=keys(2), shape=(3,)), row([], shape=(3,)), row([7, 8, 9], shape=(3,)))
    assert read_one_by_one(buffer).features.toarray().tolist() == [[1, 2, 3], [0, 0, 5], [0, 0, 0], [7, 8, 9]]


def test_a_tensor_of_more_axes_is_a_row() -> None:
    features = read_one_by_one(frames(row([5, 6], keys=keys(1, 5), shape=(2, 3)))).features
    assert features.toarray().tolist() == [[0, 5, 0, 0, 0, 6]]


def test_several_labels_a_row() -> None:
    assert read_one_by_one(frames(row([1], [1, 2]), row([3], [3, 4]))).labels.tolist() == [[1, 2], [3, 4]]


def test_huge_shapes_allocate_nothing() -> None:
    features = read_one_by_one(frames(row([1], keys=keys(2**40), shape=(2**41,)))).features
    assert features.shape == (1, 2**41)
    assert features.indices.tolist() == [2**40]


@pytest.mark.parametrize(("rows", "what"), REFUSED.values(), ids=REFUSED)
def test_rows_that_are_no_matrix_are_refused(rows: tuple[Record, ...], what: str) -> None:
    """The last row is the fault, and its place is named."""
    with pytest.raises(FormatError) as error:
        read_one_by_one(frames(*rows))
    assert what in str(error.value)
    assert error.value.remedy
    assert error.value.offset == last_offset(frames(*rows))


def test_the_byte_that_is_wrong_is_named() -> None:
    buffer = bytearray(write_one_by_one(np.ones((50, 4), np.float32)))
    place = 30 * (len(buffer) // 50) + 8 + 15  # in row 30, the length of the values
    buffer[place] += 1
    with pytest.raises(FormatError, match=r"x\.pbr: byte .*field 1 reaches 1 bytes past") as error:
        read_one_by_one(bytes(buffer))
    assert error.value.offset == place - 1  # where the field's tag is


@pytest.mark.parametrize(("features", "labels", "what"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_the_sdk_cannot_write_is_refused(features: Any, labels: Any, what: str) -> None:
    with pytest.raises(EmbertextError, match=what):
        matrix.check(features, labels)


def test_what_can_be_written_passes() -> None:
    for features in (np.zeros((0, 3)), np.array([[2**31 - 1, -(2**31)]]), sparse.csr_matrix((2, 5), dtype=np.int64)):
        matrix.check(features, np.zeros(features.shape[0], np.int64))

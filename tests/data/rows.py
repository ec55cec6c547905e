"""Rows as Records, those that make no matrix, and matrices written and read one row after the other: the oracle."""

from typing import Any

import numpy as np
from scipy import sparse

from data import matrix, record, recordio
from data.errors import FormatError
from data.matrix import Matrix
from data.record import Bytes, Record, Tensor


def row(values: list[float], label: list[float] | None = None, dtype: str = "f4", **more: Any) -> Record:
    labels = {"values": Tensor(np.array(label, "f4"))} if label is not None else {}
    return Record({"values": Tensor(np.array(values, dtype), **more)}, labels)


def keys(*places: int) -> Any:
    return np.array(places, np.uint64)


def frames(*rows: Record) -> bytes:
    return b"".join(recordio.frame(record.encode(row)) for row in rows)


def write_one_by_one(features: Any, labels: Any = None) -> bytes:
    matrix.check(features, labels)
    out = b""
    for i in range(features.shape[0]):
        given = features[[i]]
        values, places = (given.data, given.indices) if sparse.issparse(given) else (given[0], None)
        out += matrix.frame_row(values, places, features.shape[1], None if labels is None else labels[i : i + 1])
    return out


def read_one_by_one(buffer: bytes) -> Matrix:
    records = list(recordio.scan(buffer, path="x.pbr"))
    if not records:
        raise FormatError("no records", path="x.pbr", offset=0, remedy="give a file with at least one row")
    rows = [matrix.read_row(payload, path="x.pbr", offset=begin + 8) for begin, payload in records]
    return matrix.stack(rows, path="x.pbr")


def last_offset(buffer: bytes) -> int:
    """Of the last record's first payload byte."""
    return max((begin + 8 for begin, _ in recordio.scan(buffer, path="x.pbr")), default=0)


def random_matrix(dtype: str, shape: tuple[int, int], *, dense: bool, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    values = rng.integers(-(2**31), 2**31, shape) if dtype == "int64" else rng.standard_normal(shape).astype(dtype)
    if dense:
        return values
    values[rng.random(shape) < 0.7] = 0
    values[::5] = 0  # empty rows
    return sparse.csr_matrix(values)


def assert_same(ours: Matrix, features: Any, labels: Any = None) -> None:
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


LABELS = {
    None: None,
    "float32": np.arange(7, dtype=np.float32),
    "float64": np.arange(7) / 3,
    "int64": np.array([0, 1, 300, -1, 2**31 - 1, -(2**31), 127]),
}

_A, _S = row([1, 2]), row([1], keys=keys(1), shape=(9,))
# The last row is the fault
REFUSED = {
    "no records": ((), "no records"),
    "no features": ((_A, Record()), "no numbers under features['values']"),
    "bytes": ((Record({"values": Bytes((b"x",))}),), "no numbers under features['values']"),
    "another width": ((_A, _A, row([1])), "a row of 1 columns, the rows before it have 2 columns"),
    "another type": ((_A, row([1, 2], dtype="f8")), "a row of float64 values, the rows before it have float32"),
    "label missing": ((row([1], [2]), row([1])), "no labels, the rows before it have 1 float32 labels"),
    "another number of labels": ((row([1], [2]), row([1], [2, 3])), "2 float32 labels, the rows before it have 1"),
    "label without numbers": ((row([1], []),), "no dense numbers under label['values']"),
    "key beyond the shape": ((_S, row([1], keys=keys(9), shape=(9,))), "key 9 is beyond the shape's 9 columns"),
    "another shape": ((_S, row([1], keys=keys(1), shape=(8,))), "8 columns, the rows before it have 9"),
    "no shape": ((row([1], keys=keys(1)),), "a sparse tensor needs its shape"),
    "more keys than values": ((row([1], keys=keys(1, 2), shape=(9,)),), "2 keys for 1 values"),
    "values that do not fill the shape": ((row([1, 2], shape=(9,)),), "2 values do not fill the shape [9]"),
    "a shape beyond numbers": ((row([1], keys=keys(1), shape=(2**40, 2**40)),), "is too large"),
}

UNWRITABLE = {
    "int32": (np.zeros((2, 2), np.int32), None, "features: type int32 cannot be written"),
    "float16": (np.zeros((2, 2), np.float16), None, "features: type float16"),
    "sparse int32": (sparse.csr_matrix(np.ones((2, 2), np.int32)), None, "features: type int32"),
    "label type": (np.zeros((2, 2)), np.zeros(2, np.int8), "labels: type int8"),
    "a vector": (np.zeros(2), None, r"features: shape \(2,\), expected \(rows, columns\)"),
    "labels too few": (np.zeros((2, 2)), np.zeros(1), r"labels: shape \(1,\), expected \(2,\)"),
    "labels a matrix": (np.zeros((2, 2)), np.zeros((2, 1)), r"labels: shape \(2, 1\)"),
    "beyond 32 bits": (np.array([[2**31]]), None, "features: an integer does not fit in 32 bits"),
    "sparse beyond 32 bits": (sparse.csr_matrix(np.array([[2**31]])), None, "features: an integer does not fit"),
    "label beyond 32 bits": (np.zeros((1, 2)), np.array([-(2**31) - 1]), "labels: an integer does not fit"),
}

"""Which records make a matrix: one row of (N, D) a record, checked, written and read one at a time.

This is the plain and slow way, and the one that says what is wrong. Whole files are read and written by
`algorithms.records`, which comes here for what its kernels do not recognise.
"""

from typing import Any, Final, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data import recordio
from data.errors import EmbertextError, FormatError
from data.record import Record, Tensor, Value, decode, encode
from data.recordio import Buffer

# What the SDK's writers take: a platform integer becomes int32, everything else is refused
_WRITES: Final = frozenset(map(np.dtype, ("<f4", "<f8", "<i8")))


class Matrix(NamedTuple):
    """N rows of one file."""

    features: NDArray[Any] | sparse.csr_matrix  # (N, D) float32, float64 or int32
    labels: NDArray[Any] | None  # (N,), or (N, L) for L labels a row


class Rows(NamedTuple):
    """A run of N rows of one kind."""

    values: NDArray[Any]  # (n,) of all rows
    counts: NDArray[np.int64]  # (N,) values in each row
    keys: NDArray[Any] | None  # (n,) columns; None: dense
    columns: int
    labels: NDArray[Any] | None  # (N, L)
    offset: int  # of the first row in the file, for errors


def check(features: Any, labels: NDArray[Any] | None) -> None:
    """Raises EmbertextError for what cannot be written: wrong shapes, other types, integers beyond 32 bits."""
    if len(features.shape) != 2:
        raise EmbertextError(
            f"shape {features.shape}, expected (rows, columns)", where="features", remedy="reshape them"
        )
    if labels is not None and labels.shape != features.shape[:1]:
        what = f"shape {labels.shape}, expected ({features.shape[0]},)"
        raise EmbertextError(what, where="labels", remedy="give one label a row")
    for where, array in (("features", features), ("labels", labels)):
        if array is None:
            continue
        if array.dtype not in _WRITES:
            what = f"type {array.dtype} cannot be written as a Record"
            raise EmbertextError(what, where=where, remedy="convert to float32, float64 or int64")
        numbers: Any = array.data if sparse.issparse(array) else array
        if array.dtype.kind == "i" and numbers.size and (numbers.max() >= 2**31 or numbers.min() < -(2**31)):
            remedy = "convert them to float64"
            raise EmbertextError("an integer does not fit in 32 bits", where=where, remedy=remedy)


def frame_row(values: NDArray[Any], keys: NDArray[Any] | None, columns: int, label: NDArray[Any] | None) -> bytes:
    """The frames of one row: its (n,) values, with their (n,) keys when sparse, and its label (1,).

    The bytes are those of the SDK's `write_numpy_to_dense_tensor` (values alone) and `write_spmatrix_to_sparse_tensor`
    (values, keys and shape), except for rows that hold RecordIO's magic (see `data.recordio`). int64 becomes int32.
    """
    tensor = Tensor(_narrow(values))
    if keys is not None:
        tensor = Tensor(tensor.values, keys.astype(np.uint64), (columns,))
    labels: dict[str, Value] = {} if label is None else {"values": Tensor(_narrow(label))}
    return recordio.frame(encode(Record({"values": tensor}, labels)))


def read_row(payload: Buffer, *, path: str, offset: int) -> Rows:
    """One row by way of `decode`: reads whatever is a row. Raises FormatError where it is none.

    `path` and `offset` tell where the record begins, for errors.
    """

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
        return Rows(tensor.values, counts, None, count, labels, offset)
    return Rows(tensor.values, counts, tensor.keys, columns, labels, offset)


def stack(runs: list[Rows], *, path: str) -> Matrix:
    """All rows as a matrix. Raises FormatError at the first that does not belong to those before it.

    Rows without keys make a dense array; if any row has keys, or a shape and no values (an empty sparse row), the
    matrix is CSR with its keys as they stand.
    """
    is_sparse = any(run.keys is not None for run in runs)
    first = runs[0]
    for run in runs:
        for has, expected in zip(_outline(run), _outline(first), strict=True):
            if has != expected:
                says = f"a row of {has}, the rows before it have {expected}"
                raise FormatError(says, path=path, offset=run.offset, remedy="one file holds one matrix")
    labels = None
    if first.labels is not None:
        labels = _join([run.labels for run in runs if run.labels is not None])
        labels = labels[:, 0] if labels.shape[1] == 1 else labels
    values, counts = _join([run.values for run in runs]), _join([run.counts for run in runs])
    if not is_sparse:
        return Matrix(values.reshape(len(counts), first.columns), labels)
    index = np.int32 if max(first.columns, len(values)) < 2**31 else np.int64
    every = np.arange(first.columns if any(run.keys is None for run in runs) else 0)
    columns = [np.tile(every, len(run.counts)) if run.keys is None else run.keys for run in runs]
    keys = _join([places.astype(index, copy=False) for places in columns])
    matrix = sparse.csr_matrix((len(counts), first.columns), dtype=values.dtype)
    indptr = np.append(0, np.cumsum(counts)).astype(index)
    matrix.data, matrix.indices, matrix.indptr = values, keys, indptr  # checked above; scipy would check again
    return Matrix(matrix, labels)


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.int32) if values.dtype.kind == "i" else values


def _outline(rows: Rows) -> tuple[str, str, str]:
    """What all rows of a matrix have in common."""
    labels = "no labels" if rows.labels is None else f"{rows.labels.shape[1]} {rows.labels.dtype} labels"
    return f"{rows.values.dtype} values", f"{rows.columns} columns", labels


def _join(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """Arrays one after the other; a single one is not copied."""
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

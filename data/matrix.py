"""A whole matrix as a file of records: `write_matrix` and `read_matrix`, one row of (N, D) a record.

It knows which rows make a matrix, not their bytes. `data.dense` and `data.ragged` write and read many rows at once;
what they do not recognise is read row by row by `data.record`, which then reads it or names the fault.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data import dense, ragged, recordio
from data.errors import EmbertextError, FormatError
from data.ragged import Rows
from data.record import Tensor, decode
from data.varint import Bits, Ints

# What the SDK's writers take: a platform integer becomes int32, everything else is refused
_WRITES: Final = frozenset(map(np.dtype, ("<f4", "<f8", "<i8")))
_BLOCK = 1 << 20  # bytes of a file handled at a time: a few of them fit in a cache


class Matrix(NamedTuple):
    """N rows of one file."""

    features: NDArray[Any] | sparse.csr_matrix  # (N, D) float32, float64 or int32
    labels: NDArray[Any] | None  # (N,), or (N, L) for L labels a row


def write_matrix(file: BinaryIO, features: Any, labels: NDArray[Any] | None = None) -> None:
    """Appends (N, D) features, a numpy array or a scipy sparse matrix, and (N,) labels as N framed records.

    The bytes are those of the SDK's `write_numpy_to_dense_tensor` (values alone) and `write_spmatrix_to_sparse_tensor`
    (values, keys and shape), except for rows that hold RecordIO's magic (see `data.recordio`). float32 and float64
    stay, int64 is written as int32; EmbertextError for other types, wrong shapes and integers beyond 32 bits.
    """
    _check(features, labels)
    is_sparse = sparse.issparse(features)
    array: Any = features.tocsr() if is_sparse else np.ascontiguousarray(features)
    count, width = array.shape
    size = array.dtype.itemsize
    per_row = (size + 4) * -(-array.nnz // max(1, count)) if is_sparse else size * width
    equal = not is_sparse and array.dtype.kind == "f" and (labels is None or labels.dtype.kind == "f")
    step = max(1, _BLOCK // (per_row + 64))
    for i in range(0, count, step):
        block_labels = None if labels is None else labels[i : i + step, None]
        if equal:
            _emit(file, *dense.frame(array[i : i + step], block_labels))
        elif is_sparse:
            indptr = array.indptr[i : i + step + 1].astype(np.int64)
            span = slice(indptr[0], indptr[-1])
            rows = Rows(array.data[span], np.diff(indptr), array.indices[span], width, block_labels)
            _emit(file, *ragged.frame(rows))
        else:
            block = array[i : i + step]
            rows = Rows(block.reshape(-1), np.full(len(block), width), None, width, block_labels)
            _emit(file, *ragged.frame(rows))


def read_matrix(buffer: recordio.Buffer | NDArray[np.uint8], *, path: str) -> Matrix:
    """The N records of a whole file, read or memory-mapped, as a matrix.

    Rows without keys make a dense array; if any row has keys, or a shape and no values (an empty sparse row), the
    matrix is CSR with its keys as they stand. Raises FormatError where a record is damaged, or is no row of the same
    matrix as the rows before it: another type, another width, a key beyond the shape, labels in some rows only.
    """
    records = recordio.scan(buffer, path=path)
    if not len(records.starts):
        raise FormatError("no records", path=path, offset=0, remedy="give a file with at least one row")
    features, labels = dense.read(records) or _stack(list(_read_rows(records, path)), path)
    if labels is not None and labels.shape[1] == 1:
        labels = labels[:, 0]
    return Matrix(features, labels)


def _check(features: Any, labels: NDArray[Any] | None) -> None:
    """Raises EmbertextError for what cannot be written."""
    if len(features.shape) != 2:
        raise EmbertextError(
            f"shape {features.shape}, expected (rows, columns)", where="features", remedy="reshape them"
        )
    if labels is not None and labels.shape != features.shape[:1]:
        what = f"shape {labels.shape}, expected ({features.shape[0]},)"
        raise EmbertextError(what, where="labels", remedy="give one label a row")
    for where, array in (("features", features), ("labels", labels)):
        if array is not None and array.dtype not in _WRITES:
            what = f"type {array.dtype} cannot be written as a Record"
            raise EmbertextError(what, where=where, remedy="convert to float32, float64 or int64")


def _emit(file: BinaryIO, framed: Bits, lengths: Ints) -> None:
    """Writes a block of frames; if the magic stands inside of one, each by itself, split there."""
    if np.count_nonzero(framed.view("<u4") == recordio.MAGIC) == len(lengths):
        file.write(framed.data)
        return
    ends = np.cumsum(8 + (lengths + 3) // 4 * 4)
    starts = ends - (lengths + 3) // 4 * 4
    view = framed.data
    recordio.write_records(file, (view[a : a + n] for a, n in zip(starts.tolist(), lengths.tolist(), strict=True)))


def _read_rows(records: recordio.Records, path: str) -> Iterator[Rows]:
    data, starts, lengths, offsets = records
    step = max(1, _BLOCK * len(starts) // (int(lengths.sum()) + 1))
    for i in range(0, len(starts), step):
        block = slice(i, i + step)
        rows = ragged.read(data, starts[block], lengths[block], int(offsets[i]))
        if rows is not None:
            yield rows
            continue
        for start, length, offset in zip(
            starts[block].tolist(), lengths[block].tolist(), offsets[block].tolist(), strict=True
        ):
            yield _read_row(data[start : start + length].data, path, offset)


def _read_row(payload: memoryview, path: str, offset: int) -> Rows:
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
        return Rows(tensor.values, counts, None, count, labels, offset)
    return Rows(tensor.values, counts, tensor.keys, columns, labels, offset)


def _outline(rows: Rows) -> tuple[str, str, str]:
    """What all rows of a matrix have in common."""
    labels = "no labels" if rows.labels is None else f"{rows.labels.shape[1]} {rows.labels.dtype} labels"
    return f"{rows.values.dtype} values", f"{rows.columns} columns", labels


def _stack(blocks: list[Rows], path: str) -> tuple[Any, NDArray[Any] | None]:
    """All rows: features (N, D) and labels (N, L). Raises FormatError at the first that does not belong to them."""
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
    values = np.concatenate([block.values for block in blocks])
    counts = np.concatenate([block.counts for block in blocks])
    if not is_sparse:
        return values.reshape(len(counts), first.columns), labels
    index = np.int32 if max(first.columns, len(values)) < 2**31 else np.int64
    every = np.arange(first.columns if any(block.keys is None for block in blocks) else 0)
    columns = np.concatenate(
        [np.tile(every, len(b.counts)) if b.keys is None else b.keys for b in blocks], dtype=index, casting="unsafe"
    )
    indptr = np.append(0, np.cumsum(counts)).astype(index)
    matrix = sparse.csr_matrix((len(counts), first.columns), dtype=values.dtype)
    matrix.data, matrix.indices, matrix.indptr = values, columns, indptr  # checked above; scipy would check again
    return matrix, labels

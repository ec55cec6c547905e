"""A whole matrix as a file of records: `write_matrix` and `read_matrix`, one row of (N, D) a record.

Kernels do the work, many rows at a time, on one thread. Where one stops, at a row that is not laid out as SageMaker's
SDK does it, `data.matrix` and `data.recordio` go on by one row, or name the fault.
"""

from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algorithms.kernels import row_reader, row_writer
from data import matrix, recordio
from data.errors import FormatError
from data.matrix import Matrix, Rows
from data.record import KINDS
from data.recordio import Buffer, Records

_BLOCK = 1 << 20  # bytes written at a time: they fit in a cache
_WINDOW = 1 << 14  # rows read at a time, once a file has rows for which the kernel stops
_FEW = 100  # rows: for fewer it is not worth asking the kernel


def write_matrix(file: BinaryIO, features: Any, labels: NDArray[Any] | None = None) -> None:
    """Appends (N, D) features, a numpy array or a scipy sparse matrix, and (N,) labels as N framed records.

    The bytes are those of `data.matrix.frame_row`. float32 and float64 stay, int64 is written as int32; EmbertextError
    for other types, wrong shapes and integers beyond 32 bits, before anything is written.
    """
    matrix.check(features, labels)
    is_sparse = sparse.issparse(features)
    array: Any = features.tocsr() if is_sparse else np.ascontiguousarray(features)
    count, width = array.shape
    values = np.ascontiguousarray(array.data) if is_sparse else array.reshape(-1)
    keys, indptr = (array.indices, array.indptr) if is_sparse else (np.empty(0, np.int32), np.empty(0, np.int32))
    outline = _outline(values, width, is_sparse, None if labels is None else labels[:, None])
    label_bytes = np.empty(0, np.uint8) if labels is None else np.ascontiguousarray(labels).view(np.uint8)
    out, lengths, row = np.empty(_BLOCK, np.uint8), np.empty(count, np.int64), 0
    while row < count:
        end, size = row_writer.write_rows(out, lengths, values.view(np.uint8), keys, indptr, label_bytes, outline, row)
        if end > row:
            _emit(file, out[:size], lengths[row:end])
        elif len(out) < row_reader.LONGEST:
            out = np.empty(2 * len(out), np.uint8)
        else:
            span = slice(indptr[row], indptr[row + 1]) if is_sparse else slice(row * width, (row + 1) * width)
            label = None if labels is None else labels[row : row + 1]
            file.write(matrix.frame_row(values[span], keys[span] if is_sparse else None, width, label))
            end = row + 1
        row = end


def read_matrix(buffer: Buffer | NDArray[np.uint8], *, path: str) -> Matrix:
    """The N records of a whole file, read or memory-mapped, as a matrix; for its form see `data.matrix.stack`.

    Raises FormatError where a record is damaged, or is no row of the same matrix as the rows before it: another type,
    another width, a key beyond the shape, labels in some rows only.
    """
    records = _scan(buffer, path)
    count = len(records.starts)
    if not count:
        raise FormatError("no records", path=path, offset=0, remedy="give a file with at least one row")
    like = matrix.read_row(records, 0, path=path)
    runs = [_read_rows(records, 0, count, like)]
    row, alone = len(runs[0].counts), 1
    while row < count:
        single = [matrix.read_row(records, i, path=path) for i in range(row, min(row + alone, count))]
        row += len(single)
        run = _read_rows(records, row, row + _WINDOW, single[-1])
        row += len(run.counts)
        alone = 1 if len(run.counts) >= _FEW else 2 * alone
        runs += [*single, run]
    return matrix.stack(runs, path=path)


def _scan(buffer: Buffer | NDArray[np.uint8], path: str) -> Records:
    """As `recordio.scan`, which it leaves to name the fault."""
    data = np.frombuffer(buffer, np.uint8)
    data.flags.writeable = False  # one type of array for the kernels
    room = len(data) // 256 + 16
    starts, headers = np.empty(room, np.int64), np.empty(room, np.uint32)
    at = count = 0
    while at < len(data) and len(data) >= 8:
        at, count = row_reader.frames(starts, headers, data, at, count)
        if at < len(data) and count < len(starts):
            break
        starts.resize(count if at == len(data) else 4 * count, refcheck=False)
        headers.resize(len(starts), refcheck=False)
    return recordio.join_parts(data, starts, headers) if 0 < at == len(data) else recordio.scan(buffer, path=path)


def _read_rows(records: Records, first: int, end: int, like: Rows) -> Rows:
    """The rows from the first on, before `end`, for which the kernel does not stop; all are like the given one."""
    starts, lengths = records.starts[first:end], records.lengths[first:end]
    total, longest = int(lengths.sum()), int(lengths.max(initial=0))
    is_sparse, value_bytes = like.keys is not None, _least(like.values)
    # what the bytes can hold, and a last row that turns out to be wrong: memory that is never touched costs nothing
    values = np.empty(total // (value_bytes + is_sparse) + longest, like.values.dtype)
    keys = np.empty(total // (value_bytes + 1) + longest if is_sparse else 0, np.int32)
    labels = np.empty((1, 0), np.float32) if like.labels is None else like.labels
    width = labels.shape[1]
    numbers = np.empty(min(len(starts) * width, total // _least(labels)) + longest if width else 0, labels.dtype)
    ends = np.empty(len(starts), np.int64)
    outline = _outline(like.values, like.columns, is_sparse, like.labels)
    count = row_reader.read_rows(
        values.view(np.uint8),
        keys.view(np.uint32),
        ends,
        numbers.view(np.uint8),
        records.data,
        starts,
        lengths,
        outline,
    )
    filled = int(ends[count - 1]) if count else 0
    for array, size in ((values, filled), (keys, filled if is_sparse else 0), (numbers, count * width)):
        array.resize(size, refcheck=False)  # gives back what was not touched, without a copy
    return Rows(
        values,
        np.diff(ends[:count], prepend=0),
        keys if is_sparse else None,
        like.columns,
        None if like.labels is None else numbers.reshape(count, width),
        int(records.offsets[first]) if count else like.offset,
    )


def _outline(values: NDArray[Any], columns: int, is_sparse: bool, labels: NDArray[Any] | None) -> NDArray[np.int64]:
    """What the rows of a matrix have in common, as the kernels take it."""
    label_kind, label_count = (0, 0) if labels is None else (KINDS.get(labels.dtype, row_reader.INT32), labels.shape[1])
    kind = KINDS.get(values.dtype, row_reader.INT32)
    return np.array([kind, columns, is_sparse, label_kind, label_count], np.int64)


def _least(array: NDArray[Any]) -> int:
    """The fewest bytes that one of these numbers takes in a record."""
    return array.itemsize if array.dtype.kind == "f" else 1


def _emit(file: BinaryIO, framed: NDArray[np.uint8], lengths: NDArray[np.int64]) -> None:
    """Writes a block of frames; if the magic stands inside of one, each by itself, split there."""
    if np.count_nonzero(framed.view("<u4") == recordio.MAGIC) == len(lengths):
        file.write(framed.data)
        return
    ends = np.cumsum(8 + (lengths + 3) // 4 * 4)
    starts = ends - (lengths + 3) // 4 * 4
    spans = zip(starts.tolist(), lengths.tolist(), strict=True)
    recordio.write_records(file, (framed[start : start + length].data for start, length in spans))

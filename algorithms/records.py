"""A whole matrix as a file of records: `write_matrix` and `read_matrix`, one row of (N, D) a record.

Kernels do the work, many rows at a time, on one thread. Where one stops, at a row that is not laid out as SageMaker's
SDK does it, `data.matrix` and `data.recordio` go on by one row, or name the fault.
"""

import collections
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algorithms.kernels import row_reader, row_writer
from data import matrix, recordio
from data.errors import FormatError
from data.matrix import Matrix, Rows
from data.record import KINDS
from data.recordio import Buffer

_BLOCK = 1 << 20  # bytes written at a time: they fit in a cache
_WINDOW = 1 << 22  # bytes read at a time, once a file has rows for which the kernel stops
_FEW = 100  # rows: for fewer it is not worth asking the kernel
_SHORTEST = 24  # bytes of a frame with a row that has no values


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
    none = np.empty(0, np.int32)
    keys, indptr = (array.indices, array.indptr) if is_sparse else (none, none)
    narrow = keys.astype(np.int32, copy=False) if width < 2**31 else none
    outline = _outline(values, width, is_sparse, None if labels is None else labels[:, None])
    label_bytes = np.empty(0, np.uint8) if labels is None else np.ascontiguousarray(labels).view(np.uint8)
    out, lengths, row = np.empty(_BLOCK, np.uint8), np.empty(count, np.int64), 0
    while row < count:
        end, size = row_writer.write_rows(
            out, lengths, values.view(np.uint8), narrow, indptr, label_bytes, outline, row
        )
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
    data = np.frombuffer(buffer, np.uint8)
    data.flags.writeable = False  # one type of array for the kernel
    if not len(data):
        raise FormatError("no records", path=path, offset=0, remedy="give a file with at least one row")
    try:
        runs = list(_runs(data, path))
    except FormatError:
        collections.deque(recordio.scan(data.data, path=path), maxlen=0)  # frames go first, wherever one is damaged
        raise
    return matrix.stack(runs, path=path)


def _runs(data: NDArray[np.uint8], path: str) -> Iterator[Rows]:
    """All rows, in as few runs as may be: the kernel's, and single rows for which it stops."""
    at, room, pause, alone = 0, len(data), 1, 0
    while at < len(data):
        payload, end = recordio.record_at(data.data, at, path=path)
        run = row = matrix.read_row(payload, path=path, offset=at + 8)
        if alone:
            alone -= 1
        else:
            like_it, stop = _read_rows(data, at, room, row)
            if stop > at:
                run, end = like_it, stop
            # the more often the kernel has little to say, the less often it is asked
            pause = 1 if len(run.counts) >= _FEW else 2 * pause
            room, alone = _WINDOW, pause - 1
        yield run
        at = end


def _read_rows(data: NDArray[np.uint8], at: int, room: int, like: Rows) -> tuple[Rows, int]:
    """Rows like the given one from the frame at this place on, of so many bytes, and where the kernel stopped."""
    room = min(room, len(data) - at)
    is_sparse, value_bytes = like.keys is not None, _least(like.values)
    labels = np.empty((1, 0), np.float32) if like.labels is None else like.labels
    width = labels.shape[1]
    # what the bytes can hold: memory that is not touched costs nothing
    ends = np.empty(room // _SHORTEST + 1, np.int64)
    values = np.empty(room // (value_bytes + is_sparse), like.values.dtype)
    keys = np.empty(len(values) if is_sparse else 0, np.int32)
    numbers = np.empty(min(len(ends) * width, room // _least(labels)), labels.dtype)
    outline = _outline(like.values, like.columns, is_sparse, like.labels)
    count, stop = row_reader.read_rows(
        values.view(np.uint8), keys.view(np.uint32), ends, numbers.view(np.uint8), data, at, outline
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
        like.offset,
    ), stop


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

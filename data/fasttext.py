"""fastText's binary models: what fastText itself, gensim and BlazingText's hosting container load.

    int32 magic 793712314, int32 version 12
    args        12 int32 (dim ... lrUpdateRate), float64 t
    dictionary  see data.dictionary
    bool quantised, input matrix; bool output quantised, output matrix
    matrix      int64 rows, int64 columns, float32 row by row; a quantised one: see data.quantized

All little-endian. The input has a row for each word, then one for each n-gram bucket; that of a pruned model for
those buckets alone that its dictionary lists. A quantised model (`.ftz`) may be pruned and its output be quantised
too; of a dense one (`.bin`) neither is true. (facebookresearch/fastText, src/fasttext.cc, args.cc, densematrix.cc.)

Nothing in a file is believed before it fits the file: counts and shapes are compared with the bytes that are left
before anything is allocated.
"""

import mmap
import struct
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.cursor import DAMAGED, Cursor
from data.dictionary import Dictionary, Entry, EntryType, read_dictionary, write_dictionary
from data.errors import FormatError
from data.quantized import QuantizedMatrix, read_quantized_matrix, write_quantized_matrix

__all__ = [
    "Args",
    "Dictionary",
    "Entry",
    "EntryType",
    "LossName",
    "Model",
    "ModelName",
    "QuantizedMatrix",
    "map_model",
    "model_name",
    "parse_model",
    "read_model",
    "write_model",
    "write_quantized",
]

MAGIC = 793712314
VERSION = 12

_SIGNATURE = struct.Struct("<ii")
_ARGS = struct.Struct("<12id")
_SHAPE = struct.Struct("<qq")

Matrix = NDArray[np.float32] | QuantizedMatrix


class ModelName(IntEnum):
    """What the model was trained for."""

    CBOW = 1
    SKIPGRAM = 2
    SUPERVISED = 3


class LossName(IntEnum):
    """The loss, as fastText's `-loss`: hs, ns, softmax, ova."""

    HIERARCHICAL_SOFTMAX = 1
    NEGATIVE_SAMPLING = 2
    SOFTMAX = 3
    ONE_VS_ALL = 4


class Args(NamedTuple):
    """fastText's settings in the order of the file; its own names in snake case."""

    dim: int
    ws: int
    epoch: int
    min_count: int
    neg: int
    word_ngrams: int
    loss: LossName
    model: ModelName
    bucket: int
    minn: int
    maxn: int
    lr_update_rate: int
    t: float


class Model(NamedTuple):
    """A whole file."""

    args: Args
    dictionary: Dictionary
    input: Matrix  # (words + buckets, dim); of a pruned model (words + P, dim)
    output: Matrix  # (words, dim), or (labels, dim) of a supervised model
    prune: NDArray[np.int32] | None = None  # (P, 2): bucket and row, after those of the words, of each n-gram left

    def dense(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Input and output as plain matrices, decoded where they are quantised."""
        return _dense(self.input), _dense(self.output)


def _dense(matrix: Matrix) -> NDArray[np.float32]:
    return matrix.dense() if isinstance(matrix, QuantizedMatrix) else matrix


# Writing --------------------------------------------------------------------------------------------------------------


def write_model(
    file: BinaryIO,
    args: Args,
    dictionary: Dictionary,
    *,
    input_blocks: Iterable[NDArray[np.float32]],
    input_rows: int,
    output_blocks: Iterable[NDArray[np.float32]],
    output_rows: int,
) -> None:
    """Writes a dense model front to back. Matrices come in blocks (rows, dim): they need not be in memory whole."""
    _write_head(file, args, dictionary, None)
    file.write(b"\0")
    _write_matrix(file, input_blocks, input_rows, args.dim)
    file.write(b"\0")
    _write_matrix(file, output_blocks, output_rows, args.dim)


def write_quantized(file: BinaryIO, model: Model) -> None:
    """Writes a model whose input is quantised, the output may be: a `.ftz`."""
    assert isinstance(model.input, QuantizedMatrix), "a dense model is for write_model"
    assert model.input.shape[1] == model.args.dim, (model.input.shape, model.args.dim)
    _write_head(file, model.args, model.dictionary, model.prune)
    file.write(b"\1")
    write_quantized_matrix(file, model.input)
    if isinstance(model.output, QuantizedMatrix):
        assert model.output.shape[1] == model.args.dim, (model.output.shape, model.args.dim)
        file.write(b"\1")
        write_quantized_matrix(file, model.output)
    else:
        file.write(b"\0")
        _write_matrix(file, [model.output], len(model.output), model.args.dim)


def _write_head(file: BinaryIO, args: Args, dictionary: Dictionary, prune: NDArray[np.int32] | None) -> None:
    file.write(_SIGNATURE.pack(MAGIC, VERSION) + _ARGS.pack(*args))
    write_dictionary(file, dictionary, prune)


def _write_matrix(file: BinaryIO, blocks: Iterable[NDArray[np.float32]], rows: int, dim: int) -> None:
    file.write(_SHAPE.pack(rows, dim))
    written = 0
    for block in blocks:
        assert block.dtype == np.float32, block.dtype
        assert block.ndim == 2, block.shape
        assert block.shape[1] == dim, (block.shape, dim)
        file.write(np.ascontiguousarray(block).data.cast("B") if block.size else b"")
        written += len(block)
    assert written == rows, f"{written} rows came, {rows} were promised"


# Reading --------------------------------------------------------------------------------------------------------------


def read_model(path: str | Path) -> Model:
    """The model in a local file, dense or quantised. Raises FormatError where it is not a whole fastText model."""
    with Path(path).open("rb") as file:
        if not file.seek(0, 2):
            raise FormatError("the file is empty", path=str(path), offset=0, remedy=DAMAGED)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return parse_model(data, path=str(path))


def map_model(path: str | Path) -> Model:
    """As `read_model`; the matrices of a dense model stay in the file, read-only, which may be deleted, not changed."""
    with Path(path).open("rb") as file:
        if not file.seek(0, 2):
            raise FormatError("the file is empty", path=str(path), offset=0, remedy=DAMAGED)
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return parse_model(data, path=str(path), copies=False)


def parse_model(data: bytes | mmap.mmap, *, path: str, copies: bool = True) -> Model:
    """The model in the bytes of a whole file, as `read_model`."""
    cursor = Cursor(data, path, copies=copies)
    args = _read_head(cursor)
    dictionary, prune = read_dictionary(cursor)
    listed = cursor.position  # where the list of n-grams ends
    quantized = cursor.flag("quantised")
    if prune is not None and not quantized:
        cursor.refuse("the dictionary is pruned and the model is not quantised", cursor.position - 1)
    words = dictionary.words
    buckets = args.bucket if args.maxn > 0 or args.word_ngrams > 1 else 0
    if prune is not None:
        buckets = _check_prune(cursor, prune, args.bucket, listed)
    inputs = _read_matrix(cursor, args.dim, words + buckets, quantized=quantized, exact=False)
    output_quantized = cursor.flag("output quantised")
    if output_quantized and not quantized:
        cursor.refuse("the output is quantised and the input is not", cursor.position - 1)
    outputs = len(dictionary.entries) - words if args.model == ModelName.SUPERVISED else words
    output = _read_matrix(cursor, args.dim, outputs, quantized=output_quantized, exact=True)
    if cursor.left:
        cursor.refuse(f"{cursor.left} bytes follow the model", cursor.position)
    return Model(args, dictionary, inputs, output, prune)


def model_name(path: str | Path) -> ModelName:
    """What the model in a local file was trained for. Raises FormatError where it does not begin as fastText's do."""
    with Path(path).open("rb") as file:
        head = file.read(_SIGNATURE.size + _ARGS.size)
    return _read_head(Cursor(head, str(path))).model


def _read_head(cursor: Cursor) -> Args:
    magic, version = cursor.unpack(_SIGNATURE, "the magic and the version")
    if magic != MAGIC:
        cursor.refuse(f"magic {magic}, expected {MAGIC}", 0, "is this a fastText model, .bin or .ftz?")
    if version not in (11, VERSION):
        cursor.refuse(f"version {version}, expected 11 or {VERSION}", 4, "save it with a current fastText")
    args = _read_args(cursor)
    if version == 11 and args.model == ModelName.SUPERVISED:
        args = args._replace(maxn=0)  # fastText: old supervised models do not use character n-grams
    return args


def _read_args(cursor: Cursor) -> Args:
    offset = cursor.position
    numbers = dict(zip(Args._fields, cursor.unpack(_ARGS, "the settings"), strict=True))
    bounds = {"dim": (1, 2**31), "bucket": (0, 2**31), "loss": (1, 5), "model": (1, 4)}
    for name, (low, high) in bounds.items():
        if not low <= numbers[name] < high:
            what = f"{name} is {numbers[name]}, expected {low} to {high - 1}"
            cursor.refuse(what, offset + 4 * Args._fields.index(name))
    if not numbers["bucket"] and (numbers["maxn"] > 0 or numbers["word_ngrams"] > 1):
        cursor.refuse("n-grams without buckets", offset + 4 * Args._fields.index("bucket"))
    numbers |= {"loss": LossName(numbers["loss"]), "model": ModelName(numbers["model"])}
    return Args(**numbers)  # type: ignore[arg-type]


def _check_prune(cursor: Cursor, prune: NDArray[np.int32], buckets: int, end: int) -> int:
    """Refuse a list of n-grams that cannot be. How many rows of the input it needs."""
    kept, rows = prune.T
    wrong = np.flatnonzero((kept < 0) | (kept >= buckets) | (rows < 0) | (rows >= len(prune)))
    if wrong.size:
        bucket, row = prune[wrong[0]].tolist()
        what = f"bucket {bucket} of {buckets} is kept in row {row} of {len(prune)}"
        cursor.refuse(what, end - prune.nbytes + 8 * int(wrong[0]))
    if np.unique(kept).size < len(prune) or np.unique(rows).size < len(prune):
        cursor.refuse("an n-gram's bucket or row is listed twice", end - prune.nbytes)
    return len(prune)


def _read_matrix(cursor: Cursor, dim: int, needed: int, *, quantized: bool, exact: bool) -> Matrix:
    """A matrix with at least the rows that are needed, or exactly these."""
    offset = cursor.position + quantized  # the shape of a quantised one follows a flag
    decoded = read_quantized_matrix(cursor, columns=dim) if quantized else None
    rows, columns = decoded.shape if decoded else cursor.unpack(_SHAPE, "a matrix's shape")
    if columns != dim:
        cursor.refuse(f"a matrix has {columns} columns, the settings say {dim}", offset + 8)
    if rows < needed or (exact and rows > needed):
        cursor.refuse(f"a matrix has {rows} rows, {needed} are needed", offset)
    return decoded or cursor.array("<f4", (rows, dim), f"{rows} x {dim} numbers")

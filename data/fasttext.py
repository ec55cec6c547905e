"""fastText's binary model, `.bin`: what fastText itself, gensim and BlazingText's hosting container load.

    int32 magic 793712314, int32 version 12
    args        12 int32 (dim ... lrUpdateRate), float64 t
    dictionary  int32 entries, words, labels; int64 tokens, pruned (-1: none)
                then each entry: its UTF-8 bytes, a zero byte, int64 count, int8 type
    bool quantised, input matrix; bool output quantised, output matrix
    matrix      int64 rows, int64 columns, float32 row by row

All little-endian; the input has a row for each word, then one for each n-gram bucket. (facebookresearch/fastText,
src/fasttext.cc, args.cc, dictionary.cc, densematrix.cc.) Quantised models are not read yet.

Nothing in a file is believed before it fits the file: counts and shapes are compared with the bytes that are left
before anything is allocated.
"""

import mmap
import struct
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from data.errors import FormatError

MAGIC = 793712314
VERSION = 12

_ARGS = struct.Struct("<12id")
_COUNTS = struct.Struct("<iiiqq")
_ENTRY = struct.Struct("<xqb")  # after the word: the zero byte, count, type
_SHAPE = struct.Struct("<qq")


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


class EntryType(IntEnum):
    """What an entry of the dictionary is."""

    WORD = 0
    LABEL = 1


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


class Entry(NamedTuple):
    """A word or a label. Bytes that are not UTF-8 are kept as surrogates."""

    word: str
    count: int  # type: ignore[assignment]  # hides tuple.count
    type: EntryType = EntryType.WORD


class Dictionary(NamedTuple):
    """Words first, then labels, each with the most frequent first."""

    entries: list[Entry]
    tokens: int  # in the training corpus

    @property
    def words(self) -> int:
        """How many entries are words."""
        return sum(entry.type == EntryType.WORD for entry in self.entries)


class Model(NamedTuple):
    """A whole file."""

    args: Args
    dictionary: Dictionary
    input: NDArray[np.float32]  # (words + buckets, dim)
    output: NDArray[np.float32]  # (words, dim), or (labels, dim) of a supervised model


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
    """Writes a model front to back. Matrices come in blocks (rows, dim), so they need not be in memory whole."""
    words = dictionary.words
    assert all(entry.type == EntryType.WORD for entry in dictionary.entries[:words]), "labels follow the words"
    file.write(struct.pack("<ii", MAGIC, VERSION) + _ARGS.pack(*args))
    file.write(_COUNTS.pack(len(dictionary.entries), words, len(dictionary.entries) - words, dictionary.tokens, -1))
    for entry in dictionary.entries:
        word = entry.word.encode("utf-8", "surrogateescape")
        assert b"\0" not in word, "a zero byte ends a word"
        file.write(word + _ENTRY.pack(entry.count, entry.type))
    file.write(b"\0")
    _write_matrix(file, input_blocks, input_rows, args.dim)
    file.write(b"\0")
    _write_matrix(file, output_blocks, output_rows, args.dim)


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
    """The model in a local file. Raises FormatError where it is not an unquantised fastText model, whole."""
    with Path(path).open("rb") as file:
        if not file.seek(0, 2):
            raise FormatError("the file is empty", path=str(path), offset=0, remedy=_REMEDY)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return parse_model(data, path=str(path))


def parse_model(data: bytes | mmap.mmap, *, path: str) -> Model:
    """The model in the bytes of a whole file, as `read_model`."""
    reader = _Reader(data, path)
    magic, version = reader.unpack(struct.Struct("<ii"), "the magic and the version")
    if magic != MAGIC:
        reader.refuse(f"magic {magic}, expected {MAGIC}", 0, "is this a fastText .bin model?")
    if version not in (11, VERSION):
        reader.refuse(f"version {version}, expected 11 or {VERSION}", 4, "save it with a current fastText")
    args = _read_args(reader)
    if version == 11 and args.model == ModelName.SUPERVISED:
        args = args._replace(maxn=0)  # fastText: old supervised models do not use character n-grams
    dictionary, pruned = _read_dictionary(reader)
    if reader.flag("quantised"):
        reader.refuse("the model is quantised", reader.position - 1, "quantised models are not read yet; give the .bin")
    if pruned:
        reader.refuse("the dictionary is pruned and the model is not quantised", reader.position - 1, _REMEDY)
    words = dictionary.words
    buckets = args.bucket if args.maxn > 0 or args.word_ngrams > 1 else 0
    labels = len(dictionary.entries) - words
    matrix = _read_matrix(reader, args.dim, words + buckets)
    if reader.flag("output quantised"):
        reader.refuse("the output is quantised and the input is not", reader.position - 1, _REMEDY)
    output = _read_matrix(reader, args.dim, labels if args.model == ModelName.SUPERVISED else words)
    if reader.left:
        reader.refuse(f"{reader.left} bytes follow the model", reader.position, _REMEDY)
    return Model(args, dictionary, matrix, output)


_REMEDY = "the file is damaged; save or copy it again"


class _Reader:
    """A place in the bytes of a file; moves on only over bytes that are there."""

    def __init__(self, data: bytes | mmap.mmap, path: str) -> None:
        self.data, self.path, self.position = data, path, 0

    @property
    def left(self) -> int:
        return len(self.data) - self.position

    def refuse(self, what: str, offset: int, remedy: str) -> NoReturn:
        raise FormatError(what, path=self.path, offset=offset, remedy=remedy)

    def need(self, size: int, what: str) -> int:
        """Moves over this many bytes; where they begin."""
        begin = self.position
        if size > self.left:
            self.refuse(f"{what} take {size} bytes, the file ends after {self.left}", begin, "the file was cut short")
        self.position += size
        return begin

    def unpack(self, layout: struct.Struct, what: str) -> tuple[int, ...]:
        return layout.unpack_from(self.data, self.need(layout.size, what))

    def flag(self, what: str) -> bool:
        (value,) = self.unpack(struct.Struct("<B"), f"the flag '{what}'")
        if value > 1:
            self.refuse(f"the flag '{what}' is {value}, expected 0 or 1", self.position - 1, _REMEDY)
        return bool(value)


def _read_args(reader: _Reader) -> Args:
    offset = reader.position
    numbers = dict(zip(Args._fields, reader.unpack(_ARGS, "the settings"), strict=True))
    bounds = {"dim": (1, 2**31), "bucket": (0, 2**31), "loss": (1, 5), "model": (1, 4)}
    for name, (low, high) in bounds.items():
        if not low <= numbers[name] < high:
            what = f"{name} is {numbers[name]}, expected {low} to {high - 1}"
            reader.refuse(what, offset + 4 * Args._fields.index(name), _REMEDY)
    if not numbers["bucket"] and (numbers["maxn"] > 0 or numbers["word_ngrams"] > 1):
        reader.refuse("n-grams without buckets", offset + 4 * Args._fields.index("bucket"), _REMEDY)
    numbers |= {"loss": LossName(numbers["loss"]), "model": ModelName(numbers["model"])}
    return Args(**numbers)  # type: ignore[arg-type]


def _read_dictionary(reader: _Reader) -> tuple[Dictionary, bool]:
    offset = reader.position
    size, words, labels, tokens, pruned = reader.unpack(_COUNTS, "the dictionary's sizes")
    if min(size, words, labels) < 0 or words + labels != size:
        reader.refuse(f"{words} words and {labels} labels are not {size} entries", offset, _REMEDY)
    if tokens < 0 or pruned < -1:
        reader.refuse(f"{tokens} tokens, {pruned} pruned n-grams", offset + 12, _REMEDY)
    if size * _ENTRY.size > reader.left:
        reader.refuse(f"{size} entries do not fit in the {reader.left} bytes that follow", offset, _REMEDY)
    entries = []
    for i in range(size):
        begin = reader.position
        end = reader.data.find(b"\0", begin)
        if end < 0:
            reader.refuse(f"entry {i} of {size} does not end", begin, "the file was cut short")
        reader.position = end
        count, kind = reader.unpack(_ENTRY, f"count and type of entry {i}")
        if kind != (i >= words):
            expected = "a label" if i >= words else "a word"
            reader.refuse(f"entry {i} has type {kind}, expected {expected}", end + 9, _REMEDY)
        if count < 0:
            reader.refuse(f"entry {i} has count {count}", end + 1, _REMEDY)
        entries.append(Entry(reader.data[begin:end].decode("utf-8", "surrogateescape"), count, EntryType(kind)))
    if pruned > 0:
        reader.need(8 * pruned, f"{pruned} pruned n-grams")
    return Dictionary(entries, tokens), pruned >= 0


def _read_matrix(reader: _Reader, dim: int, needed: int) -> NDArray[np.float32]:
    offset = reader.position
    rows, columns = reader.unpack(_SHAPE, "a matrix's shape")
    if columns != dim:
        reader.refuse(f"a matrix has {columns} columns, the settings say {dim}", offset + 8, _REMEDY)
    if rows < needed:
        reader.refuse(f"a matrix has {rows} rows, {needed} are needed", offset, _REMEDY)
    begin = reader.need(rows * columns * 4, f"{rows} x {columns} numbers")
    return np.frombuffer(reader.data, "<f4", rows * columns, begin).reshape(rows, columns).copy()

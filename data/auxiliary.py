"""Vectors of known words, and what else SageMaker's Object2Vec calls the auxiliary channel: a vocabulary as JSON.

    vocab.json      {"<pad>": 0, "the": 1, ...}: the id of every word
    *.txt           GloVe's text, "word 0.1 -0.2 ..." a line, or word2vec's, which has a line "words dimensions" before

Compressed files are read as they are. Of the vectors only those of known words are kept.
"""

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any, NamedTuple, NoReturn

import numpy as np
import orjson
from numpy.typing import NDArray

from data import storage, utf8
from data.errors import CorpusError
from data.pair_records import BEYOND, MOST_IDS, shown
from data.pairs import PAD
from data.streams import Files, Member
from data.utf8 import Line

_BLOCK = 4096  # rows that are put together


class Embedding(NamedTuple):
    """Of the words that were found: ids (F,) int64, vectors (F, D) float32. missing: the others, `<pad>` aside."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    missing: int

    def table(self, size: int) -> NDArray[np.float32]:
        """(size, D) float32: the vectors by id, rows of nan for ids that have none."""
        found = np.full((size, self.vectors.shape[1]), np.nan, np.float32)
        within = self.ids < size
        found[self.ids[within]] = self.vectors[within]
        return found


def read_vocabulary(url: str) -> dict[str, int]:
    """The ids of the words. Raises CorpusError for what is no JSON object of words and different ids 0..2,999,999."""

    def refuse(what: str, where: str = "") -> NoReturn:
        raise CorpusError(what, where=f"{url}{where}", remedy='write {"<pad>": 0, "word": 1, ...}, each id once')

    data = storage.read_bytes(url)
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        line = f": line {error.lineno}"
        text = utf8.decode(data, url, offset=0, line=1)
        raise CorpusError(
            f"not JSON ({error.msg})",
            where=f"{url}{line}, byte {len(text[: error.pos].encode())}",
            remedy='write {"<pad>": 0, "word": 1, ...}',
        ) from error
    if not isinstance(value, dict):
        refuse("no JSON object")
    words: dict[int, str] = {}
    for word, number in value.items():
        if type(number) is not int or not 0 <= number < MOST_IDS:
            refuse(f"{shown(number)} is no id 0..{MOST_IDS - 1}", f": word {shown(word)}")
        if (other := words.setdefault(number, word)) != word:
            refuse(f"its id {number} is that of {shown(other)} too", f": word {shown(word)}")
    return value


def read_embedding(url: str, ids: Mapping[str, int], *, dimension: int, setting: str) -> Embedding:
    """The vectors of the words in `ids`. A word's first line counts.

    setting: the hyperparameter that says the dimension. Raises CorpusError as `embedding`.
    """
    with closing(Files([url], member="", size=1)) as files:
        return embedding(files.members(), ids, where=url, dimension=dimension, setting=setting)


def embedding(
    members: Iterable[Member], ids: Mapping[str, int], *, where: str, dimension: int = 0, setting: str = ""
) -> Embedding:
    """The same of files that are open. where: their name, all together; dimension: 0 for that of the first vector.

    Raises CorpusError with the line and byte for vectors of another dimension, a number that is none or not finite, a
    file that ends before its header says, and one without any vectors.
    """
    wanted = {word.encode(errors="replace"): number for word, number in ids.items()}
    found: dict[int, None] = {}
    blocks: list[NDArray[np.float32]] = []
    rows: list[list[float]] = []
    some = False
    for member in members:
        promised, seen = 0, 0
        for line in utf8.lines(member):
            data = line.data.rstrip()
            if not data:
                continue
            if line.number == 1 and _is_header(data):
                promised = int(data.split()[0])
                continue
            word, _, numbers = data.partition(b" ")
            width = numbers.count(b" ") + 1
            if not dimension:
                dimension = _dimension(member.name, line, data)
            if width != dimension:
                word, numbers = _spaced(member.name, line, data, dimension, setting, first=not some)
            some = True
            seen += 1
            number = wanted.get(word)
            if number is None or number in found:
                continue
            found[number] = None
            rows.append(_numbers(member.name, line, numbers, dimension))
            if len(rows) == _BLOCK:
                blocks.append(np.array(rows, np.float32))
                rows = []
        if seen < promised:
            what = f"its first line says {promised:,} vectors, and {seen:,} are there"
            raise CorpusError(what, where=member.name, remedy="is the file whole?")
    if not some:
        raise CorpusError("no vectors in it", where=where, remedy='give lines "word 0.1 -0.2 ..."')
    vectors = np.concatenate([*blocks, np.array(rows, np.float32).reshape(-1, dimension)])
    return Embedding(
        np.array([*found], np.int64), vectors, len(ids.keys() - {PAD}) - len(found.keys() - {ids.get(PAD)})
    )


def _dimension(name: str, line: Line, data: bytes) -> int:
    """How many numbers follow the word of the first line."""
    columns = data.split()[1:]
    if columns and all(map(_is_number, columns)):
        return len(columns)
    what = f"{data[:40].decode(errors='replace')!r}, expected a word and its numbers"
    raise CorpusError(what, where=_place(name, line), remedy="give vectors as word2vec's or GloVe's text")


def _is_header(data: bytes) -> bool:
    columns = data.split()
    return len(columns) == 2 and all(column.isdigit() for column in columns)


def _spaced(name: str, line: Line, data: bytes, dimension: int, setting: str, *, first: bool) -> tuple[bytes, bytes]:
    """The word and the numbers of a line with another number of columns: some of GloVe's words hold spaces."""
    columns = data.split()
    width = len(columns) - 1
    if width == dimension:  # tabs, or two spaces
        return columns[0], b" ".join(columns[1:])
    if width > dimension and not first and not _is_number(columns[-dimension - 1]):
        return b" ".join(columns[:-dimension]), b" ".join(columns[-dimension:])
    if not setting:
        what = f"a vector of {width} numbers, and {dimension} in the first line"
        raise CorpusError(what, where=_place(name, line), remedy="is the file whole?")
    what = f"a vector of {width} numbers, and {setting}={dimension}"
    remedy = f"set {setting}={width}, or give vectors of {dimension}" if first else "is the file whole?"
    raise CorpusError(what, where=_place(name, line), remedy=remedy)


def _numbers(name: str, line: Line, numbers: bytes, dimension: int) -> list[float]:
    values: list[Any]
    try:
        values = orjson.loads(b"[%b]" % numbers.replace(b" ", b","))
        floats = len(values) == dimension and all(type(value) is float for value in values)
        if floats and max(max(values), -min(values)) < BEYOND:
            return values
    except orjson.JSONDecodeError:
        pass
    values = []
    for column in numbers.split(b" "):
        value = float(column) if _is_number(column) else np.nan
        if not abs(value) < BEYOND:
            what = f"{column[:40].decode(errors='replace')!r} is not a finite number"
            raise CorpusError(what, where=_place(name, line), remedy="is the file whole?")
        values.append(value)
    return values


def _is_number(column: bytes) -> bool:
    try:
        float(column)
    except ValueError:
        return False
    return True


def _place(name: str, line: Line) -> str:
    return f"{name}: line {line.number}, byte {line.offset}"

"""Where pairs come from, and their bytes in blocks that are worth sending to another process.

It knows files and lines; `data/pair_records.py` and `data/pair_texts.py` read what stands in them. Four kinds:

    ids         JSON Lines of SageMaker's: {"in0": [6, 17, 3], "in1": [16], "label": 1}
    texts       the same with texts: {"in0": "a cat", "in1": "the animal", "label": 1}
    aligned     two text files whose lines belong together, one by one
    documents   any other source: pairs of a sentence and the rest of its document
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import zip_longest
from typing import Literal, NamedTuple

import orjson

from data import readers, utf8
from data.batches import batches
from data.errors import CorpusError
from data.sources import Source
from data.streams import Member
from data.utf8 import Line

Kind = Literal["ids", "texts", "aligned", "documents"]

SIZE = 1 << 19  # bytes of a block, about

_TOGETHER = "give text files whose lines belong together, one by one"


class Found(NamedTuple):
    """What the first record says of all. labelled: whether they have labels; where: its file and line."""

    kind: Kind
    labelled: bool
    where: str = ""


class Stretch(NamedTuple):
    """Some whole lines of a file. line: the number of the first, from 1; offset: the byte at which it begins."""

    name: str
    line: int
    offset: int
    data: bytes

    def lines(self) -> Iterator[Line]:
        """One by one, without their ends; blank ones too."""
        offset = self.offset
        for number, line in enumerate(self.data.removesuffix(b"\n").split(b"\n"), self.line):
            yield Line(number, offset, line)
            offset += len(line) + 1


class Block(NamedTuple):
    """Some of a source: `lines` of JSON, with `other` those of an aligned file; or else `texts` of documents.

    number: of the block, from 0; progress: the fraction (0..1) of the source read by its end.
    """

    number: int
    progress: float
    lines: Stretch | None = None
    other: Stretch | None = None
    texts: tuple[str, ...] = ()


def find(source: Source, against: Source | None) -> Found:
    """Which kind a source is. Raises CorpusError where its first line cannot be used, or two files are not text."""
    if against:
        for each in (source, against):
            if each.kind != "text":
                what = f"{each.kind} files are not aligned line by line"
                raise CorpusError(what, where=each.name, remedy=_TOGETHER)
        return Found("aligned", False)
    if source.kind == "jsonl":
        with closing(readers.files(source)) as files:
            for member in files.members():
                if line := next((line for line in utf8.lines(member) if not line.data.isspace()), None):
                    return _kind(line, f"{member.name}: line {line.number}")
    return Found("documents", False)


def _kind(line: Line, where: str) -> Found:
    try:
        value = orjson.loads(line.data.rstrip())
    except orjson.JSONDecodeError:
        return Found("documents", False)  # whose reader says where and what
    if not isinstance(value, dict) or not {"in0", "in1"} & value.keys():
        return Found("documents", False)
    texts = any(isinstance(value.get(side), str) for side in ("in0", "in1"))
    return Found("texts" if texts else "ids", value.get("label") is not None, where)


def blocks(source: Source, against: Source | None, kind: Kind, *, size: int = SIZE) -> Iterator[Block]:
    """All of a source, in order. Raises CorpusError for one that holds nothing, and for files of different lengths."""
    if kind == "documents":
        for number, batch in enumerate(batches(source, size=size)):
            yield Block(number, batch.progress, texts=tuple(batch.texts))
        return
    number = 0
    for block in _aligned(source, against, size) if against else _records(source, size):
        yield block._replace(number=number)
        number += 1
    if not number:
        raise readers.no_words(source)


def _records(source: Source, size: int) -> Iterator[Block]:
    with closing(readers.files(source)) as files:
        for member in files.members():
            waiting = _Waiting(member)
            for line in utf8.lines(member):
                waiting.add(line)
                if waiting.held >= size:
                    yield Block(0, files.progress, waiting.flush())
            if waiting.held:
                yield Block(0, files.progress, waiting.flush())


def _aligned(source: Source, against: Source, size: int) -> Iterator[Block]:
    with closing(readers.files(source)) as files, closing(readers.files(against)) as others:
        for member, other in zip_longest(files.members(), others.members()):
            if not (member and other):
                more, fewer = (source, against) if member else (against, source)
                what = f"has more files than {fewer.name}"
                raise CorpusError(what, where=more.name, remedy="give as many files on both sides")
            sides = _Waiting(member), _Waiting(other)
            both = utf8.lines(member), utf8.lines(other)
            for before, (one, two) in enumerate(zip_longest(*both)):
                if not (one and two):
                    ended, goes_on, rest = (other, member, both[0]) if one else (member, other, both[1])
                    lines = before + 1 + sum(1 for _ in rest)
                    what = f"it ends with line {before:,}, and {goes_on.name} has {lines:,} lines"
                    raise CorpusError(what, where=ended.name, remedy=_TOGETHER)
                for side, line in zip(sides, (one, two), strict=True):
                    side.add(line)
                if sides[0].held + sides[1].held >= size:
                    yield Block(0, files.progress, sides[0].flush(), sides[1].flush())
            if sides[0].held:
                yield Block(0, files.progress, sides[0].flush(), sides[1].flush())


class _Waiting:
    """Lines of a member that are collected."""

    def __init__(self, member: Member) -> None:
        self.name, self.held = member.name, 0
        self.lines: list[Line] = []

    def add(self, line: Line) -> None:
        self.lines.append(line)
        self.held += len(line.data)

    def flush(self) -> Stretch:
        first = self.lines[0]
        found = Stretch(self.name, first.number, first.offset, b"".join(line.data for line in self.lines))
        self.lines, self.held = [], 0
        return found

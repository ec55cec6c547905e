"""Documents and blocks of text out of a source, as a stream: memory is bounded by a few blocks.

It knows the four kinds of files and where their text is; not how they are opened (`data/streams.py`) or what a word is
(`data/tokenizer.py`).

    text   one document a line
    jsonl  one JSON object a line: "text", or "source" as in SageMaker's augmented manifest; "label": one or a list
    csv    a header row that names a text column, else: first column label, the others text; .tsv has no quoting
    mail   20 Newsgroups' tar: one message a file, Latin-1, headers as they are; the folder is the label
"""

import csv
from collections.abc import Iterator
from contextlib import closing
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

import orjson

from data import streams, utf8
from data.errors import CorpusError
from data.named import Kind
from data.sources import Source
from data.streams import Files, Member
from data.tokenizer import SEPARATORS, Name, tokenize

Tokenizer = Literal["auto", Name]

BLOCK = 2**20  # bytes of a block of tokenised documents

_TEXTS = ("text", "sentence", "content", "source", "description")  # header names of the text column
_LABELS = ("label", "class", "category", "class index")


class Document(NamedTuple):
    """One text with its classes. `line` of its file, from 1: the first one, for csv the last one; for mail 0."""

    text: str
    labels: tuple[str, ...] = ()
    line: int = 0


class Block(NamedTuple):
    """UTF-8 tokens separated by ASCII white space; `progress` is the fraction (0..1) of the source read by its end."""

    data: bytes
    progress: float


def documents(source: Source) -> Iterator[Document]:
    """The documents in file order. `CorpusError` names the file and the line or byte of what cannot be read.

    A line of a text file longer than 8 MB comes as several documents, cut between tokens.
    """
    with closing(files(source)) as opened:
        for member in opened.members():
            yield from read(member, source.kind)


def files(source: Source) -> Files:
    """The files of a source, to be read member by member."""
    return Files(source.urls, member=source.member, size=source.bytes)


def read(member: Member, kind: Kind) -> Iterator[Document]:
    """The documents of one member of a source's files."""
    return {"text": _text, "jsonl": _jsonl, "csv": _csv, "mail": _mail}[kind](member)


def chosen(tokenizer: Tokenizer, kind: Kind) -> Name:
    """What `auto` means: tokens as they are in text files, as BlazingText takes them, and `words` in the rest."""
    if tokenizer == "auto":
        return "whitespace" if kind == "text" else "words"
    return tokenizer


def blocks(source: Source, *, tokenizer: Tokenizer = "auto") -> Iterator[Block]:
    r"""The corpus as tokens in blocks of at most about 8 MB, cut between tokens. "\n" ends a sentence or document.

    tokenizer: `whitespace` takes tokens as they are (separators as in fastText: space, tab, \r, \v, \f, NUL, which
    arrives as a space, and "\n", which ends a sentence only in text files; in other kinds a document is one sentence);
    the others are those of `data.tokenizer`; for `auto` see `chosen`.
    A block that ends without "\n" ends in the middle of a sentence. The end of a file ends a sentence.
    """
    name = chosen(tokenizer, source.kind)
    opened = files(source)
    empty = True
    with closing(opened):
        for data in (
            _text_blocks(opened, name) if source.kind == "text" else _document_blocks(opened, source.kind, name)
        ):
            empty = empty and data.isspace()
            yield Block(data, opened.progress)
    if empty:
        raise no_words(source)


def no_words(source: Source) -> CorpusError:
    """What to raise for a source that turned out empty."""
    return CorpusError("no words in it", where=", ".join(source.urls[:3]), remedy="give files with text")


def _text_blocks(opened: Files, tokenizer: Name) -> Iterator[bytes]:
    for member in opened.members():
        for piece in utf8.pieces(member):
            if tokenizer == "whitespace":
                yield piece
            else:
                lines = piece.decode().split("\n")
                tokens = "\n".join(" ".join(tokenize(line, tokenizer)) for line in lines)
                yield tokens.encode(errors="replace") + (b"" if piece.endswith(b"\n") else b" ")


def _document_blocks(opened: Files, kind: Kind, tokenizer: Name) -> Iterator[bytes]:
    """One line a document; documents without words leave none."""
    collected = bytearray()
    for document in (document for member in opened.members() for document in read(member, kind)):
        line = " ".join(tokenize(document.text, tokenizer)).encode(errors="replace")
        if line:
            collected += line + b"\n"
        if len(collected) >= BLOCK:
            yield from _cut(bytes(collected))
            collected.clear()
    if collected:
        yield from _cut(bytes(collected))


def _cut(data: bytes) -> Iterator[bytes]:
    """Blocks of at most `utf8.PIECE` bytes: one document may be longer than that."""
    while len(data) > utf8.PIECE:
        end = max(data.rfind(b" ", 0, utf8.PIECE), data.rfind(b"\n", 0, utf8.PIECE)) + 1
        if end == 0:
            break
        yield data[:end]
        data = data[end:]
    yield data


def _text(member: Member) -> Iterator[Document]:
    carry, number = "", 1
    for piece in utf8.pieces(member):
        *whole, carry = (carry + piece.decode()).split("\n")
        yield from (Document(line, line=i) for i, line in enumerate(whole, number) if line.strip(SEPARATORS))
        number += len(whole)
        if len(carry) > utf8.PIECE:
            yield Document(carry, line=number)
            carry = ""


def _jsonl(member: Member) -> Iterator[Document]:
    for line in utf8.lines(member):
        if line.data.isspace():
            continue
        where = f"{member.name}: line {line.number}"
        try:
            value = orjson.loads(line.data.rstrip())
        except orjson.JSONDecodeError as error:
            utf8.decode(line.data, member.name, offset=line.offset, line=line.number)
            what = f"not JSON ({error.msg} at column {error.colno})"
            raise CorpusError(what, where=where, remedy="write one JSON object a line") from error
        text = (value.get("text") or value.get("source", value.get("text"))) if isinstance(value, dict) else None
        if not isinstance(text, str):
            what = 'no field "text" or "source" with a string'
            raise CorpusError(what, where=where, remedy='write {"text": "..."} on each line')
        yield Document(text, _json_labels(value.get("label")), line.number)


def _json_labels(value: object) -> tuple[str, ...]:
    """A string or int, or a list of them; none where anything else is among them."""
    labels = value if isinstance(value, list) else [value]
    return tuple(map(str, labels)) if all(type(label) in (str, int) for label in labels) else ()


def _csv(member: Member) -> Iterator[Document]:
    csv.field_size_limit(utf8.LONGEST_LINE)  # the module's own bound is 128 KB
    decoded = (utf8.decode(line.data, member.name, offset=line.offset, line=line.number) for line in utf8.lines(member))
    tabs = streams.suffix(member.path) == ".tsv"
    rows = csv.reader(decoded, delimiter="\t", quoting=csv.QUOTE_NONE) if tabs else csv.reader(decoded)
    columns: tuple[int, int] | None = None  # text, label; None: all but the first are text
    first = True
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise CorpusError(
                f"not CSV ({error})", where=f"{member.name}: line {rows.line_num}", remedy="quote fields"
            ) from error
        if row is None:
            return
        if not row:
            continue
        where = f"{member.name}: line {rows.line_num}"
        if first:
            first = False
            columns = _header(row, where)
            if columns:
                continue
        if columns is None:
            labels = (row[0],) if len(row) > 1 else ()
            yield Document(" ".join(row[1:] or row), labels, rows.line_num)
            continue
        text, label = columns
        if len(row) <= max(text, label):
            what = f"{len(row)} columns, and the header has more"
            raise CorpusError(what, where=where, remedy="quote fields that hold commas or line breaks")
        yield Document(row[text], (row[label],) if label >= 0 else (), rows.line_num)


def _header(row: list[str], where: str) -> tuple[int, int] | None:
    """The columns of text and label (-1: none), or None when the first row is no header."""
    names = [cell.strip().lower() for cell in row]
    text = next((names.index(name) for name in _TEXTS if name in names), -1)
    label = next((names.index(name) for name in _LABELS if name in names), -1)
    if text >= 0:
        return text, label
    if label >= 0 and len(row) > 1:
        raise CorpusError(
            f"no text column: the header names {', '.join(row)}", where=where, remedy="name one column text"
        )
    return None


def _mail(member: Member) -> Iterator[Document]:
    data = b""
    with streams.readable(member.name):
        # not the bound in one read: a buffered stream allocates what it is asked for
        while len(data) <= utf8.LONGEST_LINE and (part := member.stream.read(2**16)):
            data += part
    if len(data) > utf8.LONGEST_LINE:
        what = f"a message of more than {utf8.LONGEST_LINE >> 20} MB"
        raise CorpusError(what, where=member.name, remedy="give an archive of messages")
    yield Document(data.decode("latin-1"), (PurePosixPath(member.path).parent.name,))

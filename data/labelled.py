"""Labelled documents as fastText's lines, whatever they came as: `__label__a __label__b token token ...`, in UTF-8.

It knows where each kind of file has its labels and how a line is spelled; not what is learned from it. Two ways lead
to the lines, both as a stream:

* `blocks`: the bytes of text files whose tokens are taken as they are. Nobody looks at a line here.
* `batches`, and `lines` for each of them, on another machine too: all else is to be tokenised first.

Labels may stand anywhere in a line of a text file. Elsewhere they have a field or folder (`data/readers.py`), with or
without the prefix. A document without any is an error: it is a mistake in the data more often than not.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

from data import readers, utf8
from data.errors import CorpusError
from data.named import Kind
from data.readers import Block, Document
from data.sources import Source
from data.streams import Member
from data.tokenizer import LABEL as LABEL
from data.tokenizer import SEPARATORS, Name, tokenize

_BESIDE = 100  # bytes, about, that a document takes beside its text
# looking back comes after the literal, which `re` then searches for fast
_LABEL = re.compile(f"{LABEL}(?<![^{SEPARATORS}]{LABEL})([^{SEPARATORS}]*)[{SEPARATORS}]*")
_SPACES = re.compile(f"[{SEPARATORS}]+")
_MISSING: dict[Kind, tuple[str, str]] = {  # what, remedy
    "text": ("no label", f"begin the line with its class: {LABEL}sports the match was won"),
    "jsonl": (
        'no field "label" with a string, an int or a list of them',
        'write {"text": "...", "label": "..."} on each line',
    ),
    "csv": ("no class", "write rows of class and text, or name one column label in a header"),
    "mail": ("no folder, which would be its class", "put the messages of each class into a folder of its name"),
}


class Batch(NamedTuple):
    """Some documents, all with labels; `progress` is the fraction (0..1) of the source read by their end."""

    documents: list[Document]
    progress: float


def batches(source: Source, *, size: int = 2**20) -> Iterator[Batch]:
    """The documents of a source in file order, in batches of about `size` bytes; one document may be larger.

    Raises CorpusError for a document without a label, with its file and line, and for a source without documents.
    """
    files = readers.files(source)
    batch: list[Document] = []
    held, empty = 0, True
    with closing(files):
        for member in files.members():
            for document in _read(member, source.kind):
                if not document.labels:
                    what, remedy = _MISSING[source.kind]
                    where = f"{member.name}: line {document.line}" if document.line else member.name
                    raise CorpusError(what, where=where, remedy=remedy)
                batch.append(document)
                held += len(document.text) + _BESIDE
                if held >= size:
                    yield Batch(batch, files.progress)
                    batch, held, empty = [], 0, False
    if batch:
        yield Batch(batch, files.progress)
    elif empty:
        raise readers.no_words(source)


def lines(documents: Iterable[Document], tokenizer: Name) -> bytes:
    r"""Each document as one line: its labels, its tokens, "\n". Without words, its labels alone.

    documents: as `batches` gives them. A label is one token of the line, so white space inside it, which would cut it,
    becomes "_": `New York` is written `__label__New_York`.
    """
    return "".join(_line(document, tokenizer) for document in documents).encode(errors="replace")


def blocks(source: Source) -> Iterator[Block]:
    r"""The bytes of text files, tokens as they are, in blocks of at most about 8 MB.

    A block that ends without "\n", as one in a very long line does, ends between two tokens of a line; each file ends
    with "\n". Whether every line has a label is for the reader of the blocks to see: `locate` then says where.
    """
    assert source.kind == "text"
    return readers.blocks(source, tokenizer="whitespace")


def locate(source: Source, index: int) -> tuple[str, int]:
    """The file and the line in it, from 1, of document `index`, from 0: of a text file's lines, those with a token.

    Line 0 is a file as a whole.
    """
    files = readers.files(source)
    with closing(files):
        for member in files.members():
            if source.kind != "text":
                for document in _read(member, source.kind):
                    if index == 0:
                        return member.name, document.line
                    index -= 1
                continue
            number, blank = 1, True
            for piece in utf8.pieces(member):
                *ended, rest = piece.split(b"\n")
                for line in ended:
                    if line.strip() or not blank:  # pieces hold no NUL, and bytes.strip takes the other separators
                        if index == 0:
                            return member.name, number
                        index -= 1
                    number, blank = number + 1, True
                blank = blank and not rest.strip()
    raise IndexError("fewer lines than that")


def _read(member: Member, kind: Kind) -> Iterator[Document]:
    """The documents of a member, their labels without the prefix and none of them empty."""
    if kind == "text":
        yield from _text(member)
    else:
        for document in readers.read(member, kind):
            labels = (label.strip(SEPARATORS).removeprefix(LABEL).strip(SEPARATORS) for label in document.labels)
            yield document._replace(labels=tuple(label for label in labels if label))


def _text(member: Member) -> Iterator[Document]:
    """The lines that have a token. Not those of `readers`, which cuts long ones: a part may lack its labels."""
    for line in utf8.lines(member):
        text = utf8.decode(line.data, member.name, offset=line.offset, line=line.number).strip(SEPARATORS)
        if text:
            labels = tuple(label for label in _LABEL.findall(text) if label)
            yield Document(_LABEL.sub("", text).rstrip(SEPARATORS), labels, line.number)


def _line(document: Document, tokenizer: Name) -> str:
    labels = [LABEL + _SPACES.sub("_", label) for label in document.labels]
    return " ".join([*labels, *tokenize(document.text, tokenizer)]) + "\n"

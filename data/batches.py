"""The texts of a source, in batches that are worth sending to another process. It knows sizes, not words."""

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from data import readers
from data.sources import Source

SIZE = 1 << 19  # characters, about


class Batch(NamedTuple):
    """Some texts in file order; `progress` is the fraction (0..1) of the source read by their end."""

    texts: list[str]
    progress: float


def batches(source: Source, *, size: int = SIZE) -> Iterator[Batch]:
    """All documents of a source; one may be larger than `size`. Raises CorpusError for a source without documents."""
    files = readers.files(source)
    texts: list[str] = []
    held, empty = 0, True
    with closing(files):
        for member in files.members():
            for document in readers.read(member, source.kind):
                texts.append(document.text)
                held += len(document.text)
                if held >= size:
                    yield Batch(texts, files.progress)
                    texts, held, empty = [], 0, False
    if texts:
        yield Batch(texts, files.progress)
    elif empty:
        raise readers.no_words(source)

"""Words and their ids: the id of a word is its rank by frequency.

Knows nothing of text or training: it is built from counts and saved as lines of "word count".
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data import storage
from data.errors import FormatError


@dataclass(frozen=True)
class Vocabulary:
    """words: V strings in descending frequency, ties in order of first occurrence; counts: (V,) int64."""

    words: list[str]
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """The id of every word."""
        return {word: i for i, word in enumerate(self.words)}

    def save(self, url: str) -> None:
        """Write one "word count" line a word, in id order, UTF-8."""
        lines = (f"{word} {count}\n" for word, count in zip(self.words, self.counts.tolist(), strict=True))
        storage.write_bytes(url, "".join(lines).encode())

    @classmethod
    def load(cls, url: str) -> "Vocabulary":
        """Read what `save` wrote. Raises FormatError with the byte offset of the line that is not "word count"."""
        words, counts, offset = [], [], 0
        *lines, rest = storage.read_bytes(url).split(b"\n")
        for line in lines:
            word, _, count = line.rpartition(b" ")
            try:
                words.append(word.decode())
                counts.append(int(count))
            except ValueError as error:
                raise FormatError(
                    f"expected 'word count', found {line[:40]!r}",
                    path=url,
                    offset=offset,
                    remedy="is this a vocabulary.txt that Embertext wrote?",
                ) from error
            offset += len(line) + 1
        if rest:
            what = f"the last line, {rest[:40]!r}, has no newline"
            raise FormatError(what, path=url, offset=offset, remedy="the file was cut short; copy it again")
        return cls(words, np.array(counts, np.int64))

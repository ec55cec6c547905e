"""A document as a person knows it again: how it begins; where that is unknown, the words it has most."""

import re
from collections.abc import Iterable

import numpy as np
from scipy import sparse

from algorithms.topics.counts import read
from data.counts import Counts

WORDS = 20
RULE = re.compile(r"([^\w\s])\1{3,}")  # a line drawn with one character


class Told:
    """The documents of a channel, by their places in it. openings: how each begins, or nothing."""

    def __init__(self, counts: Counts, name: str) -> None:
        self.vocabulary, self.channel = counts.vocabulary, counts.channel(name)
        self.openings = self.channel.openings()

    def texts(self, places: Iterable[int], *, longest: int) -> dict[int, str]:
        """Those documents, in so many characters at most, by their places, which come in order."""
        wanted = sorted(set(places))
        if self.openings:
            return {place: shortened(self.openings[place], longest) for place in wanted}
        found: dict[int, str] = {}
        ends = np.cumsum(self.channel.rows)
        for number, (url, end) in enumerate(zip(self.channel.files, ends.tolist(), strict=True)):
            start = end - self.channel.rows[number]
            if inside := [place for place in wanted if start <= place < end]:
                rows = read(url)
                found |= {place: shortened(self._most(rows[place - start]), longest) for place in inside}
        return found

    def _most(self, row: sparse.csr_matrix) -> str:
        columns = row.indices[np.argsort(-row.data, kind="stable")][:WORDS].tolist()
        return " ".join(self.vocabulary[column] if self.vocabulary else str(column) for column in columns)


def shortened(text: str, longest: int) -> str:
    """The first words of a text, in one line of so many characters at most."""
    text = RULE.sub(r"\1\1\1", " ".join(text.split()))
    return text if len(text) <= longest else text[: longest - 1].rsplit(" ", 1)[0] + "…"

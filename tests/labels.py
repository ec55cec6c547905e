"""fastText's reading of a labelled line in plain Python (the oracle of `kernels.examples`), and lines to learn from."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tests import subwords

LABEL = "__label__"
END = subwords.END_OF_SENTENCE
FACTOR = 116049371


def tokens(line: str) -> list[str]:
    """What stands between separators."""
    return [token for token in re.split("[ \0\t\v\f\r]+", line) if token]


def labels_of(line: str) -> list[str]:
    """The labels, wherever they stand."""
    return [token for token in tokens(line) if token.startswith(LABEL)]


def read(line: str) -> list[str]:
    """The tokens and the mark of the end: what follows a mark inside the line is not read."""
    all_of_it = [*tokens(line), END]
    return all_of_it[: all_of_it.index(END) + 1]


def words_of(line: str) -> list[str]:
    """Those of them that are not labels."""
    return [token for token in read(line) if not token.startswith(LABEL)]


def signed_hash(word: str) -> int:
    """The hash as the int32 that word n-grams are made of."""
    value = subwords.word_hash(word.encode())
    return value - 2**32 if value >= 2**31 else value


def ngram_buckets(words: list[str], *, word_ngrams: int, buckets: int) -> list[int]:
    """Dictionary::addWordNgrams: the buckets of the runs of 2 to word_ngrams words, by their first word."""
    hashes, found = [signed_hash(word) for word in words], list[int]()
    for i, value in enumerate(hashes):
        for other in hashes[i + 1 : i + word_ngrams]:
            value = (value * FACTOR + other) % 2**64
            found.append(value % buckets)
    return found


class Model(NamedTuple):
    """What lines are read with. rows: of the buckets; None: each has its own; missing: the row of another, or -1."""

    words: list[str]
    labels: list[str]
    word_ngrams: int
    buckets: int
    rows: Mapping[int, int] | None
    missing: int = -1
    minn: int = 0
    maxn: int = 0

    def example(self, line: str) -> list[int]:
        """[tokens, labels, rows ..., label numbers ...], -1 for a label that is not known."""
        rows, words = list[int](), words_of(line)
        for word in words:
            rows += [self.words.index(word)] if word in self.words else []
            rows += self.rows_of(subwords.ngram_buckets(word, minn=self.minn, maxn=self.maxn, bucket=self.buckets))
        rows += self.rows_of(ngram_buckets(words, word_ngrams=self.word_ngrams, buckets=self.buckets))
        labels = [self.labels.index(name) if name in self.labels else -1 for name in labels_of(line)]
        return [len(read(line)), len(labels), *rows, *labels]

    def rows_of(self, buckets: list[int]) -> list[int]:
        """The rows of some buckets."""
        if self.rows is None:
            return [len(self.words) + bucket for bucket in buckets]
        rows = [self.rows.get(bucket, self.missing) for bucket in buckets]
        return [row for row in rows if row >= 0]


# Lines with a known structure --------------------------------------------------------------------------------------

CLASSES = {
    "tiere": ["katze", "hund", "mäuse", "vögel", "鳥", "fische"],
    "möbel": ["tisch", "stühle", "bett", "lampe", "机", "sofa"],
    "essen": ["brot", "käse", "wein", "suppe", "米", "salat"],
}
COMMON = ["und", "der", "die"]


def planted_lines(count: int, *, several: bool = False, seed: int = 5) -> list[str]:
    """Lines of seven words, most of them from their class; where there are several, each has words in it."""
    rng, lines = np.random.default_rng(seed), list[str]()
    names = list(CLASSES)
    for i in range(count):
        own = rng.permutation(names)[: 1 + several * rng.integers(2)]
        words = [word for name in own for word in rng.choice(CLASSES[name], 4)] + [*rng.choice(COMMON, 3)]
        lines.append(" ".join([*(f"__label__{name}" for name in own), *rng.permutation(words), f"n{i % 50}"]))
    return lines

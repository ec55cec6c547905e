"""Word vectors in a fastText model, ours, BlazingText's or fastText's own: looked up where they lie in the file.

Words V, dimensions D. A word's vector is what fastText tells: its own row, or with subwords the mean of that and the
rows of its n-grams; of an unknown word the mean of its n-grams, and zeros without any.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import EmbertextError
from data.fasttext import ModelName, QuantizedMatrix, map_model

Vectors = NDArray[np.float32]

BLOCK = 4096  # words whose n-grams are looked up at a time


class Table:
    """The vectors of the model in a local file, which may be deleted then. Raises FormatError where it is none."""

    def __init__(self, path: Path) -> None:
        args, dictionary, matrix, _, prune = map_model(path)
        if args.model == ModelName.SUPERVISED or prune is not None:
            remedy = "give the vectors.bin of word2vec, or a model of fastText's skipgram or cbow"
            raise EmbertextError("a classifier, not word vectors", where=str(path), remedy=remedy)
        self.args, self._matrix = args, matrix.dense() if isinstance(matrix, QuantizedMatrix) else matrix
        entries = dictionary.entries[: dictionary.words]
        self.words = [entry.word for entry in entries]
        self.counts = np.array([entry.count for entry in entries], np.int64)
        self.rows = {word: row for row, word in enumerate(self.words)}
        self.dim, self.subwords = args.dim, args.maxn > 0

    def stretch(self, first: int, last: int) -> Vectors:
        """Of the words first..last-1 of the vocabulary, a copy (n, D)."""
        own = np.array(self._matrix[first : min(last, len(self.words))])
        if not self.subwords:
            return own
        total, counts = self._grams(self.words[first:last])
        return (own + total) / (1 + counts)[:, None]

    def look(self, words: Sequence[str]) -> Vectors:
        """Of any words, (n, D)."""
        result = np.zeros((len(words), self.dim), np.float32)
        found = [self.rows.get(word, -1) for word in words]
        known = [place for place, row in enumerate(found) if row >= 0]
        result[known] = self._matrix[[found[place] for place in known]]
        if self.subwords:
            total, counts = self._grams(words)
            counts[known] += 1
            result += total
            result /= np.maximum(counts, 1)[:, None]
        return result

    @cached_property
    def vectors(self) -> Vectors:
        """Of the whole vocabulary, (V, D): without subwords the file's own."""
        if not self.subwords:
            return self._matrix[: len(self.words)]
        result = np.empty((len(self.words), self.dim), np.float32)
        for first in range(0, len(result), BLOCK):
            result[first : first + BLOCK] = self.stretch(first, first + BLOCK)
        return result

    def _grams(self, words: Sequence[str]) -> tuple[Vectors, NDArray[np.float32]]:
        """The sum (n, D) of the rows of each word's n-grams, and how many there are (n,)."""
        from algorithms.kernels.ngrams import word_buckets  # numba, whose import takes half a second

        starts, buckets = word_buckets(
            words, min_char=self.args.minn, max_char=self.args.maxn, buckets=self.args.bucket
        )
        counts = np.diff(starts)
        total = np.zeros((len(words), self.dim), np.float32)
        some = np.flatnonzero(counts)  # reduceat cannot sum an empty run
        if some.size:
            total[some] = np.add.reduceat(self._matrix[len(self.words) + buckets], starts[some], axis=0)
        return total, counts.astype(np.float32)

"""Documents for the models' tests: counts with a known structure, and the corpus that training asks for."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def planted(
    documents: int = 400, *, topics: int = 4, words: int = 24, length: int = 30, seed: int = 1
) -> sparse.csr_matrix:
    """Each document is of one topic, which has its own equal share of the words; one word in ten is any."""
    rng = np.random.default_rng(seed)
    own = words // topics
    rows = np.zeros((documents, words), np.float32)
    for row in rows:
        topic = rng.integers(topics)
        drawn = np.where(
            rng.random(length) < 0.1, rng.integers(0, words, length), topic * own + rng.integers(0, own, length)
        )
        np.add.at(row, drawn, 1)
    return sparse.csr_matrix(rows)


def scattered(documents: int, words: int, *, length: int = 20, seed: int = 1) -> sparse.csr_matrix:
    """Any words, some of them several times."""
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, words, (documents, length)).reshape(-1)
    counts = rng.integers(1, 4, columns.size).astype(np.float32)
    rows = sparse.csr_matrix((counts, columns, np.arange(0, columns.size + 1, length)), shape=(documents, words))
    rows.sum_duplicates()
    return rows


class Part(NamedTuple):
    rows: sparse.csr_matrix

    def read(self) -> sparse.csr_matrix:
        return self.rows


class InMemory(NamedTuple):
    """As algorithms.topics.corpus.Corpus."""

    rows: sparse.csr_matrix

    @property
    def columns(self) -> int:
        return int(self.rows.shape[1])

    @property
    def tokens(self) -> int:
        return int(self.rows.sum())

    def parts(self, index: int, of: int, workers: int) -> list[list[Part]]:
        stretch = self.rows[index::of]
        return [[Part(stretch[worker::workers])] for worker in range(workers)]

    def word_counts(self) -> NDArray[np.float64]:
        return np.asarray(self.rows.sum(axis=0), np.float64).reshape(-1)

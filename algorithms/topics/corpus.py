"""Counts on disk as training sees them: a round of documents, in parts for the workers. It knows no matrix but CSR."""

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algorithms.topics.counts import read
from data.counts import Counts

HELD = 1 << 28  # bytes of shards that a process keeps


class Corpus(NamedTuple):
    """The training documents, N rows of V columns."""

    counts: Counts

    @property
    def columns(self) -> int:
        """V."""
        return self.counts.columns

    @property
    def tokens(self) -> int:
        """Words in one pass."""
        return round(self.counts.channel("train").words)

    def parts(self, index: int, of: int, workers: int) -> list[list["Rows"]]:
        """Stretch `index` of `of`, in parts for the workers.

        A stretch has every `of`-th document of all shards: shards may each hold documents of one kind. Workers have
        shards of their own, as SageMaker's ShardedByS3Key gives them, or, if there are too few, rows of all shards.
        """
        files = self.counts.channel("train").files
        if len(files) < workers:
            return [[Rows(url, index + of * worker, of * workers) for url in files] for worker in range(workers)]
        return [[Rows(url, index, of) for url in files[worker::workers]] for worker in range(workers)]

    def word_counts(self) -> NDArray[np.float64]:
        """(V,) how often each word occurs."""
        total = np.zeros(self.columns, np.float64)
        for url in self.counts.channel("train").files:
            total += np.asarray(Rows(url, 0, 1).read().sum(axis=0, dtype=np.float64)).reshape(-1)
        return total


class Rows(NamedTuple):
    """Every `step`-th document of a shard, from `first` on."""

    url: str
    first: int
    step: int

    def read(self) -> sparse.csr_matrix:
        """The documents, (N, V) float32."""
        shard = _shards.get(self.url)
        return shard if self.step == 1 else shard[self.first :: self.step]


class _Shards:
    """The shards that were read last: they stay as they are, and each round asks for them again."""

    def __init__(self) -> None:
        self.held: OrderedDict[str, sparse.csr_matrix] = OrderedDict()
        self.lock = Lock()

    def get(self, url: str) -> sparse.csr_matrix:
        with self.lock:
            if url in self.held:
                self.held.move_to_end(url)
                return self.held[url]
        shard = read(url)
        with self.lock:
            self.held[url] = shard
            while len(self.held) > 1 and sum(map(_bytes, self.held.values())) > HELD:
                self.held.popitem(last=False)
        return shard


def _bytes(rows: sparse.csr_matrix) -> int:
    return int(rows.data.nbytes + rows.indices.nbytes + rows.indptr.nbytes)


_shards = _Shards()

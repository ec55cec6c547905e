"""Mini-batches of documents as a network sees them: only the words that occur, by document and by word.

B documents, V words of the vocabulary, N entries: a word that a document has, with its count. Nothing here is (B, V).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from algorithms.topics import minibatch_kernels

Tensor = torch.Tensor


class Batch(NamedTuple):
    """B documents with N entries, in the order of the documents; the same once more in the order of the words.

    counts (N,) float32 are those that were given, lengths (B,) their sums; inputs (N,) what the network is shown of
    them. columns (N,) are the entries' words, owners (N,) their documents, starts (B,) where each document begins.
    word_starts (V,), word_order (N,), word_owners (N,): where the entries of each word begin, which ones they are, and
    their documents. Integers are int32.
    """

    columns: Tensor
    owners: Tensor
    starts: Tensor
    counts: Tensor
    inputs: Tensor
    lengths: Tensor
    word_starts: Tensor
    word_order: Tensor
    word_owners: Tensor

    @property
    def size(self) -> int:
        """B."""
        return len(self.lengths)


def batch(rows: sparse.csr_matrix, chosen: NDArray[np.int64], *, logarithm: bool, device: torch.device) -> Batch:
    """The chosen rows of (D, V) float32 counts. logarithm: the network is shown ln(1 + count), not the count."""
    entries = int((rows.indptr[chosen + 1] - rows.indptr[chosen]).sum())
    starts, word_starts = np.empty(len(chosen), np.int32), np.zeros(rows.shape[1], np.int32)
    owners, columns, word_order, word_owners = (np.empty(entries, np.int32) for _ in range(4))
    counts, lengths = np.empty(entries, np.float32), np.empty(len(chosen), np.float32)
    minibatch_kernels.take(rows.indptr, rows.indices, rows.data, chosen, starts, lengths, owners, columns, counts)
    minibatch_kernels.sort_by_word(columns, owners, word_starts, word_order, word_owners)
    arrays = (columns, owners, starts, counts, lengths, word_starts, word_order, word_owners)
    tensors = [torch.from_numpy(array).to(device) for array in arrays]
    tensors.insert(4, torch.log1p(tensors[3]) if logarithm else tensors[3])
    return Batch(*tensors)


def parts(rows: int, size: int) -> Iterator[slice]:
    """Cut rows into mini-batches of at most `size`: as few as can be, and all of the same size but for one row."""
    count = -(-rows // size)
    for index in range(count):
        yield slice(index * rows // count, (index + 1) * rows // count)


def bag(ids: Tensor, table: Tensor, starts: Tensor, values: Tensor) -> Tensor:
    """Sums of the table's rows `ids`, each times its value, from one start to the next."""
    return torch.nn.functional.embedding_bag(ids, table, starts, mode="sum", per_sample_weights=values)


def by_word(batch: Batch, rows: Tensor, values: Tensor) -> Tensor:
    """The (B, V) matrix of values (N,), transposed, times rows (B, H): (V, H)."""
    return bag(batch.word_owners, rows, batch.word_starts, values[batch.word_order])

"""Pairs that wait on disk until it is known which are trained on, and which words have an id.

In memory are some 60 bytes for each pair, and what `algorithms.counting` says of the words.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from algorithms.counting import WordTable
from algorithms.kernels import sequences as kernel
from data.pair_records import Read
from data.pairs import Batch, Sequences, Shards, Writer

MAX_SHARD = 1 << 23  # ids of both sides: 32 MB
SHARED = 20  # pairs, on average, for each in1: then it is no text of its own

Ints = NDArray[np.int64]
Codes = NDArray[np.uint64]


class Chosen(NamedTuple):
    """Pairs to be written: the numbers of those whose in0, and whose in1, each has; labels: (E,) float32."""

    in0: Ints
    in1: Ints
    labels: NDArray[np.float32]


class Waiting:
    """All pairs of a source.

    codes: (E, 2), equal for equal sequences; documents: (E,), or empty; largest: id of each side, where they are ids;
    skipped: as read.
    """

    def __init__(self, file: BinaryIO, reads: Iterable[Read], table: WordTable | None) -> None:
        """Read them all into a scratch file. table: counts the words of texts; None for ids."""
        sizes, codes, labels, documents = [np.zeros(1, np.int64)], [], [], []
        self.skipped, self.largest = 0, np.zeros(2, np.int64)
        for read in reads:
            self.skipped += read.skipped
            if not len(read.labels):
                continue
            ids = table.encode(read.text) if table else read.ids
            ends = np.flatnonzero(ids < 0) + 1
            starts = np.concatenate([[0], ends])
            found = np.empty(len(ends), np.uint64)
            kernel.identify(ids, starts, found)
            ids.tofile(file)
            if not table:
                largest = np.maximum.reduceat(ids, starts[:-1]).reshape(-1, 2).max(axis=0)
                self.largest = np.maximum(self.largest, largest)
            sizes.append(np.diff(ends, prepend=0))
            codes.append(found)
            labels.append(read.labels)
            documents.append(read.documents)
            assert len(ends) == 2 * len(read.labels)
        file.flush()
        self.starts: Ints = np.cumsum(np.concatenate(sizes))
        self.size = len(self.starts) // 2
        self.stream = np.asarray(np.memmap(file, np.int32, mode="c")) if self.size else np.empty(0, np.int32)
        self.codes: Codes = np.concatenate(codes).reshape(-1, 2) if codes else np.empty((0, 2), np.uint64)
        self.labels = np.concatenate(labels) if labels else np.empty(0, np.float32)
        self.documents: Ints = np.concatenate(documents) if documents else np.empty(0, np.int64)

    @property
    def lengths(self) -> Ints:
        """Ids of in0 and in1, (E, 2)."""
        return np.diff(self.starts).reshape(-1, 2) - 1

    def groups(self) -> Ints:
        """(E,), the number of a group: pairs of one document, or with the same in1, are in one.

        Where in1 is what many pairs have by nature, single ids such as films, or few texts such as names of classes,
        only equal pairs are.
        """
        found = np.unique(self.codes[:, 1], return_inverse=True)
        groups: Ints = found[1]
        if not self.documents.size:
            if len(found[0]) * SHARED < self.size or self.lengths[:, 1].max() == 1:
                groups = np.unique(joint(self.codes[:, 0], self.codes[:, 1]), return_inverse=True)[1]
            return groups
        documents = np.unique(self.documents, return_inverse=True)[1] + groups.max() + 1
        size = int(documents.max()) + 1
        graph = sparse.coo_matrix((np.ones(len(groups), np.bool_), (groups, documents)), shape=(size, size))
        connected: NDArray[np.int32] = csgraph.connected_components(graph, directed=False)[1]
        return connected[groups].astype(np.int64)

    def count(self, pairs: Ints, counts: Ints, sentences: int = 1) -> None:
        """Add how often each word stands in the texts that some pairs were made of to `counts`. In place.

        A pair of a sentence and the rest is the whole document: of one that has several pairs, `sentences` at most,
        the words count once, and not once for each pair.
        """
        times = np.ones(len(pairs), np.int64)
        if self.documents.size:
            _, which, many = np.unique(self.documents[pairs], return_inverse=True, return_counts=True)
            times = np.minimum(many, sentences)[which]
        for number in np.unique(times):
            of_these = np.zeros_like(counts)
            for side in (0, 1):
                kernel.count(self.stream, self.starts, 2 * pairs[times == number] + side, of_these)
            counts += -(-of_these // number)  # upwards: where texts were cut, a word may not be in every pair

    def write(self, chosen: Chosen, folder: Path, name: str, final: NDArray[np.int32] | None) -> Shards:
        """The shards of one set. final: the id of every provisional one, None where they are ids."""
        writer = Writer(folder, name)
        lengths = self.lengths
        for part in _parts(lengths[chosen.in0, 0] + lengths[chosen.in1, 1]):
            sides = [
                self._sequences(2 * pairs[part] + side, lengths[pairs[part], side], final)
                for side, pairs in enumerate((chosen.in0, chosen.in1))
            ]
            writer.add(Batch(sides[0], sides[1], chosen.labels[part]))
        return writer.written

    def _sequences(self, numbers: Ints, lengths: Ints, final: NDArray[np.int32] | None) -> Sequences:
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        tokens = np.empty(offsets[-1], np.int32)
        kernel.gather(self.stream, self.starts, numbers, tokens)
        return Sequences(tokens if final is None else final[tokens], offsets)


def joint(in0: Codes, in1: Codes) -> Codes:
    """What identifies pairs, of what identifies their two sides."""
    return (in0 ^ (in0 >> np.uint64(31))) * np.uint64(0x94D049BB133111EB) + in1


def _parts(sizes: Ints) -> Iterator[slice]:
    """Cut where a part has more than `MAX_SHARD` ids; a longer pair is a part alone."""
    ends, first = np.cumsum(sizes), 0
    while first < len(sizes):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + MAX_SHARD, side="right")))
        yield slice(first, last)
        first = last

"""Documents as entries, a term and its count, that wait on disk until it is known which terms have a column.

It knows numbers of terms, not words. In memory are 24 bytes for each document, 16 for each term and a block of rows.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algorithms import records
from data.counts import Channel
from data.errors import CorpusError

BLOCK = 1 << 22  # entries handled at a time

Ints = NDArray[np.int64]


class Rows:
    """Documents as entries (term, count) in a scratch file, and how many documents and places have each term."""

    def __init__(self, entries: BinaryIO, openings: BinaryIO) -> None:
        self.entries, self.openings = entries, openings
        self.ends: list[Ints] = [np.zeros(1, np.int64)]
        self.opening_ends: list[Ints] = [np.zeros(1, np.int64)]
        self.documents_with = np.zeros(0, np.int64)
        self.places_of = np.zeros(0, np.int64)

    def add(self, ends: Ints, terms: Ints, counts: Ints, openings: list[str]) -> None:
        """Some more documents."""
        self.documents_with = _sum(self.documents_with, np.bincount(terms))
        self.places_of = _sum(self.places_of, np.bincount(terms, counts).astype(np.int64))
        np.stack([terms, counts], axis=1).astype(np.int32).tofile(self.entries)
        self.ends.append(self.ends[-1][-1] + ends)
        lines = [line.encode(errors="replace") for line in openings]
        self.openings.write(b"".join(lines))
        self.opening_ends.append(self.opening_ends[-1][-1] + np.cumsum([len(line) for line in lines], dtype=np.int64))

    def keep(self, columns: NDArray[np.int32], threshold: int, channel: str) -> Ints:
        """All are there: the documents that have more than `threshold` counted words, in order.

        columns: of each term, -1 for one that is left out.
        """
        self.entries.flush()
        self.openings.flush()
        self.columns = columns
        self.stops, self.opening_stops = np.concatenate(self.ends), np.concatenate(self.opening_ends)
        kept = np.flatnonzero(self.totals > threshold)
        if not kept.size:
            most = int(self.totals.max(initial=0))
            what = f"none of {len(self.totals):,} documents has more than {threshold} counted words"
            remedy = f"choose threshold < {most}" if most else "give text with words of the vocabulary"
            raise CorpusError(what, where=f"channel {channel}", remedy=remedy)
        return kept

    @cached_property
    def matrix(self) -> NDArray[np.int32]:
        """All entries, (E, 2), on disk."""
        if not self.stops[-1]:
            return np.empty((0, 2), np.int32)
        return np.memmap(self.entries, np.int32, mode="r").reshape(-1, 2)

    @cached_property
    def totals(self) -> Ints:
        """The counted words of each document, (N,)."""
        found = np.zeros(len(self.stops) - 1, np.int64)
        for rows in _blocks(np.diff(self.stops)):
            first, last = self.stops[rows[0]], self.stops[rows[-1] + 1]
            block = self.matrix[first:last]
            counted = np.where(self.columns[block[:, 0]] >= 0, block[:, 1], 0)
            sums = np.append(0, np.cumsum(counted))
            found[rows] = np.diff(sums[self.stops[rows[0] : rows[-1] + 2] - first])
        return found

    def read(self, rows: Ints, width: int) -> sparse.csr_matrix:
        """Those documents as (n, V) float32, columns in order."""
        starts, lengths = self.stops[rows], self.stops[rows + 1] - self.stops[rows]
        after = np.append(0, np.cumsum(lengths))
        entries = self.matrix[np.repeat(starts - after[:-1], lengths) + np.arange(after[-1])]
        columns = self.columns[entries[:, 0]]
        counted = columns >= 0
        indptr = np.append(0, np.cumsum(counted))[after]
        data = entries[counted, 1].astype(np.float32)
        found = sparse.csr_matrix((data, columns[counted], indptr), shape=(len(rows), width))
        found.sort_indices()
        return found

    def read_openings(self, rows: Ints) -> bytes:
        """How those documents begin, one a line."""
        found = []
        for row in rows.tolist():
            self.openings.seek(self.opening_stops[row])
            found.append(self.openings.read(self.opening_stops[row + 1] - self.opening_stops[row]) + b"\n")
        return b"".join(found)


def write(rows: Rows, order: Ints, folder: Path, name: str, width: int, parts: int) -> Channel:
    """The shards of one channel: equal parts of its documents, in their order."""
    files, sizes, words = [], [], 0
    for number, part in enumerate(np.array_split(order, min(parts, order.size))):
        path = folder / f"{name}-{number:05d}.pbr"
        with path.open("wb") as file, path.with_suffix(".txt").open("wb") as openings:
            for block in _blocks(rows.stops[part + 1] - rows.stops[part]):
                records.write_matrix(file, rows.read(part[block], width))
                openings.write(rows.read_openings(part[block]))
        files.append(str(path))
        sizes.append(part.size)
        words += int(rows.totals[part].sum())
    return Channel(files, sizes, float(words))


def _sum(one: Ints, other: Ints) -> Ints:
    """Of two arrays, the shorter one with zeros at its end."""
    together = np.zeros(max(len(one), len(other)), np.int64)
    together[: len(one)] += one
    together[: len(other)] += other
    return together


def _blocks(lengths: Ints) -> Iterator[Ints]:
    """The numbers of rows, cut where a block has more than `BLOCK` entries; a longer row is a block alone."""
    ends, first = np.cumsum(lengths), 0
    while first < len(lengths):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + BLOCK, side="right")))
        yield np.arange(first, last)
        first = last

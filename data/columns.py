"""N short byte strings, one a row, built for all rows at once: column by column of (N, w) bytes.

Rows differ in length: each byte has a mark that says whether it counts in its row. It does not know what is written.
"""

import numpy as np
from numpy.typing import NDArray

from data import varint
from data.varint import Bits, Ints


class Columns:
    """Every method but `pack` appends to all rows, in place, and returns the same object."""

    def __init__(self, count: int) -> None:
        self.bytes: list[Bits] = []  # each (N, w)
        self.counts: list[NDArray[np.bool_]] = []  # each (N, w): does this byte count in this row?
        self.sizes: Ints = np.zeros(count, np.int64)

    def add(self, constant: bytes, where: NDArray[np.bool_] | None = None) -> "Columns":
        """The same bytes in every row, or in those rows."""
        columns = np.broadcast_to(np.frombuffer(constant, np.uint8), (len(self.sizes), len(constant)))
        return self._append(columns, np.broadcast_to(True, columns.shape), len(constant), where)

    def varint(self, values: Ints, where: NDArray[np.bool_] | None = None) -> "Columns":
        """One varint of (N,) a row, or in those rows."""
        return self._append(*varint.encode_columns(values), where)

    def fixed32(self, values: Ints) -> "Columns":
        """One little-endian uint32 of (N,) a row."""
        columns = values.astype("<u4").view(np.uint8).reshape(-1, 4)
        return self._append(columns, np.broadcast_to(True, columns.shape), 4)

    def ragged(self, raw: Bits, sizes: Ints) -> "Columns":
        """The next sizes[i] (N,) of the bytes in row i."""
        counts = np.arange(sizes.max(initial=0)) < sizes[:, None]
        columns = np.zeros(counts.shape, np.uint8)
        columns[counts] = raw
        return self._append(columns, counts, sizes)

    def then(self, *others: "Columns") -> "Columns":
        """What others hold, row by row."""
        for other in others:
            self.bytes += other.bytes
            self.counts += other.counts
            self.sizes += other.sizes
        return self

    def pack(self) -> tuple[Bits, Ints]:
        """All rows one after the other, and where each ends: (N + 1,), from 0."""
        ends = np.append(0, np.cumsum(self.sizes))
        if not ends[-1]:
            return np.empty(0, np.uint8), ends
        columns, counts = np.concatenate(self.bytes, axis=1), np.concatenate(self.counts, axis=1)
        return columns.reshape(-1)[np.flatnonzero(counts)], ends

    def _append(
        self, columns: Bits, counts: NDArray[np.bool_], sizes: Ints | int, where: NDArray[np.bool_] | None = None
    ) -> "Columns":
        self.bytes.append(columns)
        self.counts.append(counts if where is None else counts & where[:, None])
        self.sizes += sizes if where is None else sizes * where
        return self

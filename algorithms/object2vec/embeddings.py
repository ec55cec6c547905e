"""Token tables: the rows that a mini-batch has are looked up, and what autograd gives for them is brought back.

A table (V, D) is never an operand of autograd. Where all its encoders are means of rows, autograd begins from the means
(E, D) of E sequences, elsewhere from the U different rows (U, D) that the mini-batch has.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from algorithms.object2vec import kernels
from algorithms.optimizers import move
from algorithms.threads import Threads
from data.pairs import Sequences

if TYPE_CHECKING:
    from algorithms.object2vec.form import Form

Tensor = torch.Tensor
Ints = NDArray[np.int32]

KINDS = {"sgd": kernels.SGD, "adagrad": kernels.ADAGRAD, "adam": kernels.ADAM}
NO_SLOT = np.zeros((0, 0), np.float32)
NOTHING = np.zeros(0, np.int32)
PIECES = 8  # that each thread's share of a loop is cut into: some rows are had by many sequences, others by one


class Looked(NamedTuple):
    """One side of a mini-batch as its encoder sees it: means (E, D); or rows (U, D) and, for each id, its row: (N,).

    starts (E + 1,): where each sequence begins among the ids. lengths (E,).
    """

    means: Tensor | None
    rows: Tensor
    ids: Tensor
    starts: Tensor


class Lookup(NamedTuple):
    """What a table gave. leaf: what autograd is to differentiate by. rows (U,): those of the table.

    lengths (E, 1), and who has each row, owners[begins[u] : begins[u + 1]]: for leaves that are means.
    """

    leaf: Tensor
    sides: list[Looked]
    rows: Ints
    lengths: Tensor
    begins: Ints = NOTHING
    owners: Ints = NOTHING


def tables_of(form: "Form") -> dict[str, tuple[int, ...]]:
    """Names of the token tables, and the sides that read each."""
    return {"tokens_0": (0, 1)} if form.tied else {"tokens_0": (0,), "tokens_1": (1,)}


class Table:
    """One token table with its optimizer's slots, which are trained in place.

    counting: whether it is counted how often a row was touched, for those who merge.
    """

    def __init__(
        self, form: "Form", name: str, tensors: Mapping[str, Tensor], *, training: bool = False, counting: bool = True
    ) -> None:
        self.form, self.name, self.value = form, name, tensors[name]
        self.readers = tables_of(form)[name]
        self.trained = training and not bool(tensors["frozen"][self.readers[0]])
        self.slots = [tensors[f"{slot}.{name}"] for slot in form.rule.optimizer.slots] if self.trained else []
        self.on_cpu = self.value.device.type == "cpu"
        self.by_means = self.on_cpu and all(form.encoders[side].network == "pooled_embedding" for side in self.readers)
        self.numbers = np.full(len(self.value), -1, np.int32)
        counted = self.trained and counting
        self.touched = np.zeros(len(self.value) if counted else 0, np.int64)  # steps that each row was part of
        self.gradient = torch.empty_like(self.value) if self.trained and not form.sparse else None

    def look(self, sides: Sequence[Sequences], threads: Threads) -> Lookup:
        """The rows of the sequences of each side that reads the table."""
        every = sides[0] if len(sides) == 1 else _joined(sides)
        return self._means(every, sides, threads) if self.by_means else self._rows(every, sides)

    def _means(self, every: Sequences, sides: Sequence[Sequences], threads: Threads) -> Lookup:
        leaf = torch.empty(every.size, self.value.shape[1])
        table, result = self.value.numpy(), leaf.numpy()
        rows, begins, owners = NOTHING, NOTHING, NOTHING
        if self.trained:
            rows, local = self._different(every.tokens)
            begins, owners = np.zeros(len(rows) + 1, np.int32), np.empty_like(local)
            kernels.places(local, every.offsets, begins, owners)
        cuts = _cuts(every.size, threads.number)
        threads.map(lambda cut: kernels.means(table, every.tokens, every.offsets, *cut, result), cuts)
        leaf.requires_grad_(self.trained)
        nothing = torch.zeros(0, dtype=torch.int32)
        looked = [Looked(part, leaf, nothing, nothing) for part in _parted(leaf, [side.size for side in sides])]
        lengths = torch.from_numpy(every.lengths.astype(np.float32))[:, None]
        return Lookup(leaf, looked, rows, lengths, begins, owners)

    def _rows(self, every: Sequences, sides: Sequence[Sequences]) -> Lookup:
        rows, local = self._different(every.tokens)
        device = self.value.device
        leaf = self.value.index_select(0, torch.from_numpy(rows).to(device)).requires_grad_(self.trained)
        ids = _parted(torch.from_numpy(local).to(device), [side.tokens.size for side in sides])
        looked = [
            Looked(None, leaf, part, torch.from_numpy(side.offsets).to(device))
            for part, side in zip(ids, sides, strict=True)
        ]
        return Lookup(leaf, looked, rows, torch.zeros(0))

    def _different(self, ids: Ints) -> tuple[Ints, Ints]:
        """The different ids (U,), and the number of each id (N,) among them."""
        unique, local = np.empty_like(ids), np.empty_like(ids)
        count = kernels.number(ids, self.numbers, unique, local)
        return unique[:count], local

    def learn(self, lookup: Lookup, slopes: Tensor, settings: NDArray[np.float32], threads: Threads) -> Tensor | None:
        """Take in the slopes by the leaf: as a gradient (V, D) where it is dense, else by moving rows. In place.

        settings: the optimizer's, for this step.
        """
        if self.touched.size:
            self.touched[lookup.rows] += 1
        if self.by_means:
            slopes = slopes / lookup.lengths
        if self.gradient is not None:
            return self._dense(lookup, slopes, threads)
        if self.on_cpu:
            self._move(lookup, slopes, settings, threads)
        else:
            self._move_by_tensors(lookup.rows, slopes, settings)
        return None

    def _dense(self, lookup: Lookup, slopes: Tensor, threads: Threads) -> Tensor:
        gradient = self.gradient
        assert gradient is not None
        gradient.zero_()
        if self.by_means:
            learnt = torch.empty(len(lookup.rows), gradient.shape[1])
            arrays = slopes.numpy(), lookup.begins, lookup.owners
            cuts = _cuts(len(lookup.rows), threads.number)
            threads.map(lambda cut: kernels.spread(*arrays, *cut, learnt.numpy()), cuts)
            slopes = learnt
        return gradient.index_copy_(0, torch.from_numpy(lookup.rows).long().to(gradient.device), slopes)

    def _move(self, lookup: Lookup, slopes: Tensor, settings: NDArray[np.float32], threads: Threads) -> None:
        one, two = [*(slot.numpy() for slot in self.slots), NO_SLOT, NO_SLOT][:2]
        kind, table, rows, learnt = KINDS[self.form.optimizer], self.value.numpy(), lookup.rows, slopes.numpy()
        begins, owners = lookup.begins, lookup.owners
        if not self.by_means:  # each row's slope is its own
            begins = np.arange(len(rows) + 1, dtype=np.int32)
            owners = begins[:-1]
        arrays = table, one, two, rows, learnt, begins, owners, settings
        threads.map(lambda cut: kernels.spread_and_move_rows(kind, *arrays, *cut), _cuts(len(rows), threads.number))

    def _move_by_tensors(self, rows: Ints, slopes: Tensor, settings: NDArray[np.float32]) -> None:
        chosen = torch.from_numpy(rows).long().to(self.value.device)
        parts = [each.index_select(0, chosen) for each in (self.value, *self.slots)]
        move(self.form.optimizer, settings.tolist(), slopes, *parts)
        for whole, part in zip((self.value, *self.slots), parts, strict=True):
            whole.index_copy_(0, chosen, part)


def _parted(values: Tensor, sizes: list[int]) -> list[Tensor]:
    ends = np.cumsum(sizes)
    return [values[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _joined(sides: Sequence[Sequences]) -> Sequences:
    """All sequences of sides that begin at 0, one side after the other."""
    ends = np.cumsum([side.tokens.size for side in sides])
    offsets = [side.offsets[1:] + end - side.tokens.size for side, end in zip(sides, ends, strict=True)]
    return Sequences(np.concatenate([side.tokens for side in sides]), np.concatenate([np.zeros(1, np.int64), *offsets]))


def _cuts(size: int, threads: int) -> Iterator[tuple[int, int]]:
    """First and last of each piece of a loop."""
    pieces = 1 if threads == 1 else PIECES * threads
    for piece in range(pieces):
        yield size * piece // pieces, size * (piece + 1) // pieces

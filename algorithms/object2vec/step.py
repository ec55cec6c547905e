"""A state's arrays through the network: one update, what pairs cost, what they score, what sequences are encoded as.

Knows arrays, pairs and devices; not where the pairs come from.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from algorithms.device import device_of
from algorithms.object2vec import network
from algorithms.object2vec.embeddings import Lookup, Table, tables_of
from algorithms.object2vec.encoders import Dropout
from algorithms.object2vec.minibatch import MiniBatch, Pool, distinct, mini_batch, order, pool, taken
from algorithms.optimizers import Optimizing
from algorithms.state import Partial, State
from algorithms.threads import ALONE, Threads
from algorithms.threads import threads as threads_of
from data.pairs import Batch, Sequences

if TYPE_CHECKING:
    from algorithms.object2vec.form import Form

Tensor = torch.Tensor

BLOCK = 1024  # pairs that are judged at a time, and sequences that are encoded at a time, at most
BLOCK_IDS = 1 << 15  # and at most so many ids, padding included
ELSEWHERE = ("positives",)  # not for the network


class _Model(NamedTuple):
    """A state on its device. weights: all but the tables."""

    form: "Form"
    weights: dict[str, Tensor]
    tables: list[Table]
    device: torch.device


def train_on(form: "Form", state: State, batches: Sequence[Batch], *, threads: int, seed: int, alone: bool) -> Partial:
    """The state trained on the pairs of `batches`. See Object2Vec.update."""
    rng = np.random.default_rng(seed)
    longest = form.encoders[0].max_seq_len, form.encoders[1].max_seq_len
    pairs = pool(batches, longest=longest, positives=_positives(state))
    with threads_of(threads, within=threads) as team:
        device = device_of(form.device)
        tensors = _tensors(state, device, copy=not alone)
        tables = [Table(form, name, tensors, training=True, counting=not alone) for name in tables_of(form)]
        model = _Model(form, {name: tensors[name] for name in network.parameters(form)}, tables, device)
        dense = {table.name: table.value for table in tables if table.gradient is not None}
        optimizing = Optimizing(form.rule, {**model.weights, **dense}, tensors, int(state["steps"][0]))
        optimizing.compile()
        tally = _train(model, pairs, optimizing, torch.Generator(device).manual_seed(seed), rng, team)
        trained: State = state | {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    loss, right, examples = tally.tolist()
    trained["steps"] = np.array([optimizing.steps], np.int64)
    if examples and not form.regression:
        trained["train_accuracy"] = np.array([right / examples], np.float32)
    weight = {} if alone else _evidence(trained, tables, examples)
    return Partial(state=trained, weight=weight, loss=loss, examples=int(examples), words=_ids(pairs))


def _train(
    model: _Model,
    pairs: Pool,
    optimizing: Optimizing,
    generator: torch.Generator,
    rng: np.random.Generator,
    team: Threads,
) -> NDArray[np.float64]:
    """Train on all pairs, in place. Returns the sum of what pairs cost, how many were told right, and how many."""
    form, dropout = model.form, Dropout(model.form.dropout, generator)
    weights = {name: weight.detach().requires_grad_() for name, weight in model.weights.items()}
    lengths = pairs.pairs.in0.lengths, pairs.pairs.in1.lengths
    tally = np.zeros(3)
    if not pairs.pairs.size:
        _compile(model, optimizing, team)
    for chosen in order(lengths, size=form.mini_batch_size, bucket_width=form.bucketing, rng=rng):
        batch = mini_batch(pairs, chosen, negatives=form.negative_sampling_rate, rng=rng)
        lookups = _look(model, batch.sides, team)
        found = _outputs(model, weights, batch, lookups, dropout)
        labels = torch.from_numpy(batch.labels).to(model.device)
        costs = network.costs(form, found, labels)
        tally += [float(costs.detach().sum()), network.right(form, found, labels), len(labels)]
        trained = [table for table in model.tables if table.trained]
        leaves = [*weights.values(), *(lookups[table.name].leaf for table in trained)]
        slopes = torch.autograd.grad(costs.mean(), leaves, allow_unused=True)
        found_slopes = {
            name: torch.zeros_like(weight) if slope is None else slope
            for (name, weight), slope in zip(weights.items(), slopes, strict=False)
        }
        settings = form.rule.settings(optimizing.steps + 1)
        for table, slope in zip(trained, slopes[len(weights) :], strict=True):
            assert slope is not None
            gradient = table.learn(lookups[table.name], slope, settings, team)
            if gradient is not None:
                found_slopes[table.name] = gradient
        optimizing.step(found_slopes, team)
    return tally


def _compile(model: _Model, optimizing: Optimizing, team: Threads) -> None:
    """Let numba compile before the clock runs."""
    nothing = Sequences(np.zeros(0, np.int32), np.zeros(1, np.int64))
    for table in model.tables:
        lookup = table.look([nothing for _ in table.readers], team)
        if table.trained:
            table.learn(lookup, torch.zeros_like(lookup.leaf), model.form.rule.settings(1), team)


def _look(model: _Model, sides: tuple[Sequences, Sequences], team: Threads) -> dict[str, Lookup]:
    return {table.name: table.look([sides[side] for side in table.readers], team) for table in model.tables}


def _outputs(
    model: _Model, weights: Mapping[str, Tensor], batch: MiniBatch, lookups: Mapping[str, Lookup], dropout: Dropout
) -> Tensor:
    form = model.form
    sides = network.sides_of(form, {name: lookup.sides for name, lookup in lookups.items()})
    encodings = [network.encode(form, weights, side, looked, dropout=dropout) for side, looked in enumerate(sides)]
    first, second = (torch.from_numpy(numbers).to(model.device) for numbers in (batch.first, batch.second))
    return network.outputs(form, weights, encodings, first, second, dropout=dropout)


def _evidence(trained: State, tables: Sequence[Table], examples: float) -> State:
    """The weights that `merge` needs: of rows of tables the steps that each was part of, of all else the pairs."""
    rows = {table.name: table.touched.astype(np.float64) for table in tables}
    still = {table.name for table in tables if not table.trained}
    every = np.array([float(examples)])
    return {
        name: rows.get(name.split(".")[-1], every)
        for name, array in trained.items()
        if array.dtype.kind == "f" and name not in still
    }


def _ids(pairs: Pool) -> int:
    """Ids that were read of the pairs, both sides."""
    sides = (pairs.pairs.in0, pairs.pairs.in1)
    return int(sum(np.minimum(side.lengths, most).sum() for side, most in zip(sides, pairs.longest, strict=True)))


def outputs(form: "Form", state: State, batch: Batch) -> Iterator[tuple[Tensor, Tensor]]:
    """What the output layer says of pairs, (P, C), and their labels (P,), block by block."""
    model = _standing(form, state)
    longest = form.encoders[0].max_seq_len, form.encoders[1].max_seq_len
    for first in range(0, batch.size, BLOCK):
        block = distinct(batch, np.arange(first, min(first + BLOCK, batch.size)), longest=longest)
        with torch.no_grad():
            encodings = [
                torch.from_numpy(_encoded(model, side, each)).to(model.device) for side, each in enumerate(block.sides)
            ]
            numbers = (torch.from_numpy(each).to(model.device) for each in (block.first, block.second))
            found = network.outputs(form, model.weights, encodings, *numbers)
        yield found, torch.from_numpy(block.labels).to(model.device)


def encodings(form: "Form", state: State, sequences: Sequences, *, side: int) -> NDArray[np.float32]:
    """(E, enc_dim). See Object2Vec.embed."""
    return _encoded(_standing(form, state), side, sequences)


def _standing(form: "Form", state: State) -> _Model:
    device = device_of(form.device)
    tensors = _tensors(state, device)
    tables = [Table(form, name, tensors) for name in tables_of(form)]
    return _Model(form, {name: tensors[name] for name in network.parameters(form)}, tables, device)


def _encoded(model: _Model, side: int, sequences: Sequences) -> NDArray[np.float32]:
    """Encodings of sequences, in blocks of like lengths."""
    form = model.form
    (table,) = (table for table in model.tables if side in table.readers)
    longest = form.encoders[side].max_seq_len
    result = np.empty((sequences.size, form.enc_dim), np.float32)
    lengths = np.minimum(sequences.lengths, longest)
    by_length = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(by_length):
        last = min(first + BLOCK, len(by_length))
        while last > first + 1 and lengths[by_length[last - 1]] * (last - first) > BLOCK_IDS:
            last = first + (last - first) // 2
        chosen = by_length[first:last]
        with torch.no_grad():
            (looked,) = table.look([taken(sequences, chosen, longest=longest)], ALONE).sides
            result[chosen] = network.encode(form, model.weights, side, looked).cpu().numpy()
        first = last
    return result


def _positives(state: State) -> NDArray[np.uint64] | None:
    found = state.get("positives")
    return None if found is None else np.asarray(found, np.uint64)


def _tensors(state: State, device: torch.device, *, copy: bool = False) -> dict[str, Tensor]:
    return {name: _tensor(array, device, copy=copy) for name, array in state.items() if name not in ELSEWHERE}


def _tensor(array: NDArray[Any], device: torch.device, *, copy: bool) -> Tensor:
    return torch.from_numpy(array.copy() if copy or not array.flags.writeable else array).to(device)

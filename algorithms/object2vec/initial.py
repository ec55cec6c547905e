"""The state of a model before training."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels.rng import seeded
from algorithms.kernels.rows import fill_uniform
from algorithms.object2vec import comparator, network
from algorithms.object2vec.embeddings import tables_of
from algorithms.object2vec.sampling import positive_keys
from algorithms.state import State
from data.errors import HyperparameterError
from data.pairs import Pairs

if TYPE_CHECKING:
    from algorithms.object2vec.form import Form

FILL = 1 << 16  # rows that one thread draws at a time
SCALE = 4.0  # of cosines, at first: from 10 on, what is near is told before it is learnt


def initial(
    form: "Form", corpus: Pairs, vectors: tuple[NDArray[np.float32] | None, NDArray[np.float32] | None], *, seed: int
) -> State:
    """See `Object2Vec.init`."""
    sizes = vocab_sizes(form, corpus)
    weights: State = {}
    frozen = np.zeros(2, np.int8)
    freezes = form.enc0_freeze_pretrained_embedding, form.enc1_freeze_pretrained_embedding
    for name, sides in tables_of(form).items():
        weights[name] = _drawn(max(sizes[side] for side in sides), form.encoders[sides[0]].dim, seed, sides[0])
        for side in sides:
            given = vectors[side]
            if given is not None:
                _fill(weights[name], given, side=side)
                frozen[list(sides)] = freezes[side]
                break
    rng = np.random.default_rng(seed)
    shapes = network.shapes(form)
    for name, shape in shapes.items():
        weights[name] = _layer(name, shape, rng, relu=form.mlp_activation == "relu")
    for name, shape in shapes.items():
        weights[f"{name}_bias"] = np.zeros(shape[0], np.float32)
    if form.negative_sampling_rate:
        weights["output_bias"][0] = math.log(form.negative_sampling_rate)  # so many more pairs of the class 0 are told
    if "cosine" in form.comparators:
        weights["cosine_scale"] = np.array([SCALE], np.float32)
        if not form.mlp_layers and not form.regression:
            column = comparator.columns(form.comparators, form.enc_dim)["cosine"]
            weights["output"][:, column] = np.where(np.arange(form.outputs) > 0, 0.5, -0.5)[:, None]  # near: together
    still = {name for name, sides in tables_of(form).items() if frozen[sides[0]]}
    slots: State = {
        f"{slot}.{name}": np.zeros(array.shape, np.float32)  # pages of zeros that nobody writes to cost nothing
        for name, array in weights.items()
        for slot in form.rule.optimizer.slots
        if name not in still
    }
    tally: State = {"frozen": frozen, "steps": np.zeros(1, np.int64)}
    if not form.regression:
        tally["train_accuracy"] = np.zeros(1, np.float32)
    if form.negative_sampling_rate:
        longest = form.encoders[0].max_seq_len, form.encoders[1].max_seq_len
        tally["positives"] = positive_keys((piece.read() for piece in corpus.train.all()), longest=longest)
    return weights | slots | tally


def vocab_sizes(form: "Form", corpus: Pairs) -> tuple[int, int]:
    """Rows of each side's table. Raises HyperparameterError where the data has larger ids than the form."""
    found = []
    for side, given in enumerate(form.vocab_sizes):
        needed = corpus.vocab_sizes[side]
        if given and given < needed:
            raise HyperparameterError(
                f"in{side} has ids up to {needed - 1:,}, and each must be less than this",
                field="enc1_vocab_size" if side and form.enc1_network != "enc0" else "enc0_vocab_size",
                value=given,
                remedy=f"choose {needed}, or 0 for as many as the data has",
            )
        found.append(given or needed)
    return found[0], found[1]


def _drawn(rows: int, dim: int, seed: int, side: int) -> NDArray[np.float32]:
    """Token vectors, uniform; the same ones however many threads draw them."""
    table = np.empty((rows, dim), np.float32)
    bound = math.sqrt(3 / dim)  # so that a vector's length is about one

    def fill(first: int) -> None:
        fill_uniform(table.reshape(-1), dim, dim, first, min(first + FILL, rows), bound, seeded(seed, side, first))

    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(0, rows, FILL)))
    return table


def _fill(table: NDArray[np.generic], given: NDArray[np.float32], *, side: int) -> None:
    """Put given vectors into the first rows of a table; rows of them that are not numbers stay as drawn. In place."""
    if given.shape[1] != table.shape[1]:
        raise HyperparameterError(
            f"the pretrained vectors of in{side} have {given.shape[1]} numbers, the tokens' {table.shape[1]}",
            field=f"enc{side}_token_embedding_dim",
            value=table.shape[1],
            remedy=f"choose {given.shape[1]}, as enc_dim where the network is pooled_embedding",
        )
    there = np.isfinite(given[:, 0])
    table[: len(given)][there] = given[there]


def _layer(name: str, shape: tuple[int, ...], rng: np.random.Generator, *, relu: bool) -> NDArray[np.float32]:
    """Weights drawn uniformly: so that what goes through keeps its size, forwards and backwards (Glorot & Bengio 2010);
    where relu takes half of it away, forwards alone (He et al. 2015).
    """
    outputs, inputs = shape[0], math.prod(shape[1:])
    rectified = "conv" in name or (relu and name.startswith("mlp"))
    bound = math.sqrt(6 / (inputs if rectified else inputs + outputs))
    return (rng.random(shape, np.float32) * 2 - 1) * np.float32(bound)

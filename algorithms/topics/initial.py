"""The state of a network before training."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algorithms.optimizers import OPTIMIZERS
from algorithms.state import State

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics
    from algorithms.topics.corpus import Corpus

Floats = NDArray[np.float32]


def initial(form: "Topics", corpus: "Corpus", *, vectors: Floats | None, seed: int) -> State:
    """See `Topics.init`."""
    rng = np.random.default_rng(seed)
    sizes = [corpus.columns, *form.layers]
    weights: State = {f"encoder_{layer}": _drawn(rng, *sizes[layer : layer + 2]) for layer in range(len(form.layers))}
    weights["posterior"] = _drawn(rng, sizes[-1], 2 * form.num_topics)
    biases: State = {f"{name}_bias": np.zeros(array.shape[1], np.float32) for name, array in weights.items()}
    normalised = [name for name in weights if form.batch_norm and name != "posterior"]
    constants: State = {}
    if form.decoder == "ntm":
        biases["decoder_bias"] = np.zeros(corpus.columns, np.float32)
    else:
        biases["decoder_bias"] = _background(corpus)
        normalised.append("posterior")
    if form.decoder == "etm" and vectors is not None:
        assert len(vectors) == corpus.columns
        weights["topics"] = _drawn(rng, form.num_topics, vectors.shape[1])
        unknown = np.flatnonzero(np.isnan(vectors).any(axis=1))
        if unknown.size:
            weights["words"] = _drawn(rng, unknown.size, vectors.shape[1])
            constants["unknown"] = unknown
        constants["vectors"] = np.nan_to_num(vectors).astype(np.float32, copy=False)
    elif form.decoder == "etm":
        weights["topics"] = _drawn(rng, form.num_topics, form.embedding_dim)
        weights["words"] = _drawn(rng, corpus.columns, form.embedding_dim)
    else:
        weights["decoder"] = _drawn(rng, form.num_topics, corpus.columns)
    if form.decoder == "prodlda":
        normalised.append("decoder")
    moments: State = {}
    for name in normalised:
        moments[f"{name}_mean"] = np.zeros(weights[name].shape[1], np.float32)
        moments[f"{name}_variance"] = np.ones(weights[name].shape[1], np.float32)
    parameters = weights | biases
    slots: State = {
        f"{slot}.{name}": np.zeros_like(array)
        for name, array in parameters.items()
        for slot in OPTIMIZERS[form.optimizer].slots
    }
    tally: State = {"losses": np.zeros(2, np.float32), "steps": np.zeros(1, np.float64)}
    return parameters | constants | moments | slots | tally


def _drawn(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    """Uniform in Glorot and Bengio's bounds; in place, as the vocabulary may be large."""
    values = rng.random((rows, columns), np.float32)
    values -= np.float32(0.5)
    values *= np.float32(2 * (6 / (rows + columns)) ** 0.5)
    return values


def _background(corpus: "Corpus") -> Floats:
    """(V,) logarithms of the words' shares of the corpus: else each topic first learns which words are frequent."""
    counts = corpus.word_counts() + 0.5
    return np.asarray(np.log(counts / counts.sum()), np.float32)

"""The state of a network before training."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from algorithms.state import State
from algorithms.topics.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics
    from algorithms.topics.corpus import Corpus


def initial(form: "Topics", corpus: "Corpus", *, vectors: NDArray[np.float32] | None, seed: int) -> State:
    """See `Topics.init`."""
    rng = np.random.default_rng(seed)
    topics, units = form.num_topics, form.layers

    def drawn(rows: int, columns: int) -> NDArray[np.float32]:
        bound = np.float32((6 / (rows + columns)) ** 0.5)
        return (rng.random((rows, columns), np.float32) * 2 - 1) * bound

    sizes = [corpus.columns, *units]
    weights: State = {f"encoder_{layer}": drawn(*sizes[layer : layer + 2]) for layer in range(len(units))}
    weights["posterior"] = drawn(sizes[-1], 2 * topics)
    biases: State = {f"{name}_bias": np.zeros(array.shape[1], np.float32) for name, array in weights.items()}
    normalised = [name for name in weights if form.batch_norm and name != "posterior"]
    constants: State = {}
    if form.decoder == "etm" and vectors is not None:
        assert len(vectors) == corpus.columns
        weights["topics"] = drawn(topics, vectors.shape[1])
        constants["vectors"] = np.ascontiguousarray(vectors, np.float32)
    elif form.decoder == "etm":
        weights |= {"topics": drawn(topics, form.embedding_dim), "words": drawn(corpus.columns, form.embedding_dim)}
    else:
        weights["decoder"] = drawn(topics, corpus.columns)
        biases["decoder_bias"] = np.zeros(corpus.columns, np.float32)
    if form.decoder == "prodlda":
        normalised += ["posterior", "decoder"]
        counts = corpus.word_counts() + 0.5
        biases["decoder_bias"] = np.log(counts / counts.sum()).astype(np.float32)  # else all topics learn it first
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
    tally: State = {"losses": np.zeros(2, np.float32), "steps": np.zeros(1, np.int64)}
    return parameters | constants | moments | slots | tally

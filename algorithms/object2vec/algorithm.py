"""Object2Vec: the form (its fields are the hyperparameters) and what it does to a state.

Knows no files, no cluster, no clock.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from algorithms.object2vec.form import Form
from algorithms.protocol import Span
from algorithms.state import Partial, State
from data.pairs import Batch, Pairs, Sequences


class Object2Vec(Form):
    """SageMaker's Object2Vec, with its names, defaults and bounds (AWS's developer guide).

    What the guide requires, lengths and sizes of vocabularies, may be 0: the data knows. The comparator cosine,
    tied_encoders and device are ours.
    """

    def init(
        self,
        corpus: Pairs,
        *,
        vectors0: NDArray[np.float32] | None = None,
        vectors1: NDArray[np.float32] | None = None,
        seed: int,
    ) -> State:
        """Token vectors drawn uniformly, of length one or so; layers as Glorot or He have it; biases zero.

        tokens_0 and tokens_1 (V, D), only tokens_0 where tied; encoder_0_..., encoder_1_... (`encoders.shapes`);
        mlp_1 (H, F), mlp_2 (H, H) ..., output (C, H); each but tokens with a `_bias`; cosine_scale (1,); all float32.
        For each of the optimizer's numbers arrays like these, `squares.tokens_0` and so on; none of frozen tables.
        frozen (2,) int8: whether the token vectors of in0 and in1 stay; steps (1,) int64; train_accuracy (1,) float32,
        of the last update; positives (P,) uint64: keys of all training pairs that must not be drawn as negatives.

        vectors0, vectors1 (V', D) float32: token vectors to begin with, by id; a row that begins with nan is drawn.
        Where the tables are tied, the first that is given.

        Raises HyperparameterError where ids are too large for enc0_vocab_size or enc1_vocab_size, or the vectors are of
        another dimension.
        """
        from algorithms.object2vec.initial import initial  # torch, whose import takes two seconds; a form needs none

        return initial(self, corpus, (vectors0, vectors1), seed=seed)

    def update(
        self, state: State, batches: Sequence[Batch], *, span: Span, threads: int, seed: int, alone: bool = False
    ) -> Partial:
        """Train on the pairs, in mini-batches drawn at random, with other negatives for each seed.

        With one thread deterministic. loss is summed over `examples` pairs, drawn ones included. Evidence of a row of
        token vectors is the number of steps that it was part of, of all else the pairs.
        """
        from algorithms.object2vec import step

        return step.train_on(self, state, batches, threads=threads, seed=seed, alone=alone)

    @property
    def pace(self) -> float:
        """See `algorithms.protocol.Algorithm`: means of token vectors are fast, and negatives read already."""
        return 2.0 if all(encoder.network == "pooled_embedding" for encoder in self.encoders) else 1.0

    def learning_rate_at(self, progress: float) -> float:
        """Always the same; adadelta's is one, of steps that find their own size."""
        return self.rule.rate

    def evaluate(self, state: State, batch: Batch) -> dict[str, float]:
        """Means over the pairs, `examples` of them: accuracy and cross_entropy (nats), or mean_squared_error."""
        from algorithms.object2vec import network, step

        cost, right = 0.0, 0.0
        for found, labels in step.outputs(self, state, batch):
            cost += float(network.costs(self, found, labels).double().sum())
            right += network.right(self, found, labels)
        pairs = max(batch.size, 1)
        if self.regression:
            return {"mean_squared_error": cost / pairs, "examples": batch.size}
        return {"accuracy": right / pairs, "cross_entropy": cost / pairs, "examples": batch.size}

    def scores(self, state: State, batch: Batch) -> NDArray[np.float32]:
        """(E, num_classes): the chances of each class, which sum to 1; or (E, 1), the score. Labels are not read."""
        from algorithms.object2vec import step

        found = [np.zeros((0, self.outputs), np.float32)]
        for each, _ in step.outputs(self, state, batch):
            found.append((each if self.regression else each.softmax(dim=1)).cpu().numpy())
        return np.concatenate(found)

    def embed(self, state: State, sequences: Sequences, *, side: int = 0) -> NDArray[np.float32]:
        """What the encoder of in0 or in1 makes of sequences: (E, enc_dim)."""
        from algorithms.object2vec import step

        return step.encodings(self, state, sequences, side=side)

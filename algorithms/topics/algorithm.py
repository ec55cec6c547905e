"""Topics: the form (its fields are the hyperparameters) and what it does to a state.

Knows no files, no cluster, no clock.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from scipy import sparse

from algorithms.forms import in_order
from algorithms.optimizers import Name, Rule
from algorithms.protocol import Span
from algorithms.state import Partial, State
from algorithms.topics.corpus import Corpus
from data.errors import HyperparameterError

Decoder = Literal["ntm", "prodlda", "etm"]
Activation = Literal["sigmoid", "tanh", "relu", "softplus"]

AUTO, UNBOUNDED = "auto", "Inf"  # as SageMaker spells them


def _units(value: str) -> str:
    """One spelling for each choice of layers: "100,50"."""
    units = [part.strip() for part in value.split(",")]
    if value.strip().lower() == AUTO:
        return AUTO
    if not all(part.isdecimal() and int(part) > 0 for part in units):
        raise ValueError('expected "auto", or the units of each layer, such as "100,50"')
    return ",".join(units)


def _bound(value: str) -> str:
    """A bound on gradients: a number, or none."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not number >= 1e-3:
        raise ValueError('expected "Inf", or a number of at least 0.001')
    return UNBOUNDED if math.isinf(number) else value.strip()


class Topics(BaseModel):
    """Hyperparameters of SageMaker's Neural Topic Model, with its names, defaults and bounds (AWS's developer guide).

    learning_rate is 0.01, which the container's own log has, where the guide says 0.001. decoder, softplus,
    embedding_dim and device are ours; feature_dim may be left to the data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", title="Topics", json_schema_extra=in_order)

    num_topics: Annotated[int, Field(title="Topics", description="How many topics to find.", ge=2, le=1000)] = 20
    decoder: Annotated[
        Decoder,
        Field(
            title="Decoder",
            description="ntm: SageMaker's; prodlda: topics of words that are more coherent, and more their own;"
            " etm: a topic is a vector among word vectors.",
        ),
    ] = "ntm"
    epochs: Annotated[int, Field(title="Epochs", description="Passes over the documents, at most.", ge=1)] = 50
    mini_batch_size: Annotated[
        int, Field(title="Mini-batch size", description="Documents in one step, for each worker.", ge=1, le=10_000)
    ] = 256
    optimizer: Annotated[
        Name, Field(title="Optimizer", description="adadelta needs no learning rate, and takes none.")
    ] = "adadelta"
    learning_rate: Annotated[
        float, Field(title="Learning rate", description="Step size; not for adadelta.", ge=1e-6, le=1)
    ] = 0.01
    encoder_layers: Annotated[
        str,
        Field(
            title="Encoder layers",
            description="Units of each layer, such as 100,50; auto: two layers, three and two for each topic.",
        ),
        AfterValidator(_units),
    ] = AUTO
    encoder_layers_activation: Annotated[
        Activation, Field(title="Activation", description="What follows each layer of the encoder.")
    ] = "sigmoid"
    batch_norm: Annotated[
        bool, Field(title="Batch normalisation", description="Normalise each layer of the encoder over a mini-batch.")
    ] = False
    num_patience_epochs: Annotated[
        int,
        Field(
            title="Patience",
            description="Epochs that each loss is compared with, and bad ones in a row that are borne; more than"
            " epochs: never stop early.",
            ge=1,
        ),
    ] = 3
    tolerance: Annotated[
        float,
        Field(
            title="Tolerance", description="By how much the loss must fall for an epoch to be good.", ge=1e-6, le=0.1
        ),
    ] = 0.001
    sub_sample: Annotated[
        float, Field(title="Sub-sample", description="Share of the documents drawn in each epoch.", ge=0, le=1)
    ] = 1.0
    weight_decay: Annotated[
        float, Field(title="Weight decay", description="L2 regularisation of all weights but biases.", ge=0, le=1)
    ] = 0.0
    rescale_gradient: Annotated[
        float, Field(title="Rescale gradient", description="Factor of each gradient.", ge=1e-3, le=1)
    ] = 1.0
    clip_gradient: Annotated[
        str,
        Field(title="Clip gradient", description="Largest size of each number of a gradient: Inf, or 0.001 or more."),
        BeforeValidator(str),
        AfterValidator(_bound),
    ] = UNBOUNDED
    embedding_dim: Annotated[
        int,
        Field(
            title="Embedding dimension",
            description="Numbers in each word's vector; etm's, if none are given.",
            ge=1,
            le=2048,
        ),
    ] = 100
    feature_dim: Annotated[
        int,
        Field(title="Feature dimension", description="Words of the vocabulary; 0: as the data.", ge=0, le=1_000_000),
    ] = 0
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(title="Device", description="auto: a GPU where there is one.")
    ] = "auto"

    @property
    def layers(self) -> tuple[int, ...]:
        """Units of each layer of the encoder."""
        if self.encoder_layers == AUTO:
            return 3 * self.num_topics, 2 * self.num_topics
        return tuple(int(units) for units in self.encoder_layers.split(","))

    @property
    def rule(self) -> Rule:
        """How weights move."""
        rate, clip = self.learning_rate_at(0), float(self.clip_gradient)
        return Rule(self.optimizer, rate, self.weight_decay, self.rescale_gradient, clip)

    @property
    def logarithm(self) -> bool:
        """Whether documents are ln(1 + count) to the network: a word that comes often then matters little more."""
        return self.decoder != "ntm"

    @property
    def normalises(self) -> bool:
        """Whether the network has moments to remember."""
        return self.batch_norm or self.decoder != "ntm"

    def init(self, corpus: Corpus, *, vectors: NDArray[np.float32] | None = None, seed: int) -> State:
        """Weights drawn uniformly, as Glorot and Bengio 2010 have it; biases zero, but for prodlda's and etm's decoder.

        encoder_0 (V, H) ..., posterior (H, 2K): mean and logarithm of the spread; decoder (K, V), or for etm topics
        (K, E) and words (V, E); of each but these two also a `_bias`; decoder_bias (V,) for all; where they are
        normalised, `_mean` and `_variance`; all float32. For each of the optimizer's numbers arrays like these,
        `squares.decoder` and so on; steps (1,) float64; losses (2,) float32: kld and recons a word, means over the
        documents of the last update. vectors (V, E): word vectors that etm is to keep; words are then those M alone
        whose vectors are nan, (M, E), learned, and unknown (M,) int64 their columns.

        Raises HyperparameterError where feature_dim is not the width of the data.
        """
        from algorithms.topics.initial import initial  # torch, whose import takes two seconds; a form needs none

        if self.feature_dim not in (0, corpus.columns):
            raise HyperparameterError(
                f"the documents have {corpus.columns:,} columns",
                field="feature_dim",
                value=self.feature_dim,
                remedy=f"choose feature_dim={corpus.columns}, or 0",
            )
        return initial(self, corpus, vectors=vectors, seed=seed)

    def update(
        self,
        state: State,
        batches: Sequence[sparse.csr_matrix],
        *,
        span: Span,
        threads: int,
        seed: int,
        alone: bool = False,
    ) -> Partial:
        """Train on documents, rows (N, V) of counts, in mini-batches drawn at random. With one thread deterministic.

        loss is the total loss a word, summed over `examples` documents. All arrays have the number of documents as
        their evidence, the optimizer's too: after a merge, each is the mean of where the workers have come to.

        Memory, beside the state and the rows: one number more for each parameter, and what README.md counts. Where
        others need the state as it was (not alone), a copy of it.
        """
        from algorithms.topics import step

        return step.train_on(self, state, batches, threads=threads, seed=seed, alone=alone)

    @property
    def pace(self) -> float:
        """See `algorithms.protocol.Algorithm`."""
        return 1.0

    def learning_rate_at(self, progress: float) -> float:
        """Always the same; adadelta's is one, of steps that find their own size."""
        return 1.0 if self.optimizer == "adadelta" else self.learning_rate

    def evaluate(self, state: State, rows: sparse.csr_matrix) -> dict[str, float]:
        """Losses of documents (N, V) in nats a word: total_loss = kld + recons, and perplexity = exp(total_loss).

        Means over the documents, N of them: `documents`. Each document's mixture is drawn once from its posterior,
        with the same numbers each time: so the loss is a bound on the chances of its words, not a hope.
        """
        from algorithms.topics import step

        recons, kld, words = step.judge(self, state, rows)
        found = [float(np.mean(nats / np.maximum(words, 1))) if len(words) else 0.0 for nats in (kld, recons)]
        total = sum(found)
        perplexity = math.exp(min(total, 700))
        return {
            "total_loss": total,
            "kld": found[0],
            "recons": found[1],
            "perplexity": perplexity,
            "documents": len(words),
        }

    def infer(self, state: State, rows: sparse.csr_matrix) -> NDArray[np.float32]:
        """How much of each topic documents (N, V) have, (N, K): the softmax of the posterior's mean.

        It is what prodlda and etm mean by a mixture. ntm's own, max(0, z), need not sum to 1 and may be all zeros;
        SageMaker answers with numbers above 0 that sum to 1.
        """
        from algorithms.topics import step

        means = step.posterior_means(self, state, rows)
        shares = np.exp(means - means.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)

    def topic_word(self, state: State) -> NDArray[np.float32]:
        """How typical each word is of each topic, (K, V): rows that sum to 1.

        ntm: the softmax of the topic's weights, which are what it adds to the words that are likely anyway; so
        SageMaker ranks words. etm: of such weights, and prodlda: of the words' chances under the topic alone, their
        `relevance`.
        """
        from algorithms.topics import step

        return step.topic_word(self, state)

"""Text classification: the form (its fields are the hyperparameters) and what it does to a state.

Knows no files but the ones it exports, no cluster, no clock.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from algorithms.forms import in_order
from algorithms.kernels.rng import seeded
from algorithms.kernels.rows import fill_uniform, packed, stride_of, unfilled, unpacked
from algorithms.protocol import Span
from algorithms.state import Partial, State
from algorithms.text_classification.quantize import DSUB
from algorithms.text_classification.step import train_on
from data.errors import HyperparameterError
from data.examples import Batch, Examples
from data.quantized import CENTROIDS

LARGEST = 2**31 - 1  # of an integer in model.bin
FILL = 1 << 16  # rows that one thread draws at a time

Loss = Literal["softmax", "hs", "ns", "ova"]


class TextClassification(BaseModel):
    """Hyperparameters of BlazingText's supervised mode, with its names, defaults and bounds (AWS's developer guide).

    loss, negative_samples, quantize and cutoff are fastText's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", title="Text classification", json_schema_extra=in_order)

    mode: Annotated[
        Literal["supervised"],
        Field(title="Mode", description="As SageMaker names it.", json_schema_extra={"enum": ["supervised"]}),
    ] = "supervised"
    epochs: Annotated[
        int, Field(title="Epochs", description="Passes over the examples, at most.", ge=1, le=LARGEST)
    ] = 5
    learning_rate: Annotated[
        float,
        Field(
            title="Learning rate",
            description="Step size at the start; falls linearly to zero. Small sets want 0.1 to 1.",
            gt=0,
            allow_inf_nan=False,
        ),
    ] = 0.05
    vector_dim: Annotated[
        int, Field(title="Vector dimension", description="Numbers in each word's vector.", ge=1, le=2048)
    ] = 100
    word_ngrams: Annotated[
        int, Field(title="Word n-grams", description="Longest run of words with a vector of its own.", ge=1, le=LARGEST)
    ] = 2
    buckets: Annotated[
        int, Field(title="Buckets", description="Hash buckets that word n-grams share.", ge=1, le=LARGEST)
    ] = 2_000_000
    min_count: Annotated[
        int, Field(title="Minimum count", description="Words seen fewer times are left out.", ge=0, le=LARGEST)
    ] = 5
    early_stopping: Annotated[
        bool,
        Field(
            title="Early stopping", description="End when validation accuracy no longer rises; the best epoch is kept."
        ),
    ] = False
    min_epochs: Annotated[
        int,
        Field(title="Epochs at least", description="Epochs before early stopping begins to judge.", ge=1, le=LARGEST),
    ] = 5
    patience: Annotated[
        int,
        Field(
            title="Patience", description="Epochs without a rise that end the training; early stopping only.",
            ge=1, le=LARGEST,
        ),
    ] = 4  # fmt: skip
    loss: Annotated[
        Loss,
        Field(
            title="Loss",
            description="softmax: classes exclude each other; ova: each is a question of its own (one versus all);"
            " ns, hs: approximations for thousands of classes (negative sampling, hierarchical softmax).",
        ),
    ] = "softmax"
    negative_samples: Annotated[
        int,
        Field(
            title="Negative samples", description="Random classes set against the true one; ns only.", ge=1, le=LARGEST
        ),
    ] = 5
    quantize: Annotated[
        bool, Field(title="Quantize", description="Also publish model.ftz, a hundredth of the size.")
    ] = False
    cutoff: Annotated[
        int,
        Field(
            title="Cutoff",
            description="Words and n-grams kept in model.ftz, which is trained once more on them; 0 keeps all.",
            ge=0,
            le=LARGEST,
        ),
    ] = 50_000

    @model_validator(mode="after")
    def _can_work(self) -> "TextClassification":
        if self.early_stopping and self.min_epochs > self.epochs:
            raise HyperparameterError(
                f"early stopping would not judge before the training ends, at epochs={self.epochs}",
                field="min_epochs",
                value=self.min_epochs,
                remedy="choose min_epochs <= epochs, or early_stopping=False",
            )
        if self.quantize:
            self._check_cutoff()
        return self

    def _check_cutoff(self) -> None:
        if 0 < self.cutoff < CENTROIDS:
            what = f"model.ftz has a table of {CENTROIDS} rows, and would tell fewer ones by it"
            remedy = f"choose cutoff >= {CENTROIDS}, better some thousands, or 0 to keep all"
        elif min(self.cutoff or LARGEST, self.buckets) * -(-self.vector_dim // DSUB) > LARGEST:
            what = f"model.ftz cannot hold so many rows of {self.vector_dim} numbers"
            remedy = "choose a smaller cutoff, such as 50000"
        else:
            return
        raise HyperparameterError(what, field="cutoff", value=self.cutoff, remedy=remedy)

    def check_validation(self, given: bool) -> None:
        """Refuse early stopping where there is nothing to judge by.

        Raises HyperparameterError naming the field, its value and the remedy.
        """
        if self.early_stopping and not given:
            raise HyperparameterError(
                "there are no validation examples to judge by",
                field="early_stopping",
                value=True,
                remedy="give validation, a corpus or a share such as 10%, or choose early_stopping=False",
            )

    def init(self, corpus: Examples, *, seed: int) -> State:
        """Vectors drawn uniformly from +-1/D, outputs zero, as in fastText.

        inputs (V + U + 1, D) float32: the words, the n-gram buckets that occur, and nobody's row, zero, for n-grams
        that training never saw; outputs (L, D) float32; buckets (U,) int64, the bucket of each row behind the words;
        label_counts (L,) int64.
        """
        dim, stride = self.vector_dim, stride_of(self.vector_dim)
        rows = len(corpus.vocabulary) + corpus.buckets.size
        inputs = unfilled(rows + 1, dim=dim)
        inputs[rows * stride :] = 0

        def fill(first: int) -> None:
            fill_uniform(inputs, stride, dim, first, min(first + FILL, rows), 1 / dim, seeded(seed, first))

        with ThreadPoolExecutor() as pool:
            list(pool.map(fill, range(0, rows, FILL)))
        labels = len(corpus.labels)
        return {
            "inputs": unpacked(inputs, 0, rows + 1, dim=dim),
            "outputs": unpacked(packed(np.zeros((labels, dim), np.float32)), 0, labels, dim=dim),
            "buckets": corpus.buckets,
            "label_counts": corpus.labels.counts,
        }

    def update(
        self, state: State, batches: Sequence[Batch], *, span: Span, threads: int, seed: int, alone: bool = False
    ) -> Partial:
        """Train on the examples, lock-free on `threads` threads; with one thread deterministic.

        loss is summed over `examples` (a sample of all that are trained). A pruned state has `numbers` too, by which it
        knows the examples' rows: see `compress.pruned`.
        """
        return train_on(self, state, batches, span=span, threads=threads, seed=seed, alone=alone)

    @property
    def pace(self) -> float:
        """See `algorithms.protocol.Algorithm`."""
        return 1.0

    def learning_rate_at(self, progress: float) -> float:
        """Linear to zero, as in fastText."""
        return self.learning_rate * (1 - progress)

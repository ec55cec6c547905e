"""Word2Vec: the form (its fields are the hyperparameters) and what it does to a state.

Knows no files but the ones it exports, no cluster, no clock.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data.errors import HyperparameterError

Mode = Literal["batch_skipgram", "skipgram", "cbow"]


class Word2Vec(BaseModel):
    """Hyperparameters of BlazingText's Word2Vec, with its names, defaults and bounds (AWS's developer guide)."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Word2Vec")

    mode: Annotated[
        Mode,
        Field(
            title="Mode",
            description="batch_skipgram: fastest, shares negatives in a window; skipgram: rare words; cbow: quick, frequent"
            " words.",
        ),
    ] = "batch_skipgram"
    epochs: Annotated[int, Field(title="Epochs", description="Passes over the corpus.", ge=1)] = 5
    learning_rate: Annotated[
        float, Field(title="Learning rate", description="Step size at the start; falls linearly to zero.", gt=0)
    ] = 0.05
    vector_dim: Annotated[
        int, Field(title="Vector dimension", description="Numbers in each word's vector.", ge=1, le=2048)
    ] = 100
    window_size: Annotated[
        int,
        Field(title="Window size", description="Most words to each side of a word that count as its context.", ge=1),
    ] = 5
    negative_samples: Annotated[
        int, Field(title="Negative samples", description="Random words set against each true one.", ge=1)
    ] = 5
    min_count: Annotated[
        int, Field(title="Minimum count", description="Words seen fewer times are left out.", ge=0)
    ] = 5
    sampling_threshold: Annotated[
        float,
        Field(
            title="Sampling threshold",
            description="Words more frequent than this fraction of the corpus are thinned at random; 1e-5 to 1e-3.",
            gt=0,
            lt=1,
        ),
    ] = 0.0001
    batch_size: Annotated[
        int,
        Field(
            title="Batch size",
            description="Context words in one matrix product; batch_skipgram only; 2 x window size + 1 is a good value.",
            ge=1,
            le=32,
        ),
    ] = 11
    subwords: Annotated[
        bool,
        Field(title="Subwords", description="Also learn character n-grams, for unseen words; skipgram and cbow only."),
    ] = False
    min_char: Annotated[int, Field(title="Shortest n-gram", description="Characters; subwords only.", ge=1)] = 3
    max_char: Annotated[int, Field(title="Longest n-gram", description="Characters; subwords only.", ge=1)] = 6
    buckets: Annotated[
        int, Field(title="Buckets", description="Hash buckets that n-grams share; subwords only.", ge=1)
    ] = 2_000_000
    evaluation: Annotated[
        bool, Field(title="Evaluation", description="Judge the vectors on WordSim-353 when trained.")
    ] = True

    @model_validator(mode="after")
    def _can_work(self) -> "Word2Vec":
        if self.subwords and self.mode == "batch_skipgram":
            raise HyperparameterError(
                "batch_skipgram learns no subwords",
                field="subwords",
                value=True,
                remedy="choose mode='skipgram' or mode='cbow', or subwords=False",
            )
        if self.subwords and self.min_char > self.max_char:
            raise HyperparameterError(
                f"the shortest n-gram is longer than the longest, max_char={self.max_char}",
                field="min_char",
                value=self.min_char,
                remedy="choose min_char <= max_char",
            )
        return self

    def check_workers(self, workers: int) -> None:
        """Refuse what one mode cannot do on several workers (BlazingText's rules of modes and instances).

        Raises HyperparameterError naming the field, its value and the remedy.
        """
        if workers > 1 and self.mode != "batch_skipgram":
            raise HyperparameterError(
                f"{self.mode} trains on one worker, not on {workers}",
                field="mode",
                value=self.mode,
                remedy="choose mode='batch_skipgram', or workers=0",
            )

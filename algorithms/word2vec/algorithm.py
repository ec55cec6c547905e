"""Word2Vec: the form (its fields are the hyperparameters) and what it does to a state.

Knows no files but the ones it exports, no cluster, no clock.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from algorithms.forms import in_order
from algorithms.kernels.ngrams import word_buckets
from algorithms.protocol import Span
from algorithms.state import Partial, State
from algorithms.word2vec.export import export
from algorithms.word2vec.step import train_on
from data.corpus import Corpus
from data.errors import HyperparameterError
from data.vocabulary import Vocabulary

LARGEST = 2**31 - 1  # of an integer in vectors.bin

Mode = Literal["batch_skipgram", "skipgram", "cbow"]


class Word2Vec(BaseModel):
    """Hyperparameters of BlazingText's Word2Vec, with its names, defaults and bounds (AWS's developer guide)."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Word2Vec", json_schema_extra=in_order)

    mode: Annotated[
        Mode,
        Field(
            title="Mode",
            description="batch_skipgram: the fastest, shares negatives in a window; skipgram: best for rare words;"
            " cbow: predicts a word from the mean of those around it.",
        ),
    ] = "batch_skipgram"
    epochs: Annotated[int, Field(title="Epochs", description="Passes over the corpus.", ge=1, le=LARGEST)] = 5
    learning_rate: Annotated[
        float,
        Field(
            title="Learning rate",
            description="Step size at the start; falls linearly to zero.",
            gt=0,
            allow_inf_nan=False,
        ),
    ] = 0.05
    vector_dim: Annotated[
        int, Field(title="Vector dimension", description="Numbers in each word's vector.", ge=1, le=2048)
    ] = 100
    window_size: Annotated[
        int,
        Field(
            title="Window size",
            description="Most words to each side of a word that count as its context.",
            ge=1,
            le=LARGEST,
        ),
    ] = 5
    negative_samples: Annotated[
        int, Field(title="Negative samples", description="Random words set against each true one.", ge=1, le=LARGEST)
    ] = 5
    min_count: Annotated[
        int, Field(title="Minimum count", description="Words seen fewer times are left out.", ge=0, le=LARGEST)
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
            description="Context words in one matrix product; batch_skipgram only; 2 x window size + 1 is good.",
            ge=1,
            le=32,
        ),
    ] = 11
    subwords: Annotated[
        bool,
        Field(title="Subwords", description="Also learn character n-grams, for unseen words; skipgram and cbow only."),
    ] = False
    min_char: Annotated[
        int, Field(title="Shortest n-gram", description="Characters; subwords only.", ge=1, le=LARGEST)
    ] = 3
    max_char: Annotated[
        int, Field(title="Longest n-gram", description="Characters; subwords only.", ge=1, le=LARGEST)
    ] = 6
    buckets: Annotated[
        int, Field(title="Buckets", description="Hash buckets that n-grams share; subwords only.", ge=1, le=LARGEST)
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

    def init(self, corpus: Corpus, *, seed: int) -> State:
        """Vectors drawn uniformly from +-1/D, outputs zero, as in fastText.

        words (V, D), outputs (V, D) float32; counts (V,) int64. With subwords also ngrams (U, D) float32, a row for
        every hash bucket that some word of the vocabulary reaches, ngram_buckets (U,) int64, which bucket that is,
        and the n-grams of each word: ngram_starts (V + 1,), ngram_rows (N,) int64, rows of `ngrams`.
        """
        rng = np.random.default_rng(seed)

        def vectors(rows: int) -> NDArray[np.float32]:
            return (rng.random((rows, self.vector_dim), np.float32) * 2 - 1) / np.float32(self.vector_dim)

        words = len(corpus.vocabulary)
        state: State = {
            "words": vectors(words),
            "outputs": np.zeros((words, self.vector_dim), np.float32),
            "counts": corpus.vocabulary.counts,
        }
        if self.subwords:
            starts, buckets = self._buckets(corpus.vocabulary.words)
            reached, rows = np.unique(buckets, return_inverse=True)
            state |= {
                "ngrams": vectors(reached.size),
                "ngram_buckets": reached,
                "ngram_starts": starts,
                "ngram_rows": rows,
            }
        return state

    def update(
        self,
        state: State,
        batches: Sequence[NDArray[np.int32]],
        *,
        span: Span,
        threads: int,
        seed: int,
        alone: bool = False,
    ) -> Partial:
        """Train on the id arrays in `batches`, lock-free on `threads` threads; with one thread deterministic.

        The state stays as it is, also where nobody needs it (`alone`): its arrays are small.

        loss is summed over `examples` pairs (a sample of all that are trained).
        """
        return train_on(self, state, batches, span=span, threads=threads, seed=seed)

    @property
    def pace(self) -> float:
        """See `algorithms.protocol.Algorithm`."""
        return 1.0

    def learning_rate_at(self, progress: float) -> float:
        """Linear to zero; never below a ten-thousandth of the start (word2vec.c's floor)."""
        return self.learning_rate * max(1 - progress, 1e-4)

    def vectors(self, state: State) -> NDArray[np.float32]:
        """The vectors of the vocabulary, (V, D) float32: with subwords the mean of a word's own and its n-grams'."""
        words = cast(NDArray[np.float32], state["words"])
        if not self.subwords:
            return words
        starts = cast(NDArray[np.int64], state["ngram_starts"])
        lengths = np.diff(starts)
        ngrams = cast(NDArray[np.float32], state["ngrams"])
        total = words.copy()
        some = np.flatnonzero(lengths)  # reduceat cannot sum an empty run
        for block in np.array_split(some, max(1, some.size // 8192)):
            if not block.size:
                continue
            rows = state["ngram_rows"][starts[block[0]] : starts[block[-1] + 1]]
            total[block] += np.add.reduceat(ngrams[rows], starts[block] - starts[block[0]], axis=0)
        return np.asarray(total / (1 + lengths[:, None]), np.float32)

    def infer(self, state: State, vocabulary: Vocabulary, words: Sequence[str]) -> NDArray[np.float32]:
        """The vector of each word, (n, D) float32. An unseen word: zeros, or with subwords the mean of its n-grams."""
        known = np.array([vocabulary.index.get(word, -1) for word in words], np.int64)
        result = np.zeros((len(words), self.vector_dim), np.float32)
        if (known >= 0).any():
            result[known >= 0] = self.vectors(state)[known[known >= 0]]
        if self.subwords:
            reached = cast(NDArray[np.int64], state["ngram_buckets"])
            unseen = np.flatnonzero(known < 0)
            starts, buckets = self._buckets([words[i] for i in unseen.tolist()])
            for i, first, last in zip(unseen, starts, starts[1:], strict=False):
                wanted = buckets[first:last]
                rows = np.minimum(np.searchsorted(reached, wanted), max(reached.size - 1, 0))
                rows = rows[reached[rows] == wanted] if reached.size else rows[:0]
                # n-grams that training never saw count as zeros
                result[i] = state["ngrams"][rows].sum(axis=0) / max(wanted.size, 1)
        return result

    def export(self, state: State, vocabulary: Vocabulary, folder: Path) -> None:
        """Write vectors.txt and vectors.bin into a local folder."""
        export(self, state, vocabulary, folder)

    def _buckets(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return word_buckets(words, min_char=self.min_char, max_char=self.max_char, buckets=self.buckets)

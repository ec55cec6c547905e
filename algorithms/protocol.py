"""What an algorithm is to the rest of the house: a frozen form with two pure functions of a state."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from algorithms.state import Partial, State
from data.corpus import Corpus


class Span(NamedTuple):
    """The part of the whole training, in fractions of it, that one update covers: schedules read it."""

    start: float
    stop: float


class Algorithm(Protocol):
    """Fields are hyperparameters. Methods never change `self` or their arguments."""

    @property
    def epochs(self) -> int:
        """Passes over the corpus."""

    def init(self, corpus: Corpus, *, seed: int) -> State:
        """The state before training."""

    def update(
        self, state: State, batches: Sequence[NDArray[np.int32]], *, span: Span, threads: int, seed: int
    ) -> Partial:
        """Train on the batches and return what they contributed. Deterministic with one thread."""

    def learning_rate_at(self, progress: float) -> float:
        """The step size when `progress` (0..1) of the training is done."""

"""What an algorithm is to the rest of the house: a frozen form with two pure functions of a state."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from algorithms.state import Partial, State

CorpusT = TypeVar("CorpusT", contravariant=True)
BatchT = TypeVar("BatchT", contravariant=True)


class Span(NamedTuple):
    """The part of the whole training, in fractions of it, that one update covers: schedules read it."""

    start: float
    stop: float


class Piece(Protocol):
    """A stretch of a prepared corpus: small, so that it can be sent to whoever trains on it."""

    def read(self) -> Any:
        """The batch."""


class Corpus(Protocol):
    """A prepared corpus, as training sees it."""

    @property
    def tokens(self) -> int:
        """Words in one pass."""

    def parts(self, index: int, of: int, workers: int) -> Sequence[Sequence[Piece]]:
        """Stretch `index` of `of` equal ones that it falls into, cut for `workers`, in order."""


class Algorithm(Protocol[CorpusT, BatchT]):
    """Fields are hyperparameters. Methods never change `self`."""

    @property
    def epochs(self) -> int:
        """Passes over the corpus."""

    @property
    def pace(self) -> float:
        """Words that it trains on in the time that Word2Vec's fastest kernel trains on one, roughly."""

    def init(self, corpus: CorpusT, *, seed: int) -> State:
        """The state before training."""

    def update(
        self, state: State, batches: Sequence[BatchT], *, span: Span, threads: int, seed: int, alone: bool
    ) -> Partial:
        """Train on the batches and return what they contributed. Deterministic with one thread.

        alone: nobody else trains from this state and nobody needs it afterwards: its arrays may be trained in place,
        and the evidence for merging may be left out. Otherwise it stays as it is.
        """

    def learning_rate_at(self, progress: float) -> float:
        """The step size when `progress` (0..1) of the training is done."""

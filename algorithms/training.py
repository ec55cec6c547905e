"""Training is one generator: it yields after every round, and the caller's loop logs, reports, checkpoints, stops.

A round is a stretch of the corpus that the cluster's workers train on, each on its part, from the same state; then
the parts are merged. `Here` is the cluster of this process; `tasks.cluster` has the one on Dask.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from algorithms.protocol import Algorithm, Corpus, Piece, Span
from algorithms.state import Partial, State, merge

Item = TypeVar("Item")
Result = TypeVar("Result")

# Words of text a round has at least, for every number in the state: copying and merging the state then costs a few
# hundredths of the time that the fastest kernel trains on them.
WORDS_PER_NUMBER = 0.4
MOST_ROUNDS_AN_EPOCH = 100


class Round(NamedTuple):
    """What a round leaves. loss: mean over examples, in nats; words: text consumed; learning_rate: at its end."""

    number: int
    rounds: int
    state: State
    progress: float
    loss: float
    words: int
    seconds: float
    words_per_second: float
    learning_rate: float


class Cluster(Protocol):
    """Workers that train on parts of a round."""

    workers: int

    def map(
        self, algorithm: Algorithm[Any, Any], state: State, parts: Sequence[Sequence[Piece]], *, span: Span, seed: int
    ) -> list[Partial]:
        """`algorithm.update(state, part, ...)` for each part; results in the order of the parts."""


class Here:
    """The cluster of this process: `threads` on shared memory. More `workers` than one mimic a cluster, one by one."""

    def __init__(self, threads: int, *, workers: int = 1) -> None:
        self.threads, self.workers = threads, workers

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`work` on each item, one after the other."""
        return map(work, items)

    def map(
        self, algorithm: Algorithm[Any, Any], state: State, parts: Sequence[Sequence[Piece]], *, span: Span, seed: int
    ) -> list[Partial]:
        """Train on the parts one after the other."""
        return [
            train_part(
                algorithm, state, part, span=span, threads=self.threads, seed=seed + number, alone=self.workers == 1
            )
            for number, part in enumerate(parts)
        ]


def train_part(
    algorithm: Algorithm[Any, Any],
    state: State,
    part: Sequence[Piece],
    *,
    span: Span,
    threads: int,
    seed: int,
    alone: bool = False,
) -> Partial:
    """Read one worker's part of a round and train on it: what runs on every kind of cluster."""
    batches = [piece.read() for piece in part]
    return algorithm.update(state, batches, span=span, threads=threads, seed=seed, alone=alone)


def rounds_per_epoch(corpus: Corpus, state: State) -> int:
    """As many as merging can afford."""
    numbers = sum(array.size for array in state.values() if array.dtype.kind == "f")
    return max(1, min(MOST_ROUNDS_AN_EPOCH, int(corpus.tokens / (WORDS_PER_NUMBER * numbers))))


def train(
    algorithm: Algorithm[Any, Any], corpus: Corpus, *, cluster: Cluster, state: State | None = None, seed: int
) -> Iterator[Round]:
    """Train for the algorithm's epochs, from `state` where one is given; the last round's state is the model.

    A round's state may be gone when the next round is asked for, and so may the one to begin with: who wants to keep
    one copies it. With `Here(threads=1)` the result depends on the corpus, that state, the hyperparameters and the seed
    alone.
    """
    if state is None:
        state = algorithm.init(corpus, seed=seed)
    # a round without text: workers start and kernels compile before the first round's clock runs
    cluster.map(algorithm, state, [[]] * cluster.workers, span=Span(0, 0), seed=seed)
    per_epoch = rounds_per_epoch(corpus, state)
    rounds = algorithm.epochs * per_epoch
    for index in range(rounds):
        started = time.perf_counter()
        parts = corpus.parts(index % per_epoch, per_epoch, cluster.workers)
        span = Span(index / rounds, (index + 1) / rounds)
        done = merge(cluster.map(algorithm, state, parts, span=span, seed=seed * 1_000_003 + index * 1009))
        state = done.state
        seconds = time.perf_counter() - started
        yield Round(
            number=index + 1,
            rounds=rounds,
            state=state,
            progress=span.stop,
            loss=done.loss / max(done.examples, 1),
            words=done.words,
            seconds=seconds,
            words_per_second=done.words / seconds,
            learning_rate=algorithm.learning_rate_at(span.stop),
        )

"""Training is one generator: it yields after every round, and the caller's loop logs, reports, checkpoints, stops.

A round is a stretch of the corpus that the cluster's workers train on, each on its part, from the same state; then
the parts are merged. The state stays with those who train, a `Team`: `algorithms.here` is this process, `tasks.cluster`
has the workers of Dask.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple, Protocol

from numpy.typing import NDArray

from algorithms.protocol import Algorithm, Corpus, Piece, Span
from algorithms.state import Partial, State

Distribution = Literal["ShardedByS3Key", "FullyReplicated"]
"""What each worker is given: its part of the corpus, or all of it, as SageMaker's channels say."""

# Words of text a round has at least, for every number in the state: copying it then costs a few hundredths of the
# time that Word2Vec's fastest kernel trains on them; and with so many for each of several workers, merging less than a
# tenth. An algorithm of another pace has more.
WORDS_PER_NUMBER = 0.4
WORDS_PER_NUMBER_AND_WORKER = 0.28
# Words of each of several workers in a round: to be told what to do, and to merge, takes a few hundredths of a second.
WORDS_PER_WORKER = 400_000
WORDS_PER_SECOND = 4.4e6  # of that kernel and one thread
BITS = 32  # of a number that travels
MERGING = 0.1  # share of the time that merging may take
MOST_ROUNDS_AN_EPOCH = 100


class Share(NamedTuple):
    """What one worker did in a round. loss: summed over examples; seconds: of training alone."""

    worker: str
    words: int
    examples: int
    loss: float
    seconds: float

    @classmethod
    def of(cls, partial: Partial, *, worker: str, seconds: float) -> "Share":
        """What a partial came to."""
        return cls(worker, partial.words, partial.examples, partial.loss, seconds)


class Done(NamedTuple):
    """What a team did in a round. merging: seconds; lost: what went wrong on the way and was mended."""

    shares: tuple[Share, ...]
    merging: float
    lost: tuple[str, ...] = ()


class Team(Protocol):
    """Those who train together, and hold the state between rounds."""

    def round(self, parts: Sequence[Sequence[Piece]], *, span: Span, seed: int) -> Done:
        """Train on all parts from the state that is held, merge what came of it, hold that."""

    def state(self, names: Collection[str] = ()) -> State:
        """The arrays that are held; of these names alone, where some are given."""

    def save(self, url: str) -> float:
        """Write the state that is held to a file, whole or not at all; perhaps while the next round is trained.

        The seconds that it took, or where it goes on meanwhile, that the one before took.
        """


class Cluster(Protocol):
    """Where a team comes from. link: Gbit/s that each worker has to the others, 0 where that is no limit."""

    workers: int
    link: float

    def team(self, algorithm: Algorithm[Any, Any], state: State) -> AbstractContextManager[Team]:
        """Workers that begin with `state`, which is theirs from then on."""


class Round(NamedTuple):
    """What a round leaves. loss: mean over examples, in nats; words: text consumed; learning_rate: at its end.

    merging: the seconds, of `seconds`, that merging took. shares: of the workers. team: holds the state until the next
    round is asked for.
    """

    number: int
    rounds: int
    progress: float
    loss: float
    words: int
    seconds: float
    words_per_second: float
    learning_rate: float
    merging: float
    shares: tuple[Share, ...]
    lost: tuple[str, ...]
    team: Team

    @property
    def state(self) -> State:
        """All arrays, brought here from whoever holds them."""
        return self.team.state()

    def array(self, name: str) -> NDArray[Any]:
        """One array of the state."""
        return self.team.state([name])[name]


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


def rounds_per_epoch(corpus: Corpus, state: State, *, workers: int = 1, pace: float = 1.0, link: float = 0.0) -> int:
    """As many as copying and merging can afford. pace: the algorithm's; link: the cluster's.

    Around a ring of n workers each sends 2 (n - 1) / n of all numbers, however few of them are new: the most there is.
    """
    numbers = pace * sum(array.size for array in state.values() if array.dtype.kind == "f")
    least = WORDS_PER_NUMBER * numbers
    if workers > 1:
        travelling = 2 * (workers - 1) / workers * BITS / (link * 1e9) if link else 0.0  # seconds a number
        each = WORDS_PER_NUMBER_AND_WORKER + (1 / MERGING - 1) * WORDS_PER_SECOND * travelling
        least = workers * max(each * numbers, WORDS_PER_WORKER)
    return max(1, min(MOST_ROUNDS_AN_EPOCH, int(corpus.tokens / least)))


def parts_of(
    corpus: Corpus, index: int, of: int, *, workers: int, distribution: Distribution = "ShardedByS3Key"
) -> Sequence[Sequence[Piece]]:
    """What each worker trains on in round `index` of the `of` that an epoch has.

    Replicated, each passes over the whole corpus, in the same order but from another place on.
    """
    if distribution == "ShardedByS3Key" or workers == 1:
        return corpus.parts(index, of, workers)
    return [corpus.parts((index + of * worker // workers) % of, of, 1)[0] for worker in range(workers)]


def train(
    algorithm: Algorithm[Any, Any],
    corpus: Corpus,
    *,
    cluster: Cluster,
    state: State | None = None,
    seed: int,
    first: int = 0,
    distribution: Distribution = "ShardedByS3Key",
) -> Iterator[Round]:
    """Train for the algorithm's epochs, from `state` where one is given; the last round's state is the model.

    first: rounds that are done already, `state` being what they came to. A round's state may be gone when the next
    round is asked for, and so may the one to begin with: who wants to keep one copies it. With `Here(threads=1)` the
    result depends on the corpus, that state, the hyperparameters and the seed alone; with other clusters also on how
    many workers there are, but not on which of them was quick, or died.
    """
    if state is None:
        state = algorithm.init(corpus, seed=seed)
    workers = cluster.workers
    per_epoch = rounds_per_epoch(corpus, state, workers=workers, pace=algorithm.pace, link=cluster.link)
    rounds = algorithm.epochs * per_epoch
    with cluster.team(algorithm, state) as team:
        del state
        # a round without text: workers start and kernels compile before the first round's clock runs
        lost = team.round([[]] * workers, span=Span(0, 0), seed=seed).lost
        for index in range(first, rounds):
            started = time.perf_counter()
            parts = parts_of(corpus, index % per_epoch, per_epoch, workers=workers, distribution=distribution)
            span = Span(index / rounds, (index + 1) / rounds)
            done = team.round(parts, span=span, seed=seed * 1_000_003 + index * 1009)
            done, lost = done._replace(lost=(*lost, *done.lost)), ()
            yield _told(done, team, index + 1, rounds, time.perf_counter() - started, algorithm.learning_rate_at)


def _told(
    done: Done, team: Team, number: int, rounds: int, seconds: float, learning_rate_at: Callable[[float], float]
) -> Round:
    words, examples = sum(share.words for share in done.shares), sum(share.examples for share in done.shares)
    return Round(
        number=number,
        rounds=rounds,
        progress=number / rounds,
        loss=sum(share.loss for share in done.shares) / max(examples, 1),
        words=words,
        seconds=seconds,
        words_per_second=words / seconds,
        learning_rate=learning_rate_at(number / rounds),
        merging=done.merging,
        shares=done.shares,
        lost=done.lost,
        team=team,
    )

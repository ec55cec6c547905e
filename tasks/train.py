"""What every training shares as a stage: rounds that are followed, and the files that it leaves. Knows no algorithm."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from algorithms.model import save_state
from algorithms.state import State
from algorithms.training import Distribution, Round
from data import storage
from data.errors import HyperparameterError
from data.process import cores
from data.vocabulary import Vocabulary
from tasks import stages, workers
from tasks.checkpoints import Checkpoints
from tasks.progress import Report, log, tell

SHARDED: Distribution = "ShardedByS3Key"
STATE, VOCABULARY, HISTORY = "state.safetensors", "vocabulary.txt", "history.json"


class Trained(stages.Stage, frozen=True):
    """words_per_second: corpus words over all rounds, training time alone; loss: of the last round, per example."""

    words_per_second: float
    loss: float
    rounds: int
    seed: int
    threads: int
    workers: int


class Machines(TypedDict):
    """Where to train, as `cluster.connect` takes it; threads is 0 only where each worker decides for itself."""

    threads: int
    workers: int
    scheduler: str
    link: NotRequired[float]


def machines(*, threads: int, workers: int, scheduler: str) -> Machines:
    """What was asked for, with this machine's cores written out: the result depends on how many threads there were.

    With a scheduler also what EMBERTEXT_LINK says of the network: the slower it is, the rarer workers merge. Raises
    HyperparameterError where that is no number.
    """
    where = Machines(threads=threads or (0 if workers or scheduler else cores()), workers=workers, scheduler=scheduler)
    if scheduler and (link := _link()):
        where["link"] = link
    return where


def _link() -> float:
    """Gbit/s between two workers; 0 where nothing is said, and merging is as frequent as on one machine."""
    given = os.environ.get("EMBERTEXT_LINK", "").strip()
    try:
        link = float(given or 0)
    except ValueError:
        link = math.nan
    if not 0 <= link < math.inf:
        what, remedy = "not Gbit/s", "give a number such as 1 or 10, or leave it unset on one machine"
        raise HyperparameterError(what, field="EMBERTEXT_LINK", value=given, remedy=remedy)
    return link


def replicated(distribution: Distribution) -> dict[str, str]:
    """For a stage's key: nothing where the corpus is shared out, as it is unless one asks for other."""
    return {} if distribution == SHARDED else {"distribution": distribution}


Refuse = Callable[[str], HyperparameterError]
"""From what went wrong to the error that says what to change."""


def follow(
    rounds: Iterable[Round],
    report: Report,
    *,
    learning_rate: float,
    refuse: Refuse | None = None,
    kept: Checkpoints | None = None,
    dashboard: str = "",
) -> Iterator[Round]:
    """The rounds of `algorithms.training.train`, each logged and reported before the caller sees it.

    A caller that has seen enough leaves the loop. kept: after the caller is done with a round, whose entry is in the
    history by then, it may be written down. dashboard: where one sees the workers, if there are some.

    Raises HyperparameterError where the loss is no longer a number; what `refuse` makes of that, where a smaller
    learning_rate is no remedy.
    """
    if dashboard:
        report(0.0, f"dashboard: {dashboard}")
    for each in rounds:
        if not math.isfinite(each.loss):
            what = f"training diverged in round {each.number}: the loss is {each.loss}"
            raise (refuse or partial(too_fast, learning_rate=learning_rate))(what)
        for line in each.lost:
            log().warning("%s; going on without it", line)
        tell([round_line(each)])
        report(each.progress, note(each, dashboard=dashboard))
        yield each
        if kept:
            kept.after(each)


def round_line(each: Round) -> str:
    """A round in a line of the log; with several workers, also what each of them did."""
    line = f"round {each.number} of {each.rounds}: loss {each.loss:.4f}, {each.words_per_second:,.0f} words per second"
    return line if len(each.shares) == 1 else f"{line}, {workers.line(each)}"


def note(each: Round, *, dashboard: str = "") -> str:
    """A round in a few words; with several workers, below them what each of them did."""
    words = f"loss {each.loss:.3f}, {each.words_per_second:,.0f} words/s"
    if len(each.shares) == 1:
        return words
    count = len(workers.by_worker(each.shares))
    words += f", {count} worker{'s' * (count > 1)}, {each.merging / each.seconds:.0%} merging"
    return f"{words}\n\n{workers.markdown(each, dashboard=dashboard)}"


def too_fast(what: str, *, learning_rate: float, optimizer: str = "", otherwise: str = "") -> HyperparameterError:
    """What to change where a loss is no number: adadelta finds its own steps. otherwise: what else, after a comma."""
    if optimizer == "adadelta":
        remedy = f"choose optimizer=adam and a small learning_rate{otherwise}"
        return HyperparameterError(what, field="optimizer", value=optimizer, remedy=remedy)
    remedy = f"choose a smaller learning_rate{otherwise}"
    return HyperparameterError(what, field="learning_rate", value=learning_rate, remedy=remedy)


def history_entry(each: Round) -> dict[str, Any]:
    """A round as the manifest tells it; of several workers also what each did, as `tasks.workers` has it."""
    return {
        "round": each.number,
        "progress": each.progress,
        "loss": each.loss,
        "words": each.words,
        "seconds": each.seconds,
        "words_per_second": each.words_per_second,
        "learning_rate": each.learning_rate,
        **workers.entry(each),
    }


def epochs_of(history: Sequence[Mapping[str, float]]) -> tuple[int, int]:
    """How many epochs are over, and how many rounds belong to them."""
    ends = [number for number, entry in enumerate(history, 1) if "epoch" in entry]
    return len(ends), ends[-1] if ends else 0


def words_per_second(history: Sequence[Mapping[str, float]]) -> float:
    """The mean over the time of all rounds."""
    return sum(each["words"] for each in history) / sum(each["seconds"] for each in history)


def save(scratch: Path, *, state: State, vocabulary: Vocabulary, history: Sequence[Mapping[str, float]]) -> None:
    """All that is needed to go on, and how it came about."""
    save_state(scratch / STATE, state)
    vocabulary.save(str(scratch / VOCABULARY))
    storage.write_json(str(scratch / HISTORY), list(history))

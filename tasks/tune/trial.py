"""One trial as one Prefect task: an algorithm's stages with some hyperparameters, here or in a Dask worker.

The task runs in a thread of the flow's process, where the Prefect server is known; with workers it waits there for the
one that trains. It says after each epoch what that came to, and ends where the search sees no more to gain.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import task_run
from prefect.states import Completed, Failed
from pydantic import BaseModel

from algorithms.here import Here
from data import storage
from data.errors import EmbertextError
from tasks import stages
from tasks.against import Against
from tasks.against import Judge as Challenger
from tasks.cluster import Dask, Judge
from tasks.network import NETWORK, network_failed
from tasks.progress import log
from tasks.publish import Published, numbers
from tasks.train import HISTORY, STATE, Machines, Trained
from tasks.tune.settings import formed
from tasks.watch import epoch_over, watched

LONGEST_NAME = 200  # characters of a task run's name


class Learned(NamedTuple):
    """The stages of a trial, each of its algorithm's own type. own: one between training and evaluation."""

    prepared: Any
    trained: Any
    evaluated: Any
    own: Any = None


Call = Callable[..., Any]
"""Calls a stage's task with arguments."""


class Stages(Protocol):
    """An algorithm's way from a form to a model that is judged; can be sent to another process."""

    @property
    def ingested(self) -> Any:
        """The training data."""

    @property
    def data(self) -> dict[str, Any]:
        """What trials are trained and judged on, and how: what stands for it in the key of a sweep."""

    @property
    def prepared_by(self) -> tuple[str, ...]:
        """Hyperparameters that preparation depends on."""

    def prepare(self, form: Any, machines: Machines, call: Call) -> Any:
        """The stage before training."""

    def __call__(self, form: Any, machines: Machines, call: Call) -> Learned:
        """All stages up to the evaluation."""

    def judge(self, learned: Learned, form: Any, *, judged_by: str) -> Challenger:
        """What the gate of a registry asks of it. judged_by: the metric that decides."""

    def since(self, learned: Learned, form: Any) -> Any:
        """What tells it from an earlier model: `tasks.registry.drift.Since`."""

    def publish(self, learned: Learned, form: Any, *, output: str, against: Against | None = None) -> Published:
        """Publish the model as its own flow would."""

    def report(self, learned: Learned, published: Published, form: Any) -> Any:
        """Show it as its own flow would."""


class Outcome(NamedTuple):
    """What became of a trial. metrics: None where it failed, and then there is a reason; seconds: of one machine."""

    metrics: dict[str, float] | None
    seconds: float
    reason: str = ""


class Losing(Exception):  # noqa: N818 - it is no error
    """The trial is to end: it loses."""


class Unwanted(Exception):  # noqa: N818
    """Nobody waits for the trial any more."""


@dataclass(frozen=True)
class Work:
    """What all trials of a sweep have in common. machines: what one of them has for itself."""

    learn: Stages
    machines: Machines

    def __call__(self, form: BaseModel, judge: Judge, wanted: Callable[[], None] = lambda: None) -> Outcome:
        """Train and judge with this form. Any failure is an outcome: an exception may not survive its way back."""
        start, last = time.perf_counter(), dict[str, float]()

        def told(epoch: int, metrics: Mapping[str, float]) -> None:
            last.update(metrics)
            if judge(epoch, metrics):
                raise Losing

        try:
            with watched(epoch=told, wanted=wanted):
                learned = self.learn(form, self.machines, plainly)
                if learned.trained.reused:
                    _replay(learned.trained)
        except Losing:
            seconds = time.perf_counter() - start
            return Outcome(last | {"seconds": seconds}, seconds)
        except Unwanted:
            raise
        except Exception as error:  # of whatever kind: one trial has failed, not the sweep
            return Outcome(None, time.perf_counter() - start, reason_of(error))
        return Outcome(metrics_of(learned), seconds_of(learned))


def as_task(stage: Any, *given: Any, **options: Any) -> Any:
    """A stage as a task of this run."""
    return stage(*given, **options)


def plainly(stage: Any, *given: Any, **options: Any) -> Any:
    """A stage's work without its own task run: a trial is one, and a Dask worker has no Prefect server.

    As its task would, it tries again when the network failed.
    """
    for delay in (*NETWORK["retry_delay_seconds"], None):
        try:
            result = stage.fn(*given, **options)
            return result.data if isinstance(result, State) else result
        except Exception as error:
            if delay is None or not network_failed(error):
                raise
            time.sleep(delay)
    raise AssertionError("the last attempt returns or raises")


def metrics_of(learned: Learned) -> dict[str, float]:
    """All that can be an objective: numbers of the evaluation, and of the training its loss, speed, time and size."""
    trained = learned.trained
    return {
        "loss": trained.loss,
        "words_per_second": trained.words_per_second,
        "seconds": seconds_of(learned),
        "bytes": float(storage.size(storage.join(trained.url, STATE))),
    } | numbers(learned.evaluated.metrics)


def seconds_of(learned: Learned) -> float:
    """What training and judging took when they were done; preparation is shared, and not counted."""
    own = [learned.own.seconds] if isinstance(learned.own, stages.Stage) else []
    return float(sum([learned.trained.seconds, *own, learned.evaluated.seconds]))


def reason_of(error: BaseException) -> str:
    """A failure in one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, EmbertextError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def _replay(trained: Trained) -> None:
    """Tell the epochs of a training that an earlier run had done."""
    for entry in storage.read_json(storage.join(trained.url, HISTORY)):
        if entry.get("epoch"):
            epoch_over(entry)


def _name() -> str:
    """As "trial 3: learning_rate=0.01, mode=cbow"."""
    given = task_run.parameters
    told = ", ".join(f"{name}={shown(value)}" for name, value in given["parameters"].items())
    return f"trial {given['number']}: {told}"[:LONGEST_NAME]


def shown(value: object) -> str:
    """A parameter's value as a person reads it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class Ended:
    """Whether the sweep is over for those that still run."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def now(self) -> None:
        """It is."""
        self._event.set()

    def check(self) -> None:
        """Raises Unwanted if so."""
        if self._event.is_set():
            raise Unwanted("the sweep has ended")


@task(
    name="trial",
    task_run_name=_name,
    description="Train and judge with these hyperparameters.",
    persist_result=False,
    cache_policy=NO_CACHE,
)
def trial(
    number: int,
    parameters: dict[str, Any],
    *,
    base: BaseModel,
    work: Work,
    where: Here | Dask,
    judge: Judge,
    ended: Ended,
    outcomes: dict[int, Outcome],
) -> State[None]:
    """Leave its outcome in `outcomes`; the state says in the Prefect UI which it was: Failed, Stopped or Completed."""
    losing = False

    def listen(epoch: int, metrics: Mapping[str, float]) -> bool:
        nonlocal losing
        losing = judge(epoch, metrics)
        log().info("epoch %d: %s", epoch, _told(metrics))
        return losing

    start = time.perf_counter()
    try:
        form = formed(base, parameters)
        if isinstance(where, Dask):
            outcome = where.judged(work, form, listen, wanted=ended.check)
        else:
            outcome = work(form, listen, ended.check)
    except Unwanted as error:
        return Failed(message=str(error))
    except Exception as error:  # hyperparameters that do not go together; a worker that died
        outcome = Outcome(None, time.perf_counter() - start, reason_of(error))
    outcomes[number] = outcome
    if outcome.metrics is None:
        log().error("%s", outcome.reason)
        return Failed(message=outcome.reason)
    return Completed(name="Stopped" if losing else "Completed", message=_told(outcome.metrics)[:1000])


def _told(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())

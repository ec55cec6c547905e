"""The line of a pipeline as boxes, a stage each: what it took, whether an earlier run had done it, how much it was.

Knows no algorithm: stages tell what they have counted by the names of their fields.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from data import storage
from tasks import stages
from tasks.ingest import Ingested
from tasks.page import compact, duration, number, size
from tasks.publish import Published, numbers
from tasks.train import Machines, Trained

# what preparations count, as a person calls it
COUNTED = {
    "documents": "documents",
    "examples": "examples",
    "pairs": "pairs",
    "tokens": "words",
    "words": "words",
    "vocabulary": "distinct words",
    "classes": "classes",
}
METRICS_SHOWN = 3


class Searched(Protocol):
    """What came of a sweep: `tasks.tune.artifacts.Tuned`.

    objective, parameters: the best trial's, those that were searched; trials: a row each, the best first; seconds,
    reused: of the sweep's stages; cost: machine_seconds of all trials, whenever they were run; report, model_report:
    addresses.
    """

    @property
    def objective(self) -> Mapping[str, float]: ...  # noqa: D102

    @property
    def parameters(self) -> Mapping[str, Any]: ...  # noqa: D102

    @property
    def trials(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102

    @property
    def seconds(self) -> Mapping[str, float]: ...  # noqa: D102

    @property
    def cost(self) -> Mapping[str, float]: ...  # noqa: D102

    @property
    def reused(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def ended(self) -> str: ...  # noqa: D102

    @property
    def report(self) -> str: ...  # noqa: D102

    @property
    def model_report(self) -> str: ...  # noqa: D102


class Box(NamedTuple):
    """seconds: of the work, whenever it was done; reused: by an earlier run; facts: by their names, ready to print."""

    name: str
    seconds: float
    reused: bool
    facts: dict[str, str]

    @property
    def took(self) -> str:
        """The seconds as a person reads them."""
        return f"reused, {duration(self.seconds)} then" if self.reused else duration(self.seconds)


class Run(NamedTuple):
    """All that went along a line, in the order of the work. records: of RecordIO, where the algorithm reads any."""

    algorithm: str
    machines: Machines
    ingested: Ingested
    prepared: stages.Stage
    records: stages.Stage | None
    searched: Searched
    trained: Trained
    evaluated: Any
    published: Published


def boxes(run: Run) -> list[Box]:
    """A box for each stage."""
    return list(_boxes(run))


def _boxes(run: Run) -> Iterator[Box]:
    source, searched, trained = run.ingested.source, run.searched, run.trained
    files = f"{number(len(source.urls))} file{'s' * (len(source.urls) != 1)}, {size(source.bytes)}"
    yield Box("ingest", run.ingested.seconds, reused=False, facts={"corpus": source.name, "read": files})
    yield _box("tokenise and count", run.prepared, counted(run.prepared))
    if run.records:
        told = run.records.model_dump()
        facts = {"records": number(told["records"]), "shards": number(told["shards"]), "size": size(told["bytes"])}
        yield _box("RecordIO", run.records, facts)
    stopped = sum(row["status"] == "stopped" for row in searched.trials)
    facts = {"trials": f"{len(searched.trials)}{f', {stopped} stopped' if stopped else ''}"}
    facts |= {f"best {name.replace('_', ' ')}": f"{value:.4g}" for name, value in searched.objective.items()}
    again = "tune" in searched.reused
    yield Box("sweep", searched.cost["machine_seconds"] if again else searched.seconds["tune"], again, facts)
    facts = {"rounds": number(trained.rounds), "workers": workers(run.machines, trained)}
    yield _box("train", trained, facts | {"words per second": compact(trained.words_per_second) or "–"})
    yield _box("evaluate", run.evaluated, dict(list(shown(run.evaluated.metrics).items())[:METRICS_SHOWN]))
    yield _box("publish", run.published, {"model": size(storage.size(run.published.model))})


def _box(name: str, stage: stages.Stage, facts: dict[str, str]) -> Box:
    return Box(name, stage.seconds, stage.reused, facts)


def counted(prepared: stages.Stage) -> dict[str, str]:
    """What a preparation has counted; of several sets their sum."""
    told = {name: value for name, value in prepared.model_dump().items() if name in COUNTED}
    sums = {name: sum(value.values()) if isinstance(value, Mapping) else value for name, value in told.items()}
    return {COUNTED[name]: number(value) for name, value in sums.items()}


def workers(machines: Machines, trained: Trained) -> str:
    """How many processes trained, and where: "2 on this machine"."""
    if machines["scheduler"]:
        return f"{trained.workers} of {machines['scheduler']}"
    return f"{trained.workers} on this machine" if machines["workers"] else "this process"


def shown(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Numbers of an evaluation, what is said of a test set first, of the training last."""
    found = numbers(metrics)
    order = sorted(found, key=lambda name: (not name.startswith("test"), "." in name, name.startswith("train")))
    return {name.replace("_", " "): f"{found[name]:.4g}" for name in order}


def seconds(line: Sequence[Box]) -> dict[str, float]:
    """What each stage took in this run."""
    return {box.name: 0.0 if box.reused else box.seconds for box in line}

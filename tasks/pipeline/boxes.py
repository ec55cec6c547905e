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
    "dropped": "too short",
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
    """seconds: of the work, whenever it was done; reused: by an earlier run; facts: by their names, ready to print.

    said: what came of it, where that is more than the seconds.
    """

    name: str
    seconds: float
    reused: bool
    facts: dict[str, str]
    said: str = ""

    @property
    def took(self) -> str:
        """What came of it, or the seconds, as a person reads them."""
        if self.said:
            return self.said
        return f"reused, {duration(self.seconds)} then" if self.reused else duration(self.seconds)


class Run(NamedTuple):
    """All that went along a line, in the order of the work. records: of RecordIO, where the algorithm reads any.

    unseen: of a test set, where its evaluation is a stage of its own.
    """

    algorithm: str
    machines: Machines
    ingested: Ingested
    prepared: stages.Stage
    records: stages.Stage | None
    searched: Searched
    trained: Trained
    evaluated: Any
    published: Published
    unseen: Any = None

    @property
    def metrics(self) -> dict[str, float]:
        """Of the published model, what is said of a test set first, of the training last."""
        found = numbers(self.evaluated.metrics) | {
            f"test_{name.removeprefix('validation_')}": value
            for name, value in numbers(self.unseen.metrics if self.unseen else {}).items()
        }
        order = sorted(found, key=lambda name: (not name.startswith("test"), "." in name, name.startswith("train")))
        return {name: found[name] for name in order}


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
    facts = {"rounds": number(trained.rounds), "workers": str(trained.workers)}
    yield _box("train", trained, facts | {"words per second": compact(trained.words_per_second) or "–"})
    judged = run.evaluated.seconds + (run.unseen.seconds if run.unseen else 0.0)
    reused = run.evaluated.reused and not (run.unseen and not run.unseen.reused)
    main = {name: value for name, value in run.metrics.items() if "." not in name}
    yield Box("evaluate", judged, reused, dict(list(shown(main or run.metrics).items())[:METRICS_SHOWN]))
    yield _box("publish", run.published, {"model": size(storage.size(run.published.model))})
    if run.published.version:
        facts = {"version": run.published.version}
        yield Box("register", 0.0, reused=False, facts=facts, said=run.published.verdict.partition(":")[0])


def _box(name: str, stage: stages.Stage, facts: dict[str, str]) -> Box:
    return Box(name, stage.seconds, stage.reused, facts)


def counted(prepared: stages.Stage) -> dict[str, str]:
    """What a preparation has counted; of several sets their sum."""
    told = prepared.model_dump()
    found = {shown: told[name] for name, shown in COUNTED.items() if name in told}
    return {
        shown: number(sum(value.values()) if isinstance(value, Mapping) else value) for shown, value in found.items()
    }


def shown(metrics: Mapping[str, float]) -> dict[str, str]:
    """As a person reads them."""
    return {name.replace(".txt.", " ").replace("_", " "): f"{value:.4g}" for name, value in metrics.items()}


def seconds(line: Sequence[Box]) -> dict[str, float]:
    """What each stage took in this run."""
    return {box.name: 0.0 if box.reused else box.seconds for box in line}

"""Sweeps that train nothing: an algorithm with a form, whose trials come to what is computed from their parameters."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from pydantic import BaseModel

from algorithms.search import trials
from algorithms.search.forms import space
from algorithms.search.reading import ranges
from algorithms.search.trials import Trial
from tasks.train import Machines
from tasks.tune.settings import Tuning
from tasks.tune.sweep import Sweep, Swept
from tasks.tune.trial import Learned
from tasks.watch import epoch_over

RANGES = {
    "rate": {"low": 0.001, "high": 1.0},
    "kind": ["a", "b"],
    "depth": {"low": 1, "high": 4, "when": {"kind": "b"}},
}


class Form(BaseModel, frozen=True):
    rate: float = 0.1
    kind: str = "a"
    depth: int = 1
    epochs: int = 3


def sweep(tuning: Tuning | None = None, *, given: Any = RANGES, **options: Any) -> Sweep:
    defaults = {"data": {"train": "sha256:1"}, "default": "accuracy", "seed": 1, "by_rounds": ("accuracy", "loss")}
    tuned = tuning or Tuning(max_jobs=5)
    return Sweep("word2vec", Form(), space(Form(), ranges(given)), tuned, **{**defaults, **options})


def swept(*values: float, tuning: Tuning | None = None, failed: int = 1, **options: Any) -> Swept:
    """A sweep whose trials came to these values, the last of them stopped early; behind them some that failed."""
    whole = sweep(tuning or Tuning(rate=36.0))
    objectives = whole.tuning.objectives(whole.default)
    done = [
        Trial(
            number,
            {"rate": 0.001 * 2**number, "kind": "b", "depth": 1 + number % 4}
            if number % 2
            else {"rate": 0.5, "kind": "a"},
            "stopped" if number == len(values) - 1 else "completed",
            values=(value, 10.0 + number)[: len(objectives)],
            rounds={1: value / 2, 2: value},
            seconds=10.0 + number,
        )
        for number, value in enumerate(values)
    ]
    done += [
        Trial(len(values) + number, {"rate": 1.0, "kind": "a"}, "failed", seconds=1.0, reason="it <b>broke</b> | $x$")
        for number in range(failed)
    ]
    best = trials.best(done, objectives)
    assert best
    return Swept(
        **{
            "sweep": whole,
            "trials": done,
            "ranked": trials.ranked(done, objectives),
            "front": trials.front(done, objectives),
            "best": best,
            "form": Form(**best.parameters),
            "importances": {"rate": 0.7, "kind": 0.25, "depth": 0.05},
            "machines": Machines(threads=1, workers=0, scheduler=""),
            "sharing": 2,
            "ended": "12 jobs were trained",
            "seconds": 33.0,
            "before": 0,
            **options,
        }
    )


@dataclasses.dataclass(frozen=True)
class Stages:
    """What `tasks.tune.trial.Stages` asks for; `result` gives the metrics of a form, or raises."""

    folder: Path
    result: Callable[[Form], dict[str, Any]]
    ingested: Any = None
    prepared_by: ClassVar = ("depth",)
    seen: list[Form] = dataclasses.field(default_factory=list)

    def prepare(self, form: Any, machines: Machines, call: Any) -> Any:
        return None

    def __call__(self, form: Any, machines: Machines, call: Any) -> Learned:
        self.seen.append(form)
        metrics = self.result(form)
        for epoch in range(1, form.epochs + 1):
            epoch_over({"epoch": epoch, "validation_accuracy": metrics.get("accuracy", 0.0) * epoch / form.epochs})
        (self.folder / "state.safetensors").write_bytes(b"12345")
        trained = SimpleNamespace(loss=1.0, words_per_second=9.0, seconds=2.0, url=str(self.folder), reused=False)
        return Learned(None, trained, SimpleNamespace(metrics=metrics, seconds=1.0))

    def publish(self, learned: Learned, form: Any, *, output: str) -> Any:
        raise AssertionError("a search publishes nothing")

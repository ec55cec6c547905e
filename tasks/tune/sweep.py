"""A sweep: what is searched, and what came of it.

Killed, it is gone on with by the next run of the same: trials are written down where `storage` says, and stages that
had finished are found in the cache.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from pydantic import BaseModel

from algorithms.search.objectives import Objective
from algorithms.search.search import Search
from algorithms.search.space import Space
from algorithms.search.trials import Trial
from data.process import cores
from tasks import cluster, stages
from tasks.against import Better
from tasks.progress import log, progress
from tasks.train import Machines
from tasks.tune import earlier
from tasks.tune.runner import Runner
from tasks.tune.settings import Ranges, Tuning, formed, rounds, space
from tasks.tune.trial import Stages, Work


class Aim(NamedTuple):
    """What a sweep of an algorithm is after. algorithm: as its form is named; objective: unless another is given.

    by_rounds: metrics that are known after each epoch; metrics: by which a registry's gate judges the best.
    """

    algorithm: str
    objective: str
    by_rounds: tuple[str, ...]
    metrics: Mapping[str, Better]

    @property
    def name(self) -> str:
        """The algorithm as its models are named."""
        return self.algorithm.replace("_", "-")


class Sweep(NamedTuple):
    """What is searched. data: what trials are trained and judged on, and how, as JSON can hold it.

    default: the algorithm's own objective; by_rounds: metrics that are known after each epoch.
    """

    algorithm: str
    form: BaseModel
    space: Space
    tuning: Tuning
    data: dict[str, Any]
    default: str
    seed: int
    by_rounds: tuple[str, ...] = ()

    def searches(self, *names: str) -> bool:
        """Whether any of these hyperparameters changes from trial to trial."""
        return not self.space.ranges.keys().isdisjoint(names)

    @property
    def key(self) -> str:
        """Stands for all that its trials come from; not for when it ends."""
        return stages.digest(
            {
                "algorithm": self.algorithm,
                "form": self.form.model_dump(mode="json"),
                "ranges": {name: each.model_dump(mode="json") for name, each in self.space.ranges.items()},
                "objectives": [str(each) for each in self.tuning.objectives(self.default)],
                "strategy": self.tuning.strategy,
                "early_stopping_type": self.tuning.early_stopping_type,
                "warm_start": self.tuning.earlier,
                "data": self.data,
                "seed": self.seed,
            }
        )


class Swept(NamedTuple):
    """What came of it. trials: this sweep's own and those of earlier ones that count; front: the Pareto front's.

    machines: what a trial had for itself; sharing: trials that ran side by side on one machine; ended: why;
    seconds: of this run, by the clock; before: trials that an earlier run had finished; idle: why no trial could be
    stopped early although that was asked for.
    """

    sweep: Sweep
    trials: list[Trial]
    ranked: list[Trial]
    front: list[Trial]
    best: Trial
    form: Any
    importances: dict[str, float]
    machines: Machines
    sharing: int
    ended: str
    seconds: float
    before: int
    idle: str = ""

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What it was after."""
        return self.sweep.tuning.objectives(self.sweep.default)

    @property
    def name(self) -> str:
        """As trials' names begin."""
        return f"{self.sweep.algorithm.replace('_', '-')}-{self.sweep.key[:8]}"


def planned(
    aim: Aim,
    form: BaseModel,
    ranges: Ranges,
    tuning: Tuning,
    data: Mapping[str, Any] | None = None,
    *,
    seed: int,
) -> Sweep:
    """The sweep on this data, ingested; without any, to see whether it could be."""
    told = {
        name: [each.source.checksum, each.source.kind] if hasattr(each, "source") else each
        for name, each in (data or {}).items()
    }
    searched = space(aim.algorithm, form, ranges)
    return Sweep(aim.algorithm, form, searched, tuning, told, aim.objective, seed, aim.by_rounds)


def check(sweep: Sweep) -> None:
    """Refuse now what a sweep could not do, before any data is fetched. Raises EmbertextError."""
    wanted = sweep.tuning.objectives(sweep.default)
    sweep.tuning.limits.check(wanted, grid=sweep.tuning.strategy == "grid")
    with _search(sweep, storage=""):
        pass


def search(sweep: Sweep, learn: Stages, *, threads: int, workers: int, scheduler: str) -> Swept:
    """Run its trials, as many side by side as were asked for and there are workers for.

    Raises HyperparameterError where no trial reports the objective, EmbertextError where every trial failed.
    """
    limits, start = sweep.tuning.limits, time.monotonic()
    each = threads or (0 if workers or scheduler else max(1, cores() // limits.max_parallel_jobs))
    name = sweep.key if sweep.tuning.resume else f"{sweep.key}-{time.time_ns():x}"
    with (
        cluster.connect(threads=each, workers=workers, scheduler=scheduler) as where,
        _search(sweep, storage=sweep.tuning.storage or _journal(sweep, name), name=name) as searched,
        progress("tune", artifact=f"tune-{sweep.algorithm.replace('_', '-')}-progress") as report,
    ):
        most = where.workers if isinstance(where, cluster.Dask) else limits.max_parallel_jobs
        parallel = min(limits.max_parallel_jobs, most)
        machines = Machines(threads=where.threads, workers=0, scheduler="")
        if searched.idle:
            print(searched.idle, file=sys.stderr)
            log().warning("%s", searched.idle)
        before = sum(each.status in ("completed", "stopped", "failed") for each in searched.own)
        runner = Runner(searched, Work(learn, machines), base=sweep.form, where=where, report=report)
        ended = runner.run(limits, parallel)
        best = searched.best
        return Swept(
            sweep=sweep,
            trials=searched.trials,
            ranked=searched.ranked,
            front=searched.front,
            best=best,
            form=formed(sweep.form, best.parameters),
            importances=searched.importances(),
            machines=machines,
            sharing=1 if scheduler else parallel,
            ended=ended,
            seconds=time.monotonic() - start,
            before=before,
            idle=searched.idle,
        )


@contextmanager
def _search(sweep: Sweep, **place: str) -> Iterator[Search]:
    tuning = sweep.tuning
    with Search(
        sweep.space,
        objective=[f"{each.direction[:8]} {each.metric}" for each in tuning.objectives(sweep.default)],
        strategy=tuning.strategy,
        early_stopping=tuning.early_stopping_type,
        rounds=rounds(sweep.form, sweep.space),
        by_rounds=sweep.by_rounds,
        warm_start=[earlier.read(url, data=sweep.data) for url in tuning.earlier],
        seed=sweep.seed,
        **place,
    ) as searched:
        yield searched


def _journal(sweep: Sweep, name: str) -> str:
    """The file of a sweep's own, on this machine."""
    return str(stages.local_cache() / "sweeps" / f"{sweep.algorithm}-{name}.journal")

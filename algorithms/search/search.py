"""A search: asked for a point, told what it came to. Knows no runtime: whoever trains, here or on a cluster, asks.

    search = Search(space, objective="validation_accuracy", storage="sweep.journal")
    while trial := search.ask():
        search.tell(trial.number, train(trial.parameters), seconds=...)
    search.best

Several trials may be asked for before the first is told: each is chosen knowing which others run. One thread at a time.
"""

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self

from algorithms.search import earlier, objectives, proposals, trials
from algorithms.search.earlier import Earlier
from algorithms.search.proposals import Known
from algorithms.search.record import NAME, Record
from algorithms.search.rule import Rule, Stopping
from algorithms.search.space import Parameters, Space, did_you_mean
from algorithms.search.trials import Status, Trial
from data.errors import EmbertextError, HyperparameterError

Strategy = Literal["bayesian", "random", "grid", "hyperband"]

MOST_EARLIER = 5  # sweeps to start from, as in SageMaker
ATTEMPTS = 2  # at a trial whose process dies


class Search:
    """A sweep's trials, and where to look next. objective: a metric, or several for a Pareto front.

    strategy: hyperband draws at random and stops at Hyperband's rungs, `rounds` being those of a trial that it does
    not stop; grid has every point once. early_stopping: "median" stops trials that lose, by what `report` is given.
    by_rounds: the metrics that `report` will be given, where that is known.

    storage: a path (a journal file), a database's URL (sqlite:///sweep.db, postgresql://...), or "" for this process's
    memory. Where it has the sweep `name` already, that is gone on with: what has finished counts, and what was running
    when its process died is asked for again, once. warm_start: sweeps that have been.

    Raises HyperparameterError for what cannot be searched so, EmbertextError for a storage that cannot be used.
    """

    def __init__(
        self,
        space: Space,
        *,
        objective: str | Iterable[str],
        strategy: Strategy = "bayesian",
        early_stopping: Stopping = "off",
        rounds: int = 0,
        by_rounds: Collection[str] | None = None,
        storage: str = "",
        name: str = NAME,
        warm_start: Sequence[Earlier] = (),
        seed: int = 1,
    ) -> None:
        self.space, self.strategy, self.seed = space, strategy, seed
        self.objectives = objectives.objectives(objective)
        self.warm_start = tuple(warm_start)
        by_rungs = strategy == "hyperband"
        self._rule = Rule(self.objectives, early_stopping, by_rungs=by_rungs, rounds=rounds, by_rounds=by_rounds)
        self._check()
        self._points = list(space.grid()) if strategy == "grid" or space.size <= proposals.FEW else []
        self._losing: set[int] = set()
        settings = {
            "objectives": [str(each) for each in self.objectives],
            "ranges": {each: given.model_dump(mode="json") for each, given in space.ranges.items()},
            "base": {each: value for each, value in space.base.items() if isinstance(value, str | int | float)},
        }
        self._record = Record(storage, name=name, objectives=self.objectives, settings=settings)
        self._again = self._interrupted()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process go on with the sweep."""
        self._record.close()

    def ask(self) -> Trial | None:
        """The next trial, to be trained now; None where every point of the space has been."""
        if self._again:
            before = self._again.pop(0)
            return self._record.begin(before.parameters, self.space.ranges, again=before.number)
        parameters = self._next()
        return None if parameters is None else self._record.begin(parameters, self.space.ranges)

    def report(self, number: int, step: int, metrics: Mapping[str, float]) -> bool:
        """What a running trial has come to after a round, counted from 1; whether to stop it, as it loses."""
        values = objectives.found(metrics, self.objectives) if len(self.objectives) == 1 else None
        if values is None:
            return False
        self._record.round(number, step, values[0])
        if loses := self._rule.loses(number, self._record):
            self._losing.add(number)
        return loses

    def tell(
        self, number: int, metrics: Mapping[str, float] | None, *, seconds: float = 0.0, reason: str = ""
    ) -> Trial:
        """What a trial has come to, None for one that failed, and why; the trial as it is written down.

        One that `report` said to stop counts as stopped, with the values it had reached. Raises HyperparameterError
        where no trial yet has reported the objective, this one included.
        """
        running = next((trial for trial in self.own if trial.number == number and not trial.finished), None)
        assert running, f"trial {number} does not run"
        told = {metric: float(value) for metric, value in (metrics or {}).items()}
        values = objectives.found(told, self.objectives)
        if metrics is not None and values is None:
            reason = reason or self._unjudged(told)
        elif number in self._losing:
            reason = reason or f"it lost by {self._rule.name}"
        done = dataclasses.replace(
            running,
            status="failed" if values is None else "stopped" if number in self._losing else "completed",
            values=values or (),
            metrics={metric: value for metric, value in told.items() if math.isfinite(value)},
            seconds=seconds,
            reason=reason,
        )
        self._record.finish(done)
        missing = [each.metric for each in self.objectives if metrics is not None and each.metric not in told]
        if missing and not any(trial.values for trial in self.own):
            self._refuse_objective(missing[0], told)
        return done

    @property
    def own(self) -> list[Trial]:
        """Trials of this sweep, in the order they were begun."""
        return self._record.trials()

    @property
    def trials(self) -> list[Trial]:
        """All that count: those of earlier sweeps on identical data, then our own."""
        return [
            trial for each in self.warm_start if each.kind == "identical" for trial in each.counted(self.space)
        ] + self.own

    @property
    def ranked(self) -> list[Trial]:
        """Completed trials by the first objective, the best first; behind them those that were stopped."""
        return trials.ranked(self.trials, self.objectives)

    @property
    def front(self) -> list[Trial]:
        """The Pareto front of the objectives."""
        return trials.front(self.trials, self.objectives)

    @property
    def best(self) -> Trial:
        """The best completed trial by the first objective. Raises EmbertextError where there is none."""
        if found := trials.best(self.trials, self.objectives):
            return found
        failed = [trial for trial in self.own if trial.status == "failed"]
        if not failed:
            raise EmbertextError("no trial has completed", where="sweep", remedy="allow more jobs, or more time")
        what = f"every trial failed, {len(failed)} of them; this one: {failed[-1].reason or 'no reason was told'}"
        where = f"trial {failed[-1].number} with {failed[-1].parameters}"
        raise EmbertextError(what, where=where, remedy="train once with these parameters, and give other ranges")

    @property
    def idle(self) -> str:
        """Why no trial can be stopped although that was asked for; empty where it can."""
        return self._rule.idle

    def importances(self) -> dict[str, float]:
        """How much of the first objective's variance each parameter explains, adding up to 1; empty for few trials."""
        known = [each for each in self._judged(self.own) if each.values is not None]
        return proposals.importances(self.space, known, seed=self.seed)

    def _next(self) -> Parameters | None:
        own = self.own
        tried = [trial.parameters for trial in self.trials if trial.status != "interrupted"]
        left = [point for point in self._points if point not in tried]
        if self._points and not left:
            return None
        if self.strategy == "grid":
            return left[0]
        if self.strategy == "bayesian":
            running = [trial.parameters for trial in own if not trial.finished]
            known, first = earlier.informed(self._judged(own), self.warm_start, self.space, self.objectives)
            proposed = proposals.bayesian(self.space, known, running, first=first, seed=self.seed, number=len(own))
        else:
            proposed = proposals.at_random(self.space, seed=self.seed, number=len(own))
        return proposals.new(self.space, proposed, tried, left=left, seed=self.seed, number=len(own))

    def _judged(self, own: Sequence[Trial]) -> list[Known]:
        """What is known of finished trials, more being better."""
        return [
            Known(
                trial.parameters,
                tuple(each.sign * value for each, value in zip(self.objectives, trial.values, strict=True))
                if trial.values
                else None,
            )
            for trial in own
            if trial.status in ("completed", "stopped", "failed")
        ]

    def _interrupted(self) -> list[Trial]:
        """Trials that ran when their process died: those to ask for again; the others have failed."""
        for trial in (trial for trial in self.own if not trial.finished):
            attempt, before = 1, self._record.repeats(trial.number)
            while before is not None:
                attempt, before = attempt + 1, self._record.repeats(before)
            status: Status = "interrupted" if attempt < ATTEMPTS else "failed"
            reason = "its process died" if attempt < ATTEMPTS else f"its process died {attempt} times"
            self._record.finish(dataclasses.replace(trial, status=status, reason=reason))
        repeated = {self._record.repeats(trial.number) for trial in self.own}
        return [trial for trial in self.own if trial.status == "interrupted" and trial.number not in repeated]

    def _unjudged(self, told: Mapping[str, float]) -> str:
        metric = next(each.metric for each in self.objectives if objectives.found(told, [each]) is None)
        return f"{metric} is {told[metric]}" if metric in told else f"it reported no {metric}"

    def _refuse_objective(self, metric: str, told: Mapping[str, float]) -> None:
        raise HyperparameterError(
            f"no trial reports it{did_you_mean(metric, told)}",
            field="objective",
            value=metric,
            remedy=f"choose from {', '.join(sorted(told)) or 'what the algorithm reports, which is nothing here'}",
        )

    def _check(self) -> None:
        if self.strategy == "grid":
            self.space.check_grid()
        if len(self.warm_start) > MOST_EARLIER:
            what = f"{len(self.warm_start)} sweeps, more than {MOST_EARLIER}"
            raise HyperparameterError(what, field="warm_start", value="...", remedy="choose the last ones")
        for each in self.warm_start:
            each.check(self.objectives, self.space)

"""The loop of a sweep: trials are asked for, run side by side, and told, until one of its limits is reached.

The search decides where to look; this runs it.
"""

import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from prefect.futures import PrefectConcurrentFuture
from pydantic import BaseModel

from algorithms.here import Here
from algorithms.search import trials
from algorithms.search.limits import Limits
from algorithms.search.search import Search
from algorithms.search.trials import Trial
from tasks import cluster
from tasks.progress import Report
from tasks.tune.trial import Ended, Outcome, Work, reason_of, shown, trial


class Runner:
    """Trials that run. The search hears of one thing at a time. base: hyperparameters that are not searched."""

    def __init__(
        self, search: Search, work: Work, *, base: BaseModel, where: Here | cluster.Dask, report: Report
    ) -> None:
        self.search, self.work, self.base, self.where, self.report = search, work, base, where, report
        self.lock, self.ended = threading.Lock(), Ended()
        self.outcomes: dict[int, Outcome] = {}
        self.running: dict[Future[Any], Trial] = {}

    def run(self, limits: Limits, parallel: int) -> str:
        """Until there is no more to begin, and what was begun has ended; why."""
        start = time.monotonic()
        # one at a time trains in the main thread, where Ctrl-C ends it at once
        begin = self._here if parallel == 1 and isinstance(self.where, Here) else self._beside
        why = ""
        self._tell(limits)
        try:
            while True:
                while not why and len(self.running) < parallel:
                    with self.lock:
                        seconds = time.monotonic() - start
                        why = limits.reached(self.search.own, self.search.objectives[0], seconds=seconds)
                        asked = None if why else self.search.ask()
                    if asked:
                        self.running[begin(asked)] = asked
                    why = why or ("" if asked else "every point of the space has been tried")
                if not self.running:
                    return why
                done, _ = wait(self.running, return_when=FIRST_COMPLETED)
                for future in done:
                    self._conclude(self.running.pop(future), future)
                    self._tell(limits)
        finally:
            self.ended.now()
            wait(self.running)

    def _here(self, asked: Trial) -> Future[Any]:
        """Run a trial in this thread."""
        future: Future[Any] = Future()
        future.set_result(trial(asked.number, asked.parameters, **self._given(asked), return_state=True))
        return future

    def _beside(self, asked: Trial) -> Future[Any]:
        """Run a trial in a thread of its own."""
        begun = trial.submit(asked.number, asked.parameters, **self._given(asked))
        assert isinstance(begun, PrefectConcurrentFuture)
        return begun.wrapped_future

    def _given(self, asked: Trial) -> dict[str, Any]:
        def judge(epoch: int, metrics: Mapping[str, float]) -> bool:
            with self.lock:
                return self.search.report(asked.number, epoch, metrics)

        return {
            "base": self.base,
            "work": self.work,
            "where": self.where,
            "judge": judge,
            "ended": self.ended,
            "outcomes": self.outcomes,
        }

    def _conclude(self, asked: Trial, future: Future[Any]) -> None:
        """Tell the search what a trial came to."""
        outcome = self.outcomes.get(asked.number) or Outcome(None, 0.0, reason_of(_error(future)))
        with self.lock:
            told = self.search.tell(asked.number, outcome.metrics, seconds=outcome.seconds, reason=outcome.reason)
        parameters = ", ".join(f"{name}={shown(value)}" for name, value in told.parameters.items())
        result = ", ".join(
            f"{each.metric} {value:.4g}" for each, value in zip(self.search.objectives, told.values, strict=False)
        )
        status = "" if told.status == "completed" else f"{told.status} "
        print(
            f"trial {told.number}: {status}{result or told.reason} in {told.seconds:.1f} s: {parameters}",
            file=sys.stderr,
        )

    def _tell(self, limits: Limits) -> None:
        """How far it is, by the number of jobs where that is known."""
        finished = [each for each in self.search.own if each.finished and each.status != "interrupted"]
        best = trials.best(finished, self.search.objectives)
        told = f", best {self.search.objectives[0].metric} {best.values[0]:.4g}" if best else ""
        self.report(len(finished) / limits.max_jobs if limits.max_jobs else 0.0, f"{len(finished)} trials{told}")


def _error(future: Future[Any]) -> BaseException:
    """Why a trial's task left no outcome: Prefect itself failed."""
    if error := future.exception():
        return error
    state = future.result()
    return RuntimeError(getattr(state, "message", None) or "its task run left no outcome")

"""Trials: points of a space, and what became of them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from algorithms.search.objectives import Objective, dominates

# running; completed; stopped: early, as it was losing; failed; interrupted: its process died, another trial repeats it
Status = Literal["running", "completed", "stopped", "failed", "interrupted"]


@dataclass(frozen=True)
class Trial:
    """One point and what became of it.

    values: one for each objective, empty without; of a trial that was stopped those it had reached. rounds: the
    objective after each round that reported it. metrics: all that were told at the end. seconds: of one machine.
    reason: of what is neither running nor completed. sweep: the earlier one it is from, else empty.
    """

    number: int
    parameters: dict[str, Any]
    status: Status
    values: tuple[float, ...] = ()
    rounds: dict[int, float] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    reason: str = ""
    sweep: str = ""

    @property
    def finished(self) -> bool:
        """Whether nothing more is to come of it."""
        return self.status != "running"


def completed(trials: Iterable[Trial]) -> list[Trial]:
    """Those that were trained to their end."""
    return [trial for trial in trials if trial.status == "completed"]


def ranked(trials: Iterable[Trial], by: Sequence[Objective]) -> list[Trial]:
    """Completed ones by their first objective, the best first and of equals the earlier; then those stopped early."""
    places = {"completed": 0, "stopped": 1}
    judged = [trial for trial in trials if trial.status in places and trial.values]
    return sorted(judged, key=lambda trial: (places[trial.status], -by[0].sign * trial.values[0], trial.number))


def best(trials: Iterable[Trial], by: Sequence[Objective]) -> Trial | None:
    """The best completed trial by the first objective, of equals the earliest."""
    return next((trial for trial in ranked(trials, by) if trial.status == "completed"), None)


def front(trials: Iterable[Trial], by: Sequence[Objective]) -> list[Trial]:
    """The Pareto front: completed trials that no other beats in one objective without losing in another."""
    judged = [trial for trial in ranked(trials, by) if trial.status == "completed"]
    kept = [trial for trial in judged if not any(dominates(other.values, trial.values, by=by) for other in judged)]
    # of equals the first
    return [trial for number, trial in enumerate(kept) if trial.values not in [each.values for each in kept[:number]]]

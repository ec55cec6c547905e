"""Which rule stops losing trials, and whether it can: none, the median's (`stopping.py`), or Hyperband's own."""

from collections.abc import Collection, Sequence
from typing import Literal

from algorithms.search import hyperband, stopping
from algorithms.search.objectives import Objective
from algorithms.search.record import Record
from data.errors import HyperparameterError

Stopping = Literal["off", "median"]


class Rule:
    """by_rungs: Hyperband. rounds: those of a trial that is not stopped; by_rounds: the metrics known after each, or
    None where that is not known.

    Raises HyperparameterError for what cannot be judged so.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        early_stopping: Stopping,
        *,
        by_rungs: bool,
        rounds: int,
        by_rounds: Collection[str] | None,
    ) -> None:
        self.objectives, self.early_stopping, self.by_rounds = objectives, early_stopping, by_rounds
        self._check(by_rungs, rounds)
        self._hyperband = hyperband.rule(rounds) if by_rungs else None

    @property
    def name(self) -> str:
        """As a person calls it."""
        return "Hyperband" if self._hyperband else "the median rule"

    @property
    def idle(self) -> str:
        """Why no trial can be stopped although that was asked for; empty where it can, or was not asked for."""
        if self.early_stopping == "off" or not self._late:
            return ""
        after = f"{self._known} after each epoch" if self.by_rounds else "nothing before"
        return f"early_stopping_type={self.early_stopping} stops no trial: {self._late} is known at its end, {after}"

    def loses(self, number: int, record: Record) -> bool:
        """Whether the running trial is to be stopped after what it reported last."""
        if self._hyperband:
            return hyperband.loses(self._hyperband, record.study, number)
        if self.early_stopping == "off":
            return False
        own = record.trials()
        others = [trial.rounds for trial in own if trial.number != number]
        return stopping.loses(own[number].rounds, others, self.objectives[0])

    @property
    def _late(self) -> str:
        """The objective where it is known too late to stop by."""
        metric = self.objectives[0].metric
        return metric if self.by_rounds is not None and metric not in self.by_rounds else ""

    @property
    def _known(self) -> str:
        return " or ".join(self.by_rounds or ())

    def _check(self, by_rungs: bool, rounds: int) -> None:
        field, value = ("strategy", "hyperband") if by_rungs else ("early_stopping_type", self.early_stopping)
        if value == "off":
            return
        if by_rungs:
            hyperband.check(rounds)
        if len(self.objectives) > 1:
            remedy = "give one objective, or leave it out"
            raise HyperparameterError("it compares trials by one objective", field=field, value=value, remedy=remedy)
        if by_rungs and self.early_stopping != "off":
            raise HyperparameterError(
                "Hyperband stops trials by a rule of its own", field="early_stopping_type", value=self.early_stopping,
                remedy="choose off, or another strategy",
            )  # fmt: skip
        if by_rungs and self._late:
            what = f"it stops trials by what they come to after each epoch, and {self._late} is known at their end"
            other = f"choose {self._known} as objective, or another strategy" if self.by_rounds else ""
            remedy = other or "choose another strategy"
            raise HyperparameterError(what, field=field, value=value, remedy=remedy)

"""When a sweep ends: SageMaker's criteria, any of which is enough. Pure: the caller tells the time."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from algorithms.forms import in_order
from algorithms.search.objectives import Objective
from algorithms.search.trials import Trial, completed
from data.errors import HyperparameterError

FIRST_FAILURES = 5  # when nothing but failures has come by then, nothing will
GAIN = 0.01  # relative; less than that is no gain to wait for
LEAST_TO_CONVERGE = 10  # trials


class Limits(BaseModel):
    """What a sweep may take. A criterion that is 0 or None does not count."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Limits", json_schema_extra=in_order)

    max_jobs: Annotated[int, Field(title="Trials", description="Trials, at most; 0: a grid's points.", ge=0)] = 12
    max_parallel_jobs: Annotated[
        int, Field(title="Trials at a time", description="Trials that run at the same time, at most.", ge=1)
    ] = 1
    max_runtime: Annotated[
        float,
        Field(
            title="Runtime in seconds",
            description="Seconds, at most; trials that run by then are finished; 0: any.",
            ge=0,
        ),
    ] = 0.0
    target: Annotated[
        float | None,
        Field(
            title="Target value",
            description="Ends once a trial reaches this value of the objective.",
            allow_inf_nan=False,
        ),
    ] = None
    not_improving: Annotated[
        int,
        Field(
            title="Patience in trials", description="Trials in a row that do not beat the best; 0: any number.", ge=0
        ),
    ] = 0
    converged: Annotated[
        bool,
        Field(
            title="End when converged",
            description="Ends when half of all trials, ten at least, have brought less than one per cent.",
        ),
    ] = False  # fmt: skip

    def check(self, objectives: Sequence[Objective], *, grid: bool = False) -> None:
        """Refuse criteria that cannot be judged. Raises HyperparameterError."""
        if not (self.max_jobs or grid or self.max_runtime or self.target is not None or self.converged):
            raise HyperparameterError(
                "the sweep would never end", field="max_jobs", value=0, remedy="give a number of jobs, such as 12"
            )
        if 0 < self.not_improving < 3:
            raise HyperparameterError(
                "too few to judge by", field="not_improving", value=self.not_improving, remedy="choose 3 or more, or 0"
            )
        asked = {
            "target": self.target is not None,
            "not_improving": self.not_improving > 0,
            "converged": self.converged,
        }
        for field in (field for field in asked if asked[field] and len(objectives) > 1):
            metrics = ", ".join(each.metric for each in objectives)
            raise HyperparameterError(
                f"several objectives, {metrics}, have no single best",
                field=field,
                value=getattr(self, field),
                remedy="leave it out, or give one objective",
            )

    def reached(self, trials: Sequence[Trial], objective: Objective, *, seconds: float) -> str:
        """Why no further trial is begun; empty while there may be more. seconds: since the sweep began."""
        ours = [trial for trial in trials if trial.status != "interrupted" and not trial.sweep]
        values = [trial.values[0] for trial in completed(ours)]
        failed = [trial for trial in ours if trial.status == "failed"]
        if self.max_jobs and len(ours) >= self.max_jobs:
            return f"{self.max_jobs} jobs were trained"
        if self.max_runtime and seconds >= self.max_runtime:
            return f"{seconds:.0f} of {self.max_runtime:.0f} seconds are over"
        if self.target is not None and any(not objective.better(self.target, value) for value in values):
            return f"{objective.metric} has reached {self.target:g}"
        if len(failed) >= FIRST_FAILURES and len(failed) == sum(trial.finished for trial in ours):
            return f"all of the first {len(failed)} trials failed"
        waited = since_best(ours, objective)
        if self.not_improving and waited >= self.not_improving:
            return f"{waited} trials in a row were no better than the best"
        if self.converged and has_converged(values, objective):
            return "the last half of the trials has brought less than one per cent"
        return ""


def since_best(trials: Sequence[Trial], objective: Objective) -> int:
    """Trials that have finished after the best one, in the order they were begun, failed ones too."""
    waited, best = 0, None
    for trial in (trial for trial in trials if trial.finished):
        value = trial.values[0] if trial.status == "completed" else None
        if value is not None and (best is None or objective.better(value, best)):
            best, waited = value, 0
        elif best is not None:
            waited += 1
    return waited


def has_converged(values: Sequence[float], objective: Objective) -> bool:
    """Whether the second half of the values, in their order, is better than the first by less than one per cent."""
    if len(values) < LEAST_TO_CONVERGE:
        return False
    signed = [objective.sign * value for value in values]
    before = max(signed[: len(signed) // 2])
    return max(signed) - before < GAIN * abs(before)

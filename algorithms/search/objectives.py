"""What a sweep is after: metrics, and for each whether less or more of it is better, known by its name."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from algorithms.search.space import did_you_mean
from data.errors import HyperparameterError

Direction = Literal["minimize", "maximize"]

LESS = {
    "loss", "perplexity", "entropy", "error", "mse", "rmse", "mae", "ece", "seconds", "time", "bytes", "size", "cost",
    "memory", "rank", "kld", "recons", "redundancy",
}  # fmt: skip
MORE = {
    "rho", "accuracy", "npmi", "coherence", "hits", "f1", "precision", "recall", "spearman", "pearson", "correlation",
    "diversity", "wetc", "tu", "uniqueness", "auc", "mrr", "purity", "nmi", "analogies", "similarity", "throughput",
    "cv", "umass", "uci",
}  # fmt: skip
EXAMPLES = "mean_rho, validation_accuracy, total_loss, npmi, hits@10, seconds"


class Objective(NamedTuple):
    """A metric and its direction."""

    metric: str
    direction: Direction

    def __str__(self) -> str:
        """As `objective` reads it."""
        return f"{self.direction} {self.metric}"

    @property
    def sign(self) -> int:
        """What a value is multiplied by, so that more is better."""
        return 1 if self.direction == "maximize" else -1

    def better(self, value: float, than: float) -> bool:
        """Whether a value beats another."""
        return self.sign * value > self.sign * than


def objective(given: str) -> Objective:
    """From a metric's name, ours or SageMaker's ("validation:accuracy"); "minimize x" and "maximize x" for any name.

    Raises HyperparameterError for a name that does not tell the direction.
    """
    words = given.split()
    said = words[0].lower() if len(words) == 2 else ""
    if said in ("minimize", "maximize"):
        return Objective(plain(words[1]), "minimize" if said == "minimize" else "maximize")
    parts = re.split(r"[^a-z0-9]+", given.strip().lower())
    # the last word that is known decides: words_per_second is a speed, validation_loss a loss
    if "per" in parts:
        return Objective(plain(given), "maximize")
    for part in reversed(parts):
        if part in LESS or part in MORE:
            return Objective(plain(given), "minimize" if part in LESS else "maximize")
    close = did_you_mean(given, [*EXAMPLES.split(", "), *sorted(LESS | MORE)])
    raise HyperparameterError(
        f"whether less or more of it is better is not known{close}",
        field="objective",
        value=given,
        remedy=f"write 'minimize {given or 'x'}' or 'maximize {given or 'x'}', or choose a metric such as {EXAMPLES}",
    )


def objectives(given: str | Iterable[str]) -> tuple[Objective, ...]:
    """One or several, each once."""
    found = tuple(objective(each) for each in ([given] if isinstance(given, str) else given))
    metrics = [each.metric for each in found]
    if not found or len(set(metrics)) < len(metrics):
        raise HyperparameterError(
            "no objective" if not found else "the same objective twice",
            field="objective",
            value=", ".join(metrics),
            remedy=f"give one, such as validation_accuracy, or several, such as {EXAMPLES}",
        )
    return found


def plain(metric: str) -> str:
    """A metric as algorithms here name it: train:mean_rho is mean_rho, validation:accuracy validation_accuracy."""
    name = metric.strip().replace(":", "_")
    return name.removeprefix("train_") if name == "train_mean_rho" else name


def dominates(values: Sequence[float], others: Sequence[float], *, by: Sequence[Objective]) -> bool:
    """Whether values are nowhere worse and somewhere better."""
    ours, theirs = ([each.sign * value for each, value in zip(by, of, strict=True)] for of in (values, others))
    return ours != theirs and all(our >= their for our, their in zip(ours, theirs, strict=True))


def found(metrics: Mapping[str, float], wanted: Sequence[Objective]) -> tuple[float, ...] | None:
    """The objectives' values among metrics; None where one is missing, or no finite number."""
    values = tuple(float(metrics.get(each.metric, math.nan)) for each in wanted)
    return values if all(map(math.isfinite, values)) else None

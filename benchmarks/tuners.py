"""The searches that are compared on the tabulated surface: ours and its peers, each told the same.

The peers are as they come; random search and Optuna's GP sampler also with the scales that ours finds by itself.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from algorithms.search import axes
from algorithms.search.reading import ranges
from algorithms.search.rule import Stopping
from algorithms.search.search import Search, Strategy
from algorithms.search.space import Space
from benchmarks.tabulated import EPOCHS

METRIC = "validation_accuracy"
RANGES = {
    "learning_rate": {"low": 0.05, "high": 10.0, "scaling": "Logarithmic"},
    "vector_dim": {"low": 10, "high": 64},
    "min_count": {"low": 1, "high": 100},
    "word_ngrams": {"low": 1, "high": 3},
    "loss": {"values": ["softmax", "ova"]},
}
DEFAULTS = {"learning_rate": 0.05, "vector_dim": 100, "min_count": 5, "word_ngrams": 2, "loss": "softmax"}
SPACE = Space(ranges(RANGES), base=DEFAULTS)
TOLD: dict[str, BaseDistribution] = {
    "learning_rate": FloatDistribution(0.05, 10.0, log=True),
    "vector_dim": IntDistribution(10, 64),
    "min_count": IntDistribution(1, 100),
    "word_ngrams": IntDistribution(1, 3),
    "loss": CategoricalDistribution(["softmax", "ova"]),
}
SCALED = {name: axes.distribution(given) for name, given in SPACE.ranges.items()}

OURS, STOPPING, HYPERBAND = "embertext", "embertext, median rule", "embertext, Hyperband"
RANDOM, TPE, GP, SKOPT = "random search", "Optuna TPE", "Optuna GP", "scikit-optimize"

Parameters = dict[str, Any]


class Tuner(Protocol):
    """What a sweep talks to. Trials are told apart by numbers; `report` says whether to stop one."""

    def ask(self) -> tuple[int, Parameters]:
        """The next."""

    def report(self, number: int, epoch: int, value: float) -> bool:
        """After an epoch."""

    def tell(self, number: int, value: float) -> None:
        """At the end."""


class Ours:
    """Embertext's own."""

    def __init__(self, seed: int, *, strategy: Strategy = "bayesian", early_stopping: Stopping = "off") -> None:
        self.search = Search(
            SPACE, objective=METRIC, strategy=strategy, early_stopping=early_stopping, rounds=EPOCHS, seed=seed
        )

    def ask(self) -> tuple[int, Parameters]:
        """The next."""
        trial = self.search.ask()
        assert trial
        return trial.number, trial.parameters

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Whether to stop."""
        return self.search.report(number, epoch, {METRIC: value})

    def tell(self, number: int, value: float) -> None:
        """At the end."""
        self.search.tell(number, {METRIC: value})


class Peer:
    """One of Optuna's samplers, as it comes."""

    def __init__(self, seed: int, *, sampler: Callable[..., Any], told: dict[str, BaseDistribution]) -> None:
        self.study = optuna.create_study(direction="maximize", sampler=sampler(seed=seed))
        self.told = told

    def ask(self) -> tuple[int, Parameters]:
        """The next."""
        trial = self.study.ask(self.told)
        return trial.number, trial.params

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Whether to stop."""
        return False

    def tell(self, number: int, value: float) -> None:
        """At the end."""
        self.study.tell(number, value)


class ScikitOptimize:
    """Its Optimizer as it comes; it is told a lie, the best value so far, of trials that run ("cl_min")."""

    def __init__(self, seed: int) -> None:
        from skopt import Optimizer, space  # type: ignore[import-untyped]

        dimensions = [
            space.Real(0.05, 10.0, prior="log-uniform"),
            space.Integer(10, 64),
            space.Integer(1, 100),
            space.Integer(1, 3),
            space.Categorical(["softmax", "ova"]),
        ]
        self.optimizer = Optimizer(dimensions, random_state=seed)
        self.points: list[list[Any]] = []
        self.running: set[int] = set()

    def ask(self) -> tuple[int, Parameters]:
        """The next."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            liar = self.optimizer.copy() if self.running and self.optimizer.yi else self.optimizer
            if liar is not self.optimizer:
                for number in self.running:
                    liar.tell(self.points[number], min(self.optimizer.yi))
            self.points.append(liar.ask())
        self.running.add(len(self.points) - 1)
        numbers = [each.item() if hasattr(each, "item") else each for each in self.points[-1]]
        return len(self.points) - 1, dict(zip(RANGES, numbers, strict=True))

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Whether to stop."""
        return False

    def tell(self, number: int, value: float) -> None:
        """At the end."""
        self.running.remove(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.optimizer.tell(self.points[number], -value)


SEARCHES: dict[str, Callable[[int], Tuner]] = {
    OURS: Ours,
    STOPPING: partial(Ours, early_stopping="median"),
    HYPERBAND: partial(Ours, strategy="hyperband"),
    f"{RANDOM}, our scales": partial(Ours, strategy="random"),
    RANDOM: partial(Peer, sampler=optuna.samplers.RandomSampler, told=TOLD),
    TPE: partial(Peer, sampler=optuna.samplers.TPESampler, told=TOLD),
    GP: partial(Peer, sampler=optuna.samplers.GPSampler, told=TOLD),
    f"{GP}, our scales": partial(Peer, sampler=optuna.samplers.GPSampler, told=SCALED),
    SKOPT: ScikitOptimize,
}

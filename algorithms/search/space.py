"""The space of a sweep: ranges by name, and which of them count where. Knows neither samplers nor trials."""

import difflib
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from algorithms.search.ranges import Categorical, Continuous, Integer, check, spelled
from data.errors import HyperparameterError

Parameters = dict[str, Any]
Ranges = Mapping[str, Integer | Continuous | Categorical]

MOST_PARAMETERS = 30  # of a sweep, as in SageMaker
MOST_COMBINATIONS = 10_000  # of a grid


class Space:
    """ranges: in their order; base: the hyperparameters as they are without a sweep: a point to start from, and where
    they are not searched, what conditions may name as well.

    Raises HyperparameterError for ranges that are none, and for conditions that cannot be.
    """

    def __init__(self, ranges: Ranges, *, base: Mapping[str, Any] | None = None) -> None:
        if not ranges:
            raise HyperparameterError(
                "nothing to search", field="ranges", value={}, remedy="give at least one parameter and its range"
            )
        if len(ranges) > MOST_PARAMETERS:
            what = f"{len(ranges)} parameters, more than {MOST_PARAMETERS}"
            raise HyperparameterError(what, field="ranges", value="...", remedy="search those that matter most")
        for name, each in ranges.items():
            check(name, each)
        self.ranges = dict(ranges)
        self.base = {name: value for name, value in (base or {}).items() if name not in ranges}
        self._untuned = {name: value for name, value in (base or {}).items() if name in ranges}
        self._order = self._ordered()

    def active(self, parameters: Mapping[str, Any]) -> Parameters:
        """Those of the parameters whose conditions hold, in the order of the ranges."""
        chosen: Parameters = {}
        for name in self._order:
            known = {**self.base, **chosen}
            conditions = self.ranges[name].when
            if all(
                other in known and spelled(known[other]) in map(spelled, values) for other, values in conditions.items()
            ):
                chosen[name] = parameters[name]
        return {name: chosen[name] for name in self.ranges if name in chosen}

    def canonical(self, parameters: Mapping[str, Any]) -> Parameters:
        """A value for each range: one that does not count has always the same, so that it tells nothing."""
        active = self.active({**self._idle, **parameters})
        return {name: active.get(name, self._idle[name]) for name in self.ranges}

    def contains(self, parameters: Mapping[str, Any]) -> bool:
        """Whether all that count here are given and within their ranges."""
        given = {name: value for name, value in parameters.items() if name in self.ranges}
        active = self.active({**self._idle, **given})
        return all(name in given and inside(self.ranges[name], given[name]) for name in active)

    @property
    def start(self) -> Parameters:
        """What would be trained without a sweep, moved into the ranges; empty where that is not known."""
        if not self._untuned.keys() >= self.ranges.keys():
            return {}
        return self.active({name: moved(each, self._untuned[name]) for name, each in self.ranges.items()})

    @property
    def size(self) -> float:
        """How many points there are; infinite with a continuous range. Conditions are not counted."""
        return math.prod(
            math.inf if isinstance(each, Continuous) and each.low < each.high
            else 1 if isinstance(each, Continuous) else len(each.values)
            for each in self.ranges.values()
        )  # fmt: skip

    def check_grid(self) -> None:
        """Refuse a grid over what has no end. Raises HyperparameterError."""
        for name, each in self.ranges.items():
            if isinstance(each, Continuous) and each.low < each.high:
                raise HyperparameterError(
                    "a grid cannot have a continuous range",
                    field=f"ranges.{name}.type",
                    value=each.type,
                    remedy=f"give values, such as [{each.low!r}, {each.high!r}], or choose another strategy",
                )
        if self.size > MOST_COMBINATIONS:
            raise HyperparameterError(
                f"a grid of {self.size:,} points, more than {MOST_COMBINATIONS:,}",
                field="strategy",
                value="grid",
                remedy="give fewer values, or choose another strategy",
            )

    def grid(self) -> Iterator[Parameters]:
        """Every point once, the last parameter changing fastest."""
        seen: set[tuple[tuple[str, str], ...]] = set()
        points = itertools.product(
            *((each.low,) if isinstance(each, Continuous) else each.values for each in self.ranges.values())
        )
        for point in points:
            active = self.active(dict(zip(self.ranges, point, strict=True)))
            key = tuple((name, repr(value)) for name, value in active.items())
            if key not in seen:
                seen.add(key)
                yield active

    @property
    def _idle(self) -> Parameters:
        """The value of each parameter where it does not count."""
        return {
            name: each.values[0] if isinstance(each, Categorical) else each.low for name, each in self.ranges.items()
        }

    def _ordered(self) -> list[str]:
        """Names so that each comes after those that its conditions name."""
        known = [*self.ranges, *self.base]
        for name, each in self.ranges.items():
            for other, values in each.when.items():
                field = f"ranges.{name}.when"
                if other not in known:
                    raise HyperparameterError(
                        f"no such parameter{did_you_mean(other, known)}",
                        field=field,
                        value=other,
                        remedy="name another parameter of the algorithm",
                    )
                of = self.ranges.get(other)
                for value in values if isinstance(of, Categorical) else ():
                    if spelled(value) not in map(spelled, of.values):  # type: ignore[union-attr]
                        raise HyperparameterError(
                            f"{other} never has it", field=f"{field}.{other}", value=value,
                            remedy=f"choose from {', '.join(map(str, of.values))}",  # type: ignore[union-attr]
                        )  # fmt: skip
        ordered: list[str] = []
        while len(ordered) < len(self.ranges):
            ready = [
                name
                for name, each in self.ranges.items()
                if name not in ordered and all(other in ordered or other not in self.ranges for other in each.when)
            ]
            if not ready:
                circle = next(name for name in self.ranges if name not in ordered)
                raise HyperparameterError(
                    "conditions that wait for each other",
                    field=f"ranges.{circle}.when",
                    value=sorted(self.ranges[circle].when),
                    remedy="leave one of them out",
                )
            ordered += ready
        return ordered


def inside(given: Integer | Continuous | Categorical, value: object) -> bool:
    """Whether a value is in a range."""
    if isinstance(given, Categorical):
        return spelled(value) in map(spelled, given.values)
    return isinstance(value, int | float) and not isinstance(value, bool) and given.low <= value <= given.high


def moved(given: Integer | Continuous | Categorical, value: Any) -> Any:
    """The value of a range that is next to this one; the first of a categorical range that does not have it."""
    if isinstance(given, Categorical):
        return next((each for each in given.values if spelled(each) == spelled(value)), given.values[0])
    if not isinstance(value, int | float) or isinstance(value, bool):
        return given.low
    return min(max(value, given.low), given.high)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What is added to a message where some known name is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""

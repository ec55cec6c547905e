"""Ranges as samplers see them: each on its scale, as one of Optuna's distributions or as a coordinate from 0 to 1."""

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from algorithms.search.ranges import Categorical, Continuous, Integer
from algorithms.search.space import Parameters, Space

Given = Integer | Continuous | Categorical

MANY = 256  # whole numbers that a sampler looks at one by one; of more it sees the line they lie on
DIGITS = 6  # that a number is chosen with: more tell a person nothing, and 0.19999999999999998 is 0.2


def distribution(given: Given) -> BaseDistribution:
    """The distribution of a range's inner values.

    Whole numbers are shifted to begin at 1 where their logarithm is taken, and rounded where there are many; reversed
    ones are 1 - x.
    """
    if isinstance(given, Categorical):
        return CategoricalDistribution(cast(Sequence[Any], given.values))
    if isinstance(given, Integer):
        low, high = given.low + _shift(given), given.high + _shift(given)
        if len(given.values) > MANY:
            return FloatDistribution(low, high, log=given.logarithmic)
        return IntDistribution(low, high, log=given.logarithmic)
    if given.reverse:
        return FloatDistribution(1 - given.high, 1 - given.low, log=True)
    return FloatDistribution(given.low, given.high, log=given.logarithmic)


def recorded(given: Given) -> BaseDistribution:
    """The distribution of a range's own values, as nearly as Optuna has it: for other tools that read a record."""
    if isinstance(given, Integer):
        return IntDistribution(given.low, given.high, log=given.logarithmic and given.low > 0)
    if isinstance(given, Continuous) and given.reverse:
        return FloatDistribution(given.low, given.high)
    return distribution(given)


def inner(given: Given, value: Any) -> Any:
    """A range's value as its distribution has it."""
    if isinstance(given, Integer):
        return value + _shift(given)
    if isinstance(given, Continuous) and given.reverse:
        return min(max(1 - value, 1 - given.high), 1 - given.low)
    if isinstance(given, Categorical):
        # records and other sweeps may spell it otherwise
        return next(each for each in given.values if each is value or str(each).lower() == str(value).lower())
    return value


def outer(given: Given, value: Any) -> Any:
    """The way back; never outside of the range, whatever rounding does. Numbers have a few digits."""
    if isinstance(given, Integer):
        return min(max(round(value) - _shift(given), given.low), given.high)
    if isinstance(given, Continuous):
        return _few_digits(given, 1 - value if given.reverse else value)
    return value


def _few_digits(given: Continuous, value: float) -> float:
    """The number with DIGITS digits of what matters of it: of a narrow range, or near 1 in a reverse one, the rest."""
    sizes = [abs(value), given.high - given.low, *([1 - value] if given.reverse else [])]
    smallest = min((size for size in sizes if size > 0), default=1.0)
    rounded = round(value, DIGITS - 1 - math.floor(math.log10(smallest)))
    return min(max(rounded, given.low), given.high)


def point_at(space: Space, coordinates: NDArray[np.float64]) -> Parameters:
    """The point at coordinates (parameters,) from 0 to 1, each on its parameter's scale."""
    pairs = zip(space.ranges.items(), coordinates.tolist(), strict=True)
    return space.active({name: _at(given, coordinate) for (name, given), coordinate in pairs})


def _at(given: Given, coordinate: float) -> Any:
    if isinstance(given, Categorical):
        return given.values[min(int(coordinate * len(given.values)), len(given.values) - 1)]
    if isinstance(given, Integer):
        # half a step more to each side, so that the first and the last are as likely as others
        shift = _shift(given)
        low, high = given.low + shift - 0.5, given.high + shift + 0.5
        value = round(_between(low, high, coordinate, logarithmic=given.logarithmic)) - shift
        return min(max(value, given.low), given.high)
    if given.reverse:
        return outer(given, _between(1 - given.low, 1 - given.high, coordinate, logarithmic=True))
    return outer(given, _between(given.low, given.high, coordinate, logarithmic=given.logarithmic))


def _between(low: float, high: float, coordinate: float, *, logarithmic: bool) -> float:
    if logarithmic:
        return math.exp(_between(math.log(low), math.log(high), coordinate, logarithmic=False))
    return low + coordinate * (high - low)


def _shift(given: Integer) -> int:
    return given.shift if given.logarithmic else 0

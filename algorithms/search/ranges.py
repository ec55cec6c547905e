"""Ranges: what a sweep may choose for one hyperparameter, as SageMaker has them. Knows neither samplers nor trials."""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from data.errors import HyperparameterError

Scaling = Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]
Value = StrictBool | StrictInt | StrictFloat | StrictStr

MOST_VALUES = 30  # of a categorical range, as in SageMaker
WIDE = 10  # times: from here on Auto is logarithmic
LONGEST = 256  # characters of a value

_SCALINGS = {name.lower(): name for name in ("Auto", "Linear", "Logarithmic", "ReverseLogarithmic")}


def _spelled(value: Any) -> Any:
    """Any case."""
    return _SCALINGS.get(value.lower(), value) if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """A value alone is a list of one."""
    if not isinstance(value, dict):
        return value
    return {name: values if isinstance(values, list | tuple) else (values,) for name, values in value.items()}


class _Range(BaseModel):
    """when: the parameter is asked for only where others have one of these values: `{"mode": ["skipgram", "cbow"]}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: Annotated[
        dict[str, tuple[Value, ...]],
        BeforeValidator(_listed),
        Field(title="When", description="Other parameters and the values that they must have."),
    ] = {}


class _Numbers(_Range):
    scaling: Annotated[
        Scaling,
        BeforeValidator(_spelled),
        Field(
            title="Scaling",
            description="Logarithmic: each power of ten counts alike; ReverseLogarithmic: close to 1 in fine steps;"
            " Auto: Logarithmic where the range is wide.",
        ),
    ] = "Auto"


class Integer(_Numbers):
    """Whole numbers from low to high, both included."""

    type: Literal["integer"] = "integer"
    low: Annotated[int, Field(title="Low")]
    high: Annotated[int, Field(title="High")]

    @property
    def values(self) -> range:
        """All of them."""
        return range(self.low, self.high + 1)

    @property
    def logarithmic(self) -> bool:
        """Whether it is searched by its logarithm; one that begins at 0 then by that of the next number."""
        if self.scaling != "Auto":
            return self.scaling == "Logarithmic"
        return self.low >= 0 and self.high + self.shift >= WIDE * (self.low + self.shift)

    @property
    def shift(self) -> int:
        """What is added before the logarithm is taken."""
        return int(self.low == 0)


class Continuous(_Numbers):
    """Numbers from low to high."""

    type: Literal["continuous"] = "continuous"
    low: Annotated[float, Field(title="Low", allow_inf_nan=False)]
    high: Annotated[float, Field(title="High", allow_inf_nan=False)]

    @property
    def logarithmic(self) -> bool:
        """Whether it is searched by its logarithm."""
        if self.scaling != "Auto":
            return self.scaling == "Logarithmic"
        return self.low > 0 and self.high >= WIDE * self.low

    @property
    def reverse(self) -> bool:
        """Whether it is searched by the logarithm of its distance from 1."""
        return self.scaling == "ReverseLogarithmic"


class Categorical(_Range):
    """One of some values."""

    type: Literal["categorical"] = "categorical"
    values: Annotated[tuple[Value, ...], Field(title="Values")]


Range = Annotated[Integer | Continuous | Categorical, Field(discriminator="type")]


def check(name: str, given: Integer | Continuous | Categorical) -> None:
    """Refuse what is no range. Raises HyperparameterError naming the field, its value and the remedy."""
    wrong = _wrong_values(given) if isinstance(given, Categorical) else _wrong_numbers(given)
    if wrong:
        field, value, what, remedy = wrong
        raise HyperparameterError(what, field=f"ranges.{name}.{field}", value=value, remedy=remedy)


def _wrong_numbers(given: Integer | Continuous) -> tuple[str, object, str, str] | None:
    if given.low > given.high:
        return "low", given.low, f"above high={given.high!r}", "exchange the two"
    if given.scaling == "Logarithmic" and given.low <= 0:
        least = "1" if isinstance(given, Integer) else "a small number such as 1e-6"
        return "low", given.low, "a logarithmic range cannot touch zero", f"choose {least}, or scaling: Linear"
    if given.scaling == "ReverseLogarithmic":
        if isinstance(given, Integer):
            what = "only continuous ranges have it"
            return "scaling", given.scaling, what, "choose Auto, Linear or Logarithmic"
        if given.high >= 1:
            what = "a reverse logarithmic range cannot touch 1"
            return "high", given.high, what, "choose a number below it such as 0.999, or scaling: Linear"
        if given.low < 0:
            return "low", given.low, "a reverse logarithmic range begins at 0", "choose 0 or more, or scaling: Linear"
    return None


def _wrong_values(given: Categorical) -> tuple[str, object, str, str] | None:
    values = given.values
    if not values:
        return "values", [], "nothing to choose from", "give the values, such as [1, 2, 3]"
    if len(values) > MOST_VALUES:
        what = f"{len(values)} values, more than {MOST_VALUES}"
        numbers = all(isinstance(value, int | float) for value in values)
        remedy = f"choose fewer{', or a range of type integer or continuous' if numbers else ''}"
        return "values", f"{values[0]!r}, ...", what, remedy
    for number, value in enumerate(values):
        if isinstance(value, str) and len(value) > LONGEST:
            return "values", value[:20] + "...", f"longer than {LONGEST} characters", "choose a shorter value"
        if isinstance(value, float) and not math.isfinite(value):
            return "values", value, "no finite number", "leave it out"
        if spelled(value) in map(spelled, values[:number]):
            return "values", value, "given twice", "give it once"
    return None


def spelled(value: object) -> str:
    """One spelling for values that mean the same: True and "true", 5 and "5"."""
    return str(value).strip().lower()

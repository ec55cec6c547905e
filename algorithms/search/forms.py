"""Whether ranges fit an algorithm: each parameter is a field of its form, and what may be asked is what it takes."""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from algorithms.search.ranges import Categorical, Continuous, Integer
from algorithms.search.space import Space, did_you_mean
from data.errors import HyperparameterError

Range = Integer | Continuous | Categorical

MOST_TRIED = 1000  # combinations of choices


def space(form: BaseModel, ranges: Mapping[str, Range]) -> Space:
    """The space around a form: what is not searched is as it is there, and so is the point to start from.

    Raises HyperparameterError naming the field, its value and the remedy: an unknown parameter, values that the form
    does not take, choices that it does not take together.
    """
    fields = type(form).model_fields
    for name, given in ranges.items():
        if name not in fields:
            what = f"{type(form).__name__} has no such parameter{did_you_mean(name, fields)}"
            remedy = f"choose from {', '.join(fields)}"
            raise HyperparameterError(what, field=f"ranges.{name}", value=given.type, remedy=remedy)
    # {low: 1, high: 10} reads as whole numbers, and means any where the algorithm takes any
    ranges = {name: _widened(given, fields[name]) for name, given in ranges.items()}
    found = Space(ranges, base=form.model_dump())
    for name, given in ranges.items():
        _check_type(name, given, fields[name])
        _check_values(name, given, fields[name])
    _check_choices(form, found)
    return found


def fitting(form: BaseModel, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Ranges without those choices that this form does not take, all else being as it is there."""
    left = {
        name: tuple(value for value in given.values if _takes(form, name, value))
        for name, given in ranges.items()
        if isinstance(given, Categorical)
    }
    found = dict(ranges)
    for name, given in ranges.items():
        when = {
            other: tuple(value for value in values if value in left.get(other, values))
            for other, values in given.when.items()
        }
        values = {"values": left[name]} if name in left else {}
        found[name] = type(given)(**{**dict(given), "when": when, **values})
    return {name: given for name, given in found.items() if left.get(name, (None,)) and all(given.when.values())}


def _takes(form: BaseModel, name: str, value: object) -> bool:
    try:
        type(form)(**{**form.model_dump(), name: value})
    except ValidationError:
        return False
    return True


def _widened(given: Range, field: FieldInfo) -> Range:
    if not isinstance(given, Integer) or field.annotation is not float:
        return given
    return Continuous(low=given.low, high=given.high, scaling=given.scaling, when=given.when)


def _check_type(name: str, given: Range, field: FieldInfo) -> None:
    if isinstance(given, Continuous) and field.annotation is int:
        raise HyperparameterError(
            "it takes whole numbers", field=f"ranges.{name}.type", value=given.type, remedy="choose type: integer"
        )
    numbers = isinstance(given, Integer | Continuous)
    if numbers and (field.annotation is bool or get_origin(field.annotation) is Literal):
        choices = ", ".join(map(str, get_args(field.annotation) or (True, False))).lower()
        raise HyperparameterError(
            "it takes no numbers",
            field=f"ranges.{name}.type",
            value=given.type,
            remedy=f"choose type: categorical, values: [{choices}]",
        )


def _check_values(name: str, given: Range, field: FieldInfo) -> None:
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    taken: TypeAdapter[Any] = TypeAdapter(kind)
    asked = (
        [("values", value) for value in given.values]
        if isinstance(given, Categorical)
        else [("low", given.low), ("high", given.high)]
    )
    for key, value in asked:
        try:
            taken.validate_python(value)
        except ValidationError as error:
            said = error.errors()[0]["msg"]
            raise HyperparameterError(
                "outside of what the algorithm takes",
                field=f"ranges.{name}.{key}",
                value=value,
                remedy=said[0].lower() + said[1:].removeprefix("alue error, "),
            ) from error


def _check_choices(form: BaseModel, found: Space) -> None:
    """Try each combination of the categorical values, all else as at the start."""
    chosen = {name: given.values for name, given in found.ranges.items() if isinstance(given, Categorical)}
    if math.prod(map(len, chosen.values())) > MOST_TRIED:
        return
    numbers = {name: given.low for name, given in found.ranges.items() if not isinstance(given, Categorical)}
    start = {**numbers, **found.start}
    if first := next(_refusals(form, found, chosen, start), None):
        point, error = first
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        names = [name for name in chosen if name in point]
        culprit = next((name for name in reversed(names) if said.startswith(f"{name}=")), names[-1] if names else "")
        raise HyperparameterError(
            f"the algorithm does not take it with {_others(point, names, culprit)}: {said}",
            field=f"ranges.{culprit}",
            value=point.get(culprit),
            remedy=f"give {culprit} a condition, such as when: {{{_condition(names, culprit)}}}",
        ) from error


def _refusals(
    form: BaseModel, found: Space, chosen: Mapping[str, tuple[Any, ...]], start: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], ValidationError]]:
    for values in itertools.product(*chosen.values()):
        point = found.active({**start, **dict(zip(chosen, values, strict=True))})
        try:
            type(form)(**{**form.model_dump(), **point})
        except ValidationError as error:
            yield point, error


def _others(point: Mapping[str, Any], names: list[str], culprit: str) -> str:
    return ", ".join(f"{name}={point[name]!r}" for name in names if name != culprit) or "the other hyperparameters"


def _condition(names: list[str], culprit: str) -> str:
    other = next((name for name in names if name != culprit), "mode")
    return f"{other}: [...]"

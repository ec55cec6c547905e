"""Ranges as people write them: YAML or JSON, our own short form or SageMaker's ParameterRanges. Errors are located."""

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from algorithms.search.ranges import Categorical, Continuous, Integer, Range
from algorithms.search.space import did_you_mean
from data.errors import EmbertextError, HyperparameterError

EXAMPLE = "learning_rate: {type: continuous, low: 0.005, high: 0.05}"
TYPES = ("integer", "continuous", "categorical")

# what SageMaker sends, whose numbers are strings
_SAGEMAKER = {
    "IntegerParameterRanges": "integer",
    "ContinuousParameterRanges": "continuous",
    "CategoricalParameterRanges": "categorical",
}
_NAMES = {"MinValue": "low", "MaxValue": "high", "ScalingType": "scaling", "Values": "values"}

_range: TypeAdapter[Integer | Continuous | Categorical] = TypeAdapter(Range)


def read(text: str, *, where: str = "ranges") -> dict[str, Integer | Continuous | Categorical]:
    """Ranges by name from YAML, of which JSON is a part. where: the file's name, for errors.

    Raises EmbertextError for what is no YAML, with its line and column; HyperparameterError for what is no range.
    """
    given = mapping(text, where=where, kind="ranges", example=EXAMPLE)
    if not given:
        raise EmbertextError("no ranges", where=where, remedy=f"write a line for each parameter, such as {EXAMPLE}")
    return ranges(given)


def mapping(text: str, *, where: str, kind: str, example: str) -> dict[str, Any]:
    """What YAML, or JSON, says by name; nothing where it says nothing. kind, example: for errors.

    Raises EmbertextError for what is no YAML, with its line and column, and for what has no names.
    """
    remedy = f"write a line for each parameter, such as {example}"
    try:
        given = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}: line {mark.line + 1}, column {mark.column + 1}" if mark else where
        what = f"no YAML: {error.problem or error.context}"
        raise EmbertextError(what, where=place, remedy=remedy) from error
    except yaml.YAMLError as error:
        raise EmbertextError(
            f"no YAML: {str(error).splitlines()[0]}", where=where, remedy="save it as UTF-8 text"
        ) from error
    if given and not isinstance(given, dict):
        what = f"{type(given).__name__}, where names and their {kind} are expected"
        raise EmbertextError(what, where=where, remedy=remedy)
    return {str(name): value for name, value in (given or {}).items()}


def ranges(given: Mapping[str, Any]) -> dict[str, Integer | Continuous | Categorical]:
    """Ranges by name from what YAML and JSON hold; ranges that are made already stay as they are.

    A range without a type has that of its numbers: {low: 1, high: 10} is an integer one. Raises HyperparameterError.
    """
    given = given.get("ranges", given) if len(given) == 1 else given
    if isinstance(given, Mapping) and given.keys() & _SAGEMAKER.keys():
        given = _from_sagemaker(given)
    if not isinstance(given, Mapping):
        raise HyperparameterError("no ranges", field="ranges", value=given, remedy=f"write them as {EXAMPLE}")
    return {str(name): _one(str(name), each) for name, each in given.items()}


def _one(name: str, given: Any) -> Integer | Continuous | Categorical:
    if isinstance(given, Integer | Continuous | Categorical):
        return given
    if isinstance(given, list | tuple):
        given = {"values": list(given)}
    if not isinstance(given, Mapping):
        raise HyperparameterError("no range", field=f"ranges.{name}", value=given, remedy=f"write it as {EXAMPLE}")
    given = {str(key): value for key, value in given.items()}
    if "type" not in given:
        whole = all(isinstance(given.get(key), int) for key in ("low", "high"))
        given["type"] = "categorical" if "values" in given else "integer" if whole else "continuous"
    given["type"] = str(given["type"]).lower()
    try:
        return _range.validate_python(given)
    except ValidationError as error:
        raise _located(name, given, error) from error


def _located(name: str, given: Mapping[str, Any], error: ValidationError) -> HyperparameterError:
    # a misspelt name also leaves another one missing: told first
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    keys = [str(key) for key in first["loc"] if key not in TYPES]
    known = ("low", "high", "scaling") if given["type"] != "categorical" else ("values",)
    field = ".".join(["ranges", name, *keys[:1]])
    if first["type"] == "union_tag_invalid":
        return HyperparameterError(
            f"no such type{did_you_mean(given['type'], TYPES)}", field=f"{field}.type", value=given["type"],
            remedy=f"choose from {', '.join(TYPES)}",
        )  # fmt: skip
    if first["type"] == "missing":
        remedy = f"give {keys[0]}" if keys else f"give {' and '.join(known)}"
        return HyperparameterError("missing", field=field, value=None, remedy=remedy)
    if first["type"] == "extra_forbidden":
        allowed = (*known, "type", "when")
        what = f"a range of type {given['type']} has no such field{did_you_mean(keys[0], allowed)}"
        return HyperparameterError(what, field=field, value=first["input"], remedy=f"choose from {', '.join(allowed)}")
    what = first["msg"][0].lower() + first["msg"][1:]
    return HyperparameterError(what, field=field, value=first["input"], remedy=f"write it as {EXAMPLE}")


def _from_sagemaker(given: Mapping[str, Any]) -> dict[str, Any]:
    """The ranges of a HyperParameterTuningJobConfig."""
    found: dict[str, Any] = {}
    for group, kind in _SAGEMAKER.items():
        for number, each in enumerate(given.get(group) or []):
            field = f"ranges.{group}[{number}]"
            if not isinstance(each, Mapping) or "Name" not in each:
                raise HyperparameterError(
                    "no range", field=field, value=each, remedy="give Name, MinValue and MaxValue"
                )
            found[str(each["Name"])] = {"type": kind} | {
                ours: _number(each[theirs]) if ours in ("low", "high") else each[theirs]
                for theirs, ours in _NAMES.items()
                if theirs in each
            }
    return found


def _number(text: Any) -> Any:
    """The number that a string means; what is none is left for the range to refuse."""
    for kind in (int, float):
        try:
            return kind(text)
        except (TypeError, ValueError):
            continue
    return text

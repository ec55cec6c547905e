"""Two versions of a model side by side: what differs, and what they are worth."""

from collections.abc import Mapping
from typing import Any, TypedDict

from data.registry.records import Version


class Row(TypedDict):
    """One line: of which section, the name of the value, and the value of each; difference: of numbers, second - first.

    section: origin, metrics or hyperparameters.
    """

    section: str
    name: str
    first: Any
    second: Any
    difference: float | None


def compared(first: Version, second: Version) -> list[Row]:
    """Origins, all metrics, and the hyperparameters that differ. A value that one of them lacks is None."""
    rows = [_row("origin", name, one, other) for name, (one, other) in _both(_origin(first), _origin(second)).items()]
    rows += [_row("metrics", name, one, other) for name, (one, other) in _both(first.metrics, second.metrics).items()]
    settings = _both(first.hyperparameters, second.hyperparameters)
    rows += [_row("hyperparameters", name, one, other) for name, (one, other) in settings.items() if one != other]
    return rows


def _origin(version: Version) -> dict[str, Any]:
    corpus, code = version.corpus, version.code
    return {
        "algorithm": version.algorithm,
        "created": version.created,
        "partition": version.partition or None,
        "corpus": corpus.get("name"),
        "checksum": corpus.get("checksum"),
        "run": version.run.name or version.run.id or None,
        "code": code.get("revision") or code.get("version"),
    }


def _both(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The values of both by their names, in the order of the first."""
    return {
        name: (first.get(name), second.get(name)) for name in [*first, *(each for each in second if each not in first)]
    }


def _row(section: str, name: str, first: Any, second: Any) -> Row:
    told = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (first, second))
    return Row(section=section, name=name, first=first, second=second, difference=second - first if told else None)

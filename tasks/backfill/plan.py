"""What a backfill is: partitions times swept parameters, a cell each, with the key that a run of it is known by."""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from data import partitions
from data.errors import EmbertextError
from data.partitions import Grain
from tasks.backfill import parameters
from tasks.backfill.parameters import PARTITION, Path, Schema

MOST = 1000  # cells


class Target(NamedTuple):
    """A deployment. name: with its flow's, "word2vec/word2vec"; schema: of its parameters; limit: of runs, or None."""

    id: str
    name: str
    parameters: Mapping[str, Any]
    schema: Schema
    limit: int | None = None


class Cell(NamedTuple):
    """One run that is wanted. swept: by the names that were given; sent: what the deployment is run with.

    key: of the deployment, of all parameters and of the code; the same however often the backfill is begun.
    """

    partition: str
    swept: dict[str, Any]
    sent: dict[str, Any]
    key: str

    @property
    def name(self) -> str:
        """For people: "2026-01 learning_rate=0.05"."""
        return " ".join([self.partition, *told(self.swept)])


class Plan(NamedTuple):
    """A deployment, and what it is to be run for. id: stands for all cells."""

    target: Target
    cells: Sequence[Cell]

    @property
    def id(self) -> str:
        """The same for the same cells."""
        return digest([cell.key for cell in self.cells])[:8]

    @property
    def columns(self) -> list[str]:
        """What is swept, ready to read; one that is empty where nothing is."""
        return list(dict.fromkeys(" ".join(told(cell.swept)) for cell in self.cells))


def cells(
    target: Target,
    *,
    first: str,
    last: str,
    every: Grain,
    given: Mapping[str, Any],
    sweep: Mapping[str, Sequence[Any]],
    at: datetime,
    code: str,
) -> Plan:
    """Each partition with each combination of what is swept. at: when that is, for words such as "last month".

    Raises EmbertextError for what the deployment would refuse, before anything is asked of it.
    """
    where = target.name
    if PARTITION not in target.schema["properties"]:
        raise EmbertextError("has no parameter partition", where=where, remedy="name a deployment that trains or tunes")
    stretch = _partitions(first, last, every, at)
    fixed = {parameters.place(name, target.schema, where=where): value for name, value in given.items()}
    axes = {name: parameters.place(name, target.schema, where=where) for name in sweep}
    _check_apart(fixed, axes, where)
    fixed = {path: parameters.read(value, path, target.schema) for path, value in fixed.items()}
    values = [
        [(name, parameters.read(value, axes[name], target.schema)) for value in _distinct(name, each)]
        for name, each in sweep.items()
    ]
    count = len(stretch)
    for axis in values:
        count *= len(axis)
    if count > MOST:
        remedy = "take a shorter stretch, a longer --every, or fewer values"
        raise EmbertextError(f"more than {MOST:,} runs", where="backfill", remedy=remedy)
    found = []
    for partition, swept in itertools.product(stretch, map(dict, itertools.product(*values))):
        chosen = fixed | {axes[name]: value for name, value in swept.items()}
        sent = parameters.merged(target.parameters, {**chosen, (PARTITION,): partition}, target.schema)
        whole = {**target.parameters, **sent}
        parameters.check(whole, target.schema, where=where)
        key = digest({"deployment": target.name, "parameters": whole, "code": code})
        found.append(Cell(partition, swept, sent, key))
    return Plan(target, found)


def digest(value: Any) -> str:
    """16 hexadecimal digits that stand for JSON values."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def told(swept: Mapping[str, Any]) -> list[str]:
    """Each parameter as name=value."""
    return [
        f"{name}={value if isinstance(value, str) else orjson.dumps(value).decode()}" for name, value in swept.items()
    ]


def _partitions(first: str, last: str, every: Grain, at: datetime) -> list[str]:
    begin, end = partitions.resolve(first, at), partitions.resolve(last or first, at)
    stretch = partitions.between(begin, end, every)
    found = [str(each) for each in itertools.islice(stretch, MOST + 1)]
    if not found:
        raise EmbertextError(f"ends before it begins, at {begin}", where=f"to={last}", remedy="exchange them")
    return found


def _distinct(name: str, values: Sequence[Any]) -> list[Any]:
    found = list({orjson.dumps(value): value for value in values}.values())
    if not found:
        raise EmbertextError("no values", where=f"sweep {name}", remedy=f"write {name}=1,2")
    return found


def _check_apart(fixed: Mapping[Path, Any], axes: Mapping[str, Path], where: str) -> None:
    places = [*fixed, *axes.values()]
    twice = next((path for path in places if places.count(path) > 1), None)
    if twice:
        raise EmbertextError(f"{'.'.join(twice)} is given twice", where=where, remedy="give or sweep it once")

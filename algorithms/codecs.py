"""Bodies of requests and responses, as SageMaker's built-in algorithms write them: JSON, JSON Lines, CSV, RecordIO.

    read_json      {"instances": [record, ...], "configuration": {...}}
    read_lines     a record, as JSON, on each line
    read_rows      text/csv: numbers separated by commas on each line
    read_records   application/x-recordio-protobuf: framed `data.record.Record`s

What a record says is each algorithm's own. Lines that are blank are no records. The functions that make instances of
records raise `Wrong`, and `Records.instances` adds which record it was.
"""

import csv
import math
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import orjson

from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, Answer, RequestError
from data import record, recordio
from data.errors import FormatError

Made = TypeVar("Made")

BOM = b"\xef\xbb\xbf"
_FRAME = struct.Struct("<II")
_ROWS = (0x0A, 0x12)  # tags of features and label
SHOWN = 40  # characters of a wrong value that are told
_REMEDIES = {
    JSON: 'send {"instances": [...]} in UTF-8',
    JSON_LINES: "send one JSON value on each line, in UTF-8",
    CSV: "send numbers separated by commas, a row on each line, without a header",
    RECORDIO: "send records as SageMaker's RecordSerializer writes them",
}


class Wrong(Exception):  # noqa: N818 - never leaves this package
    """What is wrong with a record, and at which of its fields."""

    def __init__(self, what: str, *, field: str = "", remedy: str) -> None:
        self.what, self.field, self.remedy = what, field, remedy


class Records(NamedTuple):
    """The records of a body. lines: the number of the line of each, from 1; None where there are no lines."""

    items: list[Any]
    lines: Sequence[int] | None = None

    def instances(self, make: Callable[[Any], Made]) -> list[Made]:
        """What `make` makes of each record. Raises RequestError where it raises Wrong."""
        try:
            return list(map(make, self.items))
        except Wrong:
            pass
        made: list[Made] = []
        try:
            for item in self.items:
                made.append(make(item))  # noqa: PERF401 - how many there are says which one is wrong
        except Wrong as wrong:
            place = len(made)
            where = f"line {self.lines[place]}" if self.lines else ""
            raise RequestError(wrong.what, record=place, field=wrong.field, where=where, remedy=wrong.remedy) from None
        return made


# Reading --------------------------------------------------------------------------------------------------------------


def read_json(body: bytes) -> tuple[Records, dict[str, Any]]:
    """The instances of a body, and what holds for all of them."""
    try:
        found = orjson.loads(body.removeprefix(BOM))
    except orjson.JSONDecodeError as error:
        raise RequestError(f"Unable to decode payload: {error}", remedy=_REMEDIES[JSON]) from None
    if not isinstance(found, dict) or "instances" not in found:
        what = f"{shown(found)} without instances" if isinstance(found, dict) else f"{shown(found)}, expected an object"
        raise RequestError(what, remedy=_REMEDIES[JSON])
    instances, configuration = found["instances"], found.get("configuration")
    if not isinstance(instances, list):
        raise RequestError(f"{shown(instances)}, expected a list", where="instances", remedy=_REMEDIES[JSON])
    if configuration is None:
        configuration = {}
    if not isinstance(configuration, dict):
        what = f"{shown(configuration)}, expected an object"
        raise RequestError(what, where="configuration", remedy='send {"k": 2}, say, or leave it out')
    return Records(instances), configuration


def read_lines(body: bytes) -> Records:
    """The record of each line."""
    rows = body.removeprefix(BOM).removesuffix(b"\n").split(b"\n")
    try:
        return Records(list(map(orjson.loads, rows)), range(1, len(rows) + 1))
    except orjson.JSONDecodeError:  # or a line is blank
        pass
    items, lines = [], []
    for number, line in enumerate(rows, 1):
        if not line or line.isspace():
            continue
        try:
            items.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            raise _undecodable(f"{error.msg}: column {error.colno}", JSON_LINES, len(items), number) from None
        lines.append(number)
    return Records(items, lines)


def read_rows(body: bytes, parameters: dict[str, str]) -> Records:
    """The numbers of each line, as a list of finite floats or integers."""
    if parameters.get("label_size", "0") != "0":
        remedy = "send the features alone, as text/csv;label_size=0"
        raise RequestError(f"label_size={parameters['label_size'][:SHOWN]}", where="content-type", remedy=remedy)
    items, lines = [], []
    for number, line in enumerate(body.removeprefix(BOM).split(b"\n"), 1):
        if not line or line.isspace():
            continue
        try:
            items.append(_row(line))
        except ValueError as error:
            raise _undecodable(str(error), CSV, len(items), number) from None
        lines.append(number)
    return Records(items, lines)


def read_records(body: bytes) -> Records:
    """The records of RecordIO's frames."""
    items: list[record.Record] = []
    position = 0
    try:
        while position < len(body):
            payload, end = recordio.record_at(body, position, path="body")
            items.append(record.decode(payload, path="body", offset=position + 8))
            position = end
    except FormatError as error:
        where = f"record {len(items) + 1}, byte {error.offset}"
        remedy = _REMEDIES[RECORDIO]
        raise RequestError(error.what, record=len(items), where=where, remedy=remedy) from None
    return Records(items)


def are_rows(body: bytes) -> bool:
    """Whether all records are whole frames of features and labels alone: rows of a matrix, if they are anything."""
    position = 0
    while position < len(body) - 8:
        magic, length = _FRAME.unpack_from(body, position)
        begin, end = position + 8, position + 8 + length
        if magic != recordio.MAGIC or length > len(body) - begin:  # with a cflag it is longer than any body
            return False
        while begin < end:
            if body[begin] not in _ROWS:
                return False
            size, shift, begin = 0, 0, begin + 1
            while begin < end:
                size |= (body[begin] & 127) << shift
                shift, begin = shift + 7, begin + 1
                if body[begin - 1] < 128:
                    break
            begin += size
        position = end + -length % 4
    return position == len(body) > 0


def _row(line: bytes) -> list[float]:
    """Raises ValueError at the column that is no number."""
    try:
        row: list[float] = orjson.loads(b"[%b]" % line)
    except orjson.JSONDecodeError:
        row = []
    if row and {*map(type, row)} <= {int, float}:
        return row
    row = []
    try:
        [cells] = csv.reader([line.decode().strip("\r\0")], skipinitialspace=True)
    except csv.Error as error:
        raise ValueError(str(error)) from None
    for column, cell in enumerate(cells, 1):
        try:
            row.append(float(cell))
        except ValueError:
            raise ValueError(f"column {column}: {cell[:SHOWN]!r} is not a number") from None
        if not math.isfinite(row[-1]):
            raise ValueError(f"column {column}: {cell[:SHOWN]!r} is not finite")
    return row


def _undecodable(error: str, kind: str, place: int, line: int) -> RequestError:
    what = f"Unable to decode payload: {error}"
    return RequestError(what, record=place, where=f"line {line}", remedy=_REMEDIES[kind])


# Looking at values ----------------------------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """A value of JSON as a message tells it, not more of it than is needed to find it."""
    kinds = {dict: "an object", list: "a list", type(None): "null", bool: "a truth value"}
    if type(value) in kinds:
        return kinds[type(value)]
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def whole_number(value: Any, least: int, most: int, field: str, *, remedy: str) -> int:
    """An integer within bounds. Raises Wrong."""
    if type(value) is not int or not least <= value <= most:
        raise Wrong(f"{shown(value)}, expected an integer from {least} to {most}", field=field, remedy=remedy)
    return value


def configured(configuration: dict[str, Any], name: str, least: int, most: int, *, default: int, remedy: str) -> int:
    """An integer of the whole request. Raises RequestError."""
    try:
        return whole_number(configuration.get(name, default), least, most, name, remedy=remedy)
    except Wrong as wrong:
        raise RequestError(wrong.what, where="configuration", field=name, remedy=wrong.remedy) from None


def printable(name: str) -> str:
    """A word or a label of a fastText dictionary, whose bytes need not be UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# Writing --------------------------------------------------------------------------------------------------------------


def lines(items: Iterable[bytes]) -> Answer:
    """JSON values one a line, each line ended."""
    return Answer(b"".join([item + b"\n" for item in items]), JSON_LINES)


def predictions(items: Sequence[dict[str, Any]], kind: str) -> Answer:
    """Objects, whose values may be numpy arrays: {"predictions": [...]}, or one a line."""
    option = orjson.OPT_SERIALIZE_NUMPY
    if kind == JSON_LINES:
        return lines([orjson.dumps(item, option=option) for item in items])
    return Answer(orjson.dumps({"predictions": items}, option=option), JSON)

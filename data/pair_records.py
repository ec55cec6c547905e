"""Pairs as JSON Lines, SageMaker's way: `{"in0": [6, 17], "in1": [16], "label": 1}`, ids or texts.

Blocks that are right are checked as a whole; where something is wrong, record by record, to say which. It knows the
fields; not where blocks come from (`data/pair_sources.py`).
"""

from array import array
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from data import utf8
from data.errors import CorpusError
from data.pair_sources import Found, Stretch
from data.pairs import SIDES
from data.utf8 import Line

MOST_IDS = 3_000_000  # SageMaker's bound of vocab_size
BEYOND = 2.0**128 - 2.0**103  # and all above are infinite in float32
END = -1  # behind each sequence of a stream of ids


class Rules(NamedTuple):
    """What the records of a channel keep to.

    found: what the first one says of all. num_classes: labels are less, 0 where they are real scores; vocab_sizes:
    ids of in0 and in1 are less, 0 where the data decides.
    """

    channel: str
    found: Found
    num_classes: int = 2
    vocab_sizes: tuple[int, int] = (0, 0)


class Read(NamedTuple):
    """Some pairs as they were found.

    text: two lines of tokens each, that of in0 and that of in1; ids: the same where they came as ids, -1 behind each;
    labels: (E,) float32. documents: (E,) int64, equal for pairs of one document; empty where none are. skipped: what
    makes no pair.
    """

    text: bytes
    ids: NDArray[np.int32]
    labels: NDArray[np.float32]
    documents: NDArray[np.int64]
    skipped: int = 0


NO_IDS = np.empty(0, np.int32)
NO_DOCUMENTS = np.empty(0, np.int64)


def read_ids(lines: Stretch, rules: Rules) -> Read:
    """Pairs of ids. Raises CorpusError with the channel, file, line and field of the first that cannot be used."""
    try:
        values = [orjson.loads(line) for line in lines.data.split(b"\n") if line and not line.isspace()]
        if b"true" in lines.data or b"false" in lines.data:
            raise TypeError  # which would pass for the ids 1 and 0
        fields = [value[side] for value in values for side in SIDES]
        sequences = [field if type(field) is list else [field] for field in fields]
        tokens = np.array(array("q", [*chain.from_iterable(sequences)]), np.int64)
        labels = _labels(values, rules)
        stream = _stream(tokens, np.fromiter(map(len, sequences), np.int64, len(sequences)), rules)
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, OverflowError):
        values = [*_checked(lines, rules)]  # raises, but for what only looked wrong, as a field of one's own
        sequences = [value[side] if type(value[side]) is list else [value[side]] for value in values for side in SIDES]
        tokens = np.array([*chain.from_iterable(sequences)], np.int64)
        labels = _labels(values, rules)
        stream = _stream(tokens, np.fromiter(map(len, sequences), np.int64, len(sequences)), rules)
    return Read(b"", stream, labels, NO_DOCUMENTS)


def read_texts(lines: Stretch, rules: Rules, tokens: Callable[[str], str]) -> Read:
    """Pairs of texts. tokens: of a text, with single spaces between them. Raises CorpusError as `read_ids`."""
    found: list[str] = []
    values = []
    for line in lines.lines():
        if line.data.isspace() or not line.data:
            continue
        value = _check(line, lines.name, rules)
        for side in SIDES:
            found.append(tokens(value[side]))
            if not found[-1]:
                raise _wrong(rules, lines.name, line, side, "no words", "leave the pair out")
        values.append(value)
    text = "\n".join([*found, ""]).encode(errors="replace")
    return Read(text, NO_IDS, _labels(values, rules), NO_DOCUMENTS)


def _labels(values: list[dict[str, Any]], rules: Rules) -> NDArray[np.float32]:
    """All labels, (E,) float32; 1 where there are none."""
    given = [value.get("label") for value in values]
    if not rules.found.labelled:
        if any(label is not None for label in given):
            raise ValueError
        return np.ones(len(given), np.float32)
    if not {*map(type, given)} <= {int, float}:
        raise TypeError
    labels = np.array(given, np.float64)
    if rules.num_classes and not (np.all(labels == np.floor(labels)) and np.all(labels < rules.num_classes)):
        raise ValueError
    if (rules.num_classes and np.any(labels < 0)) or not np.all(np.abs(labels) < BEYOND):
        raise ValueError
    return labels.astype(np.float32)


def _stream(tokens: NDArray[np.int64], lengths: NDArray[np.int64], rules: Rules) -> NDArray[np.int32]:
    """The sequences one after the other, in0, in1, in0 ..., each with its end."""
    if not len(lengths):
        return NO_IDS
    if not lengths.all() or tokens.min() < 0:
        raise ValueError
    starts = np.cumsum(lengths) - lengths
    largest = np.maximum.reduceat(tokens, starts).reshape(-1, 2).max(axis=0)
    if any(most >= (size or MOST_IDS) for most, size in zip(largest.tolist(), rules.vocab_sizes, strict=True)):
        raise ValueError
    stream = np.full(len(tokens) + len(lengths), END, np.int32)
    within = np.ones(len(stream), np.bool_)
    within[np.cumsum(lengths + 1) - 1] = False
    stream[within] = tokens
    return stream


def _checked(lines: Stretch, rules: Rules) -> Iterator[dict[str, Any]]:
    for line in lines.lines():
        if line.data and not line.data.isspace():
            yield _check(line, lines.name, rules)


def _check(line: Line, name: str, rules: Rules) -> dict[str, Any]:
    """The record of a line, once all of it is known to be right."""
    value = _record(line, name, rules)

    def refuse(field: str, what: str, remedy: str) -> None:
        raise _wrong(rules, name, line, field, what, remedy)

    for side, other, size in zip(SIDES, reversed(SIDES), rules.vocab_sizes, strict=True):
        if value.get(side) is None:
            what = f'a pair needs both sides, and there is {other} and no "{side}"' if value.get(other) else "missing"
            refuse(side, what, 'write {"in0": ..., "in1": ..., "label": ...} on each line')
        field = value[side]
        if rules.found.kind == "texts":
            if not isinstance(field, str):
                refuse(side, f"{shown(field)}, and the first line has texts", "give ids alone, or texts alone")
        elif isinstance(field, str):
            refuse(side, f"a text, {shown(field)}, and the first line has ids", "give ids alone, or texts alone")
        else:
            _check_ids(field if isinstance(field, list) else [field], side, size, refuse)
    _check_label(value.get("label"), rules, refuse)
    return value


def _record(line: Line, name: str, rules: Rules) -> dict[str, Any]:
    try:
        value = orjson.loads(line.data.rstrip())
    except orjson.JSONDecodeError as error:
        text = utf8.decode(line.data, f"channel {rules.channel}: {name}", offset=line.offset, line=line.number)
        at = line.offset + len(text[: error.pos].encode())
        where = f"channel {rules.channel}: {name}: line {line.number}, byte {at}"
        raise CorpusError(f"not JSON ({error.msg})", where=where, remedy="write one JSON object a line") from error
    if not isinstance(value, dict):
        remedy = 'write {"in0": ..., "in1": ..., "label": ...} on each line'
        raise _wrong(rules, name, line, "", f"{shown(value)} is no JSON object", remedy)
    return value


def _check_ids(ids: list[Any], side: str, size: int, refuse: Callable[[str, str, str], None]) -> None:
    if not ids:
        refuse(side, "an empty sequence", "leave the pair out, or give it the id 0 alone")
    setting = f"enc{side[-1]}_vocab_size"
    for each in ids:
        if type(each) is not int:
            refuse(side, f"{shown(each)} is no id", "ids are whole numbers from 0")
        if each < 0:
            refuse(side, f'vocab id "{each}" is below zero', "ids are whole numbers from 0")
        if size and each >= size:
            what = f'vocab id "{each}" is not less than vocab_size={size}'
            refuse(side, what, f"set {setting} to more than the largest id, or to 0: the data then decides")
        if each >= MOST_IDS:
            what = f'vocab id "{each}" is not less than {MOST_IDS}, the largest vocab_size'
            refuse(side, what, "number what occurs from 0")


def _check_label(label: Any, rules: Rules, refuse: Callable[[str, str, str], None]) -> None:
    if label is None:
        if rules.found.labelled:
            refuse("label", "missing, and the first line has one", "give every pair a label, or none")
        return
    if not rules.found.labelled:
        refuse("label", f"{shown(label)}, and the first line has none", "give every pair a label, or none")
    if type(label) not in (int, float):
        refuse("label", f"{shown(label)} is no number", "write the number of a class, or a score")
    if rules.num_classes and not (label == int(label) and 0 <= label < rules.num_classes):
        what = f"{shown(label)} is none of the classes 0..{rules.num_classes - 1}"
        remedy = f"set num_classes (now {rules.num_classes}), or output_layer=mean_squared_error for real scores"
        refuse("label", what, remedy)
    if not abs(label) < BEYOND:
        refuse("label", f"{shown(label)} is beyond float32", "give a smaller score")


def _wrong(rules: Rules, name: str, line: Line, field: str, what: str, remedy: str) -> CorpusError:
    where = f"channel {rules.channel}: {name}: line {line.number}" + (f": {field}" if field else "")
    return CorpusError(what, where=where, remedy=remedy)


def shown(value: object) -> str:
    """A value as JSON, cut short."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 40 else f"{text[:37]}..."

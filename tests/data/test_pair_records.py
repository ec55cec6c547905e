import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import CorpusError
from data.pair_records import Read, Rules, read_ids, read_texts
from data.pair_sources import Found, Stretch

ID = st.integers(0, 2_999_999)
SIDE = st.lists(ID, min_size=1, max_size=5) | ID
LABEL = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.integers(-5, 5)
SCORES = Rules("train", Found("ids", True), num_classes=0)
CLASSES = Rules("test", Found("ids", True), num_classes=3, vocab_sizes=(10, 20))
RIGHT = '{"in0": [1, 2], "in1": 3, "label": 1}'


def stretch(*lines: str | bytes) -> Stretch:
    data = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    return Stretch("a.jsonl", 5, 1000, data + b"\n")


def pairs(read: Read) -> list[list[list[int]]]:
    sequences = [each.tolist() for each in np.split(read.ids, np.flatnonzero(read.ids < 0) + 1)[:-1]]
    assert all(each[-1] == -1 for each in sequences)
    bare = [each[:-1] for each in sequences]
    return [bare[i : i + 2] for i in range(0, len(bare), 2)]


@given(st.lists(st.tuples(SIDE, SIDE, LABEL), min_size=1, max_size=8), st.data())
def test_all_that_is_written_is_read(records: list[tuple[Any, Any, float]], data: st.DataObject) -> None:
    lines = []
    for in0, in1, label in records:
        value: dict[str, Any] = {"in1": in1, "label": label, "in0": in0}
        if data.draw(st.booleans()):
            value["note"] = data.draw(st.sampled_from([True, "é", None, [1.5]]))
        lines.append(json.dumps(value) if data.draw(st.booleans()) else orjson.dumps(value) + b"\r")
        lines += data.draw(st.sampled_from([[], ["", " \t"]]))
    read = read_ids(stretch(*lines), SCORES)
    listed = [[each if isinstance(each, list) else [each] for each in record[:2]] for record in records]
    assert pairs(read) == listed
    assert (read.ids.dtype, read.labels.dtype) == (np.int32, np.float32)
    assert read.labels.tolist() == [np.float32(label) for *_, label in records]
    assert (read.text, read.documents.size, read.skipped) == (b"", 0, 0)


def test_pairs_without_labels_are_positive() -> None:
    rules = Rules("train", Found("ids", False))
    assert read_ids(stretch('{"in0": 1, "in1": 2}', '{"in0": 1, "in1": 2, "label": null}'), rules).labels.tolist() == [
        1,
        1,
    ]


def test_blank_lines_alone() -> None:
    read = read_ids(stretch("", ""), SCORES)
    assert (read.ids.size, read.labels.size) == (0, 0)


def wrong(text: str) -> str:
    return f"channel test: a.jsonl: line 6{text}"


WRONG = {
    "an id too large": (
        '{"in0": [1], "in1": [3, 20], "label": 1}',
        wrong(': in1: vocab id "20" is not less than vocab_size=20; set enc1_vocab_size to more'),
    ),
    "a single id too large": ('{"in0": 10, "in1": [3], "label": 1}', wrong(': in0: vocab id "10" is not less than')),
    "an id below zero": ('{"in0": [1, -1], "in1": [3], "label": 1}', wrong(': in0: vocab id "-1" is below zero')),
    "an id beyond 64 bits": ('{"in0": [1e30], "in1": [3], "label": 1}', wrong(": in0: 1e+30 is no id")),
    "a float": ('{"in0": [1, 2.0], "in1": [3], "label": 1}', wrong(": in0: 2.0 is no id; ids are whole numbers")),
    "a bool": ('{"in0": [true], "in1": [3], "label": 1}', wrong(": in0: true is no id")),
    "nothing": ('{"in0": [null], "in1": [3], "label": 1}', wrong(": in0: null is no id")),
    "a list of lists": ('{"in0": [[1]], "in1": [3], "label": 1}', wrong(": in0: [1] is no id")),
    "an object": ('{"in0": {"1": 1}, "in1": [3], "label": 1}', wrong(': in0: {"1":1} is no id')),
    "an empty sequence": ('{"in0": [], "in1": [3], "label": 1}', wrong(": in0: an empty sequence; leave the pair out")),
    "no in1": ('{"in0": [1], "label": 1}', wrong(': in1: a pair needs both sides, and there is in0 and no "in1"')),
    "no in0": ('{"in0": null, "in1": [1], "label": 1}', wrong(": in0: a pair needs both sides, and there is in1")),
    "neither": ('{"label": 1}', wrong(": in0: missing; write")),
    "a text": ('{"in0": [1], "in1": "two", "label": 1}', wrong(': in1: a text, "two", and the first line has ids')),
    "no label": ('{"in0": [1], "in1": [3]}', wrong(": label: missing, and the first line has one")),
    "a label too large": (
        '{"in0": [1], "in1": [3], "label": 3}',
        wrong(": label: 3 is none of the classes 0..2; set num_classes (now 3), or output_layer=mean_squared_error"),
    ),
    "a label below zero": ('{"in0": [1], "in1": [3], "label": -1}', wrong(": label: -1 is none of the classes 0..2")),
    "half a class": ('{"in0": [1], "in1": [3], "label": 0.5}', wrong(": label: 0.5 is none of the classes")),
    "a text as label": ('{"in0": [1], "in1": [3], "label": "1"}', wrong(': label: "1" is no number')),
    "a bool as label": ('{"in0": [1], "in1": [3], "label": true}', wrong(": label: true is no number")),
    "not JSON": ('{"in0": [1], "é": x}', "channel test: a.jsonl: line 6, byte 1057: not JSON"),
    "cut short": ('{"in0": [1', "channel test: a.jsonl: line 6, byte 1048: not JSON"),
    "not finite": ('{"in0": [1], "in1": [3], "label": NaN}', "line 6, byte 1072: not JSON"),
    "two objects": ("{}{}", "line 6, byte 1040: not JSON"),
    "not UTF-8": (b'{"\xff": 1}', "channel test: a.jsonl: line 6, byte 1040: not UTF-8"),
    "a list at all": ("[1]", wrong(": [1] is no JSON object")),
}


@pytest.mark.parametrize(("line", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_named(line: str | bytes, message: str) -> None:
    for later in (RIGHT, '{"in0": []}'):  # the first of several is
        with pytest.raises(CorpusError) as error:
            read_ids(stretch(RIGHT, line, later), CLASSES)
        assert message in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("rules", "line", "message"),
    [
        (SCORES, '{"in0": 3000000, "in1": 1, "label": 1}', 'in0: vocab id "3000000" is not less than 3000000'),
        (SCORES, '{"in0": 1, "in1": 1, "label": 1e39}', "label: 1e+39 is beyond float32"),
        (Rules("t", Found("ids", False)), '{"in0": 1, "in1": 1, "label": 0}', "label: 0, and the first line has none"),
    ],
)
def test_what_other_rules_refuse(rules: Rules, line: str, message: str) -> None:
    with pytest.raises(CorpusError) as error:
        read_ids(stretch(line), rules)
    assert message in str(error.value)


TEXTS = Rules("train", Found("texts", True), num_classes=2)


def spaced(text: str) -> str:
    return " ".join(text.split())


def test_texts_are_two_lines_of_tokens_a_pair() -> None:
    lines = stretch('{"in0": "a  b", "in1": "é\\nc", "label": 1}', "", '{"in0": "x", "in1": "y", "label": 0}')
    read = read_texts(lines, TEXTS, spaced)
    assert read.text.decode() == "a b\né c\nx\ny\n"
    assert read.labels.tolist() == [1, 0]
    assert read.ids.size == 0
    assert read_texts(stretch(""), TEXTS, spaced).text == b""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"in0": "a", "in1": [1], "label": 1}', "line 6: in1: [1], and the first line has texts; give ids alone"),
        ('{"in0": " ", "in1": "b", "label": 1}', "line 6: in0: no words; leave the pair out"),
        ('{"in0": "a", "label": 1}', "line 6: in1: a pair needs both sides"),
        ('{"in0": "a", "in1": "b", "label": 2}', "line 6: label: 2 is none of the classes 0..1"),
        ("x", "line 6, byte 1037: not JSON"),
    ],
)
def test_texts_that_cannot_be_used(line: str, message: str) -> None:
    with pytest.raises(CorpusError) as error:
        read_texts(stretch('{"in0": "a", "in1": "b", "label": 1}', line), TEXTS, spaced)
    assert message in str(error.value)

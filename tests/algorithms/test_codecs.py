"""Bodies: what is read, what is refused and in which words."""

import math

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import codecs
from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, RequestError
from algorithms.codecs import Wrong
from data import recordio
from data.record import Record, Tensor, encode
from tests.algorithms.bodies import GARBAGE, VALUES, attempted
from tests.data import oracle

EVERY = (JSON, JSON_LINES, CSV, RECORDIO)
READERS = {
    JSON: lambda body: codecs.read_json(body)[0],
    JSON_LINES: codecs.read_lines,
    CSV: lambda body: codecs.read_rows(body, {}),
    RECORDIO: codecs.read_records,
}


@pytest.mark.parametrize("kind", EVERY)
def test_whatever_comes_is_read_or_refused(kind):
    @given(GARBAGE[kind])
    def check(body):
        records, error = attempted(lambda: READERS[kind](body))
        if error is not None:
            assert error.status == 400
            assert error.remedy
        else:
            assert records.lines is None or len(records.lines) == len(records.items)
            for row in records.items if kind == CSV else ():
                assert all(type(value) in (int, float) for value in row)

    check()


@given(st.lists(VALUES))
def test_json_round_trip(values):
    try:
        body = orjson.dumps({"instances": values})
    except orjson.JSONEncodeError:
        return
    expected = orjson.loads(body)["instances"]
    assert codecs.read_json(body)[0].items == expected
    assert codecs.read_lines(b"\n".join(map(orjson.dumps, expected))).items == expected


@given(st.lists(st.lists(st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False), min_size=1)))
def test_csv_round_trip(rows):
    body = "\r\n".join(",".join(map(repr, row)) for row in rows).encode()
    assert codecs.read_rows(body, {"label_size": "0"}).items == rows


@given(st.lists(st.tuples(st.lists(st.floats(width=32, allow_nan=False)), st.none() | st.text())))
def test_recordio_round_trip(rows):
    made = [Record({"values": Tensor(np.array(values, np.float32))}, uid=uid) for values, uid in rows]
    assert codecs.read_records(b"".join(recordio.frame(encode(each)) for each in made)).items == made


def test_what_spreadsheets_write():
    body = b'\xef\xbb\xbf1,2.5\r\n\r\n "3" , +4.\n1e3,-.5\n'
    records = codecs.read_rows(body, {})
    assert records.items == [[1, 2.5], [3, 4], [1000, -0.5]]
    assert records.lines == [1, 3, 4]


def test_a_whole_request_has_a_configuration():
    records, configuration = codecs.read_json(b' {"configuration": {"k": 2}, "instances": ["a"], "more": 1} ')
    assert (records.items, configuration) == (["a"], {"k": 2})
    assert codecs.read_json(b'{"instances": [], "configuration": null}') == (codecs.Records([]), {})


WRONG = {
    "nothing": (JSON, b"", None, "Unable to decode payload: "),
    "no json": (JSON, b'{"instances": [1,}', None, "Unable to decode payload: unexpected character"),
    "no utf-8": (JSON, b'{"instances": ["\xff"]}', None, "Unable to decode payload: "),
    "a list": (JSON, b"[1]", None, 'a list, expected an object; send {"instances": [...]} in UTF-8'),
    "no instances": (JSON, b'{"data": 1}', None, "an object without instances; send"),
    "instances": (JSON, b'{"instances": "word"}', None, "instances: 'word', expected a list; send"),
    "configuration": (JSON, b'{"instances": [], "configuration": 2}', None, "configuration: 2, expected an object"),
    "a line": (JSON_LINES, b'1\n\n{"a"}', 1, "line 3: Unable to decode payload: unexpected character"),
    "a word": (CSV, b"1,2\n3,four", 1, "line 2: Unable to decode payload: column 2: 'four' is not a number"),
    "a gap": (CSV, b"1,,2", 0, "line 1: Unable to decode payload: column 2: '' is not a number"),
    "nan": (CSV, b"1,nan", 0, "line 1: Unable to decode payload: column 2: 'nan' is not finite"),
    "lists": (CSV, b"[1],[2]", 0, "line 1: Unable to decode payload: column 1: '[1]' is not a number"),
    "no frame": (RECORDIO, b"hello, world", 0, "record 1, byte 0: magic 0x6c6c6568, expected 0xced7230a; send records"),
    "no record": (
        RECORDIO, recordio.frame(encode(Record())) + recordio.frame(b"\xff"), 1,
        "record 2, byte 16: a varint is cut short or longer than 10 bytes; send records",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "record", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong(kind, body, record, expected):
    with pytest.raises(RequestError) as raised:
        READERS[kind](body)
    assert str(raised.value).startswith(expected)
    assert (raised.value.status, raised.value.record) == (400, record)


def test_which_record_is_wrong():
    def make(item):
        if item < 0:
            raise Wrong("below zero", field="a.b", remedy="send more")
        return item + 1

    assert codecs.Records([1, 2]).instances(make) == [2, 3]
    with pytest.raises(RequestError, match=r"^record 2, a\.b: below zero; send more$") as raised:
        codecs.Records([1, -2]).instances(make)
    assert (raised.value.record, raised.value.field) == (1, "a.b")
    with pytest.raises(RequestError, match=r"^line 7, a\.b: below zero"):
        codecs.Records([-1], [7]).instances(make)


def test_numbers_that_csv_cannot_have_are_refused():
    for cell in ("1e999", "inf", "1" * 400):
        try:
            [[value]] = codecs.read_rows(cell.encode(), {}).items
        except RequestError:
            continue
        assert math.isfinite(value)


def test_labels_in_csv_are_refused():
    with pytest.raises(RequestError, match=r"^content-type: label_size=1; send the features alone"):
        codecs.read_rows(b"1,2", {"label_size": "1"})


def test_predictions():
    items = [{"topic_weights": np.array([0.25, 0.75], np.float32)}, {"topic_weights": np.array([1, 0], np.float32)}]
    assert codecs.predictions(items, JSON) == (
        b'{"predictions":[{"topic_weights":[0.25,0.75]},{"topic_weights":[1.0,0.0]}]}', JSON,
    )  # fmt: skip
    assert codecs.predictions(items, JSON_LINES) == (
        b'{"topic_weights":[0.25,0.75]}\n{"topic_weights":[1.0,0.0]}\n', JSON_LINES,
    )  # fmt: skip


ROW = oracle.sdk_frames(np.ones((2, 5), np.float32), np.ones(2, np.float32))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (ROW, True),
        (b"", False),
        (ROW[:-4], False),
        (ROW + b"\0" * 4, False),
        (recordio.frame(recordio.MAGIC_BYTES), False),
        (ROW + recordio.frame(encode(Record(uid="me"))), False),
        (recordio.frame(encode(Record(metadata="me"))), False),
    ],
)
def test_what_may_be_rows_of_a_matrix(body, expected):
    assert codecs.are_rows(body) == expected


@given(st.binary() | st.lists(st.binary().map(recordio.frame)).map(b"".join))
def test_anything_may_be_rows(body):
    codecs.are_rows(body)

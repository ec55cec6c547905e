"""Who answers and who is bad, whatever the mixture: in order, and without asking too often."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.answers import JSON, JSON_LINES, RequestError
from tasks.transform import formats
from tasks.transform.answer import outcomes
from tests.tasks.transform.fake import BAD, Echo

LINE = st.sampled_from([b'"a"', b'{"source":"b"}', b'"bad"', b"{", b"nonsense"])


def told(model: Echo, records: list[bytes]) -> list[object]:
    found: list[object] = []
    for each in outcomes(model, records, JSON_LINES, b"\n".join):
        found += ["error"] if isinstance(each, RequestError) else each
    return found


def expected(line: bytes) -> object:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "error"
    return "error" if value == BAD else value


@given(st.lists(LINE, max_size=50))
def test_every_record_has_its_turn(lines):
    assert told(Echo(), lines) == [expected(line) for line in lines]


@pytest.mark.parametrize("wrong", [b'"bad"', b"{"], ids=["wrong", "undecodable"])
@pytest.mark.parametrize("share", [1, 2, 100, 10_000])
def test_bad_records_cost_little(wrong, share):
    """Not the square of how many there are."""
    model, lines = Echo(), [wrong if number % share == 0 else b'"a"' for number in range(10_000)]
    assert told(model, lines).count("error") == -(-10_000 // share)
    assert model.decoded < 20 * sum(map(len, lines))


def test_good_records_are_asked_once():
    model = Echo()
    told(model, [b'"a"'] * 1000)
    assert model.asked == [1000]


def test_what_is_about_no_record_ends_it():
    with pytest.raises(RequestError, match="text/plain not supported") as raised:
        list(outcomes(Echo(), [b"x"], "text/plain", b"\n".join))
    assert raised.value.status == 415


@given(st.lists(st.sampled_from(["a", BAD, {"x": [1]}, None]), max_size=20))
def test_instances_of_a_json_body(instances):
    records, body = formats.split(orjson.dumps({"instances": instances, "configuration": {"k": 2}}))
    assert [orjson.loads(each) for each in records] == instances
    assert orjson.loads(body(records[1:])) == {"instances": instances[1:], "configuration": {"k": 2}}
    found = list(outcomes(Echo(), records, JSON, body))
    assert sum(isinstance(each, RequestError) for each in found) == instances.count(BAD)


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"instances": 3}', b"{"])
def test_a_body_that_is_none_is_one_bad_record(body):
    records, joined = formats.split(body)
    [error] = outcomes(Echo(), records, JSON, joined)
    assert isinstance(error, RequestError)

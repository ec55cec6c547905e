"""Bodies of requests that nobody would send, and what every model must do with them."""

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from hypothesis import strategies as st

from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, Answers, RequestError
from data import recordio

Result = TypeVar("Result")

NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([0, 1, 2, -1, 3.5, 1e39])
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(max_size=5)
NAMES = st.sampled_from(
    ["instances", "features", "data", "keys", "shape", "values", "source", "k", "in0", "in1", "text"]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


def _json(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # integers that JSON's writers here do not know, lone surrogates
        return repr(value).encode(errors="replace")


_RECORDS = st.lists(VALUES.map(_json), max_size=4)
_ROWS = st.lists(st.lists(LEAVES.map(str), max_size=6).map(",".join), max_size=4).map("\n".join)

GARBAGE = {
    JSON: st.binary() | VALUES.map(_json) | _RECORDS.map(lambda each: b'{"instances":[' + b",".join(each) + b"]}"),
    JSON_LINES: st.binary() | _RECORDS.map(b"\n".join),
    CSV: st.binary() | _ROWS.map(lambda text: text.encode(errors="surrogatepass")),
    RECORDIO: st.binary() | st.lists(st.binary().map(recordio.frame), max_size=3).map(b"".join),
}


def attempted(call: Callable[[], Result]) -> tuple[Result | None, RequestError | None]:
    """What it returns, or how it refuses."""
    try:
        return call(), None
    except RequestError as error:
        return None, error


def answered_or_refused(model: Answers, body: bytes, content_type: str) -> None:
    """Garbage is answered, if it means something, or is refused with a status, a reason and a remedy."""
    answer, error = attempted(lambda: model.answer(body, content_type=content_type))
    if error is not None:
        assert error.status == 400
        assert error.what
        assert error.remedy
        assert error.record is None or error.record >= 0
        assert "\n" not in str(error)
        str(error).encode()  # goes out as UTF-8
    elif answer is not None and answer.content_type == JSON:
        orjson.loads(answer.body)

"""Which type a body has, and which one an answer has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, RequestError
from algorithms.negotiation import accepted, media_type
from tests.algorithms.bodies import attempted

EVERY = (JSON, JSON_LINES, CSV, RECORDIO)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("application/json", (JSON, {})),
        ("", (JSON, {})),
        ("Application/JSON; charset=utf-8", (JSON, {"charset": "utf-8"})),
        ("text/csv;label_size=0", (CSV, {"label_size": "0"})),
        ('application/jsonlines ; Infer_Max_Seqlens="10,20";', (JSON_LINES, {"infer_max_seqlens": "10,20"})),
    ],
)
def test_content_types(header, expected):
    assert media_type(header, EVERY) == expected


def test_other_content_types_are_refused_in_sagemakers_words():
    with pytest.raises(RequestError) as raised:
        media_type("application/octet-stream", (JSON, JSON_LINES))
    assert str(raised.value) == (
        "content-type application/octet-stream not supported; send application/json or application/jsonlines"
    )
    assert raised.value.status == 415


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", CSV),
        ("*/*", CSV),
        ("application/json", JSON),
        ("application/*", JSON),
        ("text/html, application/jsonlines;q=0.5, application/json;q=0.4", JSON_LINES),
        ("text/html, */*;q=0.1", CSV),
        ("application/json;q=0, application/x-recordio-protobuf", RECORDIO),
        ("application/json;q=much, application/jsonlines", JSON_LINES),
        ("APPLICATION/JSON; charset=utf-8", JSON),
    ],
)
def test_accept(header, expected):
    assert accepted(header, CSV, EVERY) == expected


@pytest.mark.parametrize("header", ["text/html", "image/*", "application/json;q=0", ","])
def test_what_nobody_can_answer(header):
    with pytest.raises(
        RequestError, match=r"^accept .* not supported; ask for application/json or text/csv$"
    ) as raised:
        accepted(header, JSON, (JSON, CSV))
    assert raised.value.status == 406


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_headers_are_anything(header):
    for read in (lambda: media_type(header, EVERY), lambda: accepted(header, JSON, EVERY)):
        _, error = attempted(read)
        assert error is None or error.status in (406, 415)

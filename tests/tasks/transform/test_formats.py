"""What files hold, by their names and beginnings; what is asked and answered."""

import gzip

import orjson
import pytest

from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, RequestError
from data.errors import EmbertextError
from tasks.transform import formats
from tests.tasks.transform.fake import labels

NAMES = {
    "a.jsonl": JSON_LINES, "a.v2.JSONL.gz": JSON_LINES, "a.csv": CSV, "a.csv.xz": CSV, "a.pbr": RECORDIO,
    "a.rec": RECORDIO, "a.txt": "text/plain", "a.txt.bz2": "text/plain",
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), NAMES.items())
def test_names(name, expected):
    assert formats.content_type_of(name) == expected


@pytest.mark.parametrize("name", ["a", "a.dat", "a.tar.gz", "a.zip", "a.gz"])
def test_names_that_tell_nothing(name):
    with pytest.raises(EmbertextError, match=f"{name}: its name does not say what it holds; give a content type: appl"):
        formats.content_type_of(name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"instances": ["a"]}', JSON),
        (b'{"instances": ["a"],\n"configuration": {}}', JSON),
        (b'{\n  "instances": ["a"]\n}\n', JSON),
        (b'{"source": "a"}\n{"source": "b"}\n', JSON_LINES),
        (b'\n{"source": "a"}', JSON_LINES),
        (b'"a"\n"b"', JSON_LINES),
        (b"", JSON),
        (b"nonsense", JSON),
    ],
)
def test_json_files_that_hold_lines(tmp_path, content, expected):
    """What people ask why BlazingText says "Unable to decode payload" to it."""
    (tmp_path / "a.json").write_bytes(content)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(content))
    assert formats.content_type_of(str(tmp_path / "a.json")) == expected
    assert formats.content_type_of(str(tmp_path / "a.json.gz")) == expected


@pytest.mark.parametrize(
    ("content_type", "accept", "asked", "answered"),
    [
        (JSON, "", JSON, JSON),
        (JSON, JSON_LINES, JSON, JSON_LINES),
        (JSON_LINES, "", JSON_LINES, JSON_LINES),
        (
            "Application/JSONLines; infer_max_seqlens=1,2",
            "",
            "Application/JSONLines; infer_max_seqlens=1,2",
            JSON_LINES,
        ),
        (CSV, "", CSV, JSON_LINES),
        (CSV, CSV, CSV, CSV),
        (RECORDIO, "", RECORDIO, RECORDIO),
        (RECORDIO, JSON_LINES, RECORDIO, JSON_LINES),
        ("text/plain", "", JSON_LINES, JSON_LINES),
    ],
)
def test_types(content_type, accept, asked, answered):
    form = formats.format_of(content_type, accept)
    assert (form.asked, form.answered) == (asked, answered)


def test_types_that_do_not_work():
    with pytest.raises(EmbertextError, match="content_type: 'image/png' is not supported; give a content type"):
        formats.format_of("image/png", "")
    with pytest.raises(EmbertextError, match="accept: answers to text/csv cannot be one application/json; accept appl"):
        formats.format_of(CSV, JSON)


def test_lines_of_text_are_strings():
    body = formats.format_of("text/plain", "").body
    assert [orjson.loads(line) for line in body([b'"a" b\\', "ü\r".encode(), b"\x00"]).split(b"\n")] == [
        '"a" b\\', "ü", "\0",
    ]  # fmt: skip
    with pytest.raises(RequestError, match="record 2: byte 3 of the line is not UTF-8") as raised:
        body([b"a", b"bc\xff"])
    assert raised.value.record == 1


def test_errors_keep_the_place():
    assert formats.in_place_of("it's bad", JSON_LINES) == b'{"error":"it\'s bad"}\n'
    assert formats.in_place_of("x", CSV) == b"\n"
    assert labels(formats.in_place_of("x", RECORDIO)) == ["x"]

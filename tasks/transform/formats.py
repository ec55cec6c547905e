"""What an input file holds: its content type, and how its records are put together again as the body of a request.

    application/jsonlines            a record on each line
    text/csv                         a record on each line
    text/plain                       a text on each line; a model is asked as if it were a JSON string
    application/x-recordio-protobuf  framed records
    application/json                 {"instances": [record, ...], "configuration": {...}}, one body

Blank lines are no records. Knows no algorithm: whether a model reads the type, it says itself.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import orjson

from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, RequestError
from data import record, recordio, streams
from data.errors import EmbertextError
from data.record import Record

TEXT = "text/plain"
ENDINGS = {
    **dict.fromkeys((".jsonl", ".jsonlines", ".ndjson"), JSON_LINES),
    ".json": JSON,
    ".csv": CSV,
    **dict.fromkeys((".pbr", ".rec", ".recordio", ".protobuf"), RECORDIO),
    **dict.fromkeys((".txt", ".text"), TEXT),
}
SNIFFED = 1 << 20  # bytes of a .json file that tell whether it holds JSON Lines

_REMEDY = f"give a content type: {', '.join(dict.fromkeys(ENDINGS.values()))}"


class Format(NamedTuple):
    """split: what a file is cut into. asked: the content type that a model hears; answered: that of the answer.

    body: the records as a request; raises RequestError for one that cannot be part of any.
    """

    split: Literal["lines", "records", "whole"]
    asked: str
    answered: str
    body: Callable[[Sequence[bytes]], bytes]


def media_type(content_type: str) -> str:
    """The type without its parameters, in small letters."""
    return content_type.partition(";")[0].strip().lower()


def content_type_of(url: str) -> str:
    """The content type of a file, by its name; of .json, in which people keep both, by its beginning too.

    Raises EmbertextError where it cannot be told.
    """
    found = ENDINGS.get(streams.suffix(url), "")
    if not found:
        raise EmbertextError("its name does not say what it holds", where=url, remedy=_REMEDY)
    return JSON_LINES if found == JSON and _holds_lines(url) else found


def format_of(content_type: str, accept: str) -> Format:
    """How records of this type are asked and answered. accept: the type of the answers; "": as the request's.

    Raises EmbertextError for a type that nobody reads here, or answers that cannot be put together.
    """
    kind, wanted = media_type(content_type), media_type(accept)
    if kind not in ENDINGS.values():
        raise EmbertextError(f"{content_type!r} is not supported", where="content_type", remedy=_REMEDY)
    if kind == JSON:
        return Format("whole", content_type, wanted or JSON, _joined)
    if wanted == JSON:
        remedy = f"accept {JSON_LINES}, or leave it out"
        raise EmbertextError(f"answers to {kind} cannot be one {JSON}", where="accept", remedy=remedy)
    if kind == RECORDIO:
        return Format("records", content_type, wanted or RECORDIO, b"".join)
    if kind == TEXT:
        return Format("lines", JSON_LINES, wanted or JSON_LINES, _texts)
    return Format("lines", content_type, wanted or JSON_LINES, b"\n".join)


def in_place_of(error: str, answered: str) -> bytes:
    """What stands in the answers where a record could not be answered, so that the others keep their places."""
    told = orjson.dumps({"error": error})
    if answered == RECORDIO:
        return recordio.frame(record.encode(Record(metadata=told.decode())))
    return b"\n" if answered == CSV else told + b"\n"


def split(body: bytes) -> tuple[list[bytes], Callable[[Sequence[bytes]], bytes]]:
    """The instances of a JSON body, and what makes a body of some of them.

    A body that is no such thing is a single record of its own, for a model to say what is wrong with it.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return [body], b"".join
    instances = found.get("instances") if isinstance(found, dict) else None
    if not isinstance(instances, list):
        return [body], b"".join
    rest = {name: value for name, value in found.items() if name != "instances"}
    records = [orjson.dumps(each) for each in instances]
    tail = b"," + orjson.dumps(rest)[1:] if rest else b"}"
    return records, lambda some: b'{"instances":[' + b",".join(some) + b"]" + tail


def _joined(records: Sequence[bytes]) -> bytes:
    return b'{"instances":[' + b",".join(records) + b"]}"


def _texts(lines: Sequence[bytes]) -> bytes:
    parts = []
    for number, line in enumerate(lines):
        try:
            parts.append(orjson.dumps(line.rstrip(b"\r").decode()))
        except UnicodeDecodeError as error:
            what = f"byte {error.start + 1} of the line is not UTF-8"
            raise RequestError(what, record=number, remedy="convert the file to UTF-8") from None
    return b"\n".join(parts)


def _holds_lines(url: str) -> bool:
    """Whether the first line is a JSON value of its own, and no whole request."""
    start = b""
    for member in streams.Files([url], member="", size=0).members():
        with streams.readable(member.name):
            start = member.stream.read(SNIFFED)
    try:
        found = orjson.loads(start.lstrip().partition(b"\n")[0])
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, str) or (isinstance(found, dict) and "instances" not in found)

"""Which content type a body has, and which one an answer gets: the headers Content-Type and Accept."""

from collections.abc import Sequence

from algorithms.answers import CSV, JSON, JSON_LINES, RECORDIO, RequestError
from algorithms.codecs import SHOWN

_PLAIN = {name: (name, dict[str, str]()) for name in (JSON, JSON_LINES, CSV, RECORDIO)}


def media_type(header: str, supported: Sequence[str]) -> tuple[str, dict[str, str]]:
    """A content type and its parameters, in small letters; without any, the first that is supported.

    Raises RequestError, 415 and SageMaker's own words, for one that is not supported.
    """
    name, parameters = _PLAIN.get(header) or _parsed(header)
    name = name or supported[0]
    if name not in supported:
        remedy = f"send {' or '.join(supported)}"
        raise RequestError(f"content-type {name[:SHOWN]} not supported", status=415, remedy=remedy)
    return name, parameters


def accepted(header: str, default: str, offered: Sequence[str]) -> str:
    """The type of a response: of those offered, the one that the header Accept likes best, or `default`.

    Raises RequestError, 406, where it wants none of them.
    """
    if not header or header in ("*/*", default):
        return default
    ranges = []
    for each in header.split(","):
        name, parameters = _parsed(each)
        try:
            weight = float(parameters.get("q", 1))
        except ValueError:
            weight = 0.0
        ranges.append((name, weight))
    for name, weight in sorted(ranges, key=lambda each: -each[1]):
        if not weight > 0:
            continue
        if name == "*/*":
            return default
        for offer in (default, *offered):
            if name == offer or (name.endswith("/*") and offer.startswith(name[:-1])):
                return offer
    what = f"accept {header[:SHOWN]} not supported"
    raise RequestError(what, status=406, remedy=f"ask for {' or '.join(offered)}")


def _parsed(header: str) -> tuple[str, dict[str, str]]:
    name, *rest = header.split(";")
    pairs = (part.partition("=") for part in rest)
    return name.strip().lower(), {
        key.strip().lower(): value.strip().strip('"') for key, _, value in pairs if key.strip()
    }

"""JSON in files."""

from typing import Any

import orjson

from data.errors import StorageError
from data.storage.files import read_bytes, write_bytes


def read_json(url: str) -> Any:
    """The value in a JSON file."""
    return from_json(read_bytes(url), url)


def write_json(url: str, value: Any) -> None:
    """Write `value` as indented JSON, its keys in the order given; numpy arrays and scalars become numbers."""
    write_bytes(url, to_json(value))


def to_json(value: Any) -> bytes:
    """What `write_json` writes."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


def from_json(content: bytes, url: str) -> Any:
    """The value in what was read from `url`, which an error names."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise StorageError(f"not JSON ({error})", where=url, remedy="write the file anew") from error

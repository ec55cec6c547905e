"""Conditional writes in this process's memory, as tests use it."""

import hashlib
import threading
from typing import Any

_ONE_AT_A_TIME = threading.Lock()


def is_memory(fs: Any) -> bool:
    """Whether a file system is fsspec's memory."""
    return "memory" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def create(fs: Any, path: str, data: bytes) -> bool:
    """Write a file that is not there."""
    with _ONE_AT_A_TIME:
        if fs.exists(path):
            return False
        fs.pipe_file(path, data)
        return True


def read_tagged(fs: Any, path: str) -> tuple[bytes, str]:
    """The content and its SHA-256."""
    data = bytes(fs.cat_file(path))
    return data, hashlib.sha256(data).hexdigest()


def replace(fs: Any, path: str, data: bytes, tag: str) -> bool:
    """Write it in the place of the content with that tag."""
    with _ONE_AT_A_TIME:
        if not fs.exists(path) or read_tagged(fs, path)[1] != tag:
            return False
        fs.pipe_file(path, data)
        return True

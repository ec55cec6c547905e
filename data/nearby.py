"""Pieces of remote files, fetched once and kept on this machine's disk while there is room and somebody wants them.

A worker's part of a corpus is the same in each epoch: it fetches just that part, in the first one.
"""

import shutil
import tempfile
import time
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data import storage

FORGOTTEN = 2 * 3600.0  # seconds after which what nobody has asked for belongs to a training that is over


class Kept(NamedTuple):
    """A piece, and when it was last asked for."""

    content: NDArray[np.uint8]
    asked: float


class Pieces:
    """Those of one process. They fill at most half of what is free on the disk, the oldest of them go first."""

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, int, int | None], Kept] = OrderedDict()
        self.lock = Lock()

    def get(self, url: str, start: int, stop: int | None) -> NDArray[np.uint8]:
        """See `piece`."""
        key, now = (url, start, stop), time.monotonic()
        with self.lock:  # two threads that want the same would both fetch it
            found = self.kept.pop(key, None)
            content = found.content if found else _fetched(url, start, stop)
            self.kept[key] = Kept(content, now)
            if not found:
                self._make_room(now)
        return content

    def _make_room(self, now: float) -> None:
        held = sum(each.content.nbytes for each in self.kept.values())
        free = shutil.disk_usage(tempfile.gettempdir()).free
        for key, each in list(self.kept.items())[:-1]:
            if held <= free and now - each.asked <= FORGOTTEN:
                break
            del self.kept[key]  # its file has no name: it is gone with the last who reads it
            held, free = held - each.content.nbytes, free + each.content.nbytes


_pieces = Pieces()


def piece(url: str, start: int = 0, stop: int | None = None) -> NDArray[np.uint8]:
    """Bytes start..stop-1 of a remote file, memory-mapped; who writes to them has a copy."""
    return _pieces.get(url, start, stop)


def whole(url: str) -> bytes:
    """All of a file; a remote one is fetched once."""
    return storage.read_bytes(url) if storage.is_local(url) else piece(url).tobytes()


def forget() -> None:
    """Begin anew, where the same names have come to stand for other files."""
    _pieces.kept.clear()


def _fetched(url: str, start: int, stop: int | None) -> NDArray[np.uint8]:
    with tempfile.TemporaryFile() as file:
        if start == 0 and stop is None:
            with storage.local_path(url) as path, path.open("rb") as copy:  # fetched block by block
                return _mapped(copy)
        file.write(storage.read_part(url, start, stop))
        file.flush()
        return _mapped(file)


def _mapped(file: object) -> NDArray[np.uint8]:
    """Copy-on-write and plain: numba would compile anew for a read-only array."""
    try:
        return np.asarray(np.memmap(file, np.uint8, mode="c"))  # type: ignore[call-overload]
    except ValueError:  # nothing can be mapped of an empty file
        return np.empty(0, np.uint8)

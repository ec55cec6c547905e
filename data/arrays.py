"""Arrays as .npy files, here or anywhere."""

from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data import nearby, storage

HEADER = 256  # bytes that hold what a file says of a flat array

_opening = Lock()


class Head(NamedTuple):
    """What an .npy file says of its array. begin: where that starts, in bytes."""

    shape: tuple[int, ...]
    columns_first: bool
    dtype: np.dtype[Any]
    begin: int


def opened(url: str) -> NDArray[Any]:
    """The array in a file, memory-mapped. Nobody writes to it."""
    if storage.is_local(url):
        with _opening:
            return _opened(url)
    content = nearby.piece(url)
    head = _head(content[:4096].tobytes())
    return content[head.begin :].view(head.dtype).reshape(head.shape, order="F" if head.columns_first else "C")


def part(url: str, start: int, stop: int) -> NDArray[Any]:
    """array[start:stop] of the flat array in a file, memory-mapped; of a remote file no more than this is fetched."""
    if storage.is_local(url):
        return opened(url)[start:stop]
    head = _head_of(url)
    begin, size = head.begin, head.dtype.itemsize
    return nearby.piece(url, begin + start * size, begin + stop * size).view(head.dtype)


@lru_cache(maxsize=512)
def _opened(url: str) -> NDArray[Any]:
    with storage.local_path(url) as path:
        # copy-on-write, plain: numba would compile anew for a read-only array
        return np.asarray(np.load(path, mmap_mode="c"))


@lru_cache(maxsize=4096)
def _head_of(url: str) -> Head:
    head = _head(storage.read_part(url, 0, HEADER))
    assert len(head.shape) == 1, url
    return head


def _head(beginning: bytes) -> Head:
    file = BytesIO(beginning)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return Head(*read(file), file.tell())


def forget() -> None:
    """Begin anew, where the same names have come to stand for other arrays."""
    nearby.forget()
    _opened.cache_clear()
    _head_of.cache_clear()


def write(url: str, array: NDArray[Any]) -> None:
    """The array as a file, whole or not at all."""
    data = BytesIO()
    np.save(data, array)
    storage.write_bytes(url, data.getvalue())

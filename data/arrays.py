"""Arrays as .npy files, here or anywhere."""

from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import storage

_opening = Lock()


def opened(url: str) -> NDArray[Any]:
    """The array in a file, memory-mapped. One object for all who ask: nobody writes to it."""
    with _opening:  # two threads that want the same array would both fetch it
        return _opened(url)


@lru_cache(maxsize=512)
def _opened(url: str) -> NDArray[Any]:
    with storage.local_path(url) as path:
        # copy-on-write, plain: numba would compile anew for a read-only array; a deleted temporary copy stays readable
        return np.asarray(np.load(path, mmap_mode="c"))


def write(url: str, array: NDArray[Any]) -> None:
    """The array as a file, whole or not at all."""
    data = BytesIO()
    np.save(data, array)
    storage.write_bytes(url, data.getvalue())

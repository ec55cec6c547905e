"""A state as a file: safetensors, which holds named arrays and nothing that runs. The home of safetensors."""

import tempfile
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from algorithms.state import State
from data import storage
from data.errors import FormatError


def save_state(path: Path, state: State) -> None:
    """Write the arrays, contiguous, to a local file. Not atomic: the caller moves the file where it belongs.

    Raises OSError where the file cannot be written, a full disk included.
    """
    try:
        save_file({name: np.ascontiguousarray(array) for name, array in state.items()}, path)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def load_state(path: Path) -> State:
    """Read what `save_state` wrote. Raises FormatError for anything else."""
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise FormatError(
            f"not a safetensors file ({error})", path=str(path), offset=0, remedy="was it copied whole?"
        ) from error


def write_state(url: str, state: State) -> None:
    """Write the arrays to a file anywhere, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="embertext-") as folder:
        path = Path(folder, storage.name(url))
        save_state(path, state)
        storage.put(path, url)


def read_state(url: str) -> State:
    """Read what `write_state` wrote. Raises FormatError for anything else."""
    with storage.local_path(url) as path:
        return load_state(path)

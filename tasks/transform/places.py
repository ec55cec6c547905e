"""Where a transform writes: answers beside each other, errors.jsonl, manifest.json; what is not done in _transform/."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data import storage

OUT, ERRORS = ".out", "errors.jsonl"
UNFINISHED = "_transform"  # a folder that whoever reads the output as data leaves out


def errors_of(output: str, key: str) -> str:
    """Where the errors of a slice are, until they are put together."""
    return storage.join(output, UNFINISHED, f"{key}.errors.jsonl")


def deliver(path: Path, url: str) -> None:
    """Move a local file to `url`, where it appears as a whole."""
    if not storage.is_local(url):
        storage.put(path, url)
        return
    with storage.local_path(url) as target:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        except OSError as error:
            raise storage.failure(error, url, "write to") from error


@contextmanager
def scratch_folder(output: str) -> Iterator[Path]:
    """A folder for files that are not whole: on the output's own disk, where that is one of this machine."""
    url = storage.join(output, UNFINISHED)
    parent = None
    if storage.is_local(url):
        with storage.local_path(url) as parent:
            parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="." if parent else "embertext-", dir=parent)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

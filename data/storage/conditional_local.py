"""Conditional writes on a disk: a hard link is made by one process alone; a lock is held while a file is replaced."""

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from data.storage.atomic import beside

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def create(path: Path, data: bytes) -> bool:
    """Write a whole file under a name that nobody has."""
    with beside(path) as temporary:
        _write(temporary, data)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return temporary.stat().st_nlink == 2  # over NFS an answer can get lost, and the link be made all the same
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            with _locked(path):  # such as a memory stick
                if path.exists():
                    return False
                temporary.replace(path)
        return True


def read_tagged(path: Path) -> tuple[bytes, str]:
    """The content and its SHA-256."""
    data = path.read_bytes()
    return data, hashlib.sha256(data).hexdigest()


def replace(path: Path, data: bytes, tag: str) -> bool:
    """A process that is killed here leaves the old file or the new one: the system gives its lock back."""
    with beside(path) as temporary:
        _write(temporary, data)
        with _locked(path):
            if not path.exists() or read_tagged(path)[1] != tag:
                return False
            temporary.replace(path)
        return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process, and one thread in it, at a time. The lock's file stays: one that goes could be locked twice."""
    with path.with_name(f".{path.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, data: bytes) -> None:
    """On the disk, and not only on its way there, before it gets its name."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())

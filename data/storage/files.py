"""One file: read, written, copied, deleted."""

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from data.storage.atomic import replacing
from data.storage.failures import told
from data.storage.places import is_local, join, name, path_of
from data.storage.remote import BLOCK_SIZE, opened


def exists(url: str) -> bool:
    """True when a file or folder is there."""
    if is_local(url):
        return path_of(url).exists()
    with told(url, "look at"):
        fs, path = opened(url)
        fs.invalidate_cache(path)  # a listing would not know what others have written since
        return bool(fs.exists(path))


def size(url: str) -> int:
    """Bytes of one file."""
    with told(url, "read"):
        if is_local(url):
            return path_of(url).stat().st_size
        fs, path = opened(url)
        return int(fs.size(path) or 0)  # None from servers that do not say


def open_read(url: str) -> BinaryIO:
    """A binary stream from the start of a file. The caller closes it."""
    with told(url, "read"):
        if is_local(url):
            return path_of(url).open("rb")
        fs, path = opened(url)
        stream: BinaryIO = fs.open(path, "rb", block_size=BLOCK_SIZE)
        return stream


def read_bytes(url: str) -> bytes:
    """The whole content of a file."""
    with told(url, "read"):
        if is_local(url):
            return path_of(url).read_bytes()
        fs, path = opened(url)
        try:
            return bytes(fs.cat_file(path))
        except FileNotFoundError:  # says a listing, perhaps, which s3fs asks how large the file is
            fs.invalidate_cache(path)
            return bytes(fs.cat_file(path))


def read_part(url: str, start: int, stop: int | None) -> bytes:
    """Bytes start..stop-1 of a file, and no others are fetched."""
    with told(url, "read"):
        if is_local(url):
            with path_of(url).open("rb") as stream:
                stream.seek(start)
                return stream.read(-1 if stop is None else max(0, stop - start))
        fs, path = opened(url)
        return bytes(fs.cat_file(path, start=start, end=stop)) if stop is None or stop > start else b""


def write_bytes(url: str, data: bytes) -> None:
    """Write a whole file atomically; missing folders are made."""
    with told(url, "write"):
        if is_local(url):
            with replacing(path_of(url)) as temporary:
                temporary.write_bytes(data)
        else:
            fs, path = opened(url)
            fs.pipe_file(path, data)


@contextlib.contextmanager
def local_path(url: str) -> Iterator[Path]:
    """A path that local tools can open: the file itself, or a temporary copy of a remote one."""
    if is_local(url):
        yield path_of(url)
        return
    with tempfile.TemporaryDirectory(prefix="embertext-") as folder:
        target = Path(folder, name(url))
        with told(url, "read"):
            fs, path = opened(url)
            fs.get_file(path, str(target))
        yield target


def put(path: Path, url: str) -> None:
    """Copy the local file `path` to `url` atomically; big files go to S3 in parts."""
    with told(url, "write"):
        if is_local(url):
            with replacing(path_of(url)) as temporary:
                shutil.copyfile(path, temporary)
        else:
            fs, target = opened(url)
            fs.put_file(str(path), target)


def remove(url: str) -> None:
    """Delete a file, or a folder with all that is in it; nothing there is no error."""
    with told(url, "delete"):
        if is_local(url):
            path = path_of(url)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        else:
            fs, path_there = opened(url)
            with contextlib.suppress(FileNotFoundError):
                fs.rm(path_there, recursive=True)


def check_writable(url: str) -> None:
    """Raise `StorageError` now, and not after hours of training, when the folder `url` cannot be written to."""
    with told(url, "write to"):
        if is_local(url):
            folder = path_of(url).absolute()
            while not (folder.exists() or folder.is_symlink()):
                folder = folder.parent
            try:
                with tempfile.TemporaryFile(dir=folder):  # asks the file system: permission bits say nothing to root
                    pass
            except FileNotFoundError as error:  # the folder is there: so /proc refuses
                raise OSError("it takes no files") from error
        else:
            fs, path = opened(join(url, f".embertext-{uuid.uuid4().hex}"))
            fs.pipe_file(path, b"")
            with contextlib.suppress(OSError):  # keys that may write and not delete are enough
                fs.rm_file(path)

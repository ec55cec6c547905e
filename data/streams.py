"""Plain bytes out of corpus files: decompressed, archives member by member, never whole in memory.

It knows compression (.gz .xz .bz2) and archives (.zip .tar, and .tar.gz and the like); not what the bytes mean. What
cannot be read is a `CorpusError` with the file.
"""

import bz2
import contextlib
import io
import lzma
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, cast

from isal import igzip, isal_zlib

from data import storage
from data.errors import CorpusError

OPENERS: dict[str, Any] = {".gz": igzip.open, ".xz": lzma.open, ".bz2": bz2.open}
"""What opens a compressed file, by its ending."""

_COMPRESSED = tuple(OPENERS)
_TARS = {".tgz": ".tar.gz", ".txz": ".tar.xz", ".tbz2": ".tar.bz2"}
_ISAL_ERROR = cast(type[Exception], isal_zlib.error)  # its stub says `error: Exception`
_DAMAGED = (EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, _ISAL_ERROR, tarfile.TarError)


class Member(NamedTuple):
    """One stream of text: a file, or a file in an archive. `name` says which, in messages too."""

    name: str
    path: str  # inside the archive; the URL of a plain file
    stream: BinaryIO


class Files:
    """The members of many files, one after the other; `progress` is the fraction of their bytes read so far (0..1)."""

    def __init__(self, urls: list[str], *, member: str, size: int) -> None:
        """Read `urls`; of archives only members whose path begins with `member`. `size` is the bytes of all files."""
        self._urls, self._member, self._size = urls, member, max(size, 1)
        self._done = 0
        self._file: BinaryIO | None = None

    @property
    def progress(self) -> float:
        """Compressed bytes read over all of them."""
        return min(1.0, (self._done + (self._file.tell() if self._file else 0)) / self._size)

    def close(self) -> None:
        """Close the file that is open. An error that somebody keeps keeps the reader alive, and so its file."""
        if self._file:
            self._file.close()

    def members(self) -> Iterator[Member]:
        """Open the members in order; each is read before the next is asked for."""
        for url in self._urls:
            with storage.open_read(url) as self._file:
                yield from _members(url, self._file, self._member)
            self._done, self._file = self._done + storage.size(url), None


def suffix(path: str) -> str:
    """The ending that tells the kind, without the compression: `suffix("a/b.jsonl.xz") == ".jsonl"`."""
    root, ending = _split(path)
    return posixpath.splitext(root)[1].lower() if ending in _COMPRESSED else ending


def endings(path: str) -> str:
    """All that decides how a file's bytes are read: `endings("a/b.v2.jsonl.xz") == ".jsonl.xz"`."""
    compression = _split(path)[1]
    return suffix(path) + (compression if compression in _COMPRESSED else "")


def is_archive(path: str) -> bool:
    """True for .zip and .tar, compressed or not."""
    return suffix(path) in (".zip", ".tar")


def zip_paths(url: str) -> list[str]:
    """The files in a zip, in its order."""
    with storage.open_read(url) as file, readable(url):
        return [info.filename for info in _zip_files(zipfile.ZipFile(file))]


@contextlib.contextmanager
def readable(name: str) -> Iterator[None]:
    """Say which file it is when a decompressor fails."""
    try:
        yield
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise CorpusError(f"cannot be read: {error.strerror}", where=name, remedy="check the file") from error
        what = f"the file is damaged or cut short ({' '.join(str(error).split()) or type(error).__name__})"
        raise CorpusError(what, where=name, remedy="get it again") from error
    except (NotImplementedError, RuntimeError) as error:  # zipfile: an unknown method; a password
        raise CorpusError(str(error), where=name, remedy="unpack it and give the folder") from error


def _split(path: str) -> tuple[str, str]:
    base = posixpath.basename(path.rstrip("/")).lower()
    root, ending = posixpath.splitext(base)
    return posixpath.splitext(root + _TARS[ending]) if ending in _TARS else (root, ending)


def _members(url: str, file: BinaryIO, prefix: str) -> Iterator[Member]:
    """The members of one open file."""
    kind = suffix(url)
    if kind == ".zip":
        with readable(url):
            archive = zipfile.ZipFile(file)
            chosen = [info for info in _zip_files(archive) if info.filename.startswith(prefix)]
        _expect(chosen, url, prefix)
        for info in chosen:
            name = f"{url}!{info.filename}"
            with readable(name):
                stream = archive.open(info)
            yield Member(name, info.filename, cast(BinaryIO, stream))
        return
    with readable(url):
        plain = _decompressed(url, file)
    if kind == ".tar":
        found = False
        for member in _tar_members(url, plain):
            if member.path.startswith(prefix):
                found = True
                yield member
        _expect(found, url, prefix)
    else:
        stream = _buffered(plain)
        try:
            yield Member(url, url, stream)
        finally:
            if isinstance(stream, io.BufferedReader) and stream is not plain:
                stream.detach()  # closing is left to who opened it


def _expect(found: object, url: str, prefix: str) -> None:
    if not found:
        what = f"no member begins with {prefix!r}" if prefix else "the archive holds no files"
        raise CorpusError(what, where=url, remedy="check the archive")


def _decompressed(url: str, file: BinaryIO) -> BinaryIO:
    ending = _split(url)[1]
    return cast(BinaryIO, OPENERS[ending](file)) if ending in OPENERS else file


def _buffered(plain: BinaryIO) -> BinaryIO:
    """With `readline(size)`, which files of object stores and of the web do not have."""
    if isinstance(plain, io.BufferedIOBase):
        return plain
    return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, plain), 1 << 20))


def _zip_files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Files, without folders and the hidden ones that desktops add."""
    return [info for info in archive.infolist() if not info.is_dir() and _is_shown(info.filename)]


def _is_shown(path: str) -> bool:
    return not any(part.startswith((".", "__MACOSX")) for part in path.split("/") if part != ".")


def _tar_members(url: str, plain: BinaryIO) -> Iterator[Member]:
    """The regular files of a tar, as a stream: each is to be read before the next."""
    with readable(url):
        archive = tarfile.open(fileobj=plain, mode="r|")  # noqa: SIM115 - `plain` is closed by its opener
    while True:
        with readable(url):
            info = archive.next()
            stream = archive.extractfile(info) if info and info.isfile() else None
            archive.members = []  # type: ignore[attr-defined]  # it keeps each header, and a stream never goes back
        if info is None:
            return
        if stream is not None and _is_shown(info.name):
            yield Member(f"{url}!{info.name}", info.name.removeprefix("./"), cast(BinaryIO, stream))

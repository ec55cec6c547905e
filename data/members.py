"""What is in an archive, member by member, each judged by its header before a byte of it is read.

A member's path stays inside, it is a file or a folder and no link, device or pipe, its size is within bounds, nobody
else has its name. What unfolds without end is stopped by `data.bounded`.

tarfile's own `filter="data"` is not in every Python 3.11, and tarfile reads headers of any size into memory: only its
reading of a single header is used.
"""

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, cast

from data import storage
from data.bounded import LARGE, PIECE, Counted, Part, decompressed, start
from data.errors import EmbertextError
from data.streams import readable

MOST_MEMBERS = 10_000
LONGEST_PATH = 1024  # bytes
LONGEST_PART = 255  # bytes, of file systems
EXTENSION = 64 * 2**10  # bytes of a header that extends the next: of a long path, of times
HEADERS = 64 * 2**20  # bytes of all headers, and of what pads files to blocks
TRUST = "it is not safe to open; get the model from whom you trust"

_BLOCK = 512  # bytes, of tar


class Member(NamedTuple):
    """A file in an archive. size: in bytes, of which each `read` of the stream gives the next."""

    path: str
    size: int
    stream: BinaryIO


def members(url: str, most_bytes: int) -> Iterator[Member]:
    """The files that a person put into the archive; each is read, or not, before the next is asked for.

    Raises EmbertextError at the first that is wrong, or where all would be of more than most_bytes; CorpusError where
    the archive is damaged; StorageError where it cannot be had.
    """
    judge = _Judge(url, most_bytes)
    with storage.open_read(url) as file:
        zipped = start(url, file).startswith(b"PK\x03\x04")
        found = _zip(url, file, judge) if zipped else _tar(url, file, judge, most_bytes)
        for member in found:
            if not any(part.startswith((".", "__MACOSX")) for part in member.path.split("/")):  # desktops add them
                yield member


class _Judge:
    """Has seen the members so far."""

    def __init__(self, url: str, most_bytes: int) -> None:
        self.url, self.most, self.bytes, self.members = url, most_bytes, 0, 0
        self.files: set[str] = set()
        self.folders: set[str] = set()

    def path(self, name: str, *, kind: str, size: int) -> str:
        """The member's path below any folder, once nothing speaks against it. kind: "file", "folder", or what else."""
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise EmbertextError(f"more than {MOST_MEMBERS:,} members", where=self.url, remedy=LARGE)
        if not name or len(name.encode(errors="replace")) > LONGEST_PATH:
            raise refused(self.url, name[:40], f"its path is empty or longer than {LONGEST_PATH} bytes")
        if "\0" in name or "\\" in name:
            raise refused(self.url, name, "its path has a NUL or a backslash in it")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts:
            raise refused(self.url, name, "its path leads out of the archive")
        if any(len(part.encode(errors="replace")) > LONGEST_PART for part in parts):
            raise refused(self.url, name[:40], f"a name of more than {LONGEST_PART} bytes")
        if kind not in ("file", "folder"):
            raise refused(self.url, name, f"it is a {kind}, and no file")
        path = "/".join(parts)
        if kind == "folder":
            self._enter(name, parts)
            return path
        if not 0 <= size <= self.most - self.bytes:
            what = f"it would be of {size:,} bytes, and {self.most:,} are the most for all members"
            raise refused(self.url, name, what, remedy=LARGE)
        self.bytes += size
        if not path or path in self.files or path in self.folders:
            raise refused(self.url, name, "its name is there twice")
        self._enter(name, parts[:-1])
        self.files.add(path)
        return path

    def _enter(self, name: str, parts: list[str]) -> None:
        """Note the folder and those that it lies in."""
        for end in range(1, len(parts) + 1):
            folder = "/".join(parts[:end])
            if folder in self.files:
                raise refused(self.url, name, "its name is there twice")
            self.folders.add(folder)


def _tar(url: str, file: BinaryIO, judge: _Judge, most_bytes: int) -> Iterator[Member]:
    """The files of a tar, as a stream."""
    plain = Counted(url, decompressed(url, file), most_bytes + HEADERS)
    extension: dict[str, str] = {}
    while True:
        block = plain.exactly(_BLOCK)
        if not block.strip(b"\0"):
            while plain.read(PIECE):  # to the end: only there a checksum tells whether all of it was right
                pass
            return
        info = _header(url, block, first=plain.done == _BLOCK)
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            if not 0 <= info.size <= EXTENSION:
                raise refused(url, info.name[:40], f"a header of {info.size:,} bytes")
            extension |= _extension(url, info, plain.exactly(info.size))
            plain.exactly(-info.size % _BLOCK)
            continue
        name, size = extension.get("path", info.name), int(extension.get("size", info.size))
        sparse = info.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in extension)
        extension = {}
        path = judge.path(name, kind="sparse file" if sparse else _kind(info), size=size)
        if info.isfile():
            stream = Part(plain, size)
            yield Member(path, size, cast(BinaryIO, stream))
            stream.skip()
            plain.exactly(-size % _BLOCK)


def _header(url: str, block: bytes, *, first: bool) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except (tarfile.TarError, ValueError) as error:
        if first:
            remedy = "give a model.tar.gz"
            raise EmbertextError("it is no archive", where=url, remedy=remedy) from error
        raise EmbertextError("the archive is damaged", where=url, remedy="get it again") from error


def _kind(info: tarfile.TarInfo) -> str:
    kinds = {
        tarfile.SYMTYPE: "symbolic link",
        tarfile.LNKTYPE: "hard link",
        tarfile.CHRTYPE: "device",
        tarfile.BLKTYPE: "device",
        tarfile.FIFOTYPE: "named pipe",
    }
    if info.isdir():
        return "folder"
    return "file" if info.isfile() else kinds.get(info.type, "member of an unknown kind")


def _extension(url: str, info: tarfile.TarInfo, data: bytes) -> dict[str, str]:
    """What a header says of the next member: its path, its size, the rest."""
    if info.type == tarfile.GNUTYPE_LONGLINK:
        return {}
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.removesuffix(b"\0").decode(errors="replace")}
    found: dict[str, str] = {}
    while data.strip(b"\0"):  # "27 path=model/vectors.bin\n": the length counts itself and the newline
        length, space, _ = data.partition(b" ")
        if not space or not length.isdigit() or len(length) > 6 or not len(length) + 2 < int(length) <= len(data):
            raise EmbertextError("the archive is damaged", where=url, remedy="get it again")
        record, data = data[len(length) + 1 : int(length) - 1], data[int(length) :]
        key, _, value = record.decode(errors="replace").partition("=")
        if key == "size" and not (value.isascii() and value.isdigit() and len(value) < 20):
            raise refused(url, info.name[:40], f"a size of {value[:40]!r}")
        found[key] = value
    # of all members that follow: what tar writes there, times and comments, says nothing of paths and sizes
    return found if info.type == tarfile.XHDTYPE else {}


def _zip(url: str, file: BinaryIO, judge: _Judge) -> Iterator[Member]:
    with readable(url):
        archive = zipfile.ZipFile(file)
    if len(archive.infolist()) > MOST_MEMBERS:
        raise EmbertextError(f"more than {MOST_MEMBERS:,} members", where=url, remedy=LARGE)
    for info in archive.infolist():
        mode = info.external_attr >> 16
        kind = "symbolic link" if stat.S_ISLNK(mode) else "folder" if info.is_dir() else "file"
        path = judge.path(info.orig_filename, kind=kind, size=info.file_size)
        if kind == "file":
            with readable(f"{url}!{path}"):
                stream = archive.open(info)
            counted = Counted(f"{url}!{path}", cast(BinaryIO, stream), info.file_size)
            yield Member(path, info.file_size, cast(BinaryIO, counted))


def refused(url: str, name: str, what: str, *, remedy: str = TRUST) -> EmbertextError:
    """What to say of a member."""
    shown = "".join(each if each.isprintable() else "?" for each in name)
    return EmbertextError(what, where=f"{url}!{shown}", remedy=remedy)

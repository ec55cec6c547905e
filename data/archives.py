"""Archives from elsewhere, hostile until proven otherwise: a model.tar.gz from any URL becomes files in a folder.

`data.members` judges each member before it is read. Here one wrong member refuses the whole archive, as half of it is
nothing to trust, and the folder appears when it is whole. Nothing is unpickled, here or by those who read the files;
arrays that would ask for it are refused.
"""

import io
import posixpath
import shutil
import uuid
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data import storage
from data.bounded import LARGE, PIECE, Counted, decompressed
from data.errors import EmbertextError
from data.members import Member, members, refused

MOST_BYTES = 32 * 2**30  # of all members: tables of three million words, and of as many n-grams


def unpacked(
    url: str,
    folder: Path,
    *,
    names: Collection[str] | None = None,
    most_bytes: int = MOST_BYTES,
    remedy: str = LARGE,
) -> Path:
    """Where the files of the archive are, unpacked: `folder`, or the one folder in it that all of them lie in.

    `folder` appears when all is written. One that is there and holds files is taken for this archive, unpacked before.
    names: write only files that are called so, wherever they lie; the others are judged all the same. remedy:
    what to do where there is none of them.

    Reads .tar, plain or compressed by gzip, xz or bzip2, and .zip, told by their first bytes. Raises EmbertextError
    where the archive is hostile, holds no such file or would unfold to more than most_bytes; CorpusError where it is
    damaged; StorageError where it cannot be had or written.
    """
    if not (folder.is_dir() and any(folder.iterdir())):
        scratch = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
        try:
            scratch.mkdir(parents=True)
        except OSError as error:
            raise storage.failure(error, str(folder), "write to") from error
        try:
            _write(url, scratch, names, most_bytes, remedy)
            _settle(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return _bottom(folder)


def inflated(url: str, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Write one compressed file, such as model.bin.gz, decompressed to `path`. Raises as `unpacked`."""
    with storage.open_read(url) as file:
        plain = Counted(url, decompressed(url, file), most_bytes)
        with path.open("wb") as target:
            while piece := plain.read(PIECE):
                _put(target, piece, path)


def _write(url: str, folder: Path, names: Collection[str] | None, most_bytes: int, remedy: str) -> None:
    written = 0
    for member in members(url, most_bytes):
        name = posixpath.basename(member.path)
        if names is not None and name not in names:
            continue
        target = folder / (name if names is not None else member.path)
        if target.exists():  # two places of a name that was asked for
            raise refused(url, member.path, f"there is another {name}", remedy="leave one of them in the archive")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            start = member.stream.read(min(PIECE, member.size))
            _check_array(url, member, start)
            _put(file, start, target)
            while piece := member.stream.read(PIECE):
                _put(file, piece, target)
        written += 1
    if not written:
        wanted = f"holds no {', '.join(sorted(names))}" if names is not None else "holds no files"
        raise EmbertextError(f"the archive {wanted}", where=url, remedy=remedy)


def _check_array(url: str, member: Member, start: bytes) -> None:
    """Refuse a numpy array of Python objects: reading it runs whatever its maker wanted."""
    if not start.startswith(b"\x93NUMPY"):
        return
    stream = io.BytesIO(start)
    try:
        version = np.lib.format.read_magic(stream)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        objects = reader(stream)[2].hasobject
    except ValueError as error:
        raise refused(url, member.path, "its header is not numpy's") from error
    if objects:
        raise refused(url, member.path, "an array of Python objects, which is a program")


def _put(file: BinaryIO | io.BufferedWriter, data: bytes, path: Path) -> None:
    try:
        file.write(data)
    except OSError as error:
        raise storage.failure(error, str(path.parent), "write to") from error


def _settle(scratch: Path, folder: Path) -> None:
    """Give what is whole its name, unless another process was faster."""
    try:
        scratch.replace(folder)  # an empty folder makes room
    except OSError as error:
        if not (folder.is_dir() and any(folder.iterdir())):
            raise storage.failure(error, str(folder), "write to") from error


def _bottom(folder: Path) -> Path:
    """Down through folders that hold one folder and nothing else."""
    while len(found := list(folder.iterdir())) == 1 and found[0].is_dir():
        [folder] = found
    return folder

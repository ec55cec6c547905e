import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from data import streams, utf8
from data.errors import CorpusError
from data.streams import Files

TEXT = "the cat sat\non the mat é\n".encode() * 5000


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(members: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def read(path: Path, prefix: str = "") -> list[tuple[str, bytes]]:
    files = Files([str(path)], member=prefix, size=path.stat().st_size)
    found = [(each.path.rsplit("/", 1)[-1], each.stream.read()) for each in files.members()]
    assert files.progress == 1.0
    return found


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.txt", lambda data: data),
        ("a", lambda data: data),
        ("a.txt.gz", gzip.compress),
        ("a.TXT.GZ", gzip.compress),
        ("a.txt.xz", lzma.compress),
        ("a.txt.bz2", bz2.compress),
        ("two.gz", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:])),
    ],
)
def test_plain_and_compressed(tmp_path: Path, name: str, write: Callable[[bytes], bytes]) -> None:
    (tmp_path / name).write_bytes(write(TEXT))
    assert read(tmp_path / name) == [(name, TEXT)]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.zip", zipped),
        ("a.tar", tarred),
        ("a.tar.gz", lambda members: tarred(members, "w:gz")),
        ("a.tgz", lambda members: tarred(members, "w:gz")),
        ("a.tar.xz", lambda members: tarred(members, "w:xz")),
    ],
)
def test_archives(tmp_path: Path, name: str, write: Callable[[dict[str, bytes]], bytes]) -> None:
    members = {"one/a.txt": b"a", "one/.hidden": b"x", "__MACOSX/a.txt": b"x", "two/b.txt": TEXT}
    (tmp_path / name).write_bytes(write(members))
    assert read(tmp_path / name) == [("a.txt", b"a"), ("b.txt", TEXT)]
    assert read(tmp_path / name, "two/") == [("b.txt", TEXT)]
    with pytest.raises(CorpusError, match="no member begins with 'three/'"):
        read(tmp_path / name, "three/")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.gz", gzip.compress(TEXT, mtime=0)[:-20]),
        ("bad.gz", b"this is no gzip"),
        ("sum.gz", gzip.compress(TEXT, mtime=0)[:-8] + b"\0" * 8),
        ("cut.xz", lzma.compress(TEXT)[:-20]),
        ("bad.xz", b"this is no xz"),
        ("cut.bz2", bz2.compress(TEXT)[:-20]),
        ("bad.bz2", b"this is no bzip2"),
        ("bad.zip", b"this is no zip"),
        ("cut.zip", zipped({"a.txt": TEXT})[:-30]),
        ("cut.tar.gz", tarred({"a.txt": TEXT}, "w:gz")[:-20]),
        ("bad.tar", b"this is no tar" * 100),
        ("cut.tar", tarred({"a.txt": TEXT})[:5000]),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    files = Files([str(tmp_path / name)], member="", size=len(data))
    with pytest.raises(CorpusError, match=rf"{name}.*: the file is damaged or cut short .*; get it again"):
        b"".join(piece for each in files.members() for piece in utf8.pieces(each))


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": TEXT}))
    data[6] |= 1  # the flag in the local header
    data[data.index(b"PK\1\2") + 8] |= 1  # and in the directory
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(CorpusError, match=r"a\.zip!a\.txt: .*password"):
        read(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("path", "ending", "archive"),
    [
        ("a/b.jsonl.xz", ".jsonl", False),
        ("s3://b/c.CSV", ".csv", False),
        ("a/b.c/d", "", False),
        ("a.gz", "", False),
        ("a.tar.gz", ".tar", True),
        ("a.tgz", ".tar", True),
        ("a.zip", ".zip", True),
    ],
)
def test_suffix(path: str, ending: str, archive: bool) -> None:
    assert streams.suffix(path) == ending
    assert streams.is_archive(path) is archive


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://b/a.v2.JSONL.xz", ".jsonl.xz"),
        ("a.tsv", ".tsv"),
        ("a.gz", ".gz"),
        ("x/a.tgz", ".tar.gz"),
        ("a", ""),
        ("1.2.txt", ".txt"),
    ],
)
def test_endings(path: str, expected: str) -> None:
    assert streams.endings(path) == expected

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import streams
from data.errors import CorpusError
from data.streams import Files, Member

TEXT = "the cat sat\non the mat é\n".encode() * 5000


def member(data: bytes, name: str = "a.txt") -> Member:
    return Member(name, name, io.BytesIO(data))


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
        b"".join(piece for each in files.members() for piece in streams.pieces(each))


def test_a_zip_with_a_password_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.txt": TEXT}))
    data[6] |= 1  # the flag in the local header
    data[data.index(b"PK\1\2") + 8] |= 1  # and in the directory
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(CorpusError, match=r"a\.zip!a\.txt: .*password"):
        read(tmp_path / "a.zip")


def _tokens(data: bytes) -> list[bytes]:
    return data.replace(b"\0", b" ").split()


@given(st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(" \n\t\0ab"))), st.integers(1, 50))
def test_pieces_keep_every_token(text: str, size: int) -> None:
    data = text.encode().removeprefix(b"\xef\xbb\xbf")
    found = list(streams.pieces(member(data), size=size))
    assert all(piece.decode() is not None for piece in found)
    assert [token for piece in found for token in piece.split()] == _tokens(data)
    whole = b"".join(found)
    assert whole.count(b"\n") - data.count(b"\n") in (0, 1)
    assert not whole or whole.endswith(b"\n")
    assert all(piece[-1:] in streams.SEPARATORS for piece in found)


@given(st.text(alphabet="ab éß𝄞\n", min_size=1), st.integers(0, 40), st.integers(1, 20))
def test_a_wrong_byte_is_found_whatever_the_pieces(text: str, at: int, size: int) -> None:
    data = text.encode()
    at = min(at, len(data))
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    line = 1 + data.count(b"\n", 0, at)
    broken = data[:at] + b"\xff" + data[at:]
    with pytest.raises(
        CorpusError, match=rf"a\.txt: line {line}, byte {at}: not UTF-8 \(byte 0xff\); convert it: iconv"
    ):
        list(streams.pieces(member(broken), size=size))


def test_utf8_is_checked_across_slices() -> None:
    data = ("é" * 40_000 + " ").encode() + b"a" * 33_000 + "日本 ".encode() * 50_000
    assert b"".join(streams.pieces(member(data))) == data + b"\n"
    with pytest.raises(CorpusError, match=rf"byte {len(data)}: not UTF-8 \(byte 0xe9\)"):
        list(streams.pieces(member(data + "\xe9 ".encode("latin-1"))))


def test_utf16_is_told_apart() -> None:
    with pytest.raises(CorpusError, match="iconv -f utf-16"):
        list(streams.pieces(member("a b".encode("utf-16"))))


def test_one_long_line() -> None:
    data = b"word " * 200_000
    found = list(streams.pieces(member(data), size=1 << 16))
    assert max(map(len, found)) <= (1 << 16) + 5
    assert b"".join(found) == data + b"\n"


def test_a_cut_prefers_the_end_of_a_sentence() -> None:
    first, *_ = streams.pieces(member(b"a b c\nd e f g h\ni j"), size=10)
    assert first == b"a b c\n"


def test_an_endless_token_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"a\.txt: byte 4: no white space in \d+ bytes; give text"):
        list(streams.pieces(member(b"abc " + b"x" * 5000), size=100, longest=1000))


def test_nul_is_a_space_and_a_byte_order_mark_goes() -> None:
    assert list(streams.pieces(member(b"\xef\xbb\xbfa\0b\r\n"))) == [b"a b\r\n"]


def test_lines_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST_LINE", 10)
    assert [line.offset for line in streams.lines(member(b"short\nshort\n"))] == [0, 6]
    with pytest.raises(CorpusError, match=r"a\.txt: line 2, byte 6: a line of more than"):
        list(streams.lines(member(b"short\n" + b"long" * 10)))


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

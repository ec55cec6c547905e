"""Archives of models: those of honest people are read; of the others nothing is written, and one line says why."""

import bz2
import gzip
import io
import lzma
import resource
import struct
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import numpy as np
import pytest

from data import archives, members
from data.archives import inflated, unpacked
from data.errors import CorpusError, EmbertextError, StorageError

FILES = {"vectors.bin": b"\x01" * 5000, "eval.json": b"{}", "empty.txt": b""}


def info(name: str, kind: bytes = tarfile.REGTYPE, *, size: int = 0, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, link
    return made


def tar(*given: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of headers as they are, each with the bytes behind it."""
    parts = [one.tobuf(form, "utf-8", "surrogateescape") + data + b"\0" * (-len(data) % 512) for one, data in given]
    return b"".join(parts) + b"\0" * 1024


def of(files: dict[str, bytes], *, form: int = tarfile.PAX_FORMAT) -> bytes:
    return tar(*((info(name, size=len(data)), data) for name, data in files.items()), form=form)


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def folder(name: str) -> bytes:
    return tar((info(name, tarfile.DIRTYPE), b""))[:512]


def read(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def squeezed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


HONEST: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "tar.gz": lambda files: squeezed(of(files)),
    "GNU tar.gz": lambda files: squeezed(of(files, form=tarfile.GNU_FORMAT)),
    "tar": of,
    "tar.xz": lambda files: lzma.compress(of(files)),
    "tar.bz2": lambda files: bz2.compress(of(files)),
    "zip": zipped,
    "of a folder": lambda files: squeezed(folder("./") + of({f"./{name}": data for name, data in files.items()})),
    "in a folder": lambda files: squeezed(folder("a/b") + of({f"a/b/{name}": data for name, data in files.items()})),
    "of a desktop": lambda files: squeezed(of({"._eval.json": b"x", ".DS_Store": b"x", "__MACOSX/a": b"x", **files})),
    "two streams of gzip": lambda files: squeezed(of(files)[:3000]) + squeezed(of(files)[3000:]),
}  # fmt: skip


@pytest.mark.parametrize("packed", HONEST.values(), ids=HONEST)
def test_honest_archives(packed, tmp_path):
    """By what is in them: their names say nothing."""
    (tmp_path / "model").write_bytes(packed(FILES))
    found = unpacked(str(tmp_path / "model"), tmp_path / "there" / "folder")
    assert read(found) == FILES
    assert not list((tmp_path / "there").glob(".*")), "nothing half-written"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_paths(form, tmp_path):
    files = {f"{'folder' * 30}/{'ü' * 100}.txt": b"x", "b.txt": b"y"}
    (tmp_path / "model").write_bytes(of(files, form=form))
    assert read(unpacked(str(tmp_path / "model"), tmp_path / "folder")) == files


def test_what_python_and_fsspec_make(tmp_path):
    """pax headers of times; another file system."""
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz", format=tarfile.PAX_FORMAT) as archive:
        (tmp_path / "model.bin").write_bytes(b"x")
        archive.add(tmp_path / "model.bin", "model.bin")
    fsspec.filesystem("memory").pipe_file("/archives/model.tar.gz", (tmp_path / "model.tar.gz").read_bytes())
    assert read(unpacked("memory://archives/model.tar.gz", tmp_path / "folder")) == {"model.bin": b"x"}


@pytest.mark.parametrize("packed", [HONEST["tar.gz"], HONEST["in a folder"], HONEST["zip"]])
def test_names_that_are_wanted(packed, tmp_path):
    (tmp_path / "model").write_bytes(packed(FILES))
    assert read(unpacked(str(tmp_path / "model"), tmp_path / "folder", names={"eval.json", "x"})) == {
        "eval.json": b"{}"
    }
    with pytest.raises(EmbertextError, match=r"model: the archive holds no x; find it"):
        unpacked(str(tmp_path / "model"), tmp_path / "other", names={"x"}, remedy="find it")


def test_unpacked_once(tmp_path):
    """By whoever is first; the folder stays as it is."""
    (tmp_path / "model").write_bytes(squeezed(of(FILES)))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: unpacked(str(tmp_path / "model"), tmp_path / "folder"), range(16)))
    assert set(found) == {tmp_path / "folder"}
    assert read(tmp_path / "folder") == FILES
    (tmp_path / "model").unlink()
    assert unpacked(str(tmp_path / "model"), tmp_path / "folder") == tmp_path / "folder"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def objects() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], object), allow_pickle=True)
    return stream.getvalue()


def linked_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


def pax(record: bytes, *, length: int = 0) -> bytes:
    """A member x of which a header says `record`."""
    length = length or next(each for each in range(99) if each == len(f"{each}  ") + len(record))
    record = b"%d %b\n" % (length, record)
    return tar((info("x", tarfile.XHDTYPE, size=len(record)), record), (info("x"), b""))


def alone(kind: bytes, **more: object) -> bytes:
    """A member of such a kind."""
    return tar((info("a", kind, **more), b""), form=tarfile.GNU_FORMAT)


LEADS, TWICE = "!{}: its path leads out of the archive; it is not safe to open", "!{}: its name is there twice; it is"
GOOD = (info("a", size=1), b"x")

HOSTILE: dict[str, tuple[bytes, str]] = {
    "absolute": (of({"/etc/passwd": b"x"}), LEADS.format("/etc/passwd")),
    "up": (of({"../x": b"x"}), LEADS.format("../x")),
    "up later": (of({"a": b"x", "a b/../../x": b"x"}), LEADS.format("a b/../../x")),
    "up in a long name": (of({"a/" * 80 + "../" * 9 + "x": b"x"}, form=tarfile.GNU_FORMAT), "leads out of the archive"),
    "up in a pax header": (pax(b"path=../../x"), LEADS.format("../../x")),
    "a folder up": (tar((info("..", tarfile.DIRTYPE), b"")), LEADS.format("..")),
    "backslash": (of({"..\\x": b"x"}), "its path has a NUL or a backslash"),
    "NUL": (pax(b"path=a\0b"), "!a?b: its path has a NUL or a backslash in it"),
    "long name": (of({"x" * 300: b"x"}), ": a name of more than 255 bytes"),
    "long path": (of({"x/" * 600 + "x": b"x"}), ": its path is empty or longer than 1024 bytes"),
    "symbolic link": (alone(tarfile.SYMTYPE, link="/etc/passwd"), "!a: it is a symbolic link, and no file"),
    "hard link": (alone(tarfile.LNKTYPE, link="../x"), "!a: it is a hard link, and no file"),
    "device": (alone(tarfile.CHRTYPE), "!a: it is a device, and no file"),
    "named pipe": (alone(tarfile.FIFOTYPE), "!a: it is a named pipe, and no file"),
    "unknown": (alone(b"V"), "!a: it is a member of an unknown kind"),
    "sparse": (alone(tarfile.GNUTYPE_SPARSE), "!a: it is a sparse file"),
    "sparse by pax": (pax(b"GNU.sparse.major=1"), "!x: it is a sparse file"),
    "gigantic": (
        alone(tarfile.REGTYPE, size=2**60),
        f"!a: it would be of {2**60:,} bytes, and 1,000,000 are the most for all members; is this a model",
    ),
    "gigantic together": (of(dict.fromkeys("ab", bytes(600_000))), "!b: it would be of 600,000 bytes"),
    "gigantic by pax": (pax(b"size=1000000000000000000"), f"!x: it would be of {10**18:,} bytes"),
    "size that is none": (pax(b"size=-1"), "!x: a size of '-1'"),
    "gigantic header": (alone(tarfile.GNUTYPE_LONGNAME, size=2**33), f"!a: a header of {2**33:,} bytes"),
    "header that ends too early": (pax(b"path=x", length=99), ": the archive is damaged"),
    "many members": (of(dict.fromkeys(map(str, range(100_000)), b"")), ": more than 10,000 members"),
    "many folders": (alone(tarfile.DIRTYPE)[:512] * 10_001, ": more than 10,000 members"),
    "same name": (tar(GOOD, GOOD), TWICE.format("a")),
    "same name otherwise": (tar(GOOD, (info("./a", size=1), b"y")), TWICE.format("./a")),
    "a file as a folder": (tar(GOOD, (info("a/b"), b"")), TWICE.format("a/b")),
    "a folder as a file": (tar((info("a/b"), b""), GOOD), TWICE.format("a")),
    "objects in numpy's file": (of({"a.npy": objects()}), "!a.npy: an array of Python objects, which is a program"),
    "objects under another name": (of({"state": objects()}), "!state: an array of Python objects"),
    "not numpy's": (of({"a.npy": b"\x93NUMPY\x01\x00\xff\xff{"}), "!a.npy: its header is not numpy's"),
    "nothing": (tar(), "model.tar.gz: the archive holds no files; is this a model"),
    "hidden": (of({".x": b""}), "model.tar.gz: the archive holds no files"),
    "no tar": (b"x" * 2000, "model.tar.gz: it is no archive; give a model.tar.gz"),
    "less than a tar": (b"", "model.tar.gz: the file is damaged or cut short (it ends too early)"),
}  # fmt: skip


@pytest.mark.parametrize("pack", [squeezed, bytes], ids=["gzip", "plain"])
@pytest.mark.parametrize(("data", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives(data, expected, pack, tmp_path):
    refused(pack(data), expected, tmp_path)


def test_a_bomb(tmp_path):
    """What comes behind the end is read for the checksum's sake, and not for ever."""
    refused(squeezed(of(FILES) + bytes(100_000_000)), ": it unfolds to more than 68,108,864 bytes; is this", tmp_path)


DAMAGED = {
    "not gzip": (b"\x1f\x8bnothing", "is damaged or cut short"),
    "truncated gzip": (squeezed(of(FILES))[:-30], "is damaged or cut short"),
    "truncated checksum": (squeezed(of(FILES))[:-6], "is damaged or cut short"),
    "wrong checksum": (squeezed(of(FILES))[:-8] + bytes(8), "is damaged or cut short"),
    "truncated member": (of(FILES)[:1024], "is damaged or cut short (it ends too early)"),
    "no end": (of(FILES)[:-1024], "is damaged or cut short (it ends too early)"),
    "broken header": (of(FILES)[:-3000] + b"x" * 3000, "damaged"),
    "not xz": (b"\xfd7zXZ\x00nothing", "is damaged or cut short"),
    "not bzip2": (b"BZhnothing", "damaged or cut short"),
    "not zip": (b"PK\x03\x04nothing", "is damaged or cut short"),
    "zip that leads out": (zipped({"../x": b""}), LEADS.format("../x")),
    "zip with a link": (linked_zip(), "!link: it is a symbolic link, and no file"),
    "zip of too much": (zipped({"a": bytes(2_000_000)}), "!a: it would be of 2,000,000 bytes"),
    "zip of more than it says": (
        zipped({"a": bytes(5000)}).replace(struct.pack("<I", 5000), struct.pack("<I", 10)), "!a: the file is damaged",
    ),
    "zip of many": (zipped(dict.fromkeys(map(str, range(10_001)), b"")), "more than 10,000 members"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_archives(data, expected, tmp_path):
    refused(data, expected, tmp_path)


def refused(data: bytes, expected: str, tmp_path: Path) -> None:
    """One line; nothing is left, inside or outside; memory stays small."""
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "model.tar.gz"
    path.write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(EmbertextError) as raised:
        unpacked(str(path), tmp_path / "in" / "folder", most_bytes=1_000_000)
    message = str(raised.value)
    assert expected in message
    assert message.startswith(str(path))
    assert message.isprintable()
    assert raised.value.remedy
    assert [each.name for each in (tmp_path / "in").iterdir()] == ["model.tar.gz"]
    assert [each.name for each in tmp_path.iterdir()] == ["in"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"


def test_same_name_in_two_folders_where_it_is_wanted(tmp_path):
    (tmp_path / "model").write_bytes(of({"a/model.bin": b"x", "b/model.bin": b"y"}))
    assert len(read(unpacked(str(tmp_path / "model"), tmp_path / "all"))) == 2
    with pytest.raises(EmbertextError, match=r"!b/model\.bin: there is another model\.bin; leave one"):
        unpacked(str(tmp_path / "model"), tmp_path / "folder", names={"model.bin"})


def test_places_that_are_not_there(tmp_path):
    with pytest.raises(StorageError, match="no such file"):
        unpacked(str(tmp_path / "none"), tmp_path / "folder")
    (tmp_path / "model").write_bytes(of(FILES))
    with pytest.raises(StorageError, match="cannot write to it"):
        unpacked(str(tmp_path / "model"), tmp_path / "model" / "folder")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, bytes])
def test_one_compressed_file(pack, tmp_path):
    data = bytes(range(256)) * 5_000
    (tmp_path / "packed").write_bytes(pack(data))
    inflated(str(tmp_path / "packed"), tmp_path / "plain")
    assert (tmp_path / "plain").read_bytes() == data
    with pytest.raises(EmbertextError, match=r"it unfolds to more than 1,000,000 bytes"):
        inflated(str(tmp_path / "packed"), tmp_path / "bomb", most_bytes=1_000_000)
    (tmp_path / "packed").write_bytes(pack(data)[:40])
    if pack is not bytes:
        with pytest.raises(CorpusError, match="is damaged or cut short"):
            inflated(str(tmp_path / "packed"), tmp_path / "cut")


def test_bounds_are_wide_enough():
    """Three million words of 300 numbers as text and binary, with n-grams; and whatever numbers of files."""
    assert archives.MOST_BYTES > 2 * (3_000_000 + 2_000_000) * 300 * 10 // 2
    assert members.MOST_MEMBERS > 1000

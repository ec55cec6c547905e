"""Packing and describing; the whole of publishing is in tests/flows/test_word2vec.py."""

import gzip
import os
import subprocess
import tarfile

import pytest

from tasks import publish


def test_an_archive_depends_on_its_content_alone(tmp_path):
    members = [tmp_path / name for name in ("b.txt", "a.bin")]
    members[0].write_bytes(b"words" * 100_000)
    members[1].write_bytes(os.urandom(3_000_000))
    publish.pack(tmp_path / "1.tar.gz", members)
    for member in members:
        os.utime(member, (1, 1))
        member.chmod(0o600)
    publish.pack(tmp_path / "2.tar.gz", members)
    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "2.tar.gz").read_bytes()
    with gzip.open(tmp_path / "1.tar.gz") as stream, tarfile.open(fileobj=stream) as archive:
        assert archive.getnames() == ["b.txt", "a.bin"]
        for member in members:
            packed = archive.extractfile(member.name)
            assert packed is not None
            assert packed.read() == member.read_bytes()


def test_links_are_packed_as_files(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.txt").write_text("content")
    (tmp_path / "a.txt").symlink_to(tmp_path / "far" / "a.txt")
    publish.pack(tmp_path / "x.tar.gz", [tmp_path / "a.txt"])
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        assert archive.getmember("a.txt").isfile()


def test_the_archive_is_read_by_tar(tmp_path):
    (tmp_path / "a.txt").write_text("content")
    publish.pack(tmp_path / "x.tar.gz", [tmp_path / "a.txt"])
    shown = subprocess.run(["tar", "tzf", tmp_path / "x.tar.gz"], capture_output=True, text=True, check=True)
    assert shown.stdout == "a.txt\n"


def test_files_that_are_there(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert publish.files(tmp_path, ["a", "b"]) == {"a": {"bytes": 3, "sha256": sha}}


def test_libraries_with_their_versions():
    found = publish.libraries()
    assert {"python", "prefect", "dask", "numba", "torch"} <= found.keys()
    assert "pytest" not in found
    assert all(found.values())


@pytest.mark.parametrize("failure", [OSError, subprocess.CalledProcessError(1, "git")])
def test_no_revision_without_git(monkeypatch, failure):
    def absent(*args: object, **options: object) -> None:
        raise failure

    monkeypatch.setattr(subprocess, "run", absent)
    assert publish.revision() == ""

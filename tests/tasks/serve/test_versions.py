"""Which model is behind an address now."""

import os

import fsspec
import pytest

from data import storage
from data.errors import CorpusError, StorageError
from tasks.serve.versions import newest
from tests.tasks.serve.fake import publish


def test_an_archive_is_itself_until_it_is_written_anew(tmp_path):
    archive = tmp_path / "model.tar.gz"
    archive.write_text("one")
    first = newest(str(archive))
    assert first.url == str(archive)
    assert newest(str(archive)) == first
    archive.write_text("another")
    assert newest(str(archive)).name != first.name


def test_an_archive_that_is_replaced_by_one_as_large_and_as_old_is_another(tmp_path):
    archive, other = tmp_path / "model.tar.gz", tmp_path / "other"
    archive.write_text("one")
    other.write_text("two")
    os.utime(other, ns=(archive.stat().st_atime_ns, archive.stat().st_mtime_ns))
    first = newest(str(archive))
    other.rename(archive)
    assert newest(str(archive)).name != first.name


def test_a_published_folder_is_as_new_as_its_manifest(tmp_path):
    folder = publish(tmp_path / "run", "one", created="2026-01-01T00:00:00+00:00")
    first = newest(folder)
    assert (first.url, first.created) == (folder, "2026-01-01T00:00:00+00:00")
    (tmp_path / "run" / "model.tar.gz").write_text("half written")
    assert newest(folder) == first
    publish(tmp_path / "run", "two")
    assert newest(folder).name != first.name


@pytest.mark.parametrize("place", ["", "fake-*", "*"])
def test_of_several_published_folders_the_newest_counts(tmp_path, place):
    publish(tmp_path / "fake-b", "new", created="2026-03-01T00:00:00+00:00")
    publish(tmp_path / "fake-c", "old", created="2026-02-01T00:00:00+00:00")
    found = newest(str(tmp_path / place) if place else str(tmp_path))
    assert found.url == str(tmp_path / "fake-b")


def test_models_of_other_algorithms_are_left_out(tmp_path):
    publish(tmp_path / "a", "a", algorithm="other", created="2026-03-01T00:00:00+00:00")
    publish(tmp_path / "b", "b", created="2026-02-01T00:00:00+00:00")
    assert newest(str(tmp_path)).url == str(tmp_path / "a")
    assert newest(str(tmp_path), algorithm="fake").url == str(tmp_path / "b")


def test_a_folder_without_its_manifest_is_not_whole(tmp_path):
    publish(tmp_path / "fake-1", "one")
    (tmp_path / "fake-2").mkdir()
    (tmp_path / "fake-2" / "model.tar.gz").write_text("half")
    assert newest(str(tmp_path)).url == str(tmp_path / "fake-1")


def test_a_report_alone_is_no_model(tmp_path):
    storage.write_json(str(tmp_path / "judged-1" / "manifest.json"), {"created": "2027", "files": {"report.html": {}}})
    publish(tmp_path / "fake-1", "one")
    assert newest(str(tmp_path)).url == str(tmp_path / "fake-1")


def test_an_unpacked_folder_is_what_its_files_are(tmp_path):
    (tmp_path / "model.bin").write_text("one")
    first = newest(str(tmp_path))
    assert first.url == str(tmp_path)
    (tmp_path / "model.bin").write_text("other")
    assert newest(str(tmp_path)).name != first.name


def test_of_remote_models_the_server_tells():
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/serve-versions/model.tar.gz", b"one")
    first = newest("memory://serve-versions/model.tar.gz")
    memory.pipe_file("/serve-versions/model.tar.gz", b"another")
    assert newest("memory://serve-versions/model.tar.gz").name != first.name
    memory.rm("/serve-versions", recursive=True)


@pytest.mark.parametrize(
    ("place", "error", "text"),
    [
        ("none/model.tar.gz", StorageError, "no such file or folder; check the spelling"),
        ("none", CorpusError, "no such file or folder"),
        ("none-*", StorageError, "no published model matches; manifest.json marks one that is whole"),
    ],
)
def test_where_there_is_none(tmp_path, place, error, text):
    with pytest.raises(error, match=text):
        newest(str(tmp_path / place))

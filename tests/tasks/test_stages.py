"""Folders of finished stages: complete or not there, on local disk and elsewhere."""

import errno
import os
import time
from pathlib import Path
from uuid import uuid4

import pytest

from data import storage
from data.errors import StorageError
from tasks import stages


class Made(stages.Stage, frozen=True):
    number: int


@pytest.fixture(params=["local", "memory"])
def url(request, tmp_path) -> str:
    return str(tmp_path / "work" / "a") if request.param == "local" else f"memory://{uuid4().hex}/work/a"


def make(url: str, number: int = 1) -> Made:
    with stages.workbench(url) as scratch:
        (scratch / "array.bin").write_bytes(bytes([number]))
        return stages.conclude(scratch, Made(url=url, seconds=2.0, number=number))


def test_a_finished_stage_is_found_again(url):
    assert stages.finished(url, Made) is None
    made = make(url)
    assert not made.reused
    assert stages.finished(url, Made) == Made(url=url, seconds=2.0, reused=True, number=1)
    with stages.at_hand(url) as folder:
        assert {path.name for path in Path(folder).iterdir()} == {"array.bin", "done.json"}


def test_a_stage_that_fails_leaves_nothing(url):
    def interrupted() -> None:
        with stages.workbench(url) as scratch:
            (scratch / "array.bin").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not storage.exists(url)
    if storage.is_local(url):
        assert list(Path(url).parent.iterdir()) == []


def test_the_marker_is_written_last(monkeypatch):
    written: list[str] = []
    monkeypatch.setattr(storage, "put", lambda path, url: written.append(path.name))
    with stages.workbench("memory://x/y", marker="m") as scratch:
        for name in ("a", "m", "z"):
            (scratch / name).touch()
    assert written == ["a", "z", "m"]


def test_what_a_killed_run_left_makes_room(tmp_path):
    url = tmp_path / "a"
    url.mkdir()
    (url / "half.bin").touch()
    make(str(url))
    assert {path.name for path in url.iterdir()} == {"array.bin", "done.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_finished_folder_stays_for_those_who_read_it(url):
    """Two runs with the same inputs: the second one finds that the first was faster."""
    make(url)
    make(url, number=2)
    with stages.at_hand(url) as folder:
        assert (Path(folder) / "array.bin").read_bytes() == b"\x01"
    if storage.is_local(url):
        assert [path.name for path in Path(url).parent.iterdir()] == ["a"]


def test_a_folder_that_lost_a_file_is_made_anew(tmp_path):
    make(str(tmp_path / "a"))
    (tmp_path / "a" / "array.bin").unlink()
    make(str(tmp_path / "a"), number=2)
    assert (tmp_path / "a" / "array.bin").read_bytes() == b"\x02"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError("busy"), "a: cannot write to it: busy"),
        (OSError(errno.EBUSY, "Device or resource busy"), "a: cannot write to it: Device or resource busy"),
        (PermissionError(errno.EACCES, "denied"), "a: cannot write to it: permission denied"),
        (OSError(errno.ENOTEMPTY, "not empty"), "a: cannot be replaced; is another run writing there"),
    ],
)
def test_a_place_that_cannot_be_replaced(tmp_path, monkeypatch, error, text):
    def refuse(self: Path, target: object) -> None:
        raise error if self.name == "stage" else FileNotFoundError

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match=text):
        make(str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "full"), "no space is left; .* \\(EMBERTEXT_CACHE says where\\)"),
        (OSError("1024 requested and 512 written"), "1024 requested and 512 written; .*EMBERTEXT_CACHE"),
        (PermissionError(errno.EACCES, "denied"), "permission denied; .*EMBERTEXT_CACHE"),
    ],
)
def test_a_full_disk_is_said_in_one_line(cache, error, expected):
    def write() -> None:
        with stages.workbench(f"{cache}/work/a"):
            raise error

    with pytest.raises(StorageError, match=f"^{cache}/work/a: cannot write to it: {expected}"):
        write()


@pytest.mark.parametrize(
    "error", [ConnectionResetError(errno.ECONNRESET, "reset"), FileNotFoundError(errno.ENOENT, "")]
)
def test_what_is_not_the_disks_passes_through(cache, error):
    def work() -> None:
        with stages.workbench(f"{cache}/work/a"):
            raise error

    with pytest.raises(type(error)):
        work()


def test_a_cache_that_cannot_be_written_is_found_out_at_once(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("EMBERTEXT_CACHE", str(tmp_path / "file"))
    with (
        pytest.raises(
            StorageError, match=f"^{tmp_path}/file/work: cannot write to it: .* \\(EMBERTEXT_CACHE says where"
        ),
        stages.work_folder(),
    ):
        pytest.fail("found nothing")
    with pytest.raises(StorageError, match="EMBERTEXT_CACHE"):
        stages.local_cache()


def test_folders_of_killed_runs_are_swept_away(tmp_path):
    old, new = tmp_path / f"{stages.UNFINISHED}old", tmp_path / f"{stages.UNFINISHED}new"
    old.mkdir()
    new.mkdir()
    os.utime(old, (0, 0))
    make(str(tmp_path / "a"))
    assert not old.exists()
    assert new.exists()


def test_a_run_that_works_for_days_is_no_killed_one(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "HEARTBEAT", 0.01)
    run = tmp_path / f"{stages.UNFINISHED}run"
    with stages.workbench(str(run / "a")) as scratch:
        for folder in (run, scratch.parent):
            os.utime(folder, (0, 0))
        until = time.monotonic() + 10
        while 0 in (run.stat().st_mtime, scratch.parent.stat().st_mtime) and time.monotonic() < until:
            time.sleep(0.01)
        make(str(tmp_path / "b"))
        make(str(run / "c"))
        assert scratch.exists()


def test_a_work_folder_of_ones_own_goes_with_the_run(url, monkeypatch):
    monkeypatch.setenv("EMBERTEXT_CACHE", url)
    with stages.work_folder() as work:
        assert work == f"{url}/work"
        make(f"{work}/a")
    ordinary = stages.folder("prepare", work=work)
    with stages.work_folder(run="mine") as work:
        own = stages.folder("prepare", work=work)
        assert own.startswith(f"{url}/work/{stages.UNFINISHED}mine/prepare-")
        assert storage.name(own) != storage.name(ordinary)
        assert make(own).work == work
    assert not storage.exists(work)
    assert stages.finished(f"{url}/work/a", Made)
    with stages.work_folder(run="idle"):
        pass


def test_every_input_counts():
    url = stages.folder("prepare", work="/c/work", checksum="a", min_count=5)
    assert url == stages.folder("prepare", work="/c/work", min_count=5, checksum="a")
    assert url != stages.folder("prepare", work="/c/work", checksum="a", min_count=6)
    assert url.startswith("/c/work/prepare-")


def test_an_edit_of_the_code_counts(monkeypatch):
    before = stages.folder("prepare", work="/c/work")
    monkeypatch.setattr(stages, "code", lambda: "edited")
    assert stages.folder("prepare", work="/c/work") != before


def test_an_edit_of_a_template_counts_too(tmp_path, monkeypatch):
    monkeypatch.setattr(stages.tasks, "__path__", [str(tmp_path)])
    (tmp_path / "word2vec").mkdir()
    found = set()
    for name in ("page.html.j2", "word2vec/word2vec.html.j2"):
        for content in ("one", "two"):
            (tmp_path / name).write_text(content)
            found.add(stages.code.__wrapped__())
    assert len(found) == 4


def test_the_cache_may_be_elsewhere(monkeypatch):
    monkeypatch.setenv("EMBERTEXT_CACHE", "s3://bucket/cache")
    assert stages.cache_url() == "s3://bucket/cache"
    assert stages.local_cache().is_dir()

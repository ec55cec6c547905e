"""Folders of finished stages: complete or not there, on local disk and elsewhere."""

import os
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.states import Failed

from data import storage
from data.errors import CorpusError, StorageError
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


def test_what_an_older_run_left_makes_room(tmp_path):
    url = tmp_path / "a"
    url.mkdir()
    (url / "half.bin").touch()
    make(str(url))
    make(str(url), number=2)
    assert (url / "array.bin").read_bytes() == b"\x02"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_place_that_cannot_be_replaced(tmp_path, monkeypatch):
    def refuse(self: Path, target: object) -> None:
        raise OSError("busy")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises((StorageError, OSError)):
        make(str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


def test_folders_of_killed_runs_are_swept_away(tmp_path):
    old, new = tmp_path / f"{stages.UNFINISHED}old", tmp_path / f"{stages.UNFINISHED}new"
    old.mkdir()
    new.mkdir()
    os.utime(old, (0, 0))
    make(str(tmp_path / "a"))
    assert not old.exists()
    assert new.exists()


def test_every_input_counts(cache):
    url = stages.folder("prepare", checksum="a", min_count=5)
    assert url == stages.folder("prepare", min_count=5, checksum="a")
    assert url != stages.folder("prepare", checksum="a", min_count=6)
    assert url.startswith(f"{cache}/work/prepare-")


def test_an_edit_of_the_code_counts(monkeypatch):
    before = stages.folder("prepare")
    monkeypatch.setattr(stages, "code", lambda: "edited")
    assert stages.folder("prepare") != before


def test_the_cache_may_be_elsewhere(monkeypatch):
    monkeypatch.setenv("EMBERTEXT_CACHE", "s3://bucket/cache")
    assert stages.folder("train").startswith("s3://bucket/cache/work/train-")
    assert stages.local_cache().is_dir()


def chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError("reset"), True),
        (TimeoutError(), True),
        (chained(StorageError("cannot read it"), ConnectionRefusedError()), True),
        (chained(CorpusError("cannot be downloaded"), type("X", (Exception,), {"__module__": "requests.x"})()), True),
        (chained(StorageError("x"), type("NoCredentialsError", (Exception,), {"__module__": "botocore.x"})()), False),
        (CorpusError("no words in it"), False),
        (chained(StorageError("cannot write"), PermissionError()), False),
        (TypeError("a mistake of ours"), False),
    ],
)
def test_only_networks_are_tried_again(error, expected):
    assert stages.network_failed(None, None, Failed(data=error)) is expected

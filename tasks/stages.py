"""Finished stages: what a stage made lies in a folder named by everything that went into it.

    <cache>/work/prepare-3f2a.../       the stage's files; done.json, what the stage returned, is written last
    <cache>/work/.unfinished-<run>/     the same for one run that reuses nothing, and is reused by none

A folder with done.json is complete, so a rerun with the same inputs takes it as it is. The cache is EMBERTEXT_CACHE
(any place that fsspec opens), or the user's cache folder. Knows no stage by name.
"""

import errno
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import orjson
import platformdirs
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import BaseModel

import algorithms
import data
import tasks
from data import storage
from data.errors import StorageError

MARKER = "done.json"
UNFINISHED = ".unfinished-"
HEARTBEAT = 60.0  # seconds between two signs of life of an unfinished folder
FORGOTTEN = 3 * 3600  # seconds without one after which it belongs to a run that was killed
REFUSED = {
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EFBIG", "EIO", "ENOTDIR", "EEXIST")
}


class Stage(BaseModel, frozen=True):
    """What a stage returns: small values only. url: its folder; seconds: what the work took when it was done."""

    url: str
    seconds: float
    reused: bool = False

    @property
    def key(self) -> str:
        """Stands for all that went into the stage, and into those before it."""
        return storage.name(self.url)

    @property
    def work(self) -> str:
        """Where its folder lies, and those of the stages that follow from it."""
        return self.url.rpartition("/")[0]


StageT = TypeVar("StageT", bound=Stage)


def cache_url() -> str:
    """Where finished stages are kept between runs."""
    return storage.absolute(os.environ.get("EMBERTEXT_CACHE") or platformdirs.user_cache_dir("embertext"))


def local_cache() -> Path:
    """A folder of this machine for downloads: the cache itself where that is local."""
    url = cache_url()
    path = Path(url) if storage.is_local(url) else platformdirs.user_cache_path("embertext")
    with _told(str(path)):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def work_folder(*, run: str = "") -> Iterator[str]:
    """Where stages keep what they make: for all runs, or for the one called `run` alone, and then until the block ends.

    Raises StorageError now, and not after hours of training, when nothing can be written there.
    """
    url = storage.join(cache_url(), "work", *([f"{UNFINISHED}{run}"] if run else []))
    with _cache_named():
        storage.check_writable(url)
    try:
        yield url
    finally:
        if run:
            storage.remove(url)


def folder(stage: str, *, work: str, **inputs: Any) -> str:
    """The URL, in `work`, of the folder for these inputs and for this version of the code that computes with them."""
    return storage.join(work, f"{stage}-{digest({'work': storage.name(work), **inputs})}")


def digest(inputs: dict[str, Any]) -> str:
    """16 hexadecimal digits that stand for JSON values and for the project's code."""
    text = orjson.dumps({"code": code(), **inputs}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


@cache
def code() -> str:
    """A hash of every source file that a result can depend on: an edit there makes older results unfit."""
    content = hashlib.sha256()
    for package in (data, algorithms, tasks):
        for path in sorted(Path(package.__path__[0]).rglob("*.*")):
            if path.suffix in (".py", ".j2"):
                content.update(path.read_bytes())
    return content.hexdigest()[:16]


def finished(url: str, kind: type[StageT]) -> StageT | None:
    """What the stage returned when it was done, or None when it was not."""
    marker = storage.join(url, MARKER)
    return kind(**{**storage.read_json(marker), "url": url, "reused": True}) if storage.exists(marker) else None


def reused(value: StageT) -> StageT:
    """End the task in the state Cached. Prefect unwraps the state wherever the value is passed to another task."""
    return cast(StageT, Completed(name="Cached", message=f"Reused {value.url}", data=value))


def taken(value: StageT) -> StageT:
    """What a task returned, for a flow that looks at it: where the task ended as Cached, Prefect gives it the state."""
    return cast(StageT, value.result()) if isinstance(value, State) else value


@contextmanager
def workbench(url: str, *, marker: str = MARKER) -> Iterator[Path]:
    """A local scratch folder. It becomes the folder `url`, its marker last, when the block ends well, or it goes.

    Where another run was faster its folder stays, which has the same inputs and may be in use, and ours goes.
    """
    parent = Path(url).parent if storage.is_local(url) else None
    with _told(url):
        if parent:
            parent.mkdir(parents=True, exist_ok=True)
            _sweep(parent)
        with (
            tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=parent, ignore_cleanup_errors=True) as place,
            _beating(Path(place)),
        ):
            scratch = Path(place) / "stage"
            scratch.mkdir()
            yield scratch
            if parent:
                _rename(scratch, Path(url))
            elif not _is_whole(url, scratch):
                for path in sorted(scratch.iterdir(), key=lambda path: (path.name == marker, path.name)):
                    storage.put(path, storage.join(url, path.name))


@contextmanager
def _beating(place: Path) -> Iterator[None]:
    """Signs of life for `_sweep`: while the block runs, `place` and the folder of its run never look old."""
    over = threading.Event()
    touched = [place, place.parent] if place.parent.name.startswith(UNFINISHED) else [place]

    def beat() -> None:
        while not over.wait(HEARTBEAT):
            for path in touched:
                with suppress(OSError):
                    os.utime(path)

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(path)


def _rename(scratch: Path, target: Path) -> None:
    """Give `scratch` the name `target`, unless a whole folder has it. What a killed run left there makes room."""
    try:
        for attempt in range(10):
            try:
                scratch.rename(target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):  # something is there
                    raise
            else:
                return
            if _is_whole(str(target), scratch):
                return
            with suppress(FileNotFoundError):
                target.rename(scratch.parent / f"replaced-{attempt}")
    except OSError as error:
        raise storage.failure(error, str(target), "write to") from error
    raise StorageError("cannot be replaced", where=str(target), remedy="is another run writing there?")


def _is_whole(url: str, scratch: Path) -> bool:
    """Whether `url` has every file that `scratch` has, the marker among them."""
    return all(storage.exists(storage.join(url, path.name)) for path in scratch.iterdir())


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn the answers of a disk that takes no more into one line about `url`. Others pass, such as a network's."""
    with _cache_named():
        try:
            yield
        except OSError as error:
            short = type(error) is OSError and error.errno is None  # numpy: "1024 requested and 512 written"
            if error.errno in REFUSED or short:
                raise storage.failure(error, url, "write to") from error
            raise


@contextmanager
def _cache_named() -> Iterator[None]:
    """Where the cache cannot be written, say what decides on its place."""
    try:
        yield
    except StorageError as error:
        if not (error.where.startswith(cache_url()) and error.what.startswith("cannot write")):
            raise
        remedy = f"{error.remedy} (EMBERTEXT_CACHE says where)"
        raise StorageError(error.what, where=error.where, remedy=remedy) from error.__cause__


def conclude(scratch: Path, value: StageT) -> StageT:
    """Write the marker into the scratch folder: the last thing a stage does there."""
    storage.write_json(str(scratch / MARKER), value.model_dump(mode="json", exclude={"reused"}))
    return value


@contextmanager
def at_hand(url: str) -> Iterator[str]:
    """The folder as a path of this machine: itself where it is local, else a copy for the length of the block."""
    if storage.is_local(url):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="embertext-") as copy:
        for name in storage.expand(url):
            with storage.local_path(name) as path:
                shutil.copyfile(path, Path(copy) / storage.name(name))
        yield copy

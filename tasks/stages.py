"""Finished stages: what a stage made lies in a folder named by everything that went into it.

    <cache>/work/prepare-3f2a.../   the stage's files; done.json, what the stage returned, is written last

A folder with done.json is complete, so a rerun with the same inputs takes it as it is. The cache is EMBERTEXT_CACHE
(any place that fsspec opens), or the user's cache folder. Knows no stage by name.
"""

import hashlib
import os
import shutil
import tempfile
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
FORGOTTEN = 2 * 86_400  # seconds after which an unfinished folder belongs to a run that was killed


class Stage(BaseModel, frozen=True):
    """What a stage returns: small values only. url: its folder; seconds: what the work took when it was done."""

    url: str
    seconds: float
    reused: bool = False

    @property
    def key(self) -> str:
        """Stands for all that went into the stage, and into those before it."""
        return storage.name(self.url)


StageT = TypeVar("StageT", bound=Stage)


def cache_url() -> str:
    """Where finished stages are kept between runs."""
    return storage.absolute(os.environ.get("EMBERTEXT_CACHE") or platformdirs.user_cache_dir("embertext"))


def local_cache() -> Path:
    """A folder of this machine for downloads: the cache itself where that is local."""
    url = cache_url()
    path = Path(url) if storage.is_local(url) else platformdirs.user_cache_path("embertext")
    path.mkdir(parents=True, exist_ok=True)
    return path


def folder(stage: str, **inputs: Any) -> str:
    """The URL of the folder that belongs to these inputs and to this version of the code that computes with them."""
    return storage.join(cache_url(), "work", f"{stage}-{digest(inputs)}")


def digest(inputs: dict[str, Any]) -> str:
    """16 hexadecimal digits that stand for JSON values and for the project's code."""
    text = orjson.dumps({"code": code(), **inputs}, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


@cache
def code() -> str:
    """A hash of every source file that a result can depend on: an edit there makes older results unfit."""
    content = hashlib.sha256()
    for package in (data, algorithms, tasks):
        for path in sorted(Path(package.__path__[0]).rglob("*.py")):
            content.update(path.read_bytes())
    return content.hexdigest()[:16]


def finished(url: str, kind: type[StageT]) -> StageT | None:
    """What the stage returned when it was done, or None when it was not."""
    marker = storage.join(url, MARKER)
    return kind(**{**storage.read_json(marker), "url": url, "reused": True}) if storage.exists(marker) else None


def reused(value: StageT) -> StageT:
    """End the task in the state Cached. Prefect unwraps the state wherever the value is passed to another task."""
    return cast(StageT, Completed(name="Cached", message=f"Reused {value.url}", data=value))


@contextmanager
def workbench(url: str, *, marker: str = MARKER) -> Iterator[Path]:
    """A local scratch folder. It becomes the folder `url`, its marker last, when the block ends well, or it goes."""
    parent = Path(url).parent if storage.is_local(url) else None
    if parent:
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=parent, ignore_cleanup_errors=True) as place:
        scratch = Path(place) / "stage"
        scratch.mkdir()
        yield scratch
        if parent:
            _replace(scratch, Path(url))
        else:
            for path in sorted(scratch.iterdir(), key=lambda path: (path.name == marker, path.name)):
                storage.put(path, storage.join(url, path.name))


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > FORGOTTEN:
                shutil.rmtree(path)


def _replace(scratch: Path, target: Path) -> None:
    """Rename `scratch` to `target`; what an older run, or another one at this moment, left there makes room."""
    for attempt in range(10):
        with suppress(FileNotFoundError):
            target.rename(scratch.parent / f"replaced-{attempt}")
        with suppress(OSError):  # not empty: another run was faster
            scratch.rename(target)
            return
    raise StorageError("cannot be replaced", where=str(target), remedy="is another run writing there?")


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


def network_failed(task: object, run: object, state: State[Any]) -> bool:
    """Whether a task failed for want of a network, so that another attempt can help."""
    error = state.result(raise_on_failure=False)
    while isinstance(error, BaseException):
        library = type(error).__module__.partition(".")[0]
        if isinstance(error, ConnectionError | TimeoutError):
            return True
        if library in ("botocore", "aiobotocore", "aiohttp", "requests", "urllib3"):
            return "Credentials" not in type(error).__name__
        error = error.__cause__
    return False

"""Which files a corpus is made of: a name from the table, a path, a URL, a glob or a folder.

It knows names, places and kinds of files; `data/readers.py` reads them. A name goes first: a folder that is called
like a named corpus is given as `./docs`.
"""

import difflib
import hashlib
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pooch
from pydantic import BaseModel, ConfigDict

from data import docstrings, partitioned, partitions, process, storage, streams
from data.errors import CorpusError
from data.named import NAMED, Kind, Named

_KINDS: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".manifest": "jsonl",  # SageMaker's augmented manifest
    ".csv": "csv",
    ".tsv": "csv",
    ".tar": "mail",
}
_NOT_TEXT = (
    ".parquet",
    ".zst",
    ".7z",
    ".rar",
    ".pdf",
    ".docx",
    ".xlsx",
    ".json",
    ".npy",
    ".npz",
    ".pbr",
    ".rec",
    ".pt",
)
_ELSEWHERE = "set EMBERTEXT_DATA to a folder that holds it, or give a path or URL"


class Source(BaseModel):
    """The files of one corpus, all of one kind. `checksum` changes when their content does; `bytes` is their size.

    `member` narrows archives to the members whose path begins so ("20news-bydate-train/"); `partition` is that of the
    run which reads it, by which the files were chosen where they are laid out so.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Kind
    urls: list[str]
    checksum: str
    bytes: int
    member: str = ""
    partition: str = ""


def find(train: str, *, cache: Path, partition: str = "") -> Source:
    """The source that `train` means; a named corpus is brought into `cache` first where that is needed.

    Named: from EMBERTEXT_DATA where it is set and holds the set, else from the cache, else from its public address.
    partition: of a place, see `data.partitioned`. `CorpusError`: no such file or name, kinds mixed, no network, nothing
    of that partition.
    """
    for _ in fetch(train, cache=cache):
        pass
    if train in NAMED:
        named = NAMED[train]
        local = _local(named)
        name = (named.local_name or train) if local else train
        url = local or str(_cached(train, cache))
        return _source(name, named.kind, [url], named.member if streams.is_archive(url) else "", partition)
    if not train.strip():
        raise CorpusError("no corpus is given", where="train", remedy=f"give a path, a URL or one of {_names()}")
    if _is_bare(train) and not storage.exists(train):
        near = difflib.get_close_matches(train, NAMED, n=2, cutoff=0.6)
        what = "no file and no named corpus" + (f"; did you mean {' or '.join(near)}?" if near else "")
        raise CorpusError(what, where=train, remedy=f"give a path, a URL or one of {_names()}")
    urls = partitioned.files(train, partition)
    return _source(_stem(partitions.fill(train, partition)), _kind(train, urls), urls, "", partition)


def fetch(train: str, *, cache: Path) -> Iterator[float]:
    """Bring a named corpus into `cache`, yielding the fraction done (0..1): the loop for a progress bar.

    Yields nothing when there is nothing to do: not a name, in EMBERTEXT_DATA, or fetched before. What it writes is
    whole or not there, and checked: `find` afterwards takes no time.
    """
    if train not in NAMED:
        return
    named = NAMED[train]
    if _local(named) or _cached(train, cache).exists():
        return
    storage.check_writable(str(cache))
    if train == "docs":
        yield from _extract(_cached(train, cache))
    else:
        yield from _download(train, named, _cached(train, cache))


def _extract(target: Path) -> Iterator[float]:
    """Write the docstrings as JSON lines, 40 MB, shuffled: every stretch of the file is then a fair sample of them."""
    lines: list[bytes] = []
    for part in docstrings.extract(cores=process.cores()):
        lines += part.lines.splitlines(keepends=True)
        yield part.progress
    random.Random(1).shuffle(lines)
    storage.write_bytes(str(target), b"".join(lines))


def _download(name: str, named: Named, target: Path) -> Iterator[float]:
    """Download from the first address that answers. pooch moves the file to its place when its hash is right."""
    if not named.addresses:
        raise CorpusError("it has no public address", where=f"corpus {name}", remedy=_ELSEWHERE)
    pooch.get_logger().setLevel("WARNING")
    reasons = []
    last: Exception | None = None
    for address in named.addresses:
        try:
            yield from _retrieve(address, named.checksum, target)
        except (OSError, ValueError) as error:  # no network or no such address; a wrong checksum
            reasons.append(f"{address} ({_reason(error)})")
            last = error
            if (response := getattr(error, "response", None)) is not None:
                response.close()  # pooch leaves the connection of a refused request open
        else:
            return
    what = f"cannot be downloaded from {', '.join(reasons)}"
    raise CorpusError(what, where=f"corpus {name}", remedy=_ELSEWHERE) from last


def _retrieve(address: str, checksum: str, target: Path) -> Iterator[float]:
    """`pooch.retrieve` in a thread, so that its progress can be yielded."""
    progress = _Progress()
    downloader = pooch.HTTPDownloader(progressbar=progress, chunk_size=2**18)
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(
            pooch.retrieve, address, known_hash=checksum, fname=target.name, path=target.parent, downloader=downloader
        )
        try:
            while not done.done():
                yield progress.fraction
                time.sleep(0.1)
        finally:
            progress.abandoned = True  # the caller may have stopped in the middle
        done.result()


class _Progress:
    """A progress bar as pooch wants it, which only counts."""

    def __init__(self) -> None:
        self.total: float = 0
        self.abandoned = False
        self._count: float = 0

    @property
    def fraction(self) -> float:
        return min(1.0, self._count / self.total) if self.total else 0.0

    def update(self, count: float) -> None:
        if self.abandoned:
            raise InterruptedError
        self._count += count

    def reset(self) -> None:
        self._count = 0

    def close(self) -> None:
        pass


def _reason(error: Exception) -> str:
    """One short line: the innermost cause says it best, requests' own text repeats the address three times."""
    if isinstance(error, ValueError) and "hash" in str(error):
        return "its checksum is not the published one"
    cause: Any = error
    while isinstance(cause, BaseException) and cause.args and isinstance(cause.args[0], BaseException):
        cause = cause.args[0]
    cause = getattr(cause, "reason", None) or cause
    return str(cause).rsplit(": ", 1)[-1] or type(error).__name__


def _local(named: Named) -> str:
    """The set's path below EMBERTEXT_DATA, or "" where it is not."""
    folder = os.environ.get("EMBERTEXT_DATA", "")
    if not folder or not named.local:
        return ""
    url = storage.join(folder, named.local)
    return storage.absolute(url) if storage.exists(url) else ""


def _cached(name: str, cache: Path) -> Path:
    file = f"docs-{docstrings.key()}.jsonl" if name == "docs" else NAMED[name].file
    return cache.expanduser().absolute() / (file or name)


def _source(name: str, kind: Kind, urls: list[str], member: str, partition: str) -> Source:
    fingerprints = [storage.fingerprint(url) for url in urls]
    checksum = fingerprints[0]
    if len(urls) > 1 or member:
        checksum = "sha256:" + hashlib.sha256("\n".join([*fingerprints, member]).encode()).hexdigest()
    size = sum(storage.size(url) for url in urls)
    return Source(name=name, kind=kind, urls=urls, checksum=checksum, bytes=size, member=member, partition=partition)


def _kind(train: str, urls: list[str]) -> Kind:
    """The one kind of all files; text where the ending says nothing."""
    examples: dict[Kind, str] = {}
    for url in urls:
        for path in streams.zip_paths(url) if streams.suffix(url) == ".zip" else [url]:
            ending = streams.suffix(path)
            if ending in _NOT_TEXT:
                remedy = "give .txt, .jsonl, .csv or .tsv, plain or as .gz, .xz, .bz2 or .zip"
                raise CorpusError(f"{ending} files are not read as text", where=path, remedy=remedy)
            examples.setdefault(_KINDS.get(ending, "text"), path)
    if len(examples) > 1:
        mixed = ", ".join(f"{kind} ({storage.name(path)})" for kind, path in examples.items())
        raise CorpusError(
            f"files of several kinds: {mixed}", where=train, remedy="give a glob that takes one kind, like *.txt"
        )
    if not examples:
        raise CorpusError("the archive holds no files", where=train, remedy="check the archive")
    return next(iter(examples))


def _is_bare(train: str) -> bool:
    return "/" not in train and "." not in train and not any(sign in train for sign in "*?[")


def _stem(train: str) -> str:
    """A short name: the last part of the URL without its endings."""
    return storage.name(train).split(".")[0].strip("*?[]-_ ") or "corpus"


def _names() -> str:
    return ", ".join(NAMED)

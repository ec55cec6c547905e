"""Which partitions there are at a place, and whether each is whole: what has to be known before one is told of.

A partition is whole when its writer says so, by a marker such as `_SUCCESS` in its folder; or when none of its files
has been written for a while. One that is put together from shorter ones, as a month from days, has to be over as well.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from data import partitions, storage
from data.errors import EmbertextError
from data.partitions import GRAINS, PLACEHOLDER, Grain, Partition
from data.storage import Detail

MARKER = "_SUCCESS"


class Arrival(NamedTuple):
    """A partition that is there. url: the place with it, or its folder; modified: when the last file was written.

    marked: its writer has said that it is whole. joined: of how many partitions that lie there it is put together, 0
    for one that lies there itself.
    """

    partition: Partition
    url: str
    files: int
    bytes: int
    modified: float | None
    marked: bool
    joined: int = 0

    def whole(self, now: datetime, *, settled: float) -> bool:
        """Whether it can be read. now: with its time zone; settled: seconds without a change that are enough."""
        if self.joined and self.partition.stop > now.astimezone(UTC).replace(tzinfo=None):
            return False
        return self.marked or (self.modified is not None and now.timestamp() - self.modified >= settled)


def found(place: str, *, every: Grain | None = None, marker: str = MARKER) -> list[Arrival]:
    """What is at a place, by time: `{partition}` in it, or folders below it such as dt=2026-01-31/.

    every: put together those that are shorter than this. marker: "" for none. Raises EmbertextError where the place
    cannot have partitions, StorageError where it cannot be read.
    """
    place = storage.absolute(place)
    root = re.split(r"[*?\[]|\{partition\}", place, maxsplit=1)[0]
    if root != place:
        root = root.rpartition("/")[0] or "/"
    if PLACEHOLDER in root or root.endswith(":/"):
        remedy = f"name a folder before {PLACEHOLDER}, as in news/{PLACEHOLDER}.jsonl.gz"
        raise EmbertextError("no folder to look into", where=place, remedy=remedy)
    groups: dict[Partition, list[tuple[Detail, str]]] = {}
    for detail in storage.details(root):
        if here := _where(detail.url, place, root, marker):
            groups.setdefault(here[0], []).append((detail, here[1]))
    arrivals = [_arrival(partition, files, marker) for partition, files in groups.items()]
    arrivals = [each for each in arrivals if each.files]
    return sorted(_joined(arrivals, every, place) if every else arrivals, key=lambda each: each.partition.start)


def _where(url: str, place: str, root: str, marker: str) -> tuple[Partition, str] | None:
    """The partition that a file belongs to, and the URL of that; None where it belongs to none."""
    below = _path(url)[len(_path(root)) :].strip("/").split("/")
    if any(part.startswith(".") for part in below) or any(part.startswith("_") for part in below[:-1]):
        return None
    if below[-1].startswith("_") and below[-1] != marker:
        return None
    if PLACEHOLDER not in place:
        named = partitions.folders(url, below=root)
        return (named[-1], url[: url.rindex(f"dt={named[-1]}/")] + f"dt={named[-1]}") if named else None
    match = _form(place).fullmatch(_path(url))
    if not match:
        return None
    try:
        partition = partitions.parse(match["partition"])
    except EmbertextError:
        return None
    return partition, partitions.fill(place, str(partition))


def _form(place: str) -> re.Pattern[str]:
    """What paths of files at the place look like; the place may be of files or of folders, and may hold globs."""
    first, *others = re.split(r"(\{partition\}|\*\*/|\*|\?)", _path(place))
    parts, seen = [re.escape(first)], False
    for each in others:
        if each == PLACEHOLDER:
            parts.append("(?P=partition)" if seen else r"(?P<partition>[\dTWQ-]+)")
            seen = True
        else:
            parts.append({"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}.get(each) or re.escape(each))
    return re.compile("".join(parts) + "(?:/.*)?", re.ASCII)


def _path(url: str) -> str:
    """Without a scheme, so that URLs that mean the same are the same."""
    return url.split("://")[-1].strip("/")


def _arrival(partition: Partition, files: Iterable[tuple[Detail, str]], marker: str) -> Arrival:
    every = list(files)
    data = [detail for detail, _ in every if storage.name(detail.url) != marker]
    times = [detail.modified for detail in data]
    return Arrival(
        partition=partition,
        url=every[0][1],
        files=len(data),
        bytes=sum(detail.bytes for detail in data),
        modified=None if None in times else max([time for time in times if time is not None], default=None),
        marked=len(data) < len(every),
    )


def _joined(arrivals: Iterable[Arrival], every: Grain, place: str) -> list[Arrival]:
    """Those that are shorter put together; longer ones, and those that have the length, as they are."""
    groups: dict[Partition, list[Arrival]] = {}
    kept = []
    for each in arrivals:
        if GRAINS.index(each.partition.grain) < GRAINS.index(every):
            groups.setdefault(partitions.around(each.partition.start, every), []).append(each)
        else:
            kept.append(each)
    for partition, parts in groups.items():
        times = [each.modified for each in parts]
        modified = None if None in times else max(time for time in times if time is not None)
        sizes = sum(each.files for each in parts), sum(each.bytes for each in parts)
        kept.append(Arrival(partition, place, *sizes, modified, all(each.marked for each in parts), len(parts)))
    return kept

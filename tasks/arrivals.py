"""Telling of each partition once, whichever run sees it first, and however many look at the same time.

    <state>/<key of the place>/2026-01.claim     made exclusively by the run that tells of it, before it does
    <state>/<key of the place>/2026-01.told      it has done so

A claim without the other, and older than LOST, is of a run that was killed in between: one that comes later takes it
over, and again just one. So an event may come twice where a run hangs for that long, and is not lost.
"""

import hashlib
import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Literal

from prefect import task
from prefect.artifacts import create_table_artifact
from prefect.runtime import flow_run
from pydantic import BaseModel

from data import arrivals, partitions, storage
from data.arrivals import Arrival
from data.errors import StorageError
from data.partitions import Grain
from tasks import events
from tasks.events import PartitionEvent
from tasks.network import NETWORK
from tasks.progress import log

LOST = 600.0  # seconds after which who has claimed a partition, and not told of it, has died
SHOWN = 200  # rows of the artifact, the latest
CLAIM, TOLD = ".claim", ".told"

What = Literal["told", "new", "adopted", "known", "settling", "being told"]
"""new: in a dry run, would be told; settling: not whole yet; being told: by another run, now."""


class Looked(BaseModel, frozen=True):
    """What is at a place, and what was done about it. partitions: by their names, in order of time."""

    place: str
    state: str
    partitions: dict[str, What]
    sizes: dict[str, tuple[int, int]]
    took: float

    @property
    def told(self) -> list[str]:
        """Those that this run has told of."""
        return [name for name, what in self.partitions.items() if what == "told"]

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Those that are not known for long, for a terminal."""
        from tasks.page import size  # matplotlib, which nothing else here needs

        known = sum(what == "known" for what in self.partitions.values())
        found = [
            (name, f"{what}: {self.sizes[name][0]:,} file(s), {size(self.sizes[name][1])}")
            for name, what in self.partitions.items()
            if what != "known"
        ]
        return [*found, ("known", f"{known:,} partitions")]

    @property
    def seconds(self) -> dict[str, float]:
        """What it took."""
        return {"look": self.took}

    @property
    def reused(self) -> list[str]:
        """Nothing."""
        return []

    @property
    def places(self) -> dict[str, str]:
        """Where it has looked, and where it remembers."""
        return {"place": self.place, "state": self.state}


@task(name="look", description="See which partitions are at the place; tell of those that are whole, once.", **NETWORK)
def look(
    place: str,
    *,
    state: str,
    every: Grain | None,
    since: str,
    settled: float,
    marker: str,
    adopt: bool,
    dry_run: bool,
) -> Looked:
    """settled: seconds. The artifact `arrivals` lists what is there."""
    start, now = time.perf_counter(), datetime.now(UTC)
    first = partitions.resolve(since, now).start if since.strip() else None
    place = storage.absolute(place)
    folder = storage.join(storage.absolute(state), key(place, every))
    known = storage.names(folder)
    found, sizes = dict[str, What](), dict[str, tuple[int, int]]()
    for each in arrivals.found(place, every=every, marker=marker):
        if first and each.partition.stop <= first:
            continue
        name = str(each.partition)
        sizes[name] = each.files, each.bytes
        if name + TOLD in known:
            found[name] = "known"
        elif not each.whole(now, settled=settled):
            found[name] = "settling"
        elif dry_run:
            found[name] = "new"
        elif adopt:
            storage.create(storage.join(folder, name + TOLD), _note(place, name))
            found[name] = "adopted"
        else:
            found[name] = "told" if tell(place, each, folder, known) else "being told"
            log().info("partition %s: %s", name, found[name])
    looked = Looked(place=place, state=folder, partitions=found, sizes=sizes, took=time.perf_counter() - start)
    _show(looked)
    return looked


def tell(place: str, arrival: Arrival, folder: str, known: Collection[str] = ()) -> bool:
    """Emit the event, where no other run has done or is doing so. known: names in the folder, as they were."""
    name = str(arrival.partition)
    claim, told = (storage.join(folder, name + ending) for ending in (CLAIM, TOLD))
    note = _note(place, name)
    if not (name + CLAIM not in known and storage.create(claim, note)) and not _taken_over(claim, note):
        return False
    if storage.exists(told):  # since the folder was listed
        return False
    payload = PartitionEvent(
        partition=name, place=place, url=arrival.url, files=arrival.files, bytes=arrival.bytes, marker=arrival.marked
    )
    if not events.of_partition(payload):
        storage.remove(claim)
        return False
    storage.create(told, note)
    return True


def key(place: str, every: Grain | None) -> str:
    """16 hexadecimal digits that stand for what is watched."""
    return hashlib.sha256(f"{every or ''} {place}".encode()).hexdigest()[:16]


def _taken_over(claim: str, note: bytes) -> bool:
    """Whether a claim was lost, and now is ours."""
    if not (there := storage.look(claim)):
        return False  # just told of, or given up
    content, tag = there
    made = datetime.fromisoformat(storage.from_json(content, claim)["when"])
    if (datetime.now(UTC) - made).total_seconds() < LOST:
        return False
    try:
        return storage.replace(claim, note, tag)
    except StorageError as error:  # a store that cannot: whoever clears the claim away lets it be told of
        log().warning("%s", error)
        return False


def _note(place: str, name: str) -> bytes:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return storage.to_json({"partition": name, "place": place, "run": flow_run.id or "", "when": when})


def _show(looked: Looked) -> None:
    rows: list[dict[str, Any]] = [
        {"partition": name, "what": what, "files": looked.sizes[name][0], "bytes": looked.sizes[name][1]}
        for name, what in [*looked.partitions.items()][: -SHOWN - 1 : -1]
    ]
    if rows:
        create_table_artifact(rows, key="arrivals", description=f"Partitions at {looked.place}, the latest first.")

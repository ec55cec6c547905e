"""The RecordIO shards that topics are learned from, read back as a stage: whoever trains will read what was counted."""

import time
from typing import NamedTuple

from prefect import task

from algorithms.here import Here
from algorithms.topics.counts import read
from data import storage
from data.counts import Counts
from data.errors import CorpusError
from tasks import cluster, stages
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.topics.text import Prepared
from tasks.train import Machines


class Records(stages.Stage, frozen=True):
    """shards: files of all channels; records: documents in them; bytes: of all."""

    shards: int
    records: int
    bytes: int


class Shard(NamedTuple):
    """What is in one."""

    records: int
    words: float


@task(
    name="recordio",
    description="Read the RecordIO-protobuf shards back, by shards on Dask: frames, records, words.",
    **NETWORK,
)
def read_back(prepared: Prepared, *, machines: Machines) -> Records:
    """A folder with what was found. Raises FormatError for a damaged shard, CorpusError where records are missing."""
    start = time.perf_counter()
    url = stages.folder("recordio", work=prepared.work, prepared=prepared.key)
    if done := stages.finished(url, Records):
        return stages.reused(done)
    with (
        progress("recordio") as report,
        stages.workbench(url) as scratch,
        cluster.connect(**machines) as where,
    ):
        counts = Counts.load(prepared.url)
        files = [file for channel in counts.channels.values() for file in channel.files]
        found: list[Shard] = []
        for each in map(shard, files) if isinstance(where, Here) else where.each(shard, files):
            found.append(each)
            report(len(found) / len(files), f"{len(found)} of {len(files)} shards")
        _check(counts, files, found)
        records = Records(
            url=url,
            seconds=time.perf_counter() - start,
            shards=len(files),
            records=sum(each.records for each in found),
            bytes=sum(map(storage.size, files)),
        )
        stages.conclude(scratch, records)
    log().info(
        "%s records in %s shards, %s bytes", *(f"{n:,}" for n in (records.records, records.shards, records.bytes))
    )
    return records


def shard(url: str) -> Shard:
    """All records of a shard are read, and each of them is checked."""
    rows = read(url)
    return Shard(rows.shape[0], float(rows.sum(dtype="f8")))


def _check(counts: Counts, files: list[str], found: list[Shard]) -> None:
    """What the index says is what is there."""
    rows = [size for channel in counts.channels.values() for size in channel.rows]
    for url, expected, each in zip(files, rows, found, strict=True):
        if each.records != expected:
            what = f"{each.records:,} records, and {expected:,} were written"
            raise CorpusError(what, where=url, remedy="remove its folder: it is then made anew")
    words, written = sum(each.words for each in found), sum(channel.words for channel in counts.channels.values())
    if abs(words - written) > 1e-6 * written:
        what = f"{words:,.0f} counted words, and {written:,.0f} were written"
        raise CorpusError(what, where=storage.name(files[0]), remedy="remove its folder: it is then made anew")

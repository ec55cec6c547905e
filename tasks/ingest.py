"""A corpus by name, URL, glob or folder becomes a list of readable files with a checksum."""

import time

from prefect import task
from pydantic import BaseModel

from data import sources
from tasks import stages
from tasks.network import NETWORK
from tasks.progress import log, progress


class Ingested(BaseModel, frozen=True):
    """source: what to read; seconds: what finding it, or fetching it, took."""

    source: sources.Source
    seconds: float


@task(
    name="ingest",
    description="Find the corpus, fetch it where it is not at hand, take its checksum.",
    **NETWORK,
)
def ingest(train: str, partition: str = "") -> Ingested:
    """Raises CorpusError when nothing is there, nothing of the partition, or when it cannot be reached."""
    start = time.perf_counter()
    cache = stages.local_cache()
    with progress("ingest") as report:
        for fraction in sources.fetch(train, cache=cache):
            report(fraction, train)
        source = sources.find(train, cache=cache, partition=partition)
    log().info("%s: %d file(s), %s bytes", source.name, len(source.urls), f"{source.bytes:,}")
    return Ingested(source=source, seconds=time.perf_counter() - start)

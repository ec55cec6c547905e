"""Text becomes numbers: a vocabulary and shards of word ids."""

import time
from collections.abc import Iterator

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from algorithms.counting import count_and_encode
from data import readers
from data.sources import Source
from tasks import stages
from tasks.ingest import Ingested
from tasks.progress import Report, log, progress


class Prepared(stages.Stage, frozen=True):
    """tokens, sentences: what is left of the corpus; vocabulary: distinct words."""

    tokens: int
    sentences: int
    vocabulary: int


@task(
    name="prepare",
    description="Count the words, keep the frequent ones, write the corpus as ids.",
    retries=2,
    retry_delay_seconds=[2, 8],
    retry_condition_fn=stages.network_failed,
    cache_policy=NO_CACHE,
)
def prepare(ingested: Ingested, *, tokenizer: readers.Tokenizer, min_count: int, reuse: bool = True) -> Prepared:
    """The folder of a `data.corpus.Corpus`. Without `reuse` this run makes its own, and all that follows from it."""
    source, start = ingested.source, time.perf_counter()
    url = stages.folder(
        "prepare",
        checksum=source.checksum,
        kind=source.kind,
        tokenizer=tokenizer,
        min_count=min_count,
        run="" if reuse else str(flow_run.id),
    )
    if done := stages.finished(url, Prepared):
        return stages.reused(done)
    with progress("prepare") as report, stages.workbench(url) as scratch:
        corpus = count_and_encode(_bytes(source, tokenizer, report), scratch, min_count=min_count)
        prepared = Prepared(
            url=url,
            seconds=time.perf_counter() - start,
            tokens=corpus.tokens,
            sentences=corpus.sentences,
            vocabulary=len(corpus.vocabulary),
        )
        stages.conclude(scratch, prepared)
    log().info(
        "%s words, %s of them distinct, in %s sentences",
        *(f"{number:,}" for number in (prepared.tokens, prepared.vocabulary, prepared.sentences)),
    )
    return prepared


def _bytes(source: Source, tokenizer: readers.Tokenizer, report: Report) -> Iterator[bytes]:
    for block in readers.blocks(source, tokenizer=tokenizer):
        yield block.data
        report(block.progress, source.name)

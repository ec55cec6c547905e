"""Text becomes numbers: a vocabulary and shards of word ids."""

import time
from collections.abc import Iterator

from prefect import task

from algorithms.counting import count_and_encode
from data import readers, streams
from data.sources import Source
from tasks import stages
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import Report, log, progress


class Prepared(stages.Stage, frozen=True):
    """tokens, sentences: what is left of the corpus; vocabulary: distinct words."""

    tokens: int
    sentences: int
    vocabulary: int


@task(
    name="prepare",
    description="Count the words, keep the frequent ones, write the corpus as ids.",
    **NETWORK,
)
def prepare(ingested: Ingested, *, tokenizer: readers.Tokenizer, min_count: int, work: str) -> Prepared:
    """The folder of a `data.corpus.Corpus`, in `work`."""
    source, start = ingested.source, time.perf_counter()
    url = stages.folder(
        "prepare",
        work=work,
        checksum=source.checksum,
        kind=source.kind,
        endings=[streams.endings(url) for url in source.urls],  # a comma or a tab, in a table
        tokenizer=tokenizer,
        min_count=min_count,
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

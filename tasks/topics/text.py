"""Texts, or counts that came ready, become the counts that topics are learned from."""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from prefect import task

from algorithms.topics import channels, counts
from algorithms.topics.counts import Counting
from data import apart, bags, lemmatizer, messages, partitioned, storage, streams, utf8
from data.bags import Bags
from data.batches import batches
from data.counts import CHANNELS, Counts
from data.counts import VOCABULARY as VOCABULARY
from data.errors import CorpusError
from data.named import NAMED
from data.partitions import fill
from data.sources import Source
from tasks import cluster, stages
from tasks import ingest as ingesting
from tasks.cluster import Dask
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import Report, log, progress
from tasks.train import Machines

RECORDS = (".pbr", ".rec", ".recordio")  # endings of RecordIO files

Each = Callable[[Callable[[list[str]], Bags], Iterable[list[str]]], Iterator[Bags]]
"""Does work on each of some items, somewhere."""


class Ready(Source):
    """Counts, not text. channels: the files of each; vocabulary: where vocab.txt is, or ""."""

    kind: Literal["counts"] = "counts"  # type: ignore[assignment]
    channels: dict[str, list[str]]
    vocabulary: str


class Prepared(stages.Stage, frozen=True):
    """documents: all that were read; dropped: those with too few counted words; vocabulary: columns.

    rows, words: how many documents and counted words each channel has.
    """

    documents: int
    dropped: int
    vocabulary: int
    rows: dict[str, int]
    words: dict[str, int]


@task(
    name="ingest",
    description="Find the text or the ready counts, fetch them where they are not at hand, take their checksum.",
    **NETWORK,
)
def ingest(train: str, partition: str = "") -> Ingested:
    """Raises CorpusError when nothing is there, nothing of the partition, or when it cannot be reached."""
    start = time.perf_counter()
    if ready := find_ready(train, partition):
        found = {name: len(urls) for name, urls in ready.channels.items()}
        log().info("%s: counts in %s files", ready.name, ", ".join(f"{n} {name}" for name, n in found.items()))
        return Ingested(source=ready, seconds=time.perf_counter() - start)
    ingested: Ingested = ingesting.ingest.fn(train, partition)
    return ingested


def find_ready(train: str, partition: str = "") -> Ready | None:
    """The counts at a place: RecordIO files, or CSV files whose first row holds numbers alone; None for text.

    A file's channel is the first part of its path, below `train`, that begins with train, val or test, and else train:
    SageMaker's folders `train/`, `validation/` and our own `validation-00000.pbr`. vocab.txt may be in any folder, and
    belongs to every partition.
    """
    place, train = train, fill(train, partition)
    if not train.strip() or train in NAMED or not ("*" in train or storage.exists(train)):
        return None  # ingesting text says what is wrong with it
    urls = partitioned.files(place, partition, besides=[VOCABULARY])
    vocabulary = [url for url in urls if storage.name(url) == VOCABULARY]
    files = [url for url in urls if streams.suffix(url) in RECORDS]
    tables = [url for url in urls if streams.suffix(url) == ".csv"]
    if not files and tables and len(tables) + len(vocabulary) == len(urls) and _holds_numbers(tables[0]):
        files = tables
    if not files:
        return None
    if strangers := [url for url in urls if url not in files and streams.suffix(url) not in (".txt", ".json")]:
        what = f"{storage.name(strangers[0])} is among files of counts"
        raise CorpusError(what, where=train, remedy="give a folder or glob with files of one kind")
    if len(vocabulary) > 1:
        raise CorpusError(f"{len(vocabulary)} files {VOCABULARY}", where=train, remedy="leave one of them")
    found: dict[str, list[str]] = {}
    for url in files:
        found.setdefault(_channel(url, train), []).append(url)
    read = [*files, *vocabulary]
    fingerprints = "\n".join(f"{_channel(url, train)} {storage.fingerprint(url)}" for url in read)
    return Ready(
        name=storage.name(train).split(".")[0].strip("*?[]-_ ") or "counts",
        urls=read,
        checksum="sha256:" + hashlib.sha256(fingerprints.encode()).hexdigest(),
        bytes=sum(storage.size(url) for url in read),
        channels={name: found[name] for name in CHANNELS if name in found},
        vocabulary="".join(vocabulary),
        partition=partition,
    )


@task(
    name="prepare",
    description="Strip, tokenise and lemmatise the texts, count their words, write the counts as RecordIO shards.",
    **NETWORK,
)
def prepare(
    ingested: Ingested,
    others: dict[str, Ingested],
    counting: Counting,
    *,
    feature_dim: int = 0,
    seed: int,
    machines: Machines,
    work: str,
) -> Prepared:
    """The folder of a `data.counts.Counts`, in `work`.

    others: validation and test, where they are given; without them, texts are split, and ready counts are taken as
    they are. feature_dim: what the width of ready counts must be, 0 for any. Raises CorpusError naming what cannot be
    used.
    """
    start = time.perf_counter()
    sources = {"train": ingested.source} | {name: each.source for name, each in others.items()}
    ready = {name: source for name, source in sources.items() if isinstance(source, Ready)}
    if ready and len(ready) < len(sources):
        text = next(name for name in sources if name not in ready)
        remedy = "give counts of the same vocabulary for all channels, or text for all"
        raise CorpusError(f"text, while channel {next(iter(ready))} is ready counts", where=text, remedy=remedy)
    url = stages.folder(
        "counts",
        work=work,
        sources={
            name: (source.checksum, source.kind, [streams.endings(url) for url in source.urls])
            for name, source in sources.items()
        },
        counting=None if ready else counting.model_dump(),
        feature_dim=feature_dim if ready else 0,
        seed=None if ready else seed,
    )
    if done := stages.finished(url, Prepared):
        return stages.reused(done)
    with progress("prepare") as report, stages.workbench(url) as scratch:
        if ready:
            found = _collected(ready, scratch, feature_dim)
            counted = counts.Counted(found, sum(each.size for each in found.channels.values()), 0)
        else:
            counted = _counted(sources, scratch, counting, seed=seed, machines=machines, report=report)
        counted.counts.save(str(scratch))
        prepared = Prepared(
            url=url,
            seconds=time.perf_counter() - start,
            documents=counted.documents,
            dropped=counted.dropped,
            vocabulary=counted.counts.columns,
            rows={name: each.size for name, each in counted.counts.channels.items()},
            words={name: int(each.words) for name, each in counted.counts.channels.items()},
        )
        stages.conclude(scratch, prepared)
    log().info(
        "%s documents, %s of them dropped, %s words in the vocabulary; %s",
        *(f"{number:,}" for number in (prepared.documents, prepared.dropped, prepared.vocabulary)),
        ", ".join(f"{name} {rows:,} ({prepared.words[name]:,} words)" for name, rows in prepared.rows.items()),
    )
    return prepared


def words_of(prepared: Prepared, *, name: str, given: Source) -> list[str]:
    """The words of the columns, which the parameter `name` asks for. Raises CorpusError where they are not known."""
    if words := Counts.load(prepared.url).vocabulary:
        return words
    remedy = f"put {VOCABULARY} beside the counts, one word a line, or leave {name} out"
    raise CorpusError("the counts come without their words", where=f"{name}={given.urls[0]!r}", remedy=remedy)


def _counted(
    sources: Mapping[str, Source], scratch: Path, counting: Counting, *, seed: int, machines: Machines, report: Report
) -> counts.Counted:
    """Texts as counts. They are stripped and tokenised by whoever works, in shards; what is counted, is merged here."""
    lemmatizer.check(counting.lemmatizer)
    for source in sources.values():
        messages.parts(counting.strip, source.kind)  # refuse a word that is none of them now
    with cluster.connect(**machines) as workers:
        each: Each = workers.each if isinstance(workers, Dask) else partial(apart.each, processes=workers.threads)
        part = 1 / len(sources)

        def bags_of(number: int, source: Source) -> Iterator[Bags]:
            reached = 0.0

            def texts() -> Iterator[list[str]]:
                nonlocal reached
                for batch in batches(source):
                    yield batch.texts
                    reached = batch.progress

            trained = counting.lemmatizer == "wordnet"
            strip = messages.parts(counting.strip, source.kind)
            for found in each(partial(bags.count, trained=trained, strip=strip), texts()):
                yield found
                report((number + reached) * part, source.name)

        found = {name: bags_of(number, source) for number, (name, source) in enumerate(sources.items())}
        return counts.count(found.pop("train"), scratch, counting, others=found, seed=seed)


def _collected(ready: Mapping[str, Ready], scratch: Path, feature_dim: int) -> Counts:
    """Ready counts as shards. All files of a place that is given for one channel belong to it."""
    given = dict(ready["train"].channels)
    for name, source in ready.items():
        if name != "train":
            given[name] = [url for urls in source.channels.values() for url in urls]
    if "train" not in given:
        where = ready["train"].name
        raise CorpusError("no files of the channel train", where=where, remedy="put them into a folder train/")
    vocabulary = next((source.vocabulary for source in ready.values() if source.vocabulary), "")
    return channels.collect(given, vocabulary, scratch, feature_dim=feature_dim)


def _channel(url: str, train: str) -> str:
    """Which channel a file belongs to, by its path below `train`."""
    root = storage.absolute(train).rstrip("/")
    below = url[len(root) :] if url.startswith(f"{root}/") else storage.name(url)
    for part in below.strip("/").split("/"):
        for beginning, name in (("train", "train"), ("val", "validation"), ("test", "test")):
            if part.lower().startswith(beginning):
                return name
    return "train"


def _holds_numbers(url: str) -> bool:
    """Whether the first row of a table holds several numbers and nothing else."""
    for member in streams.Files([url], member="", size=1).members():
        for line in utf8.lines(member):
            cells = line.data.strip().split(b",")
            return len(cells) > 1 and all(map(channels.is_number, cells))
    return False

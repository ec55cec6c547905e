"""Pairs of ids or texts, or documents, become the shards of pairs that an Object2Vec is trained on."""

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import partial

from prefect import task

from algorithms.object2vec.encode import encode
from algorithms.object2vec.pairing import Pairing
from data import apart, messages, pair_sources, streams
from data.errors import CorpusError
from data.pair_records import Read, Rules
from data.pair_sources import Block, Found
from data.pair_texts import Draw, Making, read
from data.pairs import SETS
from data.sources import Source
from tasks import cluster, stages
from tasks.cluster import Dask
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import Report, log, progress
from tasks.train import Machines

SMALL = 1 << 20  # bytes of sources that are not worth other processes

Each = Callable[[Callable[[Block], Read], Iterable[Block]], Iterator[Read]]
"""Does work on each of some items, somewhere."""


class Prepared(stages.Stage, frozen=True):
    """pairs: in each set, those made for judging among them; tokens: ids of the training pairs, both sides.

    kind: ids, texts, aligned or documents, as the training pairs came; labelled: whether with labels; vocabulary:
    distinct words, 0 for ids; skipped: documents of fewer than two sentences, or blank lines.
    """

    pairs: dict[str, int]
    tokens: int
    kind: pair_sources.Kind
    labelled: bool
    vocabulary: int
    vocab_sizes: tuple[int, int]
    longest: tuple[int, int]
    skipped: int


@task(
    name="prepare",
    description="Make pairs where there are none, tokenise texts, count the words, write the pairs as ids.",
    **NETWORK,
)
def prepare(
    ingested: Ingested,
    others: dict[str, Ingested],
    against: dict[str, Ingested],
    pairing: Pairing,
    *,
    num_classes: int,
    vocab_sizes: tuple[int, int],
    negative_sampling_rate: int,
    held_out: float = 0.1,
    seed: int,
    machines: Machines,
    work: str,
) -> Prepared:
    """The folder of a `data.pairs.Pairs`, in `work`.

    others: the sets validation and test, where they are given; without them the share `held_out` (0..1) of the training
    pairs is taken out for each. against: by the set's name, files aligned line by line with it. num_classes: labels are
    less, 0 where they are real scores; vocab_sizes: ids are less, 0 where the data decides. Without negative sampling
    pairs that came ready need labels. Raises CorpusError naming the set, file, line and field of what cannot be used.
    """
    start = time.perf_counter()
    sources = {"train": ingested.source} | {name: others[name].source for name in SETS if name in others}
    aligned = {name: against[name].source for name in sources if name in against}
    found = {name: pair_sources.find(source, aligned.get(name)) for name, source in sources.items()}
    lone = {name for name, source in sources.items() if source.kind == "text" and name not in aligned}
    _check(found, sampled=negative_sampling_rate > 0, lone=lone)
    texts = found["train"].kind != "ids"
    sizes = [size for size in vocab_sizes if size]
    if texts and sizes:
        pairing = pairing.model_copy(update={"max_vocabulary": min(pairing.max_vocabulary, min(sizes) - 1)})
    url = stages.folder(
        "pairs",
        work=work,
        sources={name: [_known(source), _known(aligned.get(name))] for name, source in sources.items()},
        pairing=pairing.model_dump() if texts else pairing.model_dump(include={"negatives"}),
        num_classes=num_classes if any(each.kind in ("ids", "texts") for each in found.values()) else None,
        vocab_sizes=None if texts else vocab_sizes,
        held_out=0 if others else held_out,
        seed=seed,
    )
    if done := stages.finished(url, Prepared):
        return stages.reused(done)
    if sum(source.bytes for source in sources.values()) < SMALL:
        machines = Machines(threads=1, workers=0, scheduler="")
    with (
        progress("prepare") as report,
        stages.workbench(url) as scratch,
        cluster.connect(**machines) as workers,
    ):
        each: Each = workers.each if isinstance(workers, Dask) else partial(apart.each, processes=workers.threads)

        def reads(number: int, name: str) -> Iterator[Read]:
            making = Making(
                Rules(name, found[name], num_classes, vocab_sizes if not texts else (0, 0)),
                pairing.tokenizer,
                max_words=pairing.max_words,
                sentences=pairing.sentences,
                draw=_draw(pairing, sources[name]),
                strip=messages.parts(messages.AUTO, sources[name].kind),
                seed=seed,
            )
            told = partial(_told, report, number / len(sources), 1 / len(sources), sources[name].name)
            return _shared(each, making, pair_sources.blocks(sources[name], aligned.get(name), found[name].kind), told)

        channels = {name: reads(number, name) for number, name in enumerate(sources)}
        encoded = encode(
            channels.pop("train"), scratch, pairing, others=channels, texts=texts, held_out=held_out, seed=seed
        )
        pairs = encoded.pairs
        pairs.save(str(scratch))
        prepared = Prepared(
            url=url,
            seconds=time.perf_counter() - start,
            pairs={name: shards.size for name, shards in zip(SETS, pairs[-3:], strict=True) if shards},
            tokens=pairs.tokens,
            kind=found["train"].kind,
            labelled=found["train"].labelled,
            vocabulary=len(pairs.vocabulary or ()),
            vocab_sizes=pairs.vocab_sizes,
            longest=pairs.longest,
            skipped=encoded.skipped,
        )
        stages.conclude(scratch, prepared)
    _tell(prepared)
    return prepared


def _check(found: Mapping[str, Found], *, sampled: bool, lone: Container[str]) -> None:
    """Refuse ids beside texts, and pairs without labels that nothing tells from those that are none.

    lone: names of sets of lines, which beside aligned ones would be taken for documents.
    """
    train = found["train"]
    for name, each in found.items():
        if (each.kind == "ids") != (train.kind == "ids"):
            what = "{}, and channel train has {}".format(
                *(("ids" if one.kind == "ids" else "texts") for one in (each, train))
            )
            raise CorpusError(what, where=f"channel {name}", remedy="give ids in all channels, or texts in all")
        if train.kind == "aligned" and name in lone:
            remedy = "give pairs as JSON Lines, or leave it out: some are then held out"
            raise CorpusError("lines, and channel train has lines of two files", where=f"channel {name}", remedy=remedy)
        if each.kind in ("ids", "texts") and not (each.labelled or sampled):
            remedy = "give every pair a label, or set negative_sampling_rate: all pairs are then positive"
            raise CorpusError("missing", where=f"channel {name}: {each.where}: label", remedy=remedy)


def _shared(each: Each, making: Making, blocks: Iterable[Block], told: Callable[[float], None]) -> Iterator[Read]:
    """What is read from the blocks, by whoever works."""
    reached = 0.0

    def handed() -> Iterator[Block]:
        nonlocal reached
        for block in blocks:
            yield block
            reached = block.progress

    for found in each(partial(read, making=making), handed()):
        yield found
        told(reached)


def _told(report: Report, start: float, part: float, note: str, fraction: float) -> None:
    report(start + part * fraction, note)


def _draw(pairing: Pairing, source: Source) -> Draw:
    """auto: a docstring says in its first sentence what it is about; other documents say it anywhere."""
    if pairing.draw == "auto":
        return "first" if source.name == "docs" else "random"
    return pairing.draw


def _known(source: Source | None) -> object:
    """What a source's content depends on."""
    return source and (
        source.checksum,
        source.name == "docs",
        source.kind,
        [streams.endings(url) for url in source.urls],
    )


def _tell(prepared: Prepared) -> None:
    log().info(
        "%s; %s words, %s of them distinct%s",
        ", ".join(f"{name} {size:,} pairs" for name, size in prepared.pairs.items()),
        f"{prepared.tokens:,}",
        f"{prepared.vocabulary or max(prepared.vocab_sizes):,}",
        f"; {prepared.skipped:,} documents have fewer than two sentences" if prepared.skipped else "",
    )

"""Labelled text becomes numbers: words, labels, and the rows of every example."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from prefect import task

from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.encode import encode, encode_validation
from data import labelled, readers, streams
from data.errors import CorpusError, EmbertextError, ExampleError
from data.examples import Examples
from data.sources import Source
from data.tokenizer import SENTENCE_END, Name
from tasks import cluster, stages
from tasks.cluster import Workers
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import Report, log, progress
from tasks.train import Machines


class Prepared(stages.Stage, frozen=True):
    """tokens: of the training examples; vocabulary: distinct words that are kept; ngrams: hash buckets that occur."""

    examples: int
    validation_examples: int
    tokens: int
    vocabulary: int
    ngrams: int
    classes: int


def held_out(validation: str) -> float:
    """The share (0..1) that "10%" means; 0 for a corpus. Raises EmbertextError for 0%, 100%, abc% and a bare number."""
    text = validation.strip()
    number = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(%?)", text)
    if not number and not text.endswith("%"):
        return 0.0
    share = float(number[1]) / 100 if number and number[2] else 0.0
    if not 0 < share < 1:
        remedy = "give a share above 0% and below 100%, such as 10%, a corpus, or nothing"
        raise EmbertextError("no share of the examples", where=f"validation={validation!r}", remedy=remedy)
    return share


@task(
    name="prepare",
    description="Tokenise where that is needed, count the words, write the examples as numbers.",
    **NETWORK,
)
def prepare(
    ingested: Ingested,
    validation: Ingested | None,
    form: TextClassification,
    *,
    share: float,
    tokenizer: readers.Tokenizer,
    machines: Machines,
    work: str,
) -> Prepared:
    """The folder of `data.examples.Examples`, in `work`. Raises CorpusError naming the line that cannot be used."""
    start = time.perf_counter()
    sources = [each.source for each in (ingested, validation) if each]
    url = stages.folder(
        "examples",
        work=work,
        sources=[
            (
                source.checksum,
                source.kind,
                [streams.endings(url) for url in source.urls],
                tokenizer_for(tokenizer, source),
            )
            for source in sources
        ],
        share=share,
        form=form.model_dump(include={"min_count", "word_ngrams", "buckets"}),
    )
    if done := stages.finished(url, Prepared):
        return stages.reused(done)
    sizes = form.model_dump(include={"word_ngrams", "buckets"})
    if all(as_they_are(source, tokenizer) for source in sources):
        machines = Machines(threads=1, workers=0, scheduler="")  # there is nothing to share out
    with (
        progress("prepare") as report,
        stages.workbench(url) as scratch,
        cluster.connect(**machines) as workers,
    ):
        part = 1 / len(sources)

        def lines(number: int) -> Iterator[bytes]:
            told = partial(_told, report, number * part, part)
            return lines_of(sources[number], tokenizer, workers, told)

        with located(sources[0]):
            examples = encode(lines(0), scratch, min_count=form.min_count, held_out=share, **sizes)
            _check(examples, share=share, min_count=form.min_count)
        if validation:
            with located(sources[1]):
                examples = encode_validation(lines(1), scratch, examples, **sizes)
        examples.save(str(scratch))
        prepared = Prepared(
            url=url,
            seconds=time.perf_counter() - start,
            examples=examples.train.size,
            validation_examples=examples.validation.size if examples.validation else 0,
            tokens=examples.tokens,
            vocabulary=len(examples.vocabulary),
            ngrams=examples.buckets.size,
            classes=len(examples.labels),
        )
        stages.conclude(scratch, prepared)
    log().info(
        "%s examples of %s classes, %s words, %s of them distinct, %s for validation",
        *(
            f"{number:,}"
            for number in (
                prepared.examples, prepared.classes, prepared.tokens, prepared.vocabulary, prepared.validation_examples
            )
        ),
    )  # fmt: skip
    return prepared


def _check(examples: Examples, *, share: float, min_count: int) -> None:
    """Refuse examples that nothing can be learned from, and a share for validation that comes to nothing."""
    if not {*examples.vocabulary.words} - {SENTENCE_END} and not examples.buckets.size:
        remedy = "choose a smaller min_count, or give more text"
        raise CorpusError(f"no word is seen min_count={min_count} times", remedy=remedy)
    if share and not examples.validation:
        what = f"{100 * share:.10g}% of {examples.train.size:,} examples is none to judge by"
        raise CorpusError(what, remedy="give more examples, a larger share, or no validation")


def tokenizer_for(tokenizer: readers.Tokenizer, source: Source) -> Name:
    """auto: tokens as they are in text files, as in BlazingText; elsewhere words and punctuation marks, lower-cased."""
    if tokenizer == "auto" and source.kind != "text":
        return "wordpunct"
    return readers.chosen(tokenizer, source.kind)


def as_they_are(source: Source, tokenizer: readers.Tokenizer) -> bool:
    """Whether the lines of a source can be read as fastText reads them."""
    return source.kind == "text" and tokenizer_for(tokenizer, source) == "whitespace"


def lines_of(source: Source, tokenizer: readers.Tokenizer, workers: Workers, told: Report) -> Iterator[bytes]:
    """The source as fastText's lines, in blocks. What is to be tokenised is shared out among the workers."""
    if as_they_are(source, tokenizer):
        for block in labelled.blocks(source):
            yield block.data
            told(block.progress, source.name)
        return
    reached = 0.0

    def batches() -> Iterator[list[readers.Document]]:
        nonlocal reached
        for batch in labelled.batches(source):
            yield batch.documents
            reached = batch.progress

    tokenise = partial(labelled.lines, tokenizer=tokenizer_for(tokenizer, source))
    for lines in workers.each(tokenise, batches()):
        yield lines
        told(reached, source.name)


def _told(report: Report, start: float, part: float, fraction: float, note: str) -> None:
    report(start + part * fraction, note)


@contextmanager
def located(source: Source) -> Iterator[None]:
    """Say the file and the line of an example that cannot be used."""
    try:
        yield
    except ExampleError as error:
        file, line = labelled.locate(source, error.index)
        where = f"{file}: line {line}" if line else file
        raise CorpusError(error.what, where=where, remedy=error.remedy) from error
    except CorpusError as error:
        where = error.where or ", ".join(source.urls[:3])
        raise CorpusError(error.what, where=where, remedy=error.remedy) from error

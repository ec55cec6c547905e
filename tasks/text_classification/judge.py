"""Judging a classifier that somebody has trained, on text that it need not have been made for, as a stage."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import task

from algorithms.text_classification.classifier import Classifier
from algorithms.text_classification.unknown import Read, encode_for
from data import readers, storage, streams
from data.cursor import DAMAGED
from data.errors import EmbertextError
from data.fasttext import Model
from data.sources import Source
from tasks import cluster, stages
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import Report, log, progress
from tasks.text_classification import model as models
from tasks.text_classification.evaluate import EVALUATION, judgement_on
from tasks.text_classification.model import Found
from tasks.text_classification.text import lines_of, located, tokenizer_for
from tasks.train import machines

SETTINGS = ("dim", "loss", "epoch", "min_count", "neg", "word_ngrams", "bucket", "minn", "maxn")  # of interest here
READING = 0.7  # the part of the progress bar that is the text's


class Judged(stages.Stage, frozen=True):
    """examples, tokens: of the text; words_per_second: of reading and classifying it.

    words, labels, settings: of the model; metrics: validation_accuracy, macro_f1, ece, at_k.
    """

    examples: int
    tokens: int
    words_per_second: float
    words: int
    labels: int
    settings: dict[str, int | str]
    metrics: dict[str, Any]


@task(
    name="evaluate",
    description="Accuracy, precision and recall of the model on the text, class by class; are probabilities true.",
    **NETWORK,
)
def judge(found: Found, ingested: Ingested, *, tokenizer: readers.Tokenizer, work: str) -> Judged:
    """A folder with eval.json, what `algorithms.accuracy.judge` says, and `unknown`: labels that the model lacks.

    Raises FormatError for what is no fastText model, EmbertextError for one that is no classifier, CorpusError for text
    that cannot be judged by, naming the line.
    """
    start = time.perf_counter()
    source = ingested.source
    text = (source.checksum, source.kind, [streams.endings(url) for url in source.urls])
    url = stages.folder(
        "judge",
        work=work,
        model=(found.fingerprint, streams.endings(found.url)),
        text=(*text, tokenizer_for(tokenizer, source)),
    )
    if done := stages.finished(url, Judged):
        return stages.reused(done)
    with progress("evaluate") as report, stages.workbench(url) as scratch:
        model, name = models.read(found.url, scratch=scratch)
        _check(model, name)
        entries = [_shown(entry.word) for entry in model.dictionary.entries]
        classifier = Classifier.of_fasttext(model, path=name)
        begun = time.perf_counter()
        try:
            read = encoded(classifier, source, tokenizer, report, folder=scratch / "examples")
            labels = [_shown(label) for label in read.labels]
            judgement = judgement_on(classifier, read.shards, labels=labels, words=entries[: model.dictionary.words])
        except MemoryError as error:
            what = "the n-grams of the text's longest line, as its settings say, do not fit into memory"
            raise EmbertextError(
                what, where=name, remedy="is the file damaged? otherwise give shorter lines"
            ) from error
        seconds = time.perf_counter() - begun
        shutil.rmtree(scratch / "examples")
        if read.strange:
            from tasks.text_classification.page import unknown_labels  # matplotlib and jinja2, not needed otherwise

            judgement["unknown"] = read.told()
            log().info("%s", unknown_labels(judgement))
        log().info("#validation_accuracy: %.4f", judgement["accuracy"])
        log().info("Number of validation examples: %d", read.shards.size)
        metrics = {"validation_accuracy": judgement["accuracy"]}
        storage.write_json(str(scratch / EVALUATION), metrics | judgement)
        judged = Judged(
            url=url,
            seconds=time.perf_counter() - start,
            examples=read.shards.size,
            tokens=read.shards.tokens,
            words_per_second=read.shards.tokens / seconds,
            words=model.dictionary.words,
            labels=len(classifier.labels),
            settings={key: getattr(model.args, key) for key in SETTINGS} | {"loss": _loss(model)},
            metrics=metrics | {key: judgement[key] for key in ("macro_f1", "ece", "at_k")},
        )
        stages.conclude(scratch, judged)
    return judged


def encoded(
    classifier: Classifier, source: Source, tokenizer: readers.Tokenizer, report: Report, *, folder: Path
) -> Read:
    """The text as the model reads it, written to `folder`."""

    def told(fraction: float, note: str) -> None:
        report(READING * fraction, note)

    folder.mkdir()
    with cluster.connect(**machines(threads=0, workers=0, scheduler="")) as here, located(source):
        blocks = lines_of(source, tokenizer, here, told)
        return encode_for(classifier.encoder, classifier.labels, blocks, folder)


def _check(model: Model, name: str) -> None:
    """Refuse numbers that no training ends with: what they give is none either."""
    matrices: list[NDArray[np.float32]] = [
        part
        for matrix in (model.input, model.output)
        for part in ([matrix] if isinstance(matrix, np.ndarray) else [matrix.centroids, matrix.norms])
        if part is not None
    ]
    with np.errstate(invalid="ignore"):
        if not all(np.isfinite(part.sum(dtype=np.float64)) for part in matrices):
            raise EmbertextError("some of the model's numbers are not finite", where=name, remedy=DAMAGED)


def _loss(model: Model) -> str:
    return model.args.loss.name.lower().replace("_", " ")


def _shown(word: str) -> str:
    """Bytes that are not UTF-8 as one sees them."""
    return word.encode("utf-8", "surrogateescape").decode(errors="replace")

"""Judging a classifier as a stage, on the examples that it has not seen, and on those that it has."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task

from algorithms.accuracy import judge
from algorithms.model import load_state
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier, Predictions
from data import arrays, storage
from data.examples import Batch, Examples, Shards
from data.fasttext import read_model
from data.process import cores
from tasks import stages
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.text_classification.quantize import FTZ, NUMBERS, Quantized
from tasks.text_classification.text import Prepared
from tasks.text_classification.train import Trained, accuracy_on

EVALUATION = "eval.json"
MOST_TOLD = 100  # labels told for an example: with all of them the log loss is known
K = 5  # precision and recall at 1..K


class Evaluated(stages.Stage, frozen=True):
    """metrics: BlazingText's train_accuracy and validation_accuracy, and macro_f1 of what was judged in full.

    Of a quantised model quantized_validation_accuracy, or quantized_train_accuracy where there is no validation, and
    quantized_bytes.
    """

    metrics: dict[str, int | float]


@task(
    name="evaluate",
    description="Accuracy, precision and recall, class by class; which classes are mixed up; are probabilities true.",
    **NETWORK,
)
def evaluate(
    prepared: Prepared, trained: Trained, form: TextClassification, quantized: Quantized | None = None
) -> Evaluated:
    """A folder with eval.json: the accuracies, and what `algorithms.accuracy.judge` says of the validation examples.

    Where there are none it says it of the training examples.
    """
    start = time.perf_counter()
    keys = {"prepared": prepared.key, "trained": trained.key, "quantized": quantized.key if quantized else ""}
    url = stages.folder("evaluate", work=trained.work, **keys)
    if done := stages.finished(url, Evaluated):
        return stages.reused(done)
    with (
        progress("evaluate") as report,
        stages.workbench(url) as scratch,
        stages.at_hand(trained.url) as folder,
    ):
        examples = Examples.load(prepared.url)
        state = load_state(Path(folder) / "state.safetensors")
        classifier = Classifier.of(form, state, vocabulary=examples.vocabulary, labels=examples.labels)
        metrics: dict[str, int | float] = {"train_accuracy": accuracy_on(classifier, examples.train)}
        _tell("train", metrics["train_accuracy"], examples.train.size)
        report(0.4, "")
        judged = examples.validation or examples.train
        judgement = judgement_on(classifier, judged, labels=examples.labels.words, words=examples.vocabulary.words)
        if examples.validation:
            metrics["validation_accuracy"] = judgement["accuracy"]
            _tell("validation", judgement["accuracy"], judged.size)
        if quantized:
            report(0.8, "model.ftz")
            which = "validation" if examples.validation else "train"
            metrics[f"quantized_{which}_accuracy"] = _quantized_accuracy(quantized, judged)
            metrics["quantized_bytes"] = quantized.bytes
        storage.write_json(str(scratch / EVALUATION), {**metrics, **judgement})
        metrics["macro_f1"] = judgement["macro_f1"]
        evaluated = Evaluated(url=url, seconds=time.perf_counter() - start, metrics=metrics)
        stages.conclude(scratch, evaluated)
    return evaluated


def _quantized_accuracy(quantized: Quantized, judged: Shards) -> float:
    """Of model.ftz, read from its file as others will."""
    with stages.at_hand(quantized.url) as folder:
        classifier = Classifier.of_fasttext(read_model(storage.join(folder, FTZ)), path=FTZ)
    return accuracy_on(classifier, judged, numbers=arrays.opened(storage.join(quantized.url, NUMBERS)))


def _tell(which: str, accuracy: float, examples: int) -> None:
    """The lines that BlazingText's tuning jobs look for."""
    log().info("#%s_accuracy: %.4f", which, accuracy)
    log().info("Number of %s examples: %d", which, examples)


def judgement_on(
    classifier: Classifier, shards: Shards, *, labels: Sequence[str], words: Sequence[str]
) -> dict[str, Any]:
    """The judgement on all shards; each of its mistakes with its text, as far as the model knows the words.

    labels: those of the classifier, and behind them others that the examples may have.
    """
    labels = [label.removeprefix("__label__") for label in labels]
    k = len(labels) if len(labels) <= MOST_TOLD else K
    batches = [piece.read() for piece in shards.slices(0, shards.size)]
    found = [classifier.judge(batch, k=k, threads=cores()) for batch in batches]
    told = Predictions(*(np.concatenate(each) for each in zip(*found, strict=True)))
    truth = [batch.labels() for batch in batches]
    numbers = np.concatenate([each for _, each in truth])
    starts = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(each) for each, _ in truth]))])
    judgement = judge(labels, starts=starts, truth=numbers, predicted=told.labels, probabilities=told.probabilities)
    judgement["at_k"] = judgement["at_k"][:K]
    for mistake in judgement["mistakes"]:
        mistake["text"] = _text(batches, mistake["example"], words)
    return judgement


def _text(batches: list[Batch], example: int, words: Sequence[str]) -> str:
    for batch in batches:
        if example < batch.size:
            rows = batch.rows(example)
            return " ".join(words[row] for row in rows[rows < len(words)] if words[row] != "</s>")
        example -= batch.size
    raise AssertionError("fewer examples than that")

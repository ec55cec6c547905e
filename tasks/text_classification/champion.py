"""A classifier beside the one that is the champion: the same lines, which the champion reads by its own dictionary."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithms.text_classification.classifier import Classifier
from algorithms.text_classification.encode import Writer
from algorithms.text_classification.lines import halves
from algorithms.text_classification.unknown import Read
from data import readers, storage
from data.examples import Batch, Examples, Shards
from tasks.against import Better, Comparison
from tasks.ingest import Ingested
from tasks.publish import MODEL
from tasks.text_classification import model as models
from tasks.text_classification.evaluate import EVALUATION, Evaluated, judgement_on
from tasks.text_classification.judge import encoded
from tasks.text_classification.text import Prepared

METRICS: dict[str, Better] = {"accuracy": "higher", "macro_f1": "higher", "ece": "lower", "log_loss": "lower"}


def beside(
    champion: str,
    ingested: Ingested,
    validation: Ingested | None,
    prepared: Prepared,
    evaluated: Evaluated,
    *,
    share: float,
    tokenizer: readers.Tokenizer,
) -> Comparison:
    """The metrics of the published classifier `champion`, "" for none, and of the one that was evaluated.

    On the validation text, or the lines that were held out for it, or the training text where there is neither. A
    class that the champion does not know is one that it never predicts.
    """
    judgement = storage.read_json(storage.join(evaluated.url, EVALUATION))
    what = "validation" if prepared.validation_examples else "training"
    on = f"{judgement['examples']:,} {what} examples"
    theirs: dict[str, float] = {}
    if champion:
        with tempfile.TemporaryDirectory(prefix="embertext-") as folder:
            scratch = Path(folder)
            classifier = _opened(champion, scratch)
            source = (validation or ingested).source
            read = encoded(classifier, source, tokenizer, lambda _fraction, _note: None, folder=scratch / "read")
            shards = _held_out(read, share, scratch / "held-out") if share else read.shards
            examples = Examples.load(prepared.url)
            assert shards.size == (examples.validation or examples.train).size, "the lines are others"
            labels = [label.encode("utf-8", "surrogateescape").decode(errors="replace") for label in read.labels]
            theirs = judgement_on(classifier, shards, labels=labels, words=())
    return Comparison({metric: (theirs.get(metric), judgement.get(metric)) for metric in METRICS}, on=on)


def _opened(champion: str, scratch: Path) -> Classifier:
    model, name = models.read(storage.join(champion, MODEL), scratch=scratch)
    return Classifier.of_fasttext(model, path=name)


def _held_out(read: Read, share: float, folder: Path) -> Shards:
    """Of all lines those that the preparation holds out: a share, but for lines with a class that no other has."""
    batches = [piece.read() for piece in read.shards.slices(0, read.shards.size)]
    train, validation = halves(read.shards.size, share)
    starts, numbers = _labels(batches)
    owners = np.repeat(np.arange(read.shards.size), np.diff(starts))
    trained = np.unique(numbers[np.isin(owners, train)])
    strange = np.unique(owners[~np.isin(numbers, trained)])
    kept = np.sort(validation[~np.isin(validation, strange)])
    folder.mkdir()
    writer, first = Writer(folder, "validation"), 0
    for batch in batches:
        some = kept[(kept >= first) & (kept < first + batch.size)] - first
        if some.size:
            writer.add(_taken(batch, some))
        first += batch.size
    return writer.shards()


def _labels(batches: list[Batch]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Where the labels of each example begin (E + 1,), and their numbers."""
    found = [batch.labels() for batch in batches]
    given = np.concatenate([np.diff(starts) for starts, _ in found])
    return np.concatenate([[0], np.cumsum(given)]), np.concatenate([numbers for _, numbers in found])


def _taken(batch: Batch, numbers: NDArray[np.int64]) -> Batch:
    """Some of its examples."""
    lengths = np.diff(batch.offsets)[numbers]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(batch.offsets[numbers] - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Batch(np.ascontiguousarray(batch.stream[places]), offsets)

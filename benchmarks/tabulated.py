"""A tabulated surface: real trainings over a grid of hyperparameters, and what lies between them.

    python -m benchmarks.tabulated          trains the grid and writes the table anew, about ten minutes of one core

The table is of text classifiers on a part of 20 Newsgroups, drawn at random: 2,500 messages to train on and 2,500 of
the test set to judge by, ten epochs, one thread. Each row has the hyperparameters, the CPU seconds of the ten epochs,
and the accuracy on the test messages after each epoch.

Values asked for between points of the grid are interpolated, linearly in the logarithm of each number; `word_ngrams`
and `loss` are exact. The best of the surface is therefore the best of the table.
"""

import csv
import itertools
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.interpolate import RegularGridInterpolator

from benchmarks import harness

TABLE = Path(__file__).parent / "results" / "surface_20newsgroups.csv"
TRAIN, TEST = "20newsgroups", "20newsgroups-test"
DOCUMENTS, EPOCHS, BUCKETS = 2500, 10, 200_000

LOGARITHMIC: dict[str, tuple[float, ...]] = {
    "learning_rate": (0.05, 0.121, 0.292, 0.707, 1.71, 4.14, 10.0),
    "vector_dim": (10, 24, 64),
    "min_count": (1, 3, 10, 30, 100),
}
EXACT: dict[str, tuple[Any, ...]] = {"word_ngrams": (1, 2, 3), "loss": ("softmax", "ova")}
NAMES = (*EXACT, *LOGARITHMIC)


class Result(NamedTuple):
    """accuracies: after each epoch; seconds: of all epochs."""

    accuracies: NDArray[np.float64]
    seconds: float


class Surface:
    """The table, made whole: a result for every point within the grid."""

    def __init__(self, path: Path = TABLE) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.rows = len(rows)
        self._values = {
            tuple(row[name] for name in NAMES): [float(row["seconds"]), *(float(row[str(e)]) for e in epochs())]
            for row in rows
        }

    @cached_property
    def _interpolators(self) -> dict[tuple[str, ...], RegularGridInterpolator]:
        axes = [np.log(levels) for levels in LOGARITHMIC.values()]
        found = {}
        for exact in itertools.product(*EXACT.values()):
            key = tuple(map(str, exact))
            grid = [self._values[*key, *map(str, point)] for point in itertools.product(*LOGARITHMIC.values())]
            found[key] = RegularGridInterpolator(axes, np.array(grid).reshape(*map(len, axes), -1))
        return found

    def at(self, parameters: Mapping[str, Any]) -> Result:
        """What a training would have come to. Raises ValueError outside of the grid."""
        interpolator = self._interpolators[tuple(str(parameters[name]) for name in EXACT)]
        seconds, *accuracies = interpolator([[np.log(parameters[name]) for name in LOGARITHMIC]])[0]
        return Result(np.array(accuracies), float(seconds))

    @cached_property
    def best(self) -> float:
        """The highest accuracy after the last epoch."""
        return max(values[-1] for values in self._values.values())


def epochs() -> range:
    """The columns of accuracies."""
    return range(1, EPOCHS + 1)


def build(path: Path = TABLE) -> None:
    """Train the grid and write the table."""
    points = list(itertools.product(*EXACT.values(), *LOGARITHMIC.values()))
    # points that agree on what is prepared stand together
    points.sort(key=lambda point: (point[0], point[-1]))
    lines = [_part(harness.labelled_text(name)) for name in (TRAIN, TEST)]
    beside = path.with_suffix(".part")
    with beside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*NAMES, "seconds", *epochs()])
        for point, result in track(_trained(points, *lines), description="training", total=len(points)):
            writer.writerow([*point, f"{result.seconds:.3f}", *(f"{value:.4f}" for value in result.accuracies)])
            file.flush()
    beside.rename(path)


def _part(text: Path) -> bytes:
    lines = text.read_bytes().splitlines(keepends=True)
    chosen = np.random.default_rng(0).permutation(len(lines))[:DOCUMENTS]
    return b"".join(lines[number] for number in chosen)


def _trained(points: Iterable[Sequence[Any]], train: bytes, test: bytes) -> Iterator[tuple[Sequence[Any], Result]]:
    from algorithms.text_classification.encode import encode, encode_validation

    for (ngrams, min_count), group in itertools.groupby(points, key=lambda point: (point[0], point[-1])):
        with tempfile.TemporaryDirectory() as folder:
            shared = {"word_ngrams": ngrams, "buckets": BUCKETS}
            examples = encode([train], Path(folder), min_count=min_count, **shared)
            examples = encode_validation([test], Path(folder), examples, **shared)
            for point in group:
                yield point, _train(dict(zip(NAMES, point, strict=True)), examples)


def _train(parameters: dict[str, Any], examples: Any) -> Result:
    from algorithms.here import Here
    from algorithms.text_classification.algorithm import TextClassification
    from algorithms.text_classification.classifier import Classifier
    from algorithms.training import train

    form = TextClassification(**parameters, epochs=EPOCHS, buckets=BUCKETS)
    accuracies, seconds = [], 0.0
    begun = time.process_time()
    for each in train(form, examples, cluster=Here(1), seed=1):
        if each.number * EPOCHS % each.rounds:
            continue
        seconds += time.process_time() - begun
        classifier = Classifier.of(form, each.state, vocabulary=examples.vocabulary, labels=examples.labels)
        accuracies.append(_accuracy(classifier, examples.validation))
        begun = time.process_time()
    return Result(np.array(accuracies), seconds)


def _accuracy(classifier: Any, shards: Any) -> float:
    from algorithms.accuracy import accuracy

    right = 0.0
    for piece in shards.slices(0, shards.size):
        batch = piece.read()
        starts, truth = batch.labels()
        right += batch.size * accuracy(starts, truth, classifier.judge(batch, threads=1).labels[:, 0])
    return right / float(shards.size)


if __name__ == "__main__":
    build()

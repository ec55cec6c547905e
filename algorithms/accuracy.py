"""How good predicted labels are: accuracy, precision and recall, confusion, calibration. Pure functions of arrays.

Examples E, their true labels M, classes L, predictions an example k. The true labels of example e are the ids
`truth[starts[e] : starts[e + 1]]` into `labels`, one or several; its predictions are `predicted[e]`, by descending
probability, -1 where there are fewer than k. What could be counted in two ways is counted as fastText's `test` does:

* a prediction is right when it is one of the example's true labels;
* an example without a true label is left out; one without any prediction is wrong;
* a true label that an example names twice counts twice.

Accuracy, the table of classes, confusion and calibration judge the most probable label alone. Where examples have
several labels, a class's recall is therefore the share of its examples that name it first, and 1.0 is out of reach.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, SupportsFloat, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int32]
Offsets: TypeAlias = NDArray[np.int64]

BINS = 10
MATRIX_CLASSES = 100  # beyond, a matrix of mostly zeros would be most of eval.json
CONFUSIONS = MISTAKES = 12


class Class(TypedDict):
    """One label's row. `support` counts it as true, `predicted` as the most probable; a share of nothing is 0.0."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


class Confusion(TypedDict):
    """How many examples of the class `true`, and not of the class `predicted`, got `predicted` first."""

    true: str
    predicted: str
    count: int


class Bin(TypedDict):
    """Examples with a top probability above `low`, up to `high`: its mean and their accuracy, None where none are."""

    low: float
    high: float
    confidence: float | None
    accuracy: float | None
    count: int


class Mistake(TypedDict):
    """A wrong answer; `example` is its place in the arrays that were judged."""

    example: int
    true: list[str]
    predicted: str
    probability: float


class _Answers(NamedTuple):
    """Examples that have a true label, their predictions, and `right` (E, k) bool: which of these are true."""

    labels: Sequence[str]
    starts: Offsets
    truth: Ids
    predicted: Ids
    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]

    @property
    def top(self) -> Ids:
        return self.predicted[:, 0]

    @property
    def solved(self) -> NDArray[np.bool_]:
        return self.right[:, 0]


def judge(
    labels: Sequence[str], *, starts: Offsets, truth: Ids, predicted: Ids, probabilities: NDArray[np.float32]
) -> dict[str, Any]:
    """All there is to say about predictions (E, k) int32 with probabilities (E, k), as values that JSON knows.

    starts (E + 1,), truth (M,); `labels` (L) are names without a prefix. Returns

        accuracy      as `accuracy`
        examples      how many were judged
        at_k          for k = 1, 2, …: {k, precision, recall} of the k most probable labels of all examples together
        macro_f1      mean F1 of the classes that occur, be it as true or as predicted
        weighted_f1   mean F1 of all true labels, each with the F1 of its class
        classes       a `Class` for each label, in their order
        confusion     (L, L) counts, see `_confusion`; None with more than `MATRIX_CLASSES`
        confused      its largest numbers off the diagonal, each a `Confusion`
        reliability   `BINS` bins of the top probability, each a `Bin`
        ece           expected calibration error, 0-1: |confidence - accuracy| of a bin, weighted by count; Guo 2017
        log_loss      mean -ln p of the true label (nats); None unless each example has one, among its predictions
        mistakes      the surest wrong answers, surest first, each a `Mistake`
    """
    assert predicted.shape == probabilities.shape
    kept = np.flatnonzero(np.diff(starts))  # the others own nothing of `truth`
    starts, predicted = np.append(starts[kept], starts[-1]), predicted[kept]
    certain = np.clip(probabilities[kept].astype(np.float64), 0, 1)  # fastText's reach 1.00001
    answers = _Answers(labels, starts, truth, predicted, certain, hits(starts, truth, predicted))
    classes, (pairs, counts) = _classes(answers), _confusion(answers)
    occurring = [row["f1"] for row in classes if row["support"] or row["predicted"]]
    reliability, ece = _reliability(answers)
    return {
        "accuracy": _share(np.count_nonzero(answers.solved), len(kept)),
        "examples": len(kept),
        "at_k": _at_k(answers),
        "macro_f1": _share(sum(occurring), len(occurring)),
        "weighted_f1": _share(sum(row["f1"] * row["support"] for row in classes), len(truth)),
        "classes": classes,
        "confusion": _matrix(pairs, counts, len(labels)) if len(labels) <= MATRIX_CLASSES else None,
        "confused": _confused(pairs, counts, labels),
        "reliability": reliability,
        "ece": ece,
        "log_loss": _log_loss(answers),
        "mistakes": _mistakes(answers, kept),
    }


def accuracy(starts: Offsets, truth: Ids, top: Ids) -> float:
    """Share of examples whose most probable label `top` (E,) is one of theirs, 0-1: BlazingText's accuracy."""
    return _share(np.count_nonzero(hits(starts, truth, top[:, None])), np.count_nonzero(np.diff(starts)))


def hits(starts: Offsets, truth: Ids, predicted: Ids) -> NDArray[np.bool_]:
    """Which predictions are right: starts (E + 1,), truth (M,), predicted (E, k) to (E, k) bool."""
    right = np.zeros(predicted.shape, dtype=np.bool_)
    owners = _owners(starts)
    label, rank = np.nonzero(predicted[owners] == truth[:, None])
    right[owners[label], rank] = True
    return right


def _owners(starts: Offsets) -> Offsets:
    """The example (M,) of each true label."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _at_k(answers: _Answers) -> list[dict[str, Any]]:
    right = answers.right.sum(axis=0).cumsum().tolist()
    given = (answers.predicted >= 0).sum(axis=0).cumsum().tolist()
    return [
        {"k": k, "precision": _share(found, shown), "recall": _share(found, len(answers.truth))}
        for k, (found, shown) in enumerate(zip(right, given, strict=True), start=1)
    ]


def _classes(answers: _Answers) -> list[Class]:
    L = len(answers.labels)
    found = np.bincount(answers.top[answers.solved], minlength=L).tolist()
    predicted = np.bincount(answers.top[answers.top >= 0], minlength=L).tolist()
    support = np.bincount(answers.truth, minlength=L).tolist()
    return [
        Class(
            label=label,
            precision=_share(right, shown),
            recall=_share(right, true),
            f1=_share(2 * right, shown + true),
            support=true,
            predicted=shown,
        )
        for label, right, shown, true in zip(answers.labels, found, predicted, support, strict=True)
    ]


def _confusion(answers: _Answers) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cells that are not zero: pairs (n, 2) of a true and a predicted class, counts (n,).

    A solved example counts once, on the diagonal of its prediction. Another one with a prediction counts in the row
    of each of its true labels. With one label an example, rows thus sum to the examples of a class, if all are
    predicted.
    """
    owners = _owners(answers.starts)
    wrong = ~answers.solved[owners] & (answers.top[owners] >= 0)
    solved = answers.top[answers.solved]
    true = np.concatenate([solved, answers.truth[wrong]])
    predicted = np.concatenate([solved, answers.top[owners[wrong]]])
    pairs, counts = np.unique(np.column_stack([true, predicted]).astype(np.int64), axis=0, return_counts=True)
    return pairs, counts


def _matrix(pairs: NDArray[np.int64], counts: NDArray[np.int64], L: int) -> list[list[int]]:
    matrix = np.zeros((L, L), dtype=np.int64)
    matrix[pairs[:, 0], pairs[:, 1]] = counts
    rows: list[list[int]] = matrix.tolist()
    return rows


def _confused(pairs: NDArray[np.int64], counts: NDArray[np.int64], labels: Sequence[str]) -> list[Confusion]:
    off = pairs[:, 0] != pairs[:, 1]
    pairs, counts = pairs[off], counts[off]
    most = np.argsort(-counts, kind="stable")[:CONFUSIONS]
    return [
        Confusion(true=labels[true], predicted=labels[predicted], count=int(count))
        for (true, predicted), count in zip(pairs[most], counts[most], strict=True)
    ]


def _reliability(answers: _Answers) -> tuple[list[Bin], float]:
    """The bins, and how far they are off the diagonal; examples without a prediction are in none."""
    given = answers.top >= 0
    confidence, solved = answers.probabilities[given, 0], answers.solved[given]
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.searchsorted(edges[1:-1], confidence)
    counts = np.bincount(bins, minlength=BINS)
    sure = np.bincount(bins, weights=confidence, minlength=BINS)
    right = np.bincount(bins, weights=solved, minlength=BINS)
    rows = [
        Bin(
            low=round(low, 6),  # 0.3, not 0.30000000000000004
            high=round(high, 6),
            confidence=_share(total, count) if count else None,
            accuracy=_share(correct, count) if count else None,
            count=int(count),
        )
        for low, high, total, correct, count in zip(edges[:-1], edges[1:], sure, right, counts, strict=True)
    ]
    return rows, _share(np.abs(sure - right).sum(), counts.sum())


def _log_loss(answers: _Answers) -> float | None:
    certain = answers.probabilities[answers.right]
    if not len(certain) or not len(certain) == len(answers.truth) == len(answers.right):
        return None  # no examples, several labels, or one that is farther down than k
    return float(-np.log(np.maximum(certain, np.finfo(np.float32).eps)).mean())


def _mistakes(answers: _Answers, places: NDArray[np.intp]) -> list[Mistake]:
    wrong = np.flatnonzero(~answers.solved & (answers.top >= 0))
    surest = wrong[np.argsort(-answers.probabilities[wrong, 0], kind="stable")[:MISTAKES]]
    return [
        Mistake(
            example=int(places[row]),
            true=[answers.labels[label] for label in answers.truth[answers.starts[row] : answers.starts[row + 1]]],
            predicted=answers.labels[answers.top[row]],
            probability=float(answers.probabilities[row, 0]),
        )
        for row in surest
    ]


def _share(part: SupportsFloat, whole: SupportsFloat) -> float:
    return float(part) / float(whole) if whole else 0.0

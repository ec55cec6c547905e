"""What the fasttext package tells of a text, what we tell, and whether that is the same."""

from typing import Any

import pytest

from algorithms.text_classification.classifier import Classifier
from data.fasttext import LossName

STEP = 0.25 * 16 / 512  # of fastText's tabled sigmoid, at most

Told = list[tuple[str, float]]


def fasttexts(model: Any, text: str, *, k: int = -1, threshold: float = 0.0) -> Told:
    """Labels and probabilities of the package; its own predict() breaks with numpy 2."""
    pairs = model.f.predict(text + "\n", k, threshold, "surrogateescape")
    return [(label, chance) for chance, label in pairs]


def ours(classifier: Classifier, texts: list[str], **settings: Any) -> list[Told]:
    """The same of ours, for each text."""
    found = classifier.predict(texts, **settings)
    return [
        [(classifier.labels[label], chance) for label, chance in zip(labels, chances, strict=True) if label >= 0]
        for labels, chances in zip(found.labels.tolist(), found.probabilities.tolist(), strict=True)
    ]


def assert_same(told: Told, theirs: Told, *, loss: int) -> None:
    """The same labels with the same probabilities; equally likely ones may stand in another order.

    Where fastText looks the sigmoid up in a table, a sum may fall on either side of a step.
    """
    near = STEP if loss in (LossName.ONE_VS_ALL, LossName.NEGATIVE_SAMPLING) else 2e-6
    assert [chance for _, chance in told] == pytest.approx([chance for _, chance in theirs], rel=2e-4, abs=near)
    for label, chance in told:  # one that the other does not tell is as likely as its last
        assert chance == pytest.approx(dict(theirs).get(label, theirs[-1][1]), rel=2e-4, abs=near), label

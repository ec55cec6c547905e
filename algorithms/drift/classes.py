"""How the classes of labelled texts have changed: which are new, which are gone, how large each is."""

from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel

from algorithms.drift.vocabulary import distance


class ClassShare(BaseModel, frozen=True):
    """A class, and its share of the examples before and after: 0 where it is not there."""

    label: str
    before: float
    after: float


class ClassDrift(BaseModel, frozen=True):
    """How many classes there are, those that are new or gone, all by how much their share changed.

    distance: Jensen and Shannon's of the shares, 0..1.
    """

    before: int
    after: int
    distance: float
    born: list[str]
    gone: list[str]
    classes: list[ClassShare]


def class_drift(before: Mapping[str, int], after: Mapping[str, int]) -> ClassDrift:
    """Of how many examples each class has."""
    labels = list(dict.fromkeys([*before, *after]))
    counts = np.array([[side.get(label, 0) for label in labels] for side in (before, after)], np.float64)
    p, q = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    order = np.argsort(-np.abs(q - p), kind="stable").tolist()
    return ClassDrift(
        before=len(before),
        after=len(after),
        distance=distance(p, q),
        born=[label for label in after if label not in before],
        gone=[label for label in before if label not in after],
        classes=[ClassShare(label=labels[each], before=float(p[each]), after=float(q[each])) for each in order],
    )

"""What changed between two models of one algorithm: of each kind of thing that both have, and what the numbers mean."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from algorithms.drift.classes import ClassDrift, class_drift
from algorithms.drift.neighbours import NeighbourDrift, Space, neighbour_drift
from algorithms.drift.topics import TopicDrift, TopicWords, topic_drift
from algorithms.drift.vocabulary import VocabularyDrift, vocabulary_drift


class Matter(NamedTuple):
    """What of a model can be compared; what it has not is left empty.

    words (V), the most frequent first, with their counts (V,) where these are known; spaces of vectors; topics; how
    many examples each class has.
    """

    algorithm: str
    words: Sequence[str] = ()
    counts: NDArray[np.int64] | None = None
    spaces: Sequence[Space] = ()
    topics: TopicWords | None = None
    classes: Mapping[str, int] | None = None


class Drift(BaseModel, frozen=True):
    """What changed, small enough for a manifest: numbers, and the first words of each list."""

    algorithm: str
    vocabulary: VocabularyDrift | None = None
    neighbours: list[NeighbourDrift] = []
    topics: TopicDrift | None = None
    classes: ClassDrift | None = None


class Figure(NamedTuple):
    """One number of a drift. value: None where it is not known; meaning: in a sentence."""

    name: str
    value: float | int | None
    meaning: str


def drift(before: Matter, after: Matter) -> Drift:
    """Of two models of one algorithm."""
    assert before.algorithm == after.algorithm, (before.algorithm, after.algorithm)
    words = len(before.words) and len(after.words)
    others = {space.name: space for space in before.spaces}
    near = [neighbour_drift(others[space.name], space) for space in after.spaces if space.name in others]
    return Drift(
        algorithm=after.algorithm,
        vocabulary=vocabulary_drift(before.words, after.words, before.counts, after.counts) if words else None,
        neighbours=[each for each in near if each],
        topics=topic_drift(before.topics, after.topics) if before.topics and after.topics else None,
        classes=class_drift(before.classes, after.classes) if before.classes and after.classes else None,
    )


def figures(found: Drift) -> list[Figure]:
    """The numbers of a drift, each with what it means; those that are not known are left out."""
    told: list[Figure] = []
    if (words := found.vocabulary) is not None:
        told += [
            Figure("words before", words.before, "words of the model before"),
            Figure("words after", words.after, "words of the model after"),
            Figure("words born", words.born_count, "words that only the model after has"),
            Figure("words gone", words.gone_count, "words that only the model before has"),
            Figure("share of born words", words.born_share, "of the text after, 0 to 1, what is words that are new"),
            Figure("share of gone words", words.gone_share, "of the text before, 0 to 1, what is words that are gone"),
            Figure(
                "distance of words",
                words.distance,
                "Jensen-Shannon distance of how often words are said: 0 the same, 1 no word in common",
            ),
        ]
    for near in found.neighbours:
        of = "" if near.name == "words" else f" ({near.name})"
        told += [
            Figure(
                f"neighbours kept{of}",
                near.overlap,
                f"mean share of the {near.k} nearest words that stay the same, of {near.words:,} frequent words;"
                f" by chance it would be {near.chance:.2g}",
            ),
            Figure(f"words without a kept neighbour{of}", near.kept[0], "frequent words whose nearest are all others"),
        ]
    if (topics := found.topics) is not None:
        told += [
            Figure("topics before", topics.before, "topics of the model before"),
            Figure("topics after", topics.after, "topics of the model after"),
            Figure("topics born", len(topics.born), "topics that are like none before"),
            Figure("topics gone", len(topics.gone), "topics that none after is like"),
            Figure(
                "distance of topics",
                topics.distance,
                "mean Jensen-Shannon distance of the topics that went on: 0 the same words, 1 none in common",
            ),
        ]
    if (classes := found.classes) is not None:
        told += [
            Figure("classes before", classes.before, "classes of the model before"),
            Figure("classes after", classes.after, "classes of the model after"),
            Figure("classes born", len(classes.born), "classes that only the model after has"),
            Figure("classes gone", len(classes.gone), "classes that only the model before has"),
            Figure(
                "distance of classes",
                classes.distance,
                "Jensen-Shannon distance of how many examples each class has: 0 the same, 1 no class in common",
            ),
        ]
    return [figure for figure in told if figure.value is not None]

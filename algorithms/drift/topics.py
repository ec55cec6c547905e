"""Topics that went on, were born and are gone: those of two models, matched by the words they are made of.

A topic is known by its most typical words and what it weighs them, made to sum to 1. Two are as far apart as these
distributions, by Jensen and Shannon's distance, 0..1: where topics share a part s of their weight, about (1 - s)^0.5.
The matching that makes the sum of distances least is Kuhn's (the Hungarian method).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.optimize import linear_sum_assignment
from scipy.special import xlogy

WORDS = 50  # of each topic, its most typical
BORN = 0.8  # a distance: topics farther apart are not the same; 0.8 is where they share about a third of their weight
SHOWN = 10  # words
MOST = 60  # topics of a matrix that one can read


class TopicWords(NamedTuple):
    """words (V) name the columns of weights (K, V), rows of which sum to 1; shares (K,) of the text, or none."""

    words: Sequence[str]
    weights: NDArray[np.floating]
    shares: Sequence[float] = ()


class Topic(BaseModel, frozen=True):
    """A topic by its number, its first words and its share of the text, where that is known."""

    topic: int
    words: list[str]
    share: float | None = None


class TopicPair(BaseModel, frozen=True):
    """A topic that went on, before and after."""

    before: Topic
    after: Topic
    distance: float


class TopicDrift(BaseModel, frozen=True):
    """before, after: how many there are; pairs: the farthest apart first; born, gone: the largest first.

    distance: the mean over the pairs, None without one. matrix (before, after): all distances, where these are few
    enough to look at; else empty.
    """

    before: int
    after: int
    distance: float | None
    pairs: list[TopicPair]
    born: list[Topic]
    gone: list[Topic]
    matrix: list[list[float]]


def topic_drift(before: TopicWords, after: TopicWords, *, born: float = BORN) -> TopicDrift:
    """born: the distance from which topics are not the same, whatever else there is to match them with."""
    distances = _distances(before, after)
    rows, columns = linear_sum_assignment(np.minimum(distances, born))
    pairs = [(row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    pairs = [pair for pair in pairs if distances[pair] < born]
    pairs.sort(key=lambda pair: -distances[pair])
    gone = {*range(len(distances))} - {row for row, _ in pairs}
    new = {*range(distances.shape[1])} - {column for _, column in pairs}
    few = max(distances.shape) <= MOST
    return TopicDrift(
        before=len(distances),
        after=distances.shape[1],
        distance=float(np.mean([distances[pair] for pair in pairs])) if pairs else None,
        pairs=[
            TopicPair(before=_told(before, row), after=_told(after, column), distance=float(distances[row, column]))
            for row, column in pairs
        ],
        born=_by_size([_told(after, topic) for topic in sorted(new)]),
        gone=_by_size([_told(before, topic) for topic in sorted(gone)]),
        matrix=distances.round(3).tolist() if few else [],
    )


def _distances(before: TopicWords, after: TopicWords) -> NDArray[np.float64]:
    """(K, L) between the topics of both."""
    names: dict[str, int] = {}
    tops = [_top(each, names) for each in (before, after)]
    tables = [np.zeros((len(top), len(names))) for top in tops]
    for table, top in zip(tables, tops, strict=True):
        for row, (columns, weights) in zip(table, top, strict=True):
            row[columns] = weights
    p, q = tables
    # H(m) - (H(p) + H(q)) / 2, a row of p at a time: (L, words of all)
    own_p, own_q = (-xlogy(each, each).sum(axis=1) for each in (p, q))
    mixed = np.array([-xlogy(m := (row + q) / 2, m).sum(axis=1) for row in p]).reshape(len(p), len(q))
    bits = (mixed - (own_p[:, None] + own_q) / 2) / np.log(2)
    return np.asarray(np.sqrt(np.clip(bits, 0, 1)), np.float64)


def _top(topics: TopicWords, names: dict[str, int]) -> list[tuple[list[int], NDArray[np.float64]]]:
    """Of each topic the columns of its most typical words in a table of both models, and their weights."""
    found = []
    for row in np.asarray(topics.weights, np.float64):
        best = np.argsort(-row, kind="stable")[:WORDS]
        weights = np.clip(row[best], 0, None)
        columns = [names.setdefault(topics.words[word], len(names)) for word in best.tolist()]
        found.append((columns, weights / (weights.sum() or 1.0)))
    return found


def _told(topics: TopicWords, topic: int) -> Topic:
    best = np.argsort(-np.asarray(topics.weights[topic]), kind="stable")[:SHOWN]
    share = float(topics.shares[topic]) if len(topics.shares) else None
    return Topic(topic=topic, words=[topics.words[word] for word in best.tolist()], share=share)


def _by_size(topics: list[Topic]) -> list[Topic]:
    return sorted(topics, key=lambda topic: (-(topic.share or 0), topic.topic))

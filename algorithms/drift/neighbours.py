"""How the company of words has changed: the nearest words by cosine before and after.

Two trainings give vectors that are turned and mirrored against each other, even of the same text, so vectors of one
model are never compared with those of the other: only which words are near each other within each. (Hamilton et al.
2016, "Cultural Shift or Linguistic Drift?".)

Training again with another seed changes neighbours too; what a frequent word keeps then is what a text that has not
changed looks like.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from algorithms.nearest import Nearest

Vectors = NDArray[np.float32]

NEIGHBOURS = 10
ASKED, AMONG = 3000, 30_000  # words whose neighbours are looked at, and words that can be neighbours: the most frequent
BLOCK = 250  # words asked for at a time: 30 MB of cosines
SHOWN = 24  # words


class Space(NamedTuple):
    """Vectors by their names, the most frequent first. name: what they are of; vectors gives their (V, D)."""

    name: str
    words: Sequence[str]
    vectors: Callable[[], Vectors]


class Changed(BaseModel, frozen=True):
    """A word with its nearest words, the nearest first. kept: how many are the same."""

    word: str
    kept: int
    before: list[str]
    after: list[str]


class NeighbourDrift(BaseModel, frozen=True):
    """What so many common words keep of their k nearest, which are looked for `among` so many.

    overlap: the mean share that is kept, 0..1; chance: what would be kept if neighbours were drawn. kept (k+1) counts
    the words that keep 0, 1, ... k. changed: those that keep least, frequent ones first.
    """

    name: str
    k: int
    words: int
    among: int
    overlap: float
    chance: float
    kept: list[int]
    changed: list[Changed]


def neighbour_drift(before: Space, after: Space, *, k: int = NEIGHBOURS, shown: int = SHOWN) -> NeighbourDrift | None:
    """None where fewer than three words are common. Of a small vocabulary fewer than k neighbours are compared."""
    common = _common(before.words, after.words)[:AMONG]
    if len(common) < 3:
        return None
    k = min(k, max(1, (len(common) - 1) // 3))
    asked = common[:ASKED]
    found = [_nearest(space, common, asked, k) for space in (before, after)]
    kept = np.array([len({*old} & {*new}) for old, new in zip(*found, strict=True)])
    changed = [
        Changed(word=asked[place], kept=int(kept[place]), before=found[0][place], after=found[1][place])
        for place in np.argsort(kept, kind="stable")[:shown].tolist()
        if kept[place] < k
    ]
    return NeighbourDrift(
        name=after.name,
        k=k,
        words=len(asked),
        among=len(common),
        overlap=float(kept.mean() / k),
        chance=k / (len(common) - 1),
        kept=np.bincount(kept, minlength=k + 1).tolist(),
        changed=changed,
    )


def _common(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Words of both, by the sum of their ranks: what is frequent in both comes first."""
    ranks = {word: rank for rank, word in enumerate(before)}
    both = [(rank + ranks[word], word) for rank, word in enumerate(after) if word in ranks]
    return [word for _, word in sorted(both)]


def _nearest(space: Space, common: Sequence[str], asked: Sequence[str], k: int) -> list[list[str]]:
    """The k nearest of each word that is asked for, among the common ones."""
    rows = {word: row for row, word in enumerate(space.words)}
    vectors = np.ascontiguousarray(space.vectors()[[rows[word] for word in common]], np.float32)
    places = {word: place for place, word in enumerate(common)}
    nearest = Nearest(common, lambda: vectors, lambda word: (places[word], vectors[places[word]]))
    return [
        [each.name for each in near]
        for first in range(0, len(asked), BLOCK)
        for near in nearest.neighbours(words=asked[first : first + BLOCK], k=k)
    ]

"""How the words of a text have changed: which are new, which are gone, which are said more or less often.

Words V of the model before, W of the one after, each with how often its text has it. The distance is Jensen and
Shannon's with logarithms of base 2 (Lin 1991): 0 for the same shares of the same words, 1 for no word in common.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.special import rel_entr

SHOWN = 30  # words of each list


class Word(BaseModel, frozen=True):
    """rank: 1 for the first; 0 where the word is not there. share: of all words; None where nobody has counted."""

    word: str
    rank_before: int = 0
    rank_after: int = 0
    share_before: float | None = None
    share_after: float | None = None


class VocabularyDrift(BaseModel, frozen=True):
    """Numbers of words, and the first of each kind: born and gone by rank, moved by what they add to the distance.

    born_share: of the text after, what the words have that are new in it; gone_share: of the text before, those that
    are gone. distance: of the shares of all words. All three are None where nobody has counted.
    """

    before: int
    after: int
    common: int
    born_share: float | None = None
    gone_share: float | None = None
    distance: float | None = None
    born: list[Word] = []
    gone: list[Word] = []
    moved: list[Word] = []

    @property
    def born_count(self) -> int:
        """Words that are new."""
        return self.after - self.common

    @property
    def gone_count(self) -> int:
        """Words that are no longer there."""
        return self.before - self.common


def vocabulary_drift(
    before: Sequence[str],
    after: Sequence[str],
    counts_before: NDArray[np.int64] | None = None,
    counts_after: NDArray[np.int64] | None = None,
    *,
    shown: int = SHOWN,
) -> VocabularyDrift:
    """Of distinct words (V) and (W), with their counts (V,) and (W,) where both are known: at least one word each.

    Words with counts are ranked by these, others by their place, and none of those that only changed places is told.
    """
    places = {word: place for place, word in enumerate(before)}
    found = np.array([places.get(word, -1) for word in after], np.int64)
    here = np.flatnonzero(found >= 0)  # places after of the common words
    there = found[here]  # and before
    new = np.flatnonzero(found < 0)
    lost = np.setdiff1d(np.arange(len(before)), there, assume_unique=True)
    sizes = {"before": len(before), "after": len(after), "common": len(here)}
    counted = counts_before is not None and counts_after is not None and counts_before.any() and counts_after.any()
    if not counted:
        return VocabularyDrift(
            **sizes,
            born=[Word(word=after[place], rank_after=place + 1) for place in new[:shown].tolist()],
            gone=[Word(word=before[place], rank_before=place + 1) for place in lost[:shown].tolist()],
        )
    assert counts_before is not None, "mypy does not see it"
    assert counts_after is not None
    p, q = counts_before / counts_before.sum(), counts_after / counts_after.sum()
    p_rank, q_rank = _ranks(counts_before), _ranks(counts_after)

    def word(old: int, new: int) -> Word:
        told = Word(word=before[old] if new < 0 else after[new])
        if old >= 0:
            told = told.model_copy(update={"rank_before": int(p_rank[old]), "share_before": float(p[old])})
        if new >= 0:
            told = told.model_copy(update={"rank_after": int(q_rank[new]), "share_after": float(q[new])})
        return told

    added = _divergence(p[there], q[here])
    total = added.sum() + (p[lost].sum() + q[new].sum()) / 2
    most = np.argsort(-added, kind="stable")[:shown]
    return VocabularyDrift(
        **sizes,
        born_share=float(q[new].sum()),
        gone_share=float(p[lost].sum()),
        distance=float(np.sqrt(np.clip(total, 0, 1))),
        born=[word(-1, place) for place in new[np.argsort(q_rank[new], kind="stable")[:shown]].tolist()],
        gone=[word(place, -1) for place in lost[np.argsort(p_rank[lost], kind="stable")[:shown]].tolist()],
        moved=[word(int(there[place]), int(here[place])) for place in most.tolist() if added[place] > 0],
    )


def distance(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Jensen and Shannon's, 0..1, of two distributions (n,) over the same things."""
    return float(np.sqrt(np.clip(_divergence(p, q).sum(), 0, 1)))


def _divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each place adds to the divergence, in bits."""
    middle = (p + q) / 2
    return np.asarray((rel_entr(p, middle) + rel_entr(q, middle)) / (2 * np.log(2)), np.float64)


def _ranks(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """1 for the most frequent; of equals the first is before the others."""
    ranks = np.empty(len(counts), np.int64)
    ranks[np.argsort(-counts, kind="stable")] = np.arange(1, len(counts) + 1)
    return ranks

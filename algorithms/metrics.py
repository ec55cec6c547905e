"""How good word vectors are: human similarity judgements, analogies, neighbours. Pure functions of arrays.

Words V, dimensions D. `vectors` is (V, D) float32 with its rows in the order of `words`, most frequent first.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from algorithms.correlation import spearman
from data.gold import Analogy, Pair

Vectors: TypeAlias = NDArray[np.float32]

Lookup: TypeAlias = Callable[[list[str]], tuple[Vectors, NDArray[np.bool_]]]
"""Words (n) to their vectors (n, D) float32 and whether each was found (n,) bool; the row of a missing word is zero."""

QUESTIONS_A_BLOCK = 256  # x 30,000 words x 4 bytes = 31 MB of scores, a size that BLAS and the caches like


class Similarity(TypedDict):
    """One set of eval.json. `not_found` counts pairs with a missing word; those are left out of the correlation."""

    not_found: int
    spearmans_rho: float
    total_pairs: int


class Tally(NamedTuple):
    """Answers to analogy questions; `skipped` have a word outside the vocabulary and count for nothing."""

    correct: int
    asked: int
    skipped: int

    @property
    def accuracy(self) -> float:
        """Share of right answers among the questions asked, 0-1."""
        return self.correct / self.asked if self.asked else 0.0


def exact(words: Sequence[str], vectors: Vectors) -> Lookup:
    """A lookup that knows exactly `words`."""
    index = {word: row for row, word in enumerate(words)}

    def lookup(asked: list[str]) -> tuple[Vectors, NDArray[np.bool_]]:
        rows = np.array([index.get(word, -1) for word in asked], dtype=np.int64)
        found = rows >= 0
        return np.where(found[:, None], vectors[rows], np.float32(0)), found

    return lookup


def with_subwords(lookup: Lookup, compose: Callable[[list[str]], Vectors]) -> Lookup:
    """`lookup` first, in either case; only what it lacks is put together by `compose` (n,) -> (n, D) from n-grams.

    A word too short for any n-gram comes out of `compose` as zeros and stays missing.
    """

    def composed(asked: list[str]) -> tuple[Vectors, NDArray[np.bool_]]:
        vectors, found = find(asked, lookup)
        if unseen := [word for word, known in zip(asked, found, strict=True) if not known]:
            vectors[~found] = compose(unseen)
            found = found | vectors.any(axis=1)
        return vectors, found

    return composed


def find(words: list[str], lookup: Lookup) -> tuple[Vectors, NDArray[np.bool_]]:
    """Look words up as given, then lower-cased: gold sets write "Jerusalem", vocabularies often "jerusalem"."""
    vectors, found = lookup(words)
    lower, found_lower = lookup([word.lower() for word in words])
    return np.where(found[:, None], vectors, lower), found | found_lower


def pair_scores(pairs: Sequence[Pair], lookup: Lookup) -> NDArray[np.float64]:
    """(n, 2) float64: the human score and the cosine (-1..1) of each pair whose two words are known."""
    first, found_first = find([pair.first for pair in pairs], lookup)
    second, found_second = find([pair.second for pair in pairs], lookup)
    cosines = np.einsum("nd,nd->n", unit(first), unit(second), dtype=np.float64)
    human = np.array([pair.score for pair in pairs], dtype=np.float64)
    return np.column_stack([human, cosines])[found_first & found_second]


def similarity(pairs: Sequence[Pair], lookup: Lookup) -> Similarity:
    """Spearman's rank correlation of cosines with human scores; 0.0 where fewer than two distinct values leave none."""
    points = pair_scores(pairs, lookup) if pairs else np.empty((0, 2))
    return {
        "not_found": len(pairs) - len(points),
        "spearmans_rho": spearman(points[:, 0], points[:, 1]),
        "total_pairs": len(pairs),
    }


def evaluate_wordsim(gold: Mapping[str, Sequence[Pair]], lookup: Lookup) -> dict[str, Any]:
    """`eval.json` as BlazingText writes it: a `Similarity` for each set in the order given, then their plain mean."""
    sets = {name: similarity(pairs, lookup) for name, pairs in gold.items()}
    rhos = [result["spearmans_rho"] for result in sets.values()]
    return {**sets, "mean_rho": sum(rhos) / len(rhos) if rhos else 0.0}


def analogies(
    questions: Mapping[str, Sequence[Analogy]], words: Sequence[str], vectors: Vectors, *, restrict: int = 30_000
) -> dict[str, Any]:
    """Answer "a is to b as c is to ?" by 3CosAdd: the word nearest to b - a + c, never a, b or c themselves.

    Cases are folded and only the `restrict` most frequent words are known, as questions and as answers, as in
    word2vec's compute-accuracy and gensim. Returns {"accuracy", "correct", "asked", "skipped", "sections": {name:
    the same four}}. Levy & Goldberg 2014, equation 2.
    """
    spellings: dict[str, int] = {}  # to the row of the most frequent one
    for row, word in enumerate(words[:restrict]):
        spellings.setdefault(word.lower(), row)
    index = {word: place for place, word in enumerate(spellings)}
    directions = unit(vectors[list(spellings.values())])  # (W, D)
    sections = {name: _answer(section, index, directions) for name, section in questions.items()}
    total = Tally(*(sum(counts) for counts in zip(*sections.values(), strict=True))) if sections else Tally(0, 0, 0)
    return {**_summary(total), "sections": {name: _summary(tally) for name, tally in sections.items()}}


def _answer(section: Sequence[Analogy], index: Mapping[str, int], directions: Vectors) -> Tally:
    ids = [[index.get(word.lower(), -1) for word in question] for question in section]
    asked = np.array([row for row in ids if min(row) >= 0], dtype=np.int64).reshape(-1, 4)
    correct = 0
    for start in range(0, len(asked), QUESTIONS_A_BLOCK):
        a, b, c, expected = asked[start : start + QUESTIONS_A_BLOCK].T
        scores = (directions[b] - directions[a] + directions[c]) @ directions.T  # (questions, W)
        scores[np.arange(len(a))[:, None], np.column_stack([a, b, c])] = -np.inf
        correct += int((scores.argmax(axis=1) == expected).sum())
    return Tally(correct, len(asked), len(section) - len(asked))


def _summary(tally: Tally) -> dict[str, float | int]:
    return {"accuracy": tally.accuracy, **tally._asdict()}


def neighbours(
    words: Sequence[str], vectors: Vectors, queries: Sequence[str], *, k: int
) -> dict[str, list[tuple[str, float]]]:
    """The `k` words of highest cosine to each query, itself left out, nearest first; unknown queries are left out."""
    index = {word: row for row, word in enumerate(words)}
    known = {query: index.get(query, index.get(query.lower(), -1)) for query in queries}
    known = {query: row for query, row in known.items() if row >= 0}
    directions = unit(vectors)
    rows = np.array(list(known.values()), dtype=np.int64)
    cosines = directions[rows] @ directions.T  # (queries, V)
    cosines[np.arange(len(rows)), rows] = -np.inf
    k = min(k, len(words) - 1)
    nearest = {}
    for query, scores in zip(known, cosines, strict=True):
        best = np.argpartition(-scores, k)[:k] if k else np.empty(0, dtype=np.int64)
        best = best[np.lexsort((best, -scores[best]))]
        nearest[query] = [(words[row], float(scores[row])) for row in best]
    return nearest


def unit(vectors: Vectors) -> Vectors:
    """Rows (n, D) scaled to length 1; a zero row stays zero, so its cosine with anything is 0."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return scaled

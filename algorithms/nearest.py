"""What is near among named vectors, by cosine: for words, for a vector, for sums and differences of words.

Vectors V of D numbers. They may be memory-mapped, and then stay where they are: beside them is one number a vector.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from algorithms.answers import Neighbour, RequestError

Vectors = NDArray[np.float32]

MOST = 1000  # neighbours that can be asked for, and words and documents at a time
BLOCK = 1 << 16  # vectors that are looked at at a time
WAYS = ("words", "vector", "positive")

Find = Callable[[str], tuple[int, Vectors] | None]
"""A word's row, -1 where it has a vector (D,) and no row; None where it has neither."""


class Nearest:
    """names (V,), vectors: what gives the (V, D) float32, not asked for before they are needed."""

    def __init__(self, names: Sequence[str], vectors: Callable[[], Vectors], find: Find) -> None:
        self.names, self._make, self._find = names, vectors, find

    @cached_property
    def _vectors(self) -> Vectors:
        return self._make()

    @cached_property
    def _norms(self) -> Vectors:
        """(V,), infinite for a vector of zeros: it is near to nothing."""
        blocks = [np.linalg.norm(self._vectors[i : i + BLOCK], axis=1) for i in range(0, len(self._vectors), BLOCK)]
        norms = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
        return np.where(norms > 0, norms, np.float32(np.inf))

    def neighbours(
        self,
        *,
        words: Sequence[str] = (),
        vector: Sequence[float] = (),
        positive: Sequence[str] = (),
        negative: Sequence[str] = (),
        documents: Sequence[str] = (),
        k: int = 10,
    ) -> list[list[Neighbour]]:
        """See `answers.Neighbours`; of documents it knows nothing."""
        if documents:
            raise RequestError("this model has no vectors of documents", where="documents", remedy="ask for words")
        check(k, words=words, vector=vector, positive=positive or negative)
        if words:
            found = [self._known(word, f"words[{place}]") for place, word in enumerate(words)]
            return self._nearest(np.stack([each for _, each in found]), [{row} for row, _ in found], k)
        if len(vector):
            return self._nearest(self._query(vector), [set()], k)
        signs = [(word, 1, f"positive[{place}]") for place, word in enumerate(positive)]
        signs += [(word, -1, f"negative[{place}]") for place, word in enumerate(negative)]
        rows, total = set[int](), np.zeros(self._vectors.shape[1], np.float32)
        for word, sign, where in signs:
            row, each = self._known(word, where)
            rows.add(row)
            total += sign * each / max(float(np.linalg.norm(each)), 1e-30)
        return self._nearest(total[None, :], [rows], k)

    def _known(self, word: str, where: str) -> tuple[int, Vectors]:
        if found := self._find(word):
            return found
        other = f'ask for "{word.lower()}"' if self._find(word.lower()) else "ask for a word of the training text"
        raise RequestError(f'"{word[:80]}" is not in the vocabulary', where=where, remedy=other)

    def _query(self, vector: Sequence[float]) -> Vectors:
        wanted = self._vectors.shape[1]
        query = finite(vector)
        if query is None or len(query) != wanted:
            remedy = f"give {wanted} finite numbers"
            raise RequestError(f"no vector of {wanted} numbers", where="vector", remedy=remedy)
        return query[None, :]

    def _nearest(self, queries: Vectors, without: Sequence[set[int]], k: int) -> list[list[Neighbour]]:
        """Of queries (Q, D)."""
        scores = np.empty((len(queries), len(self._vectors)), np.float32)
        for first in range(0, len(self._vectors), BLOCK):
            block = slice(first, first + BLOCK)
            np.divide(queries @ self._vectors[block].T, self._norms[block], out=scores[:, block])
        scores /= np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), 1e-30)
        found = []
        for row, unwanted in zip(scores, without, strict=True):
            row[[each for each in unwanted if each >= 0]] = -np.inf
            best = largest(row, k)
            found.append([Neighbour(self.names[i], float(row[i])) for i in best.tolist() if np.isfinite(row[i])])
        return found


def among(vectors: Vectors, k: int) -> list[list[Neighbour]]:
    """For each of some vectors (N, D) the others, named by their places, the nearest first."""
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    scores = units @ units.T
    np.fill_diagonal(scores, -np.inf)
    return [[Neighbour(str(i), float(row[i])) for i in largest(row, min(k, len(row) - 1)).tolist()] for row in scores]


def check(k: int, **ways: Sequence[object]) -> None:
    """Raises RequestError unless one way is asked for, with a number of neighbours that can be."""
    if type(k) is not int or not 1 <= k <= MOST:
        raise RequestError(f"k is {k!r}", where="k", remedy=f"choose an integer from 1 to {MOST}")
    asked = [name for name, given in ways.items() if len(given)]
    if len(asked) != 1:
        what = f"{' and '.join(asked)} at once" if asked else "nothing is asked for"
        raise RequestError(what, where="neighbours", remedy=f"give one of {', '.join(ways)}")
    if asked != ["vector"] and len(ways[asked[0]]) > MOST:
        raise RequestError(f"{len(ways[asked[0]])} at once", where=asked[0], remedy=f"give at most {MOST}")


def finite(values: object) -> Vectors | None:
    """Numbers as float32, where all of a list are finite ones."""
    try:
        with np.errstate(over="ignore"):
            found = np.array(values, np.float32)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if found.ndim == 1 and np.isfinite(found).all() else None


def largest(scores: Vectors, k: int) -> NDArray[np.int64]:
    """The places of the k largest, the largest first; of equal ones the first."""
    k = min(k, len(scores))
    if not k:
        return np.zeros(0, np.int64)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
    chosen = np.sort(np.concatenate([above, equal[: k - len(above)]]))
    return chosen[np.argsort(-scores[chosen], kind="stable")]

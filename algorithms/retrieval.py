"""How well queries find what belongs to them, among a pool, by cosine. Pure functions of arrays.

Queries Q, pool P, dimensions D. The rank of a truth is its place in the pool, nearest first, from 1. Where others are
as near as the truth, every order among them is equally likely: a rank is the mean over these orders, and a hit the
share of them in which the truth is among the first k. A model that puts everything in one place then finds as much as
chance does, neither all nor nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms.metrics import Vectors, unit

HITS = (1, 10, 20)
NEAR = 1e-6  # cosines that differ by no more are equal: float32 products of equal rows differ by less
SCORES = 1 << 22  # that exist at once: 16 MB


class Places(NamedTuple):
    """Of each query, both (Q,) int64: how many of the pool are nearer than the truth; how many others as near."""

    nearer: NDArray[np.int64]
    equal: NDArray[np.int64]

    @property
    def ranks(self) -> NDArray[np.float64]:
        """(Q,) from 1 to P; halves where an even number shares the place."""
        ranks: NDArray[np.float64] = 1 + self.nearer + self.equal / 2
        return ranks

    def hits(self, k: int) -> float:
        """The share of queries, 0-1, whose truth is among the first k."""
        return float(np.clip((k - self.nearer) / (self.equal + 1), 0, 1).mean())


def judge(queries: Vectors, pool: Vectors, truths: NDArray[np.int64], *, hits: Sequence[int] = HITS) -> dict[str, Any]:
    """hits@k (0-1) for each k, mean_rank, queries, pool: what `places` says, as plain numbers.

    queries (Q, D), pool (P, D) float32, truths (Q,) int64: the row of the pool that each query must find. Q > 0.
    """
    found = places(queries, pool, truths)
    return {f"hits@{k}": found.hits(k) for k in hits} | {
        "mean_rank": float(found.ranks.mean()),
        "queries": len(queries),
        "pool": len(pool),
    }


def places(queries: Vectors, pool: Vectors, truths: NDArray[np.int64]) -> Places:
    """Where each truth stands. The cosine with a row of zeros is 0."""
    near, away = unit(queries), unit(pool)
    nearer, equal = np.empty((2, len(queries)), np.int64)
    step = max(1, SCORES // len(pool))
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        scores = near[block] @ away.T  # (step, P)
        scores -= scores[np.arange(len(scores)), truths[block]][:, None]
        nearer[block] = (scores > NEAR).sum(axis=1)
        equal[block] = (scores >= -NEAR).sum(axis=1) - nearer[block] - 1  # itself
    return Places(nearer, equal)

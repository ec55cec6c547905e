"""What an embedding of texts is worth: what it finds, and whether it is as near as people say. It knows no system."""

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from algorithms import correlation
from algorithms import retrieval as ranks
from algorithms.metrics import unit
from benchmarks import documents
from benchmarks.documents import Articles, Captions, Scored, Tokens
from benchmarks.harness import Figures

Embed: TypeAlias = Callable[[Sequence[Tokens]], NDArray[np.float32]]

FIGURES = tuple(f"hits@{k}" for k in ranks.HITS)


def retrieval(articles: Articles, pools: Sequence[int], embed: Embed) -> Figures:
    """By the size of the pool, hits@1, @10, @20 and mean rank of the articles that sentences were taken from."""
    queries = embed(documents.read_lines(articles.queries))
    rests = embed(documents.read_lines(articles.rests, max(pools)))
    truths = np.arange(len(queries))
    return {"pools": {str(pool): ranks.judge(queries, rests[:pool], truths) for pool in pools}}


def captions(found: Captions, embed: Embed) -> Figures:
    """The same of captions: each column is asked for each other one, the mean over these."""
    columns = [embed(documents.read_lines(path)) for path in found.test]
    truths = np.arange(len(columns[0]))
    each = [ranks.judge(queries, pool, truths) for queries, pool in permutations(columns, 2)]
    return {name: float(np.mean([one[name] for one in each])) for name in (*FIGURES, "mean_rank")}


def likeness(scored: Scored, embed: Embed) -> Figures:
    """How far the cosines of pairs agree with their scores."""
    first, second = (unit(embed(side)) for side in (scored.first, scored.second))
    return agreement(scored, np.einsum("nd,nd->n", first, second))


def agreement(scored: Scored, told: NDArray[np.float32]) -> Figures:
    """How far what was told of pairs (n,) agrees with their scores."""
    return {"pearson": correlation.pearson(told, scored.scores), "spearman": correlation.spearman(told, scored.scores)}

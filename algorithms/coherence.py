"""How good topics are, judged by their most typical words: coherence, uniqueness, diversity. Pure functions of arrays.

Topics K, vocabulary V, documents D, top words n. `topic_word` (K, V) says how typical each word is of each topic: any
numbers that rank, probabilities or not, so that every model can be judged alike. `tops` (K, n) int64 are the ids of the
most typical words, the first one foremost. `counts` (D, V) is a sparse matrix of how often documents of a reference
corpus have each word: the training text, or another one that is counted with the same vocabulary.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from algorithms.metrics import Vectors, unit

Ids: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float64]

COHERENT, SHOWN, DIVERSE = 10, 20, 25  # top words that NPMI, TU and WETC, and diversity look at


class Topic(TypedDict):
    """One topic's row: its `SHOWN` most typical words, what `topic_word` says of them, and its scores."""

    topic: int
    words: list[str]
    weights: list[float]
    npmi: float
    tu: float
    wetc: float | None


def judge(
    words: Sequence[str], topic_word: NDArray[np.floating], counts: csr_matrix, *, vectors: Vectors | None = None
) -> dict[str, Any]:
    """All there is to say about topics, as values that JSON knows; `words` (V) names the columns of `topic_word`.

    vectors (V, D) are the words' vectors, if there are any, with zeros for a word that has none. Returns

        npmi       mean of `npmi`, -1..1: do a topic's words occur in the same documents?
        tu         mean of `topic_uniqueness`, 1/K..1: SageMaker's
        diversity  `topic_diversity`, above 0..1
        wetc       mean of `wetc`, -1..1; None without vectors
        topics     a `Topic` for each, in their order
        documents  D
        absent     how many of the words that NPMI looks at occur in no document
        wordless   how many of the words that WETC looks at have no vector; None without vectors
    """
    tops = top_words(topic_word, DIVERSE)
    shown = tops[:, :SHOWN]
    coherence, uniqueness = npmi(tops, counts), topic_uniqueness(tops)
    similarity = wetc(tops, vectors) if vectors is not None else None
    looked_at = np.unique(tops[:, :COHERENT])
    topics = [
        Topic(
            topic=k,
            words=[words[word] for word in shown[k]],
            weights=topic_word[k, shown[k]].astype(np.float64).tolist(),
            npmi=float(coherence[k]),
            tu=float(uniqueness[k]),
            wetc=float(similarity[k]) if similarity is not None else None,
        )
        for k in range(len(tops))
    ]
    return {
        "npmi": float(coherence.mean()),
        "tu": float(uniqueness.mean()),
        "diversity": topic_diversity(tops),
        "wetc": float(similarity.mean()) if similarity is not None else None,
        "topics": topics,
        "documents": counts.shape[0],
        "absent": int((np.asarray(counts[:, looked_at].sum(axis=0)) == 0).sum()),
        "wordless": int((~vectors[np.unique(shown)].any(axis=1)).sum()) if vectors is not None else None,
    }


def top_words(topic_word: NDArray[np.floating], n: int = SHOWN) -> Ids:
    """(K, n): ids of the n largest numbers of each row, or all V if there are fewer; of equals the lower id first."""
    n = min(n, topic_word.shape[1])
    tops = np.empty((len(topic_word), n), dtype=np.int64)
    for top, row in zip(tops, topic_word, strict=True):  # a row at a time: K x V ids would be large
        candidates = np.flatnonzero(row >= np.partition(row, len(row) - n)[-n])
        top[:] = candidates[np.argsort(-row[candidates], kind="stable")[:n]]
    return tops


def npmi(tops: Ids, counts: csr_matrix, n: int = COHERENT) -> Scores:
    """(K,) mean normalised pointwise mutual information of the pairs of each topic's first n words, -1..1.

    ln(p(a, b) / p(a)p(b)) / -ln p(a, b), where p is the share of documents that have a word, or both words. Bouma 2009
    defines it, Lau et al. 2014 judge topics by it. 0 is chance, 1 means that the two only ever occur together.

    A pair that never meets, also since a word is absent from the documents, scores -1, Bouma's limit, as in Dieng et
    al. 2020. Lau's own script and W-LDA's score it 0, gensim's c_npmi something between, since it adds 1e-12 to
    p(a, b): published numbers are comparable only where pairs meet. Two words that every document has score 0: they
    tell nothing of each other.
    """
    used, places = np.unique(tops[:, :n], return_inverse=True)
    places = places.reshape(len(tops), -1)
    occurs = (counts[:, used] != 0).astype(np.int32)
    shares = (occurs.T @ occurs).toarray() / max(counts.shape[0], 1)  # of the words in use only, never V x V
    first, second = (places[:, side] for side in np.triu_indices(places.shape[1], k=1))  # (K, pairs)
    met = shares[first, second] > 0
    alone = np.log(shares.diagonal()[first[met]]) + np.log(shares.diagonal()[second[met]])
    together = np.log(shares[first[met], second[met]])
    scores = np.full(met.shape, -1.0)
    scores[met] = np.divide(alone, together, out=np.ones_like(alone), where=together < 0) - 1
    return scores.mean(axis=1) if scores.size else np.zeros(len(tops))


def windows(tokens: NDArray[np.integer], starts: Ids, *, tops: Ids, size: int = 10) -> csr_matrix:
    """Windows of `size` tokens as the documents of `npmi`: then words must meet near each other, as in Lau et al. 2014.

    Document d is `tokens[starts[d] : starts[d + 1]]`, ids of words; it gives a window at each of its tokens that `size`
    others can begin with, or one, if it is shorter. Returns how often each window has each word of `tops` (W, largest
    id + 1); other words are left out.
    """
    lengths = np.diff(starts)
    last = np.maximum(lengths - size, 0)  # window of each document
    offsets = np.cumsum(last + 1) - (last + 1)
    kept = np.flatnonzero(np.isin(tokens, tops))
    owner = np.searchsorted(starts, kept, side="right") - 1
    place = kept - starts[owner]
    low, high = np.maximum(place - size + 1, 0), np.minimum(place, last[owner])  # windows that have the token
    spans = high - low + 1
    step = np.arange(spans.sum()) - np.repeat(np.cumsum(spans) - spans, spans)
    rows = np.repeat(offsets[owner] + low, spans) + step
    columns = np.repeat(tokens[kept], spans)
    shape = (int((last + 1).sum()), int(tops.max()) + 1)
    return coo_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=shape).tocsr()


def topic_uniqueness(tops: Ids, n: int = SHOWN) -> Scores:
    """(K,) TU: mean of 1 / (topics that have the word among their first n), 1/K..1. Nan et al. 2019; SageMaker's."""
    _, places, times = np.unique(tops[:, :n], return_inverse=True, return_counts=True)
    uniqueness: Scores = (1 / times[places.reshape(len(tops), -1)]).mean(axis=1)
    return uniqueness


def topic_diversity(tops: Ids, n: int = DIVERSE) -> float:
    """Share of different words among the first n of all topics, above 0..1. Dieng et al. 2020."""
    return len(np.unique(tops[:, :n])) / tops[:, :n].size


def wetc(tops: Ids, vectors: Vectors, n: int = SHOWN) -> Scores:
    """(K,) mean cosine of the pairs of each topic's first n words, -1..1: pairwise WETC, Ding et al. 2018.

    vectors (V, D). A word without a vector, a row of zeros, has cosine 0 with all others.
    """
    directions = unit(vectors[tops[:, :n].ravel()]).astype(np.float64).reshape(*tops[:, :n].shape, -1)
    words = tops[:, :n].shape[1]
    # all pairs at once: |sum of unit vectors|² holds each pair twice and each vector with itself
    both = (directions.sum(axis=1) ** 2).sum(axis=1) - (directions**2).sum(axis=(1, 2))
    scores: Scores = both / max(words * (words - 1), 1)
    return scores

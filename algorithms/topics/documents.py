"""What documents say of topics, shard by shard: how much of the text each topic has, which documents are most of it.

Documents N, topics K. theta (N, K) float32 are the documents' mixtures: rows that sum to 1. In memory stay K rows of a
few numbers, however many documents there are.
"""

import numpy as np
from numpy.typing import NDArray

MOST = 3  # documents that are told for each topic


class Documents:
    """Of all documents that were added: words (K,), the words of each topic; places and shares (K, up to `MOST`)."""

    def __init__(self, topics: int) -> None:
        self.size = 0
        self.words = np.zeros(topics, np.float64)
        self.places = np.zeros((topics, 0), np.int64)
        self.shares = np.zeros((topics, 0), np.float32)

    def add(self, theta: NDArray[np.float32], lengths: NDArray[np.floating]) -> None:
        """Some more documents, with their lengths (N,) in words."""
        found = np.argsort(-theta, axis=0, kind="stable")[:MOST].T
        places = np.concatenate([self.places, found + self.size], axis=1)
        shares = np.concatenate([self.shares, np.take_along_axis(theta.T, found, axis=1)], axis=1)
        best = np.argsort(-shares, axis=1, kind="stable")[:, :MOST]
        self.places, self.shares = (np.take_along_axis(each, best, axis=1) for each in (places, shares))
        self.words += lengths @ theta
        self.size += len(theta)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """(K,) the share of the text that each topic has."""
        return self.words / max(float(self.words.sum()), 1e-30)

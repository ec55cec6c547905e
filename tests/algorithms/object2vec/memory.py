"""Pairs that need no files, and some that hide something to be learned."""

from itertools import pairwise

import numpy as np

from data.pairs import Batch, Sequences

TOPICS = 6
WORDS = 20  # of each topic


class InMemory:
    """A corpus of one batch, and a piece of itself."""

    vocabulary = None

    def __init__(self, batch: Batch, vocab_sizes: tuple[int, int]) -> None:
        self.batch, self.vocab_sizes, self.train = batch, vocab_sizes, self

    @property
    def tokens(self) -> int:
        return self.batch.tokens

    def all(self):
        return [self]

    def read(self) -> Batch:
        return self.batch

    def parts(self, index, of, workers):
        total = self.batch.size
        first, last = total * index // of, total * (index + 1) // of
        cuts = [first + (last - first) * worker // workers for worker in range(workers + 1)]
        return [[InMemory(part(self.batch, a, b), self.vocab_sizes)] for a, b in pairwise(cuts)]


def part(batch: Batch, start: int, stop: int) -> Batch:
    """Pairs start..stop-1 as slices of shards are: views of which the first sequence does not begin at 0."""
    in0, in1 = (Sequences(side.tokens, side.offsets[start : stop + 1]) for side in (batch.in0, batch.in1))
    return Batch(in0, in1, batch.labels[start:stop])


def scattered(pairs: int, *, vocab_sizes=(40, 30), labels=2, longest=7, seed: int) -> Batch:
    """Pairs of anything."""
    rng = np.random.default_rng(seed)
    sides = [
        Sequences.of(rng.integers(size, size=rng.integers(1, longest + 1)) for _ in range(pairs))
        for size in vocab_sizes
    ]
    return Batch(*sides, rng.integers(labels, size=pairs).astype(np.float32))


def planted(pairs: int, *, negatives: bool = False, seed: int) -> Batch:
    """in0 and in1 have words of the same topic, label 1; with negatives every other pair of different ones, label 0."""
    rng = np.random.default_rng(seed)
    first = rng.integers(TOPICS, size=pairs)
    labels = np.arange(pairs) % 2 if negatives else np.ones(pairs, int)
    second = (first + (1 - labels) * rng.integers(1, TOPICS, size=pairs)) % TOPICS

    def side(topics):
        return Sequences.of(1 + topic + TOPICS * rng.integers(WORDS, size=rng.integers(3, 9)) for topic in topics)

    return Batch(side(first), side(second), labels.astype(np.float32))


VOCAB_SIZES = (1 + TOPICS * WORDS,) * 2


def corpus(batch: Batch, vocab_sizes=VOCAB_SIZES) -> InMemory:
    return InMemory(batch, vocab_sizes)

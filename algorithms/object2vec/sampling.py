"""Negative sampling: for each pair that belongs together, pairs that do not, drawn from what is there.

A pair is known by 64 bits of what both its sequences hold, as far as their encoders read them. Knows no weights.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms.object2vec.kernels import hash_sequences
from data.pairs import Batch, Sequences

Keys = NDArray[np.uint64]
Numbers = NDArray[np.int64]

ATTEMPTS = 32  # for each pair to be drawn, until one is found that is no positive; else it is left out
MIX = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)


class Negatives(NamedTuple):
    """M pairs: which of the in0 with which of the in1 that were offered."""

    in0: Numbers
    in1: Numbers


def keys_of(sequences: Sequences, *, longest: int) -> Keys:
    """(E,): equal for sequences whose first `longest` ids are equal, and for no others."""
    keys = np.empty(sequences.size, np.uint64)
    hash_sequences(sequences.tokens, sequences.offsets, longest, keys)
    return keys


def pair_keys(in0: Keys, in1: Keys) -> Keys:
    """(E,): 64 bits of each pair of keys."""
    mixed = (in0 ^ (in0 >> HALF)) * MIX
    mixed = (mixed ^ in1) * MIX
    return mixed ^ (mixed >> HALF)


def positive_keys(batches: Iterable[Batch], *, longest: tuple[int, int]) -> Keys:
    """Sorted keys of all pairs with another label than 0, each once."""
    found = [np.zeros(0, np.uint64)]
    for batch in batches:
        sides = (keys_of(side, longest=most) for side, most in zip((batch.in0, batch.in1), longest, strict=True))
        found.append(pair_keys(*sides)[batch.labels != 0])
    return np.unique(np.concatenate(found))


def contained(keys: Keys, among: Keys) -> NDArray[np.bool_]:
    """Which of the keys are among those, which are sorted."""
    if not len(among):
        return np.zeros(len(keys), bool)
    return np.equal(among[np.minimum(np.searchsorted(among, keys), len(among) - 1)], keys)


def draw(in0: Keys, in1: Keys, *, rate: int, positives: Keys, rng: np.random.Generator) -> Negatives:
    """For each in0 (B,) `rate` of the in1 (C,), drawn with equal chances and put back, none of the pairs a positive.

    Where hardly any in1 would do, fewer.
    """
    first = np.repeat(np.arange(len(in0)), rate)
    second = rng.integers(len(in1), size=len(first))
    wrong = np.arange(len(first))
    for _ in range(ATTEMPTS):
        wrong = wrong[contained(pair_keys(in0[first[wrong]], in1[second[wrong]]), positives)]
        if not len(wrong):
            return Negatives(first, second)
        second[wrong] = rng.integers(len(in1), size=len(wrong))
    wrong = wrong[contained(pair_keys(in0[first[wrong]], in1[second[wrong]]), positives)]
    return Negatives(np.delete(first, wrong), np.delete(second, wrong))

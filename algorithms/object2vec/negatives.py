"""Pairs that are none, fixed once, for sets to be judged by: each in0 with the in1 of other pairs of its set."""

import numpy as np
from numpy.typing import NDArray

from algorithms.object2vec.waiting import joint

TRIES = 50  # draws for a pair before it is given up: all others of a small set may be positives

Ints = NDArray[np.int64]


def negatives(
    codes: NDArray[np.uint64], documents: Ints, positives: NDArray[np.uint64], *, each: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """For every pair of a set, `each` times itself and another pair, whose in1 makes a pair with its in0 that is none.

    codes: (E, 2), what identifies in0 and in1 of each pair; documents: (E,) equal for pairs of one document, or empty.
    positives: sorted, `joint` of all pairs that are. Returns the numbers of the pairs of in0 and of in1; less than
    `each` where there are not enough.
    """
    size = len(codes)
    first = np.repeat(np.arange(size), each)
    second = rng.integers(size, size=len(first))
    wrong = np.arange(len(first))
    for _ in range(TRIES):
        wrong = wrong[_is_positive(codes, documents, positives, first[wrong], second[wrong])]
        if not wrong.size:
            break
        second[wrong] = rng.integers(size, size=wrong.size)
    else:
        wrong = wrong[_is_positive(codes, documents, positives, first[wrong], second[wrong])]
    right = np.ones(len(first), np.bool_)
    right[wrong] = False
    return first[right], second[right]


def _is_positive(
    codes: NDArray[np.uint64], documents: Ints, positives: NDArray[np.uint64], first: Ints, second: Ints
) -> NDArray[np.bool_]:
    """Whether in0 of a pair and in1 of another are a pair too, or of the same document."""
    both = joint(codes[first, 0], codes[second, 1])
    place = np.minimum(np.searchsorted(positives, both), len(positives) - 1)
    known: NDArray[np.bool_] = positives[place] == both
    return known | (documents[first] == documents[second]) if documents.size else known

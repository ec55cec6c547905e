"""Prepared examples for a table with fewer rows: the numbers of those that stay, the others left out."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from data.examples import Batch


def renumbered(batch: Batch, numbers: NDArray[np.int32]) -> Batch:
    """The examples with row r as row numbers[r], and without those where that is below zero."""
    shorter = np.empty(batch.offsets[-1] - batch.offsets[0], np.int32)  # pages that are not reached are never touched
    starts = np.empty(len(batch.offsets), np.int64)
    used = renumber(batch.stream, batch.offsets, numbers, shorter, starts)
    return Batch(shorter[:used], starts)


@njit(nogil=True, cache=True)
def renumber(
    stream: NDArray[np.int32],
    offsets: NDArray[np.int64],
    numbers: NDArray[np.int32],
    shorter: NDArray[np.int32],
    starts: NDArray[np.int64],
) -> int:
    """Copy examples, as `kernels.examples` writes them: how much of `shorter` is used. In place.

    numbers: what each row is called, below zero where it is left out; an example may end without any. shorter: room for
    the examples as they are; starts: (len(offsets),), where each begins there.
    """
    used = starts[0] = 0
    for example in range(offsets.size - 1):
        begin, end = offsets[example], offsets[example + 1]
        labels = end - stream[begin + 1]
        for i in range(begin, begin + 2):
            shorter[used] = stream[i]
            used += 1
        for i in range(begin + 2, labels):
            # without a branch, which would be guessed wrong every other time; one left out is written over
            shorter[used] = numbers[stream[i]]
            used += shorter[used] >= 0
        for i in range(labels, end):
            shorter[used] = stream[i]
            used += 1
        starts[example + 1] = used
    return used

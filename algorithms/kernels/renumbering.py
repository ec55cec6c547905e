"""Prepared examples for a table with fewer rows: the numbers of those that stay, the others left out."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def renumbered(
    stream: NDArray[np.int32], offsets: NDArray[np.int64], numbers: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The examples with row r as row numbers[r], and without those where that is below zero; an example may end without
    any. stream, offsets: as `kernels.examples` writes them, and as they are returned.
    """
    shorter = np.empty(offsets[-1] - offsets[0], np.int32)  # pages that are not reached are never touched
    starts = np.empty(offsets.size, np.int64)
    return shorter[: renumber(stream, offsets, numbers, shorter, starts)], starts


@njit(nogil=True, cache=True)
def renumber(
    stream: NDArray[np.int32],
    offsets: NDArray[np.int64],
    numbers: NDArray[np.int32],
    shorter: NDArray[np.int32],
    starts: NDArray[np.int64],
) -> int:
    """See `renumbered`: how much of `shorter` is used. In place.

    shorter: room for the examples as they are; starts: (len(offsets),), where each begins there.
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

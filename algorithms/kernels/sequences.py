"""Sequences of ids within one stream: sequence i is stream[starts[i] : starts[i + 1] - 1], one mark behind each."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_ODD = np.uint64(0x9E3779B97F4A7C15)  # splitmix64's constants
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@njit(nogil=True, cache=True)
def identify(stream: NDArray[np.int32], starts: NDArray[np.int64], codes: NDArray[np.uint64]) -> None:
    """codes[i] = what is equal for equal sequences, and for others but once in 2^64. In place."""
    for i in range(starts.size - 1):
        code = _ODD
        for place in range(starts[i], starts[i + 1] - 1):
            code = (code ^ (np.uint64(stream[place]) + _ODD)) * _MIX
            code ^= code >> np.uint64(29)
        codes[i] = code


@njit(nogil=True, cache=True)
def count(
    stream: NDArray[np.int32], starts: NDArray[np.int64], numbers: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    """Add how often each id stands in the sequences `numbers` to counts. In place."""
    for number in numbers:
        for place in range(starts[number], starts[number + 1] - 1):
            counts[stream[place]] += 1


@njit(nogil=True, cache=True)
def gather(
    stream: NDArray[np.int32], starts: NDArray[np.int64], numbers: NDArray[np.int64], tokens: NDArray[np.int32]
) -> None:
    """Write the sequences `numbers` into `tokens`, one after the other, without their marks. In place."""
    used = 0
    for number in numbers:
        for place in range(starts[number], starts[number + 1] - 1):
            tokens[used] = stream[place]
            used += 1

"""What separates tokens; counting itself is shown in tests/algorithms/test_counting.py."""

import numpy as np
from numba import njit

from algorithms.kernels import counting
from tests.strategies import SPACES


@njit(cache=True)
def spaces(letters, found):
    for i in range(letters.size):
        found[i] = counting.is_space(letters[i])


def test_every_byte_separates_or_does_not() -> None:
    found = np.zeros(256, np.bool_)
    spaces(np.arange(256).astype(np.uint8), found)
    assert np.flatnonzero(found).tolist() == sorted(map(ord, SPACES))

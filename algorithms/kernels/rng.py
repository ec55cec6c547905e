"""Random numbers for kernels: a 64-bit linear congruential generator (Knuth's constants), its state one integer.

Kernels keep the state in a local variable, take it from and leave it in an array of one uint64: no global state, so
the same seed gives the same numbers in any thread or process.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

MULTIPLIER = np.uint64(6364136223846793005)
INCREMENT = np.uint64(1442695040888963407)
HIGH = np.uint64(32)


def seeded(*keys: int) -> NDArray[np.uint64]:
    """A kernel's generator state, (1,) uint64, for a seed and whatever else sets this stream apart (round, chunk)."""
    return np.asarray(np.random.SeedSequence(keys).generate_state(1, np.uint64), np.uint64)


@njit(nogil=True, forceinline=True)
def step(state: np.uint64) -> np.uint64:
    """The next state; its high bits are the random ones."""
    return state * MULTIPLIER + INCREMENT


@njit(nogil=True, forceinline=True)
def signed(value: np.unsignedinteger[Any]) -> int:
    """As int64: numba makes a float of a sum of signed and unsigned."""
    return np.int64(value)  # type: ignore[return-value]


@njit(nogil=True, forceinline=True)
def below(state: np.uint64, bound: int) -> int:
    """A number in 0..bound-1 (bound < 2**32) from the high half of a state."""
    return signed(((state >> HIGH) * np.uint64(bound)) >> HIGH)

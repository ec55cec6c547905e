import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from algorithms.kernels.rng import below, seeded, signed, step
from tests.algorithms.oracle import Generator

STATES = st.integers(0, 2**64 - 1)


@njit(cache=True)
def drawn(state, bound, steps, out):
    for i in range(steps):
        state = step(state)
        out[i] = below(state, bound)
    return state


@given(STATES, st.integers(1, 2**32 - 1))
def test_steps_and_bounds_are_those_of_plain_python(state: int, bound: int) -> None:
    out = np.zeros(5, np.int64)
    last = drawn(np.uint64(state), bound, 5, out)
    generator = Generator(state)
    assert out.tolist() == [generator.below(bound) for _ in range(5)]
    assert last == generator.state
    assert (out >= 0).all()
    assert (out < bound).all()


def test_every_number_comes_as_often() -> None:
    out = np.zeros(70_000, np.int64)
    drawn(np.uint64(7), 7, out.size, out)
    assert np.abs(np.bincount(out, minlength=7) - 10_000).max() < 500


def test_signed_numbers_stay_integers() -> None:
    @njit
    def less(a):
        return signed(a) - 3

    assert less(np.uint32(1)) == -2
    assert isinstance(less(np.uint64(1)), int)


def test_streams_differ_by_every_key() -> None:
    keys = [(0, 0), (0, 1), (1, 0), (1, 1), (2**40, 1), (2**63, 2)]
    states = [seeded(*key) for key in keys]
    assert all(state.shape == (1,) and state.dtype == np.uint64 for state in states)
    assert len({int(state[0]) for state in states}) == len(keys)
    assert [seeded(*key)[0] for key in keys] == [state[0] for state in states]

import numpy as np
import pytest
from numba import njit

from algorithms.kernels.simd import (
    LANES,
    at,
    broadcast,
    clip,
    divide,
    exp,
    fma,
    load,
    prefetch,
    splat,
    store,
    totals,
)

RNG = np.random.default_rng(5)
NUMBERS = RNG.normal(size=256).astype(np.float32)


@njit(cache=True)
def all_of_them(numbers, offset, result):
    a, b, c = load(numbers, offset), load(numbers, offset + 16), load(numbers, offset + 32)
    store(result, 0, a)
    store(result, 16, fma(a, b, c))
    store(result, 32, divide(a, b))
    store(result, 48, clip(a, splat(np.float32(0.5))))
    store(result, 64, splat(np.float32(0.1)))
    store(result, 80, broadcast(numbers, offset + 3))
    result[96] = at(numbers, offset + 5)


@pytest.mark.parametrize("offset", [0, 1, 7, 16, 50])  # loads need no alignment
def test_lane_by_lane_as_numpy(offset: int) -> None:
    result = np.full(98, -7, np.float32)
    all_of_them(NUMBERS, offset, result)
    a, b, c = (NUMBERS[offset + first : offset + first + LANES] for first in (0, 16, 32))
    np.testing.assert_array_equal(result[:16], a)
    np.testing.assert_allclose(result[16:32], a * b + c, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result[32:48], a / b, rtol=1e-6)
    np.testing.assert_array_equal(result[48:64], np.clip(a, -0.5, 0.5))
    np.testing.assert_array_equal(result[64:80], np.full(16, 0.1, np.float32))
    np.testing.assert_array_equal(result[80:96], np.full(16, NUMBERS[offset + 3]))
    assert result[96] == NUMBERS[offset + 5]
    assert result[97] == -7


@njit(cache=True)
def stored(result, index, value):
    store(result, index, splat(np.float32(value)))


@pytest.mark.parametrize("index", [0, 3, 16])
def test_stores_sixteen_floats_and_no_more(index: int) -> None:
    result = np.zeros(40, np.float32)
    stored(result, index, 2.5)
    np.testing.assert_array_equal(np.flatnonzero(result), np.arange(index, index + LANES))


@njit(cache=True)
def summed(v, result):
    store(
        result,
        0,
        totals(
            load(v, 0), load(v, 16), load(v, 32), load(v, 48), load(v, 64), load(v, 80),
            load(v, 96), load(v, 112), load(v, 128), load(v, 144), load(v, 160), load(v, 176),
        ),
    )  # fmt: skip


def test_totals_of_twelve_vectors() -> None:
    result = np.full(16, np.nan, np.float32)
    summed(NUMBERS, result)
    np.testing.assert_allclose(result[:12], NUMBERS[:192].reshape(12, 16).sum(axis=1), rtol=1e-5, atol=1e-6)
    # each lane of each vector is counted once, for its own sum
    for place in range(192):
        summed(np.eye(1, 192, place, dtype=np.float32)[0], result)
        assert np.flatnonzero(result[:12]).tolist() == [place // 16]


@njit(cache=True)
def fetched(floats, integers, index):
    prefetch(floats, index)
    prefetch(integers, index)
    return at(integers, index)


def test_prefetching_changes_nothing_and_at_reads_any_type() -> None:
    numbers, integers = NUMBERS.copy(), np.arange(256)
    assert fetched(numbers, integers, 200) == 200
    np.testing.assert_array_equal(numbers, NUMBERS)


@njit(cache=True)
def exponentials(numbers, result):
    for i in range(0, numbers.size, 16):
        store(result, i, exp(load(numbers, i)))


@pytest.mark.parametrize(("low", "high"), [(-87, 88), (-1, 1), (-1e-6, 1e-6), (-20, 0)])
def test_exponentials(low: float, high: float) -> None:
    numbers = np.linspace(low, high, 16 * 20_000, dtype=np.float32)
    result = np.empty_like(numbers)
    exponentials(numbers, result)
    exact = np.exp(numbers.astype(np.float64))
    assert np.abs(result / exact - 1).max() < 3e-7
    assert (np.diff(result) >= -3e-7 * result[1:]).all()


def test_exponentials_of_little_are_zero() -> None:
    numbers = np.array([0, -87.01, -88, -100, -1e3, -1e30, -np.inf, -0.0] * 2, np.float32)
    result = np.empty_like(numbers)
    exponentials(numbers, result)
    np.testing.assert_array_equal(result, [1, 0, 0, 0, 0, 0, 0, 1] * 2)

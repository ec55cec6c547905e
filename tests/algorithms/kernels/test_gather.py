import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels import gather
from algorithms.kernels.rows import packed, stride_of, unpacked

DIMS = [1, 7, 16, 33, 100]
ROWS = 30
LISTS = [[0], [5, 1], [2, 2, 2], [1, 2, 3, 4], [4, 3, 2, 1, 0], [*range(ROWS), 7, 7], [9] * 13]

Floats = NDArray[np.float32]


@njit(cache=True)
def averaged(table, stride, rows, first, last, scale, hot, shift, result):
    gather.ask_for_rows(table, stride, rows, first, last, scale, hot, shift)
    gather.mean(table, stride, rows, first, last, scale, hot, shift, result)


@njit(cache=True)
def added(table, stride, rows, first, last, scale, hot, shift, change, share):
    gather.add(table, stride, rows, first, last, scale, hot, shift, change, share)


@njit(cache=True)
def settled(table, own, before, size):
    gather.settle(table, own, before, size)


def named(rows: list[int], stride: int, *, by_number: bool) -> tuple[NDArray[np.integer], int, int, int]:
    """Rows in the middle of a longer list, where they begin and end in it, and the scale of their names."""
    if by_number:
        return np.array([-(2**31), *rows, 2**31 - 1], np.int32), 1, 1 + len(rows), stride
    return np.array([-(2**60), *rows, 2**60]) * np.array([1, *[stride] * len(rows), 1]), 1, 1 + len(rows), 1


def table_of(dim: int) -> Floats:
    return np.random.default_rng(dim).normal(size=(ROWS, dim)).astype(np.float32)


@pytest.mark.parametrize("by_number", [True, False])
@pytest.mark.parametrize("rows", LISTS, ids=len)
@pytest.mark.parametrize("dim", DIMS)
def test_mean_and_add(dim: int, rows: list[int], by_number: bool) -> None:
    table, stride = table_of(dim), stride_of(dim)
    flat, result = packed(table), np.full(stride + 1, np.nan, np.float32)
    names = named(rows, stride, by_number=by_number)
    averaged(flat, stride, *names, 0, 0, result)
    wanted = table.astype(np.float64)
    np.testing.assert_allclose(result[:dim], wanted[rows].mean(axis=0), rtol=1e-5, atol=1e-6)
    assert not result[dim:stride].any()
    assert np.isnan(result[-1])  # behind the padding
    np.testing.assert_array_equal(unpacked(flat, 0, ROWS, dim=dim), table)

    change = packed(table[:1] * 7)
    added(flat, stride, *names, 0, 0, change, np.float32(0.25))
    np.add.at(wanted, rows, 0.25 * 7 * table[0])
    np.testing.assert_allclose(unpacked(flat, 0, ROWS, dim=dim), wanted, rtol=1e-5, atol=1e-5)
    assert not flat.reshape(-1, stride)[:, dim:].any()  # what pads a row
    untouched = [row for row in range(ROWS) if row not in rows]
    np.testing.assert_array_equal(unpacked(flat, 0, ROWS, dim=dim)[untouched], table[untouched])


def test_no_rows_add_nothing() -> None:
    flat = packed(table_of(7))
    added(flat, 16, *named([], 16, by_number=True), 0, 0, np.ones(16, np.float32), np.float32(1))
    np.testing.assert_array_equal(unpacked(flat, 0, ROWS, dim=7), table_of(7))


@pytest.mark.parametrize("hot", [0, 3, ROWS])
def test_hot_rows_are_those_of_the_copy(hot: int) -> None:
    """The copy lies behind the table, as it may in memory."""
    table, rows = table_of(20), [0, 2, 3, 29, 2]
    copy = table[:hot] + 100
    both = packed(table, copy)
    result, stride = np.zeros(32, np.float32), stride_of(20)
    names, shift = named(rows, stride, by_number=True), ROWS * stride
    averaged(both, stride, *names, hot, shift, result)
    seen = np.concatenate([copy, table[hot:]]).astype(np.float64)
    np.testing.assert_allclose(result[:20], seen[rows].mean(axis=0), rtol=1e-5, atol=1e-5)
    added(both, stride, *names, hot, shift, np.ones(32, np.float32), np.float32(0.5))
    np.add.at(seen, rows, 0.5)
    np.testing.assert_array_equal(unpacked(both, 0, hot, dim=20), table[:hot])
    np.testing.assert_allclose(unpacked(both, hot, ROWS, dim=20), seen[hot:], rtol=1e-5)
    np.testing.assert_allclose(unpacked(both, ROWS, ROWS + hot, dim=20), seen[:hot], rtol=1e-5)


def test_what_two_threads_learned_comes_together() -> None:
    table = packed(table_of(16))
    start, copies = table.copy(), [(np.zeros(64, np.float32), np.zeros(64, np.float32)) for _ in range(2)]
    steps = np.random.default_rng(1).normal(size=(5, 2, 64)).astype(np.float32)
    for step in steps:
        for (own, before), change in zip(copies, step, strict=True):
            settled(table, own, before, 64)
            np.testing.assert_array_equal(own, table[:64])
            np.testing.assert_array_equal(before, own)
            own += change
    for own, before in copies:
        settled(table, own, before, 64)
    np.testing.assert_allclose(table[:64], start[:64] + steps.sum(axis=(0, 1)), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(table[64:], start[64:])

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels import layer
from algorithms.kernels.layer import PAD, TILE
from algorithms.kernels.rows import packed, stride_of, unpacked

DIMS = [1, 7, 16, 33, 100]
COUNTS = [1, 2, 11, 12, 13, 30, 500]

Floats = NDArray[np.float32]


@njit(cache=True)
def scored(hidden, outputs, stride, rows, count, scores):
    layer.score(hidden, outputs, stride, rows, count, scores)


@njit(cache=True)
def all_rows(outputs, stride):
    return layer.all_rows(outputs, stride)


@njit(cache=True)
def softmaxed(scores, count):
    layer.softmax(scores, count)


@njit(cache=True)
def logistics(scores, count):
    layer.logistic(scores, count)


@njit(cache=True)
def gradients(scores, wanted, count, rate):
    layer.gradient(scores, wanted, count, rate)


@njit(cache=True)
def applied(hidden, outputs, stride, rows, count, gradients, change):
    layer.apply(hidden, outputs, stride, rows, count, gradients, change)


def tables(dim: int, count: int) -> tuple[Floats, Floats]:
    """A hidden vector and `count` output rows."""
    rng = np.random.default_rng([dim, count])
    hidden, outputs = rng.normal(size=dim), rng.normal(size=(count, dim))
    return hidden.astype(np.float32), outputs.astype(np.float32)


def padded(scores: NDArray[np.floating]) -> Floats:
    """Scores with room behind them, where anything may stand."""
    junk = np.full(len(scores) + TILE + PAD, 3e38, np.float32)
    junk[: len(scores)] = scores
    return junk


def offsets(rows: list[int], stride: int) -> NDArray[np.int64]:
    """Filled up to whole tiles, as the kernel wants them."""
    return np.array([*rows, *[rows[0]] * (-len(rows) % TILE)]) * stride


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("dim", DIMS)
def test_score(dim: int, count: int) -> None:
    (hidden, outputs), stride = tables(dim, count), stride_of(dim)
    wanted = outputs.astype(np.float64) @ hidden
    flat = packed(outputs)
    scores = padded(np.zeros(count))
    rows = all_rows(flat, stride)
    assert rows.size % TILE == 0
    assert rows[:count].tolist() == [stride * row for row in range(count)]
    scored(packed(hidden[None]), flat, stride, rows, count, scores)
    np.testing.assert_allclose(scores[:count], wanted, rtol=1e-5, atol=2e-5)
    # a selection, with repetitions
    some = np.random.default_rng(count).integers(0, count, 17).tolist()
    scored(packed(hidden[None]), flat, stride, offsets(some, stride), 17, chosen := padded(np.zeros(17)))
    np.testing.assert_array_equal(chosen[:17], scores[some])


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e4, 1e30])
@pytest.mark.parametrize("count", COUNTS)
def test_softmax(count: int, scale: float) -> None:
    s = (scale * np.random.default_rng(count).normal(size=count)).astype(np.float32)
    scores = padded(s)
    softmaxed(scores, count)
    exact = np.exp((s - s.max()).astype(np.float64))  # the difference is rounded as in the kernel
    np.testing.assert_allclose(scores[:count], exact / exact.sum(), rtol=2e-6, atol=1e-37)
    assert scores[:count].sum(dtype=np.float64) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("count", COUNTS)
def test_logistic(count: int) -> None:
    s = np.random.default_rng(count).normal(0, 8, count).astype(np.float32)
    scores = padded(s)
    logistics(scores, count)
    np.testing.assert_allclose(scores[:count], 1 / (1 + np.exp(-s.astype(np.float64))), atol=1.2e-4)


@pytest.mark.parametrize("alternatives", [True, False])
def test_gradient_and_loss(alternatives: bool) -> None:
    rng = np.random.default_rng(3)
    chances, wanted = rng.random(13, np.float32), (rng.random(13) < 0.3).astype(np.float32)
    assert wanted.any()
    assert not wanted.all()
    exact = -np.log(np.where(wanted > 0, chances, 1 if alternatives else 1 - chances.astype(np.float64))).sum()
    assert layer.loss(padded(chances), wanted, 13, alternatives) == pytest.approx(exact, rel=1e-6)
    scores = padded(chances)
    gradients(scores, wanted, 13, np.float32(0.25))
    np.testing.assert_allclose(scores[:13], 0.25 * (wanted - chances), rtol=1e-6)
    assert (scores[13:] == np.float32(3e38)).all()


def test_the_loss_of_what_was_held_for_impossible_is_finite() -> None:
    chances, wanted = padded(np.array([0, 1, 0])), np.array([1, 0, 0], np.float32)
    assert layer.loss(chances, wanted, 3, True) == pytest.approx(-np.log(layer.LEAST))
    assert layer.loss(chances, wanted, 3, False) == pytest.approx(-2 * np.log(layer.LEAST))


@pytest.mark.parametrize("rows", [[0], [3, 1], [2, 2], [4, 0, 4, 4, 1], list(range(30)), [7] * 12])
@pytest.mark.parametrize("dim", DIMS)
def test_apply(dim: int, rows: list[int]) -> None:
    (hidden, outputs), stride = tables(dim, 30), stride_of(dim)
    g = np.random.default_rng(len(rows)).normal(0, 0.3, len(rows)).astype(np.float32)
    flat, change = packed(outputs), np.full(stride, np.nan, np.float32)
    applied(packed(hidden[None]), flat, stride, offsets(rows, stride), len(rows), g, change)
    wanted, total = outputs.astype(np.float64), np.zeros(dim)
    for row, share in zip(rows, g.astype(np.float64), strict=True):  # one that comes again is met as the last left it
        total += share * wanted[row]
        wanted[row] += share * hidden
    np.testing.assert_allclose(unpacked(flat, 0, 30, dim=dim), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(change[:dim], total, rtol=1e-5, atol=2e-5)
    assert not change[dim:].any()
    assert not flat.reshape(-1, stride)[:, dim:].any()  # what pads a row
    untouched = [row for row in range(30) if row not in rows]
    np.testing.assert_array_equal(unpacked(flat, 0, 30, dim=dim)[untouched], outputs[untouched])


def test_a_step_goes_down_the_slope_of_softmax() -> None:
    """By finite differences: of the loss by the hidden vector, and by every output."""
    hidden, outputs = (table.astype(np.float64) for table in tables(7, 13))
    target, rate, nudge = 5, 1e-3, 1e-6

    def loss(h: NDArray[np.float64], c: NDArray[np.float64]) -> float:
        return float(np.logaddexp.reduce(c @ h) - c[target] @ h)

    stride, wanted = stride_of(7), np.zeros(13 + PAD, np.float32)
    wanted[target] = 1
    h, flat = packed(hidden[None].astype(np.float32)), packed(outputs.astype(np.float32))
    before, scores, change = flat.copy(), padded(np.zeros(13)), np.zeros(stride, np.float32)
    rows = all_rows(flat, stride)
    scored(h, flat, stride, rows, 13, scores)
    softmaxed(scores, 13)
    assert layer.loss(scores, wanted, 13, True) == pytest.approx(loss(hidden, outputs), rel=1e-5)
    gradients(scores, wanted, 13, np.float32(rate))
    applied(h, flat, stride, rows, 13, scores, change)
    moved = unpacked(flat - before, 0, 13, dim=7) / rate
    for k in range(7):
        step = nudge * np.eye(7)[k]
        slope = (loss(hidden + step, outputs) - loss(hidden - step, outputs)) / (2 * nudge)
        assert change[k] / rate == pytest.approx(-slope, abs=1e-3)
        for row in range(13):
            step_of_row = np.outer(np.eye(13)[row], step)
            slope = (loss(hidden, outputs + step_of_row) - loss(hidden, outputs - step_of_row)) / (2 * nudge)
            assert moved[row, k] == pytest.approx(-slope, abs=2e-3)

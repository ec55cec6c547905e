import numpy as np
import pytest
from numba import njit

from algorithms.kernels import update
from algorithms.kernels.rows import packed, stride_of, unpacked
from algorithms.kernels.simd import load, store
from algorithms.kernels.update import PAD, TILE

ROWS = 11  # of inputs; outputs have one more, nobody's
NOBODY = ROWS


@njit(cache=True)
def sigmoids(x, y):
    for i in range(0, x.size, 16):
        store(y, i, update.sigmoid(load(x, i)))


@njit(cache=True)
def scored(inputs, outputs, stride, x, count, c, first, scores):
    update.score(inputs, outputs, stride, x, count, c, first, scores)


@njit(cache=True)
def gradients(scores, count, used, positive, rate):
    update.gradient(scores, count, used, positive, rate)


@njit(cache=True)
def applied(inputs, outputs, stride, x, count, c, first, gradient):
    update.apply(inputs, outputs, stride, x, count, c, first, gradient)


@njit(cache=True)
def trained(inputs, outputs, stride, x, count, c, first, group, rate, scores, watch):
    return update.train_group(inputs, outputs, stride, x, count, c, first, group, rate, scores, watch)


def exact(s: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-s))


def loss(inputs: np.ndarray, outputs: np.ndarray, x: list[int], c: list[int]) -> float:
    """-log sigmoid(s) of the first of `c` and -log sigmoid(-s) of the others, over all inputs."""
    sign = np.where(np.arange(len(c)) == 0, -1.0, 1.0)
    return float(np.logaddexp(0, sign * (inputs[x] @ outputs[c].T)).sum())


def oracle(inputs: np.ndarray, outputs: np.ndarray, x: list[int], c: list[int], rate: float) -> None:
    """One step, in place, in float64: six outputs at a time, the inputs one after the other."""
    for tile in range(0, len(c), TILE):
        rows = c[tile : tile + TILE]
        labels = np.arange(tile, tile + len(rows)) == 0
        g = rate * (labels - exact(inputs[x] @ outputs[rows].T))
        before = outputs[rows].copy()
        for i, row in enumerate(x):
            outputs[rows] += np.outer(g[i], inputs[row])
            inputs[row] += g[i] @ before


def tables(dim: int, *, seed: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(0, scale / np.sqrt(dim), (ROWS, dim)).astype(np.float32)
    return inputs, rng.normal(0, scale, (ROWS, dim)).astype(np.float32)


def train(
    inputs: np.ndarray, outputs: np.ndarray, x: list[int], c: list[int], rate: float, *, watch: bool = True
) -> tuple[np.ndarray, np.ndarray, float]:
    """A step of the kernel; the targets begin at the fourth place of a longer list."""
    dim, stride = inputs.shape[1], stride_of(inputs.shape[1])
    flat, flat_out = packed(inputs), packed(outputs, spare=1)
    filled = c + [NOBODY] * (-len(c) % TILE)
    targets = np.array([1, 1, 1, *filled, 1]) * stride
    contexts = np.array([*x, 2, 2]) * stride
    scores = np.full(TILE * (len(x) + 1) + PAD, np.nan, np.float32)
    watched = trained(flat, flat_out, stride, contexts, len(x), targets, 3, len(c), np.float32(rate), scores, watch)
    assert not flat.reshape(-1, stride)[:, dim:].any()  # what pads a row
    assert not flat_out[-stride:].any()  # nobody
    return unpacked(flat, 0, ROWS, dim=dim), unpacked(flat_out, 0, ROWS, dim=dim), watched


CASES = [
    ([0], [1]),
    ([0], [1, 2]),
    ([0], [0, 1, 2, 3, 4, 5]),
    ([3, 4], [1, 2, 3, 4, 5, 6]),
    ([3, 4, 5], [1, 2, 3, 4, 5, 6, 7]),
    ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [5, 4, 3, 2, 1, 0]),
    ([3, 3], [1, 2, 3, 4, 5, 6]),
    ([3, 3, 4, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
    ([7, 8], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
]


@pytest.mark.parametrize("dim", [1, 13, 16, 40])
@pytest.mark.parametrize(("x", "c"), CASES)
def test_a_step_is_the_oracles(x: list[int], c: list[int], dim: int) -> None:
    inputs, outputs = tables(dim, seed=len(x) + len(c))
    ours, ours_out, watched = train(inputs, outputs, x, c, 0.1)
    wanted, wanted_out = inputs.astype(np.float64), outputs.astype(np.float64)
    oracle(wanted, wanted_out, x, c, 0.1)
    # the sigmoid is within 1e-4, times the rate, times a few vectors
    np.testing.assert_allclose(ours, wanted, atol=2e-4, rtol=1e-5)
    np.testing.assert_allclose(ours_out, wanted_out, atol=2e-4, rtol=1e-5)
    if len(c) <= TILE:
        assert watched == pytest.approx(loss(inputs, outputs, x, c), rel=1e-5)
    untouched = [row for row in range(ROWS) if row not in x]
    np.testing.assert_array_equal(ours[untouched], inputs[untouched])
    untouched = [row for row in range(ROWS) if row not in c]
    np.testing.assert_array_equal(ours_out[untouched], outputs[untouched])


def test_unwatched_steps_are_the_same_without_a_loss() -> None:
    inputs, outputs = tables(20, seed=1)
    watched, quiet = (train(inputs, outputs, [1, 2, 3], [4, 5, 6], 0.1, watch=watch) for watch in (True, False))
    np.testing.assert_array_equal(watched[0], quiet[0])
    np.testing.assert_array_equal(watched[1], quiet[1])
    assert quiet[2] == 0


@pytest.mark.parametrize("found", [0, 1, 4, 5, 6, 9])
def test_nobody_for_negatives_that_were_not_found_is_left_out(found: int) -> None:
    inputs, outputs = tables(13, seed=2)
    words = list(range(1 + found))
    ours = train(inputs, outputs, [4, 5, 4], words + [NOBODY] * (13 - len(words)), 0.1)
    wanted = train(inputs, outputs, [4, 5, 4], words, 0.1)
    np.testing.assert_array_equal(ours[0], wanted[0])
    np.testing.assert_array_equal(ours[1], wanted[1])
    assert ours[2] == wanted[2]


@pytest.mark.parametrize(("x", "c"), [([3], [1, 2, 3]), ([3, 4], [1, 2, 3, 4, 5, 6])])
def test_a_step_goes_down_the_slope_of_the_loss(x: list[int], c: list[int]) -> None:
    inputs, outputs = tables(5, seed=9)
    rate, nudge = 1e-2, 1e-5
    ours, ours_out, _ = train(inputs, outputs, x, c, rate)
    tables64 = [inputs.astype(np.float64), outputs.astype(np.float64)]
    for which, moved in ((0, ours - inputs), (1, ours_out - outputs)):
        for place in np.ndindex(ROWS, 5):
            losses = []
            for step in (nudge, -nudge):
                nudged = [table.copy() for table in tables64]
                nudged[which][place] += step
                losses.append(loss(nudged[0], nudged[1], x, c))
            slope = (losses[0] - losses[1]) / (2 * nudge)
            assert moved[place] / rate == pytest.approx(-slope, abs=1e-3)


def test_sigmoid_is_close_everywhere() -> None:
    x = np.linspace(-30, 30, 16 * 5000, dtype=np.float32)
    y = np.empty_like(x)
    sigmoids(x, y)
    assert np.abs(y - exact(x.astype(np.float64))).max() < 2e-4
    assert ((y >= 0) & (y <= 1)).all()
    np.testing.assert_allclose(y + y[::-1], 1, atol=1e-6)
    assert (np.diff(y) > -1e-6).all()


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_score(count: int) -> None:
    inputs, outputs = tables(21, seed=count)
    stride, rng = stride_of(21), np.random.default_rng(count)
    x, c = rng.integers(0, ROWS, count), rng.permutation(ROWS)[: TILE + 1]
    scores = np.full(TILE * (count + 1) + PAD, np.nan, np.float32)
    scored(packed(inputs), packed(outputs, spare=1), stride, x * stride, count, c * stride, 1, scores)
    wanted = inputs[x] @ outputs[c[1:]].T
    np.testing.assert_allclose(scores[: TILE * count].reshape(count, TILE), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize(("count", "used"), [(1, 6), (2, 1), (3, 4), (9, 6)])
def test_gradient_and_loss(count: int, used: int, positive: bool) -> None:
    rng = np.random.default_rng(count)
    s = rng.normal(0, 6, (count, TILE)).astype(np.float32)
    labels = np.zeros((count, TILE))
    labels[:, 0] = positive
    scores = np.concatenate([s.ravel(), np.full(TILE + PAD, 9, np.float32)])
    signed = np.where(labels, -1, 1) * s.astype(np.float64)
    wanted = np.logaddexp(0, signed)[:, :used].sum()
    assert update.loss(scores, count, used, positive) == pytest.approx(wanted, rel=1e-6)
    gradients(scores, count, used, positive, np.float32(0.25))
    g = scores[: TILE * count].reshape(count, TILE)
    np.testing.assert_allclose(g[:, :used], (0.25 * (labels - exact(s.astype(np.float64))))[:, :used], atol=5e-5)
    assert not g[:, used:].any()


def test_the_loss_of_extreme_scores_is_finite() -> None:
    scores = np.array([-200, 200, 1e4, -1e4, 0, 3e38] + [0] * 16, np.float32)
    assert update.loss(scores, 1, 5, True) == pytest.approx(200 + 200 + 1e4 + np.log(2))
    assert np.isfinite(update.loss(scores, 1, 6, True))


def test_apply() -> None:
    inputs, outputs = tables(17, seed=4)
    stride, rng = stride_of(17), np.random.default_rng(4)
    g = rng.normal(size=(3, TILE)).astype(np.float32)
    x, c = np.array([1, 2, 9]), np.array([0, 3, 1, 2, 9, 5])
    flat, flat_out = packed(inputs), packed(outputs, spare=1)
    applied(flat, flat_out, stride, x * stride, 3, c * stride, 0, g.ravel())
    wanted, wanted_out = inputs.copy(), outputs.copy()
    wanted[x] += g @ outputs[c]
    wanted_out[c] += g.T @ inputs[x]
    np.testing.assert_allclose(unpacked(flat, 0, ROWS, dim=17), wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(unpacked(flat_out, 0, ROWS, dim=17), wanted_out, rtol=1e-4, atol=1e-5)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from algorithms.kernels import kmeans
from algorithms.kernels.rng import seeded

TIE = 1 + 2**-14  # distances closer than this are one to the kernel


def assigned(
    points: NDArray[np.float32], weights: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    codes = np.empty(len(weights), np.uint8)
    sums = np.full((kmeans.CENTROIDS, kmeans.TALLIES + len(points)), np.nan)
    kmeans.assign(points, weights, centroids, codes, sums)
    return codes, sums


@given(
    count=st.integers(0, 70), columns=st.integers(1, 9), scale=st.sampled_from([1e-6, 1, 1e6]), key=st.integers(0, 99)
)
def test_each_point_goes_to_its_nearest_centroid(count: int, columns: int, scale: float, key: int) -> None:
    rng = np.random.default_rng(key)
    points = (scale * rng.standard_normal((columns, count))).astype(np.float32)
    centroids = (scale * rng.standard_normal((columns, kmeans.CENTROIDS))).astype(np.float32)
    weights = rng.random(count, np.float32)
    codes, sums = assigned(points, weights, centroids)

    distances = ((points[:, :, None].astype(np.float64) - centroids[:, None]) ** 2).sum(axis=0)
    taken = distances[np.arange(count), codes]
    assert (taken <= distances.min(axis=1) * TIE).all()
    expected = np.zeros(sums.shape)
    np.add.at(expected, codes, np.column_stack([weights, weights * taken, (weights * points.astype(np.float64)).T]))
    np.testing.assert_allclose(sums, expected, rtol=2e-4, atol=1e-6 * scale)


def test_a_point_that_is_a_centroid_is_its_own() -> None:
    centroids = np.linspace(-3, 3, kmeans.CENTROIDS, dtype=np.float32)[None]
    codes, sums = assigned(centroids, np.ones(kmeans.CENTROIDS, np.float32), centroids)
    np.testing.assert_array_equal(codes, np.arange(kmeans.CENTROIDS))
    assert not sums[:, 1].any()


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_seeds_lie_far_from_each_other(columns: int) -> None:
    rng = np.random.default_rng(columns)
    clusters = 100 * rng.permutation(kmeans.CENTROIDS).repeat(20)  # more points than one block holds
    points = clusters + rng.random((columns, clusters.size)) / 100
    chosen = kmeans.seed(points.astype(np.float32), np.ones(clusters.size, np.float32), seeded(1))
    assert len(set(clusters[chosen].tolist())) == kmeans.CENTROIDS


def test_all_points_are_seeds_when_they_are_few() -> None:
    points = np.random.default_rng(1).random((2, 200), np.float32)
    points[:, 150:] = points[:, :50]
    chosen = kmeans.seed(points, np.ones(200, np.float32), seeded(1))
    assert {(*point,) for point in points[:, chosen].T.tolist()} == {(*point,) for point in points.T.tolist()}


def test_a_point_without_weight_is_no_seed() -> None:
    weights = np.arange(3000, dtype=np.float32) % 2
    chosen = kmeans.seed(np.random.default_rng(1).random((1, 3000), np.float32), weights, seeded(1))
    assert (weights[chosen] == 1).all()
    assert not kmeans.seed(np.zeros((1, 3000), np.float32), np.zeros(3000, np.float32), seeded(1)).any()


def test_seeds_depend_on_the_generator_alone() -> None:
    points, weights = np.random.default_rng(1).random((2, 3000), np.float32), np.ones(3000, np.float32)
    first = kmeans.seed(points, weights, seeded(1))
    np.testing.assert_array_equal(first, kmeans.seed(points, weights, seeded(1)))
    assert (first != kmeans.seed(points, weights, seeded(2))).any()

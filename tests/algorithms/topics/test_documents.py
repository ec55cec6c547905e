import numpy as np
import pytest

from algorithms.topics.documents import MOST, Documents


@pytest.mark.parametrize("cuts", [[], [1], [2, 2, 30], range(1, 40)])
def test_however_the_documents_come(cuts):
    rng = np.random.default_rng(1)
    theta = rng.dirichlet(np.ones(5), 40).astype(np.float32)
    lengths = rng.integers(1, 99, 40).astype(np.float32)
    found = Documents(5)
    for mixtures, words in zip(np.split(theta, cuts), np.split(lengths, cuts), strict=True):
        found.add(mixtures, words)
    assert found.size == 40
    for topic in range(5):
        best = np.argsort(-theta[:, topic])[:MOST]
        assert found.places[topic].tolist() == best.tolist()
        assert found.shares[topic].tolist() == theta[best, topic].tolist()
    np.testing.assert_allclose(found.sizes, (theta * lengths[:, None]).sum(axis=0) / lengths.sum(), rtol=1e-5)


def test_of_equals_the_first():
    found = Documents(2)
    for _ in range(2):
        found.add(np.full((3, 2), 0.5, np.float32), np.ones(3))
    assert found.places.tolist() == [[0, 1, 2]] * 2


def test_few_documents_and_none():
    assert Documents(2).sizes.tolist() == [0, 0]
    found = Documents(2)
    found.add(np.array([[0.25, 0.75]], np.float32), np.array([4.0]))
    assert found.places.tolist() == [[0], [0]]
    assert found.sizes.tolist() == [0.25, 0.75]

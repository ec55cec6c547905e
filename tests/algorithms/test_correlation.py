import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms import correlation


def oracle(x, y):
    """Pearson's r by its definition."""
    x, y = x - np.mean(x), y - np.mean(y)
    return (x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum())


def ranks(values):
    """Equal values share the mean of their ranks."""
    return np.array([(values < value).sum() + ((values == value).sum() - 1) / 2 for value in values])


@given(st.integers(0, 2**32 - 1))
def test_equals_the_definition_with_ties(seed):
    x, y = np.random.default_rng(seed).integers(0, 5, (2, 20)).astype(float)
    if np.ptp(x) and np.ptp(y):
        assert correlation.pearson(x, y) == pytest.approx(oracle(x, y), abs=1e-12)
        assert correlation.spearman(x, y) == pytest.approx(oracle(ranks(x), ranks(y)), abs=1e-12)


@pytest.mark.parametrize("values", [([], []), ([1.0], [2.0]), ([1, 1], [2, 3]), ([2, 3], [0, 0])])
def test_where_there_is_nothing_to_compare_it_is_zero(values):
    assert correlation.pearson(*values) == correlation.spearman(*values) == 0.0


def test_order_alone_counts_for_spearman():
    assert correlation.spearman([1, 2, 3], [1, 10, 1000]) == pytest.approx(1)
    assert correlation.spearman([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert correlation.pearson([1, 2, 3], [1, 10, 1000]) < 0.9
    assert type(correlation.pearson([1, 2], [2, 1])) is float

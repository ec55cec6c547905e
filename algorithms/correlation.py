"""How far two lists of numbers agree: judgements of people and of a model. scipy's figures, 0 where there are none."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def pearson(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's r of two (n,) lists, -1..1; 0.0 where one of them has fewer than two distinct values."""
    x, y = _floats(first), _floats(second)
    return float(stats.pearsonr(x, y).statistic) if _differ(x, y) else 0.0


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Spearman's rank correlation of two (n,) lists, -1..1; equal values share the mean of their ranks.

    0.0 where one of the lists has fewer than two distinct values, and therefore no order.
    """
    x, y = _floats(first), _floats(second)
    return float(stats.spearmanr(x, y).statistic) if _differ(x, y) else 0.0


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)


def _differ(*lists: NDArray[np.float64]) -> bool:
    return all(values.size > 1 and bool(np.ptp(values)) for values in lists)

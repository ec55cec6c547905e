"""Products of a few rows, against numpy's."""

import numpy as np
import pytest

from algorithms.kernels.few_rows import LANES, TILE, panels, product


@pytest.mark.parametrize("rows", [0, 1, TILE - 1, TILE, TILE + 1, 3 * TILE])
@pytest.mark.parametrize("width", [1, LANES, 3 * LANES + 5])
def test_products_are_numpys(rows: int, width: int) -> None:
    rng = np.random.default_rng(rows + width)
    values, matrix = (rng.normal(size=shape).astype(np.float32) for shape in ((rows, 33), (33, width)))
    found = product(values, panels(matrix), width)
    assert found.shape == (rows, width)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values @ matrix, rtol=1e-5, atol=1e-5)


def test_rows_may_lie_in_any_order() -> None:
    values = np.arange(2 * 20, dtype=np.float32).reshape(20, 2).T
    np.testing.assert_allclose(product(values, panels(np.eye(20, dtype=np.float32)), 20), values)

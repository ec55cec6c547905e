import numpy as np
import pytest

from algorithms.kernels.rows import CACHE_LINE, packed, stride_of, unpacked
from algorithms.kernels.simd import LANES


@pytest.mark.parametrize(("dim", "stride"), [(1, 16), (13, 16), (16, 16), (17, 32), (100, 112), (2048, 2048)])
def test_rows_are_whole_vectors(dim: int, stride: int) -> None:
    assert stride_of(dim) == stride
    assert stride % LANES == 0


@pytest.mark.parametrize("dim", [1, 13, 16, 33])
@pytest.mark.parametrize("spare", [0, 1, 3])
def test_tables_come_back_and_the_rest_is_zero(dim: int, spare: int) -> None:
    rng = np.random.default_rng(dim)
    one, two = rng.random((5, dim), np.float32), rng.random((3, dim), np.float32)
    flat = packed(one, two, spare=spare)
    assert flat.dtype == np.float32
    assert flat.shape == ((8 + spare) * stride_of(dim),)
    assert flat.flags.c_contiguous
    assert flat.ctypes.data % CACHE_LINE == 0
    np.testing.assert_array_equal(unpacked(flat, 0, 5, dim=dim), one)
    np.testing.assert_array_equal(unpacked(flat, 5, 8, dim=dim), two)
    assert not unpacked(flat, 8, 8 + spare, dim=dim).any()
    assert not flat.reshape(-1, stride_of(dim))[:, dim:].any()


def test_packing_copies_and_unpacking_does_not() -> None:
    table = np.ones((2, 3), np.float32)
    flat = packed(table)
    flat[:] = 7
    assert (table == 1).all()
    assert np.shares_memory(unpacked(flat, 0, 2, dim=3), flat)


def test_packs_views_and_tables_without_rows() -> None:
    strided = np.arange(24, dtype=np.float32).reshape(4, 6)[:, :3]
    flat = packed(strided, np.empty((0, 3), np.float32), spare=1)
    np.testing.assert_array_equal(unpacked(flat, 0, 4, dim=3), strided)
    assert unpacked(flat, 4, 4, dim=3).shape == (0, 3)

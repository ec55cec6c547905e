import numpy as np
import pytest

from algorithms.kernels.rng import seeded
from algorithms.kernels.rows import CACHE_LINE, fill_uniform, in_place, packed, stride_of, unfilled, unpacked
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


@pytest.mark.parametrize("dim", [1, 13, 16, 33])
@pytest.mark.parametrize("rows", [1, 7])
def test_room_for_rows_begins_at_a_cache_line(rows: int, dim: int) -> None:
    for _ in range(5):
        flat = unfilled(rows, dim=dim)
        assert (flat.dtype, flat.shape) == (np.float32, (rows * stride_of(dim),))
        assert flat.ctypes.data % CACHE_LINE == 0
        assert flat.flags.c_contiguous


@pytest.mark.parametrize("dim", [1, 13, 16, 33])
def test_what_unpacked_made_is_flat_in_place(dim: int) -> None:
    flat = packed(np.random.default_rng(1).random((7, dim), np.float32))
    for first, last in ((0, 7), (2, 7), (0, 3), (6, 7)):
        table = unpacked(flat, first, last, dim=dim)
        again = in_place(table)
        assert again.shape == ((last - first) * stride_of(dim),)
        assert again.ctypes.data == table.ctypes.data
        assert again.flags.c_contiguous
        np.testing.assert_array_equal(unpacked(again, 0, last - first, dim=dim), table)
    again[:] = 7
    assert (flat[-stride_of(dim) :] == 7).all()


def tables_elsewhere(dim: int) -> dict[str, np.ndarray]:
    stride = stride_of(dim)
    flat = packed(np.random.default_rng(1).random((8, dim), np.float32))
    frozen = unpacked(flat.copy(), 0, 8, dim=dim)
    frozen.flags.writeable = False
    askew = np.zeros(9 * stride + 16, np.float32)
    askew = askew[-(askew.ctypes.data // 4) % 16 + 1 :][: 8 * stride]
    return {
        "contiguous": np.ones((8, dim), np.float32),
        "every other row": unpacked(flat, 0, 8, dim=dim)[::2],
        "backwards": unpacked(flat, 0, 8, dim=dim)[::-1],
        "transposed": np.ones((dim, 8), np.float32).T,
        "read-only": frozen,
        "not at a cache line": unpacked(askew, 0, 8, dim=dim),
        "loaded from bytes": np.frombuffer(bytes(4 * 8 * dim), np.float32).reshape(8, dim),
    }


@pytest.mark.parametrize("kind", list(tables_elsewhere(1)))
@pytest.mark.parametrize("dim", [1, 13, 33])
def test_other_tables_are_copied(kind: str, dim: int) -> None:
    table = tables_elsewhere(dim)[kind]
    flat = in_place(table)
    assert flat.ctypes.data % CACHE_LINE == 0
    assert not np.shares_memory(flat, table)
    np.testing.assert_array_equal(unpacked(flat, 0, len(table), dim=dim), table)
    assert not flat.reshape(-1, stride_of(dim))[:, dim:].any()


def test_a_table_stays_in_place_however_often() -> None:
    """Round after round of a training."""
    flat = packed(np.ones((7, 13), np.float32))
    table = unpacked(flat, 0, 7, dim=13)
    for _ in range(3):
        table = unpacked(in_place(table), 0, 7, dim=13)
        table += 1
    assert (unpacked(flat, 0, 7, dim=13) == 4).all()


def test_rows_are_drawn_uniformly() -> None:
    flat = np.full(1000 * 112, np.nan, np.float32)
    state = seeded(3)
    fill_uniform(flat, 112, 100, 1, 999, 0.01, state)
    square = flat.reshape(1000, 112)
    drawn = square[1:999, :100].astype(np.float64)
    assert np.isnan(square[[0, 999]]).all()
    assert not square[1:999, 100:].any()
    assert np.abs(drawn).max() <= 0.01
    assert drawn.min() < -0.00999
    assert drawn.max() > 0.00999
    counts, _ = np.histogram(drawn, 20, (-0.01, 0.01))
    assert np.abs(counts - drawn.size / 20).max() < 5 * np.sqrt(drawn.size / 20)
    assert abs(np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]) < 0.02


def test_rows_depend_on_the_generator_alone() -> None:
    one, again, other = (np.zeros(32, np.float32) for _ in range(3))
    for flat, seed in ((one, 1), (again, 1), (other, 2)):
        state = seeded(seed)
        fill_uniform(flat, 16, 9, 0, 2, 1.0, state)
        assert state[0] != seeded(seed)[0]
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_table_without_rows_is_flat() -> None:
    assert in_place(np.zeros((0, 13), np.float32)).shape == (0,)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from algorithms.kernels import varint as kernel
from data import varint

INTEGERS = (
    st.integers(0, 127) | st.integers(128, 2**14 - 1) | st.integers(2**14, 2**21 - 1) | st.integers(-(2**31), 2**31 - 1)
)
RUNS = st.lists(st.tuples(INTEGERS, st.integers(1, 9))).map(lambda runs: [n for n, times in runs for _ in range(times)])


@njit
def write(out, values):
    at = 0
    for value in values:
        at = kernel.write(out, at, value)
    return at


@njit
def sizes(values):
    return [kernel.size_of(value) for value in values]


def read(raw: bytes, *, most: int = 2**31, any_sign: bool = False, begin: int = 0, after: int = 8) -> list[int] | None:
    """What the kernel reads of bytes that begin and end somewhere inside of others."""
    data = np.frombuffer(bytes([0x81] * begin) + raw + bytes([0x81] * after), np.uint8)
    target = np.full(3 + len(raw) + 4, 7, np.uint32)
    count = kernel.read(target, 3, 3 + len(raw), data, begin, begin + len(raw), most, any_sign)
    assert target[[0, 1, 2, -4, -3, -2, -1]].tolist() == [7] * 7  # within its room
    return None if count < 0 else target[3 : 3 + count].view(np.int32).tolist()


@given(RUNS, st.integers(0, 9), st.integers(8, 30))
def test_reads_what_numpy_writes(values: list[int], begin: int, after: int) -> None:
    raw = varint.encode(np.array(values, np.int64)).tobytes()
    assert read(raw, any_sign=True, begin=begin, after=after) == values
    expected = values if all(value >= 0 for value in values) else None
    assert read(raw, begin=begin, after=after) == expected


@given(RUNS)
def test_writes_what_numpy_writes(values: list[int]) -> None:
    array = np.array(values, np.int64)
    out = np.full(10 * len(values) + 1, 0xAA, np.uint8)
    raw = varint.encode(array)
    assert out[: write(out, array)].tobytes() == raw.tobytes()
    assert sum(sizes(array)) == len(raw) if len(array) else not len(raw)


@given(st.binary(max_size=40) | st.lists(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]), max_size=40).map(bytes))
def test_any_bytes_are_read_as_numpy_reads_them_or_not_at_all(raw: bytes) -> None:
    expected = varint.decode(np.frombuffer(raw, np.uint8))
    low = None if expected is None else expected.astype(np.uint32).view(np.int32).tolist()
    assert read(raw, any_sign=True) == low
    below = read(raw)
    if below is not None:
        assert below == expected.tolist()
    elif expected is not None:  # too large, or needlessly long
        assert expected.max() >= 2**31 or len(raw) > 5


@pytest.mark.parametrize("most", [1, 100, 128, 5000, 2**14, 100_000, 2**21, 2**28, 2**31])
def test_numbers_that_reach_the_bound_are_refused(most: int) -> None:
    for before in range(12):
        values = np.array([most - 1] * before + [most] + [most - 1] * 9)
        assert read(varint.encode(values).tobytes(), most=most) is None
        assert read(varint.encode(values[:before]).tobytes(), most=most) == [most - 1] * before


def test_what_has_no_place_is_refused() -> None:
    for size in (1, 2, 3, 5):
        raw = varint.encode(np.full(30, 1 << 7 * (size - 1)))
        target = np.full(40, 7, np.uint32)
        assert kernel.read(target, 3, 33, raw, 0, len(raw), 2**31, False) == 30
        for room in range(30):
            target[:] = 7
            assert kernel.read(target, 3, 3 + room, raw, 0, len(raw), 2**31, False) == -1
            assert (target[3 + room :] == 7).all()


@given(RUNS)
def test_writes_all_that_numpy_writes(values: list[int]) -> None:
    array = np.array([value for value in values if value >= 0], np.int32)
    raw = varint.encode(array)
    out = np.full(3 + 5 * len(array) + 16, 0xAA, np.uint8)
    end = kernel.write_all(out, 3, np.concatenate(([7], array, [7])).astype(np.int32), 1, 1 + len(array))
    assert out[3:end].tobytes() == raw.tobytes()
    assert (out[:3] == 0xAA).all()

from pathlib import Path

import fsspec
import numpy as np
import pytest
from numpy.typing import NDArray

from data import arrays, storage
from data.errors import StorageError


@pytest.mark.parametrize("where", ["local", "file", "memory"])
@pytest.mark.parametrize(
    "array",
    [np.arange(6, dtype=np.int32), np.zeros((2, 3), np.float32), np.array([2**62]), np.empty(0, np.int64)],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_round_trip(array: NDArray[np.generic], where: str, tmp_path: Path) -> None:
    folder = {"local": str(tmp_path), "file": f"file://{tmp_path}", "memory": "memory://test_arrays"}[where]
    url = f"{folder}/{array.dtype}{array.size}.npy"
    arrays.write(url, array)
    again = arrays.opened(url)
    assert type(again) is np.ndarray  # numba would compile anew for a memory map
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    assert again.flags.writeable
    np.testing.assert_array_equal(again, array)
    assert not array.size or np.shares_memory(arrays.opened(url), again)


@pytest.mark.parametrize("where", ["local", "memory"])
def test_a_part(where: str, tmp_path: Path) -> None:
    url = f"{tmp_path if where == 'local' else 'memory://test_arrays'}/whole.npy"
    arrays.write(url, np.arange(1000, dtype=np.int32))
    part = arrays.part(url, 10, 13)
    assert type(part) is np.ndarray
    assert (part.dtype, part.tolist(), part.flags.writeable) == (np.int32, [10, 11, 12], True)
    assert np.shares_memory(arrays.part(url, 10, 13), part)
    assert arrays.part(url, 7, 7).tolist() == []


def test_a_part_is_all_that_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "memory://test_arrays/fetched.npy"
    arrays.write(url, np.arange(1000, dtype=np.int64))
    genuine, fetched = storage.read_part, []

    def reading(url: str, start: int, stop: int | None) -> bytes:
        fetched.append((start, stop))
        return genuine(url, start, stop)

    monkeypatch.setattr(storage, "read_part", reading)
    for _ in range(3):
        assert arrays.part(url, 100, 200).sum() == sum(range(100, 200))
    assert fetched == [(0, arrays.HEADER), (128 + 800, 128 + 1600)]


def test_writing_to_an_array_leaves_its_file(tmp_path: Path) -> None:
    arrays.write(str(tmp_path / "a.npy"), np.arange(4))
    arrays.opened(str(tmp_path / "a.npy"))[:] = 7
    assert np.load(tmp_path / "a.npy").tolist() == [0, 1, 2, 3]


def test_an_array_outlives_its_file() -> None:
    arrays.write("memory://test_arrays/gone.npy", np.arange(4))
    array = arrays.opened("memory://test_arrays/gone.npy")
    fsspec.filesystem("memory").rm("/test_arrays/gone.npy")
    assert array.tolist() == [0, 1, 2, 3]


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    arrays.write(str(tmp_path / "a.npy"), np.arange(4))
    with pytest.raises(StorageError):
        arrays.write(str(tmp_path / "a.npy" / "b.npy"), np.arange(4))  # its folder is a file
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]

from pathlib import Path

import fsspec
import numpy as np
import pytest
from numpy.typing import NDArray

from data import arrays
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
    assert arrays.opened(url) is again


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

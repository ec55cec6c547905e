from pathlib import Path

import numpy as np
import pytest

from algorithms.model import load_state, save_state
from algorithms.state import State
from data.errors import EmbertextError, FormatError

STATE: State = {
    "words": np.arange(12, dtype=np.float32).reshape(4, 3) / 7,
    "counts": np.array([3, 2, 1, 2**62]),
    "none": np.empty((0, 3), np.float32),
    "flag": np.array([True, False]),
}


def assert_equal(state: State, other: State) -> None:
    assert set(state) == set(other)
    for name, array in state.items():
        assert (other[name].dtype, other[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(other[name], array)


def test_round_trip(tmp_path: Path) -> None:
    save_state(tmp_path / "state.safetensors", STATE)
    assert_equal(STATE, load_state(tmp_path / "state.safetensors"))


def test_round_trip_of_views(tmp_path: Path) -> None:
    """What training leaves: rows of a padded table; transposed and reversed arrays too."""
    table = np.arange(64, dtype=np.float32).reshape(4, 16)
    state: State = {"words": table[1:3, :13], "turned": table.T, "reversed": table[::-1]}
    save_state(tmp_path / "state.safetensors", state)
    assert_equal(state, load_state(tmp_path / "state.safetensors"))


def test_a_loaded_state_can_be_trained_on(tmp_path: Path) -> None:
    save_state(tmp_path / "state.safetensors", STATE)
    assert all(array.flags.writeable for array in load_state(tmp_path / "state.safetensors").values())


def corrupt(data: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "cut in the header": data[:20],
        "cut in the arrays": data[:-8],
        "longer": data + b"\0",
        "a huge header": b"\xff" * 8 + data[8:],
        "no JSON": data[:8] + b"x" * 20 + data[28:],
        "another format": b"PK\x03\x04" + bytes(100),
    }


@pytest.mark.parametrize("damage", list(corrupt(b"")))
def test_damaged_files_are_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_state(path, STATE)
    path.write_bytes(corrupt(path.read_bytes())[damage])
    with pytest.raises(FormatError, match="not a safetensors file") as refused:
        load_state(path)
    assert str(path) in str(refused.value)
    assert str(refused.value).endswith("was it copied whole?")
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value, EmbertextError)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"."):
        save_state(tmp_path / "missing" / "state.safetensors", {"words": np.zeros((2, 3), np.float32)})

from collections.abc import Callable
from typing import NamedTuple

import fsspec
import pytest

from data import nearby, storage
from data.errors import StorageError
from data.nearby import Pieces


class Disk(NamedTuple):
    free: int


@pytest.fixture
def urls() -> list[str]:
    """Ten bytes each, that tell where they are from."""
    made = [f"memory://test_nearby/{number}" for number in range(4)]
    for number, url in enumerate(made):
        storage.write_bytes(url, bytes([number]) * 10)
    return made


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda free: monkeypatch.setattr(nearby.shutil, "disk_usage", lambda _: Disk(free))


def test_a_piece_outlives_its_file_and_may_be_written_to(urls: list[str]) -> None:
    pieces = Pieces()
    piece = pieces.get(urls[1], 2, 5)
    fsspec.filesystem("memory").rm("/test_nearby/1")
    piece[0] = 9
    assert piece.tolist() == [9, 1, 1]
    assert pieces.get(urls[1], 2, 5) is piece


def test_all_of_a_file(urls: list[str]) -> None:
    assert nearby.whole(urls[2]) == b"\x02" * 10
    storage.write_bytes("memory://test_nearby/empty", b"")
    assert nearby.whole("memory://test_nearby/empty") == b""
    assert Pieces().get(urls[2], 0, None).tolist() == [2] * 10


def test_what_was_asked_for_last_stays(urls: list[str], free: Callable[[int], None]) -> None:
    pieces = Pieces()
    free(25)
    for number in (0, 1, 0, 2):
        pieces.get(urls[number], 0, 10)
    assert [key[0] for key in pieces.kept] == [urls[0], urls[2]]
    free(0)
    pieces.get(urls[3], 0, 10)
    assert [key[0] for key in pieces.kept] == [urls[3]], "that which is asked for is kept, on a full disk too"


def test_what_nobody_wants_any_more_goes(urls: list[str], free: Callable[[int], None], monkeypatch) -> None:
    pieces = Pieces()
    free(1 << 40)
    pieces.get(urls[0], 0, 10)
    monkeypatch.setattr(nearby, "FORGOTTEN", -1.0)
    pieces.get(urls[1], 0, 10)
    assert [key[0] for key in pieces.kept] == [urls[1]]


def test_a_file_that_is_not_there_is_asked_for_again(urls: list[str]) -> None:
    pieces = Pieces()
    with pytest.raises(StorageError):
        pieces.get("memory://test_nearby/late", 0, 3)
    storage.write_bytes("memory://test_nearby/late", b"abc")
    assert pieces.get("memory://test_nearby/late", 0, 3).tobytes() == b"abc"

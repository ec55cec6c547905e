import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import FormatError, StorageError
from data.vocabulary import Vocabulary
from tests.strategies import words


def of(*pairs: tuple[str, int]) -> Vocabulary:
    return Vocabulary([word for word, _ in pairs], np.array([count for _, count in pairs], np.int64))


def test_saves_lines_of_word_and_count(tmp_path: Path) -> None:
    of(("the", 12), ("straße", 3), ("5", 1)).save(str(tmp_path / "vocabulary.txt"))
    assert (tmp_path / "vocabulary.txt").read_bytes() == "the 12\nstraße 3\n5 1\n".encode()


@given(st.lists(st.tuples(words, st.integers(1, 2**63 - 1)), max_size=20))
def test_round_trip(pairs: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = str(Path(folder) / "new" / "vocabulary.txt")
        of(*pairs).save(url)
        again = Vocabulary.load(url)
    assert again.words == [word for word, _ in pairs]
    assert again.counts.tolist() == [count for _, count in pairs]
    assert again.counts.dtype == np.int64


def test_round_trip_of_a_remote_file() -> None:
    of(("a", 2), ("b", 1)).save("memory://test_vocabulary/vocabulary.txt")
    assert Vocabulary.load("memory://test_vocabulary/vocabulary.txt").words == ["a", "b"]


def test_length_and_index() -> None:
    vocabulary = of(("b", 3), ("a", 3), ("é", 1))
    assert len(vocabulary) == 3
    assert vocabulary.index == {"b": 0, "a": 1, "é": 2}
    assert (len(of()), of().index) == (0, {})


@pytest.mark.parametrize(
    ("data", "offset", "found"),
    [
        (b"the 12\nof\nand 3\n", 7, "b'of'"),
        (b"the 12\n\n", 7, "b''"),
        (b"the twelve\n", 0, "b'the twelve'"),
        (b"the 12\n\xff\xfe 3\n", 7, r"b'\xff\xfe 3'"),
        (b"the 12.5\n", 0, "b'the 12.5'"),
        (b"PK\x03\x04 whatever\n", 0, r"b'PK\x03\x04 whatever'"),
    ],
)
def test_other_lines_are_refused_with_their_place(data: bytes, offset: int, found: str, tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(data)
    with pytest.raises(FormatError) as refused:
        Vocabulary.load(str(path))
    assert str(refused.value) == (
        f"{path}: byte {offset}: expected 'word count', found {found}; is this a vocabulary.txt that Embertext wrote?"
    )
    assert refused.value.offset == offset


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        Vocabulary.load(str(tmp_path / "vocabulary.txt"))


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(b"the 12\nof 1")  # the count may lack digits
    with pytest.raises(FormatError, match=r"byte 7: the last line, b'of 1', has no newline; the file was cut short"):
        Vocabulary.load(str(path))

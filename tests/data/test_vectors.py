import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data import vectors
from data.errors import EmbertextError, FormatError

WORDS = ["the", "straße", "日本", "a\xa0b", "5"]
VALUES = np.array([[0.1, -2], [1e-10, 3e38], [0, -0.0], [1 / 3, 16777216], [1.4e-45, -1]], np.float32)
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


def written(words: list[str] = WORDS, values: np.ndarray = VALUES) -> bytes:
    file = io.BytesIO()
    vectors.write_vectors(file, words, values)
    return file.getvalue()


def read(data: bytes) -> vectors.Vectors:
    return vectors.read_vectors(io.BytesIO(data), path="vectors.txt")


def test_writes_a_header_and_a_line_a_word() -> None:
    assert written(["a", "b"], np.array([[1, -0.5], [0.1, 1e-7]], np.float32)) == b"2 2\na 1.0 -0.5\nb 0.1 1e-7\n"


def test_round_trip_through_a_file(tmp_path: Path) -> None:
    vectors.write_vectors(tmp_path / "vectors.txt", WORDS, VALUES)
    words, values = vectors.read_vectors(tmp_path / "vectors.txt")
    assert words == WORDS
    assert values.tobytes() == VALUES.tobytes()


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=FINITE))
def test_every_float32_survives(values: np.ndarray) -> None:
    words = [f"w{i}" for i in range(len(values))]
    again = read(written(words, values))
    assert again.words == words
    assert again.vectors.tobytes() == values.tobytes()


def test_more_words_than_a_block() -> None:
    values = np.arange(2 * 9000, dtype=np.float32).reshape(-1, 2)
    words = [str(i) for i in range(9000)]
    again = read(written(words, values))
    assert again.words == words
    np.testing.assert_array_equal(again.vectors, values)


def test_reads_what_others_write() -> None:
    ours = read(b"2 3\r\nthe 1 +.5 -1e-05 \r\nof 0.25 -0 1.\r\n")  # integers, C's floats, a last space, CRLF
    assert ours.words == ["the", "of"]
    np.testing.assert_array_equal(ours.vectors, np.array([[1, 0.5, -1e-05], [0.25, 0, 1]], np.float32))


def test_no_words() -> None:
    words, values = read(written([], np.empty((0, 3), np.float32)))
    assert words == []
    assert values.shape == (0, 3)


def test_gensim_loads_it(tmp_path: Path) -> None:
    from gensim.models import KeyedVectors

    vectors.write_vectors(tmp_path / "vectors.txt", WORDS, VALUES)
    theirs = KeyedVectors.load_word2vec_format(str(tmp_path / "vectors.txt"), binary=False)
    assert theirs.index_to_key == WORDS
    np.testing.assert_array_equal(theirs.vectors, VALUES)


def test_reads_what_gensim_wrote(tmp_path: Path) -> None:
    from gensim.models import KeyedVectors

    theirs = KeyedVectors(2)
    theirs.add_vectors(WORDS, VALUES)
    theirs.save_word2vec_format(str(tmp_path / "vectors.txt"), binary=False)
    ours = vectors.read_vectors(tmp_path / "vectors.txt")
    assert ours.words == WORDS
    np.testing.assert_array_equal(ours.vectors, VALUES)


BROKEN = {
    "empty": (b"", 0, "line 1: b'', expected 'words dimensions'"),
    "no header": (b"the 0.1 0.2\n", 0, "line 1"),
    "no dimensions": (b"1 0\nthe\n", 0, "line 1"),
    "negative": (b"-1 2\n", 0, "line 1"),
    "too few columns": (b"2 2\na 1 2\nb 1\n", 10, "line 3: 1 numbers, the header says 2"),
    "too many columns": (b"1 2\na 1 2 3\n", 4, "line 2: 3 numbers"),
    "no columns": (b"1 2\na\n", 4, "line 2: 0 numbers"),
    "not a number": (b"1 2\na 1 x\n", 4, "line 2: b'x' is not a finite number"),
    "nan": (b"1 2\na nan 1\n", 4, "b'nan' is not"),
    "infinite": (b"1 2\na 1 inf\n", 4, "b'inf' is not"),
    "beyond float32": (b"2 1\nb 1.0\na 1e39\n", 10, "line 3: a number is beyond float32"),
    "beyond float64": (b"1 1\na 1e999\n", 4, "is not a finite number"),
    "JSON, not numbers": (b'1 2\na "1" null\n', 4, "is not a finite number"),
    "JSON, nested": (b"1 1\na [1]\n", 4, "is not a finite number"),
    "too few words": (b"3 1\na 1\nb 2\n", 12, "line 4: the file ends after 2 of 3 words"),
    "too many words": (b"1 1\na 1\nb 2\n", 8, "line 3: more than the 1 words of the header"),
    "more words than memory": (b"9999999999999999 999999999999\na 1\n", 30, "line 2: 1 numbers"),
    "not UTF-8": (b"1 1\na\xff 1\n", 5, "line 2: a word is not UTF-8"),
    "binary": (b"1 1\na \x00\x00\x80\x3f\n", 4, "line 2"),
}


@pytest.mark.parametrize(("data", "offset", "what"), BROKEN.values(), ids=BROKEN)
def test_broken_files_are_refused_with_line_and_byte(data: bytes, offset: int, what: str) -> None:
    with pytest.raises(FormatError) as error:
        read(data)
    assert error.value.offset == offset
    assert what in str(error.value)
    assert str(error.value).startswith(f"vectors.txt: byte {offset}: line")
    assert error.value.remedy


@given(st.integers(0, 200), st.binary(max_size=3))
def test_damage_raises_nothing_but_format_errors(position: int, patch: bytes) -> None:
    data = bytearray(written())
    data[position : position + len(patch)] = patch
    try:
        read(bytes(data))
    except FormatError:
        return


@pytest.mark.parametrize("word", ["", "a b", "a\n", "\ta", "a\rb"])
def test_words_that_would_break_a_line_are_refused(word: str) -> None:
    with pytest.raises(EmbertextError, match=r"word 1: .* whitespace"):
        written(["a", word], VALUES[:2])


def test_words_that_are_not_unicode_are_refused() -> None:
    with pytest.raises(EmbertextError, match=r"word 1: .* is not Unicode"):
        written(["a", "\udce9"], VALUES[:2])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(EmbertextError, match="the vector of 'b': it is not finite"):
        written(["a", "b"], np.array([[1], [value]], np.float32))

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.auxiliary import Embedding, embedding, read_embedding, read_vocabulary
from data.errors import CorpusError
from data.streams import Member
from data.vectors import write_vectors
from tests.strategies import words

IDS = {"<pad>": 0, "the": 1, "é": 2, "none": 3}
GLOVE = "the 0.5 -1 2e-3\nother 1 1 1\né .5 0 -2.5\n"


def read(path: Path, content: str | bytes, **options) -> Embedding:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_embedding(str(path), IDS, **({"dimension": 3, "setting": "enc0_token_embedding_dim"} | options))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("glove.txt", GLOVE),
        ("glove.txt", GLOVE.replace("\n", "\r\n")),
        ("glove.txt", GLOVE.removesuffix("\n")),
        ("glove.txt.gz", gzip.compress(GLOVE.encode(), mtime=0)),
        ("vectors.txt", f"3 3\n{GLOVE}"),
        ("tabs.txt", GLOVE.replace(" ", "\t")),
        ("twice.txt", f"{GLOVE}the 9 9 9\n"),
        ("spaces.txt", GLOVE.replace("other", ". . name@x.com")),
    ],
)
def test_vectors_of_known_words_are_kept(tmp_path, name, content):
    found = read(tmp_path / name, content)
    assert found.ids.tolist() == [1, 2]
    assert found.vectors.dtype == np.float32
    assert found.vectors.tolist() == np.array([[0.5, -1, 2e-3], [0.5, 0, -2.5]], np.float32).tolist()
    assert found.missing == 1
    table = found.table(5)
    assert table.shape == (5, 3)
    assert np.isnan(table[:, 0]).tolist() == [True, False, False, True, True]
    assert found.table(2)[1].tolist() == found.vectors[0].tolist()


def test_none_of_the_words(tmp_path):
    found = read(tmp_path / "a.txt", "x 1 2 3\n")
    assert (found.ids.shape, found.vectors.shape, found.missing) == ((0,), (0, 3), 3)


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.dictionaries(words, st.tuples(FLOATS, FLOATS), min_size=1, max_size=8))
def test_our_own_vectors_are_read(tmp_path_factory, vectors):
    path = tmp_path_factory.getbasetemp() / "own.txt"
    write_vectors(path, [*vectors], np.array([*vectors.values()], np.float32))
    ids = {word: number for number, word in enumerate(vectors)}
    found = read_embedding(str(path), ids, dimension=2, setting="d")
    assert found.missing == 0
    assert np.array_equal(found.table(len(ids)), np.array([*vectors.values()], np.float32))


WRONG = {
    "another dimension": (
        "the 1 2\nother 1 2\n",
        "a.txt: line 1, byte 0: a vector of 2 numbers, and enc0_token_embedding_dim=3; set enc0_token_embedding_dim=2",
    ),
    "another dimension in a header": ("1 4\nthe 1 2 3 4\n", "a vector of 4 numbers, and enc0_token_embedding_dim=3"),
    "a line cut short": ("x 1 2 3\nthe 1\n", "a.txt: line 2, byte 8: a vector of 1 numbers"),
    "a line too long": ("x 1 2 3\nthe 1 2 3 4\n", "a.txt: line 2, byte 8: a vector of 4 numbers"),
    "no number": ("the 1 x 3\n", "line 1, byte 0: 'x' is not a finite number"),
    "not finite": ("the 1 nan 3\n", "'nan' is not a finite number"),
    "beyond float32": ("the 1 1e39 3\n", "'1e39' is not a finite number"),
    "fewer than its header says": (
        "3 3\nthe 1 2 3\n",
        "a.txt: its first line says 3 vectors, and 1 are there; is the f",
    ),
    "nothing": ("\n", "a.txt: no vectors in it"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_vectors_that_cannot_be_used(tmp_path, content, message):
    with pytest.raises(CorpusError) as error:
        read(tmp_path / "a.txt", content)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def opened(content: str) -> Embedding:
    member = Member("a.txt", "a.txt", io.BytesIO(content.encode()))
    return embedding([member], IDS, where="a.txt")


@pytest.mark.parametrize("header", ["", "3 3\n"])
def test_the_dimension_is_that_of_the_file(header):
    assert opened(header + GLOVE).vectors.tolist() == np.array([[0.5, -1, 2e-3], [0.5, 0, -2.5]], np.float32).tolist()


OF_ITS_OWN = {
    "text": ("the cat sat\n", "a.txt: line 1, byte 0: 'the cat sat', expected a word and its numbers; give vectors as"),
    "one word": ("the\n", "a.txt: line 1, byte 0: 'the', expected a word and its numbers"),
    "text below a header": ("1 2\nthe cat sat\n", "a.txt: line 2, byte 4: 'the cat sat', expected"),
    "a shorter line": ("x 1 2 3\nthe 1\n", "a.txt: line 2, byte 8: a vector of 1 numbers, and 3 in the first line; is"),
    "no words": ("0 3\n", "a.txt: no vectors in it"),
}


@pytest.mark.parametrize(("content", "message"), OF_ITS_OWN.values(), ids=OF_ITS_OWN)
def test_files_of_any_dimension_that_cannot_be_used(content, message):
    with pytest.raises(CorpusError) as error:
        opened(content)
    assert str(error.value).startswith(message)


def test_a_vocabulary(tmp_path):
    (tmp_path / "vocab.json").write_text('{"<pad>": 0, "é": 2, "b": 2999999}')
    assert read_vocabulary(str(tmp_path / "vocab.json")) == {"<pad>": 0, "é": 2, "b": 2_999_999}


VOCABULARIES = {
    "not JSON": (b'{"\xc3\xa9": 1,\n "b" 2}', "vocab.json: line 2, byte 15: not JSON"),
    "cut short": (b'{"a": 1', "vocab.json: line 1, byte 7: not JSON"),
    "not UTF-8": (b'{"\xff": 1}', "vocab.json: line 1, byte 2: not UTF-8"),
    "a list": (b'["a"]', "vocab.json: no JSON object"),
    "an id twice": (b'{"a": 1, "b": 1}', 'vocab.json: word "b": its id 1 is that of "a" too'),
    "a float": (b'{"a": 1.0}', 'vocab.json: word "a": 1.0 is no id 0..2999999'),
    "a bool": (b'{"a": true}', 'word "a": true is no id'),
    "below zero": (b'{"a": -1}', 'word "a": -1 is no id'),
    "too large": (b'{"a": 3000000}', 'word "a": 3000000 is no id'),
    "a text": (b'{"a": "1"}', 'word "a": "1" is no id'),
}


@pytest.mark.parametrize(("content", "message"), VOCABULARIES.values(), ids=VOCABULARIES)
def test_a_vocabulary_that_cannot_be_used(tmp_path, content, message):
    (tmp_path / "vocab.json").write_bytes(content)
    with pytest.raises(CorpusError) as error:
        read_vocabulary(str(tmp_path / "vocab.json"))
    assert message in str(error.value)
    assert "\n" not in str(error.value)

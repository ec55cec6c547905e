"""Neighbours against the plain formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from algorithms import nearest
from algorithms.answers import RequestError
from algorithms.nearest import Nearest

NAMES = [f"w{number}" for number in range(200)]
VECTORS = np.random.default_rng(1).normal(size=(200, 8)).astype(np.float32)
VECTORS[7] = 0


def find(word):
    if word == "made up":
        return -1, VECTORS[3] * 2
    return (NAMES.index(word), VECTORS[NAMES.index(word)]) if word in NAMES else None


@pytest.fixture
def near(monkeypatch) -> Nearest:
    monkeypatch.setattr(nearest, "BLOCK", 64)
    return Nearest(NAMES, lambda: VECTORS, find)


def plain(query, without=()):
    """Names by falling cosine; a vector of zeros is near to nothing."""
    norms = np.linalg.norm(VECTORS, axis=1)
    cosines = VECTORS @ query / np.linalg.norm(query) / np.where(norms > 0, norms, np.inf)
    return [(NAMES[i], pytest.approx(float(cosines[i]), abs=1e-5)) for i in np.argsort(-cosines) if i not in without]


def test_of_words(near):
    found = near.neighbours(words=["w5", "w9"], k=4)
    assert found == [plain(VECTORS[5], [5])[:4], plain(VECTORS[9], [9])[:4]]
    assert near.neighbours(words=["w5"], k=1000)[0] == plain(VECTORS[5], [5])


def test_of_a_word_that_has_no_row(near):
    assert near.neighbours(words=["made up"], k=2) == [plain(VECTORS[3])[:2]]


def test_of_a_vector(near):
    assert near.neighbours(vector=VECTORS[5].tolist(), k=3) == [plain(VECTORS[5])[:3]]


def test_of_sums_and_differences(near):
    unit = [VECTORS[i] / np.linalg.norm(VECTORS[i]) for i in (1, 2, 3)]
    found = near.neighbours(positive=["w1", "w2"], negative=["w3"], k=5)
    assert found == [plain(unit[0] + unit[1] - unit[2], [1, 2, 3])[:5]]
    assert near.neighbours(negative=["w3"], k=1) == [plain(-unit[2], [3])[:1]]


def test_a_vector_of_zeros_is_near_to_nothing(near):
    assert all(each.similarity == 0 for each in near.neighbours(words=["w7"], k=3)[0])
    assert ("w7", 0.0) in near.neighbours(words=["w5"], k=1000)[0]


WRONG = {
    "unknown": ({"words": ["w5", "zebra"]}, 'words[1]: "zebra" is not in the vocabulary; ask for a word of the'),
    "capital": ({"positive": ["W5"]}, 'positive[0]: "W5" is not in the vocabulary; ask for "w5"'),
    "no vector": ({"vector": [1, 2]}, "vector: no vector of 8 numbers; give 8 finite numbers"),
    "nan": ({"vector": [float("nan")] * 8}, "vector: no vector of 8 numbers"),
    "nothing": ({}, "neighbours: nothing is asked for; give one of words, vector, positive"),
    "two ways": ({"words": ["w5"], "negative": ["w6"]}, "neighbours: words and positive at once; give one of"),
    "k": ({"words": ["w5"], "k": 0}, "k: k is 0; choose an integer from 1 to 1000"),
    "no k": ({"words": ["w5"], "k": "3"}, "k: k is '3'; choose"),
    "many": ({"words": ["w5"] * 1001}, "words: 1001 at once; give at most 1000"),
    "documents": ({"documents": ["a text"]}, "documents: this model has no vectors of documents; ask for words"),
}


@pytest.mark.parametrize(("asked", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_refused(near, asked, expected):
    with pytest.raises(RequestError) as raised:
        near.neighbours(**asked)
    assert str(raised.value).startswith(expected)
    assert raised.value.status == 400


def test_among_documents():
    found = nearest.among(VECTORS[:4], 2)
    scores = VECTORS[:4] @ VECTORS[:4].T / np.outer(*[np.linalg.norm(VECTORS[:4], axis=1)] * 2)
    np.fill_diagonal(scores, -2)
    assert [[int(each.name) for each in row] for row in found] == np.argsort(-scores, axis=1)[:, :2].tolist()
    assert nearest.among(VECTORS[:1], 2) == [[]]


@given(arrays.arrays(np.float32, st.integers(0, 30), elements=st.integers(-3, 3)), st.integers(1, 35))
def test_largest(scores, k):
    assert nearest.largest(scores, k).tolist() == np.argsort(-scores, kind="stable")[:k].tolist()

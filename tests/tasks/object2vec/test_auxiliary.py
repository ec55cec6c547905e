"""Word vectors of the auxiliary channel find the ids of the prepared pairs."""

import numpy as np
import pytest

from data.errors import CorpusError, HyperparameterError
from data.pairs import Pairs, Shards
from data.vocabulary import Vocabulary
from tasks.object2vec.auxiliary import vectors, words

NONE = Shards([], [], 0)
TEXTS = Pairs(Vocabulary(["b", "a"], np.array([2, 1])), (3, 3), (1, 1), NONE)
IDS = Pairs(None, (3, 5), (1, 1), NONE)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "glove.txt").write_text("a 1 2\nb 3 4\n")
    (tmp_path / "vocab.json").write_text('{"<pad>": 0, "a": 1, "c": 2}')
    return {"embedding": str(tmp_path / "glove.txt"), "vocabulary": str(tmp_path / "vocab.json")}


def test_words_of_texts_have_ids_from_one(files):
    found = vectors(TEXTS, 0, embedding=files["embedding"], vocabulary="", dimension=2)
    assert found is not None
    assert np.array_equal(found, np.array([[np.nan, np.nan], [3, 4], [1, 2]], np.float32), equal_nan=True)


@pytest.mark.parametrize("size", [0, 7])
def test_ids_have_the_words_of_a_vocabulary(files, size):
    found = vectors(IDS, 1, **files, dimension=2, size=size)
    assert found is not None
    assert found.shape == (size or 5, 2)
    assert found[1].tolist() == [1, 2]
    assert np.isnan(found[[0, 2, 3, 4]]).all()


def test_no_vectors_are_no_error(files):
    assert vectors(IDS, 0, embedding="", vocabulary=files["vocabulary"], dimension=2) is None
    assert vectors(IDS, 0, embedding="", vocabulary="", dimension=2) is None
    assert words(IDS, 0, files["vocabulary"]) == {"<pad>": 0, "a": 1, "c": 2}
    assert words(IDS, 0, "") == {}


def test_what_does_not_go_together(files):
    with pytest.raises(HyperparameterError, match=r"enc1_pretrained_embedding_file=.*holds ids; .*enc1_vocab_file"):
        vectors(IDS, 1, embedding=files["embedding"], vocabulary="", dimension=2)
    with pytest.raises(HyperparameterError, match=r"enc0_vocab_file=.*training data; leave it out"):
        vectors(TEXTS, 0, **files, dimension=2)
    with pytest.raises(
        CorpusError, match=r"glove\.txt: line 1, byte 0: a vector of 2 numbers, and enc1_token_embedding_"
    ):
        vectors(TEXTS, 1, embedding=files["embedding"], vocabulary="", dimension=3)

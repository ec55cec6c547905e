from pathlib import Path

import pytest

from algorithms.object2vec.algorithm import Object2Vec
from data.errors import CorpusError, HyperparameterError
from tasks.object2vec.channel import Auxiliary, find

NAMED = {"enc0_vocab_file": "vocab.json", "enc0_pretrained_embedding_file": "glove.txt"}


@pytest.fixture
def folder(tmp_path):
    for name in ("vocab.json", "glove.txt", "other.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    return str(tmp_path)


def test_nothing_is_nothing():
    assert find.fn("", Object2Vec()) == Auxiliary()


def test_enc1_copies_what_enc0_is_told(folder):
    vocabulary, glove, other = (f"{folder}/{name}" for name in ("vocab.json", "glove.txt", "other.txt"))
    found = find.fn(folder, Object2Vec(**NAMED))
    assert (found.vocabularies, found.embeddings) == ((vocabulary,) * 2, (glove,) * 2)
    assert len(found.fingerprints) == 2
    own = find.fn(folder, Object2Vec(**NAMED, enc1_pretrained_embedding_file="other.txt"))
    assert own.embeddings == (glove, other)
    assert find.fn(folder, Object2Vec(**NAMED, enc1_network="bilstm")).embeddings == (glove, "")


def test_content_counts(folder):
    before = find.fn(folder, Object2Vec(**NAMED))
    Path(folder, "glove.txt").write_text("another", encoding="utf-8")
    assert find.fn(folder, Object2Vec(**NAMED)) != before


def test_what_does_not_go_together(folder):
    with pytest.raises(HyperparameterError, match=r"enc0_vocab_file='vocab\.json': there is no auxiliary channel"):
        find.fn("", Object2Vec(**NAMED))
    with pytest.raises(HyperparameterError, match="no hyperparameter names a file of it"):
        find.fn(folder, Object2Vec())
    with pytest.raises(CorpusError, match=r"words\.json: not in the auxiliary channel; enc0_vocab_file names it"):
        find.fn(folder, Object2Vec(enc0_vocab_file="words.json"))

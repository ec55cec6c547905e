"""A trained model at work: the same from texts as from their ids; what it cannot read is told by its place."""

import tarfile

import numpy as np
import orjson
import pytest

from algorithms.model import save_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.matcher import Matcher, names, weights
from algorithms.object2vec.pairing import Pairing
from data.errors import EmbertextError, ExampleError
from data.pairs import Batch, Pairs, Sequences, Shards

FORM = Object2Vec(enc0_network="pooled_embedding", enc_dim=4, mlp_dim=4, mlp_layers=1, negative_sampling_rate=1)
IDS = {"<pad>": 0, "cat": 1, "dog": 2, "!": 3, "late": 9}


@pytest.fixture
def pairs(tmp_path) -> Pairs:
    """Four ids, of which 0 and 3 are in one pair."""
    batch = Batch(Sequences.of([[1, 2], [3]]), Sequences.of([[2], [1, 0]]), np.ones(2, np.float32))
    batch.save(str(tmp_path / "train-00000"))
    return Pairs(None, (4, 4), (2, 2), Shards([str(tmp_path / "train-00000")], [2], 6))


@pytest.fixture
def matcher(pairs) -> Matcher:
    return Matcher(FORM, weights(FORM.init(pairs, seed=1)), ids=(IDS, IDS), pairing=Pairing())


def test_texts_are_their_words_ids(matcher):
    """An id that the table has no row for is unknown, as a word without an id."""
    texts = matcher.embeddings(["Cat DOG!", "zebra late"])
    np.testing.assert_array_equal(texts, matcher.embeddings([[1, 2, 3], [0, 0]]))
    np.testing.assert_array_equal(matcher.embeddings([2], side=1), matcher.embeddings(["dog"], side=1))
    scores = matcher.scores(["cat", 2], [[1, 2], "!"])
    assert scores.shape == (2, 2)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-6)


def test_words_are_cut_as_in_training(matcher):
    short = Matcher(FORM, matcher.state, ids=matcher.ids, pairing=Pairing(max_words=1))
    np.testing.assert_array_equal(short.embeddings(["cat dog"]), matcher.embeddings(["cat"]))


def test_what_scoring_does_without(pairs, matcher):
    state = FORM.init(pairs, seed=1)
    assert {name for name in state if name not in weights(state)} == {
        "positives", *(name for name in state if name.startswith(("means.", "squares."))),
    }  # fmt: skip
    whole = Matcher(FORM, state, ids=matcher.ids, pairing=Pairing())
    np.testing.assert_array_equal(whole.scores(["cat"], ["dog"]), matcher.scores(["cat"], ["dog"]))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_what_was_published_is_read(matcher, tmp_path, packed, own):
    folder = tmp_path / "model"
    folder.mkdir()
    save_state(folder / "state.safetensors", matcher.state)
    second = {"dog": 1, "cat": 2} if own else IDS
    files = {"algorithm.json": FORM.model_dump(mode="json"), "vocab.json": IDS, "pairing.json": {"max_words": 7}}
    for name, value in {**files, **({"vocab_in1.json": second} if own else {})}.items():
        (folder / name).write_bytes(orjson.dumps(value))
    url = str(folder)
    if packed:
        url = str(tmp_path / "model.tar.gz")
        with tarfile.open(url, "w:gz") as archive:
            for path in folder.iterdir():
                archive.add(path, path.name)
    found = Matcher.load(url)
    assert (found.form, found.ids, found.pairing) == (FORM, (IDS, second), Pairing(max_words=7))
    np.testing.assert_array_equal(found.scores(["cat"], [2]), matcher.scores(["cat"], [2]))


def test_no_model(tmp_path):
    with pytest.raises(EmbertextError, match=r"there is no algorithm\.json in it; give the model\.tar\.gz"):
        Matcher.load(str(tmp_path))


WRONG = {
    "no words": (["cat", " "], {}, "example 2: in0: no words; leave it out"),
    "nothing": ([[]], {}, "example 1: in0: an empty sequence; leave it out, or give it the id 0 alone"),
    "too large": (
        [1, 4], {}, "example 2: in0: vocab id 4 is not one of 0..3; give ids that were there in training",
    ),
    "below zero": (
        [[1, -2]], {}, "example 1: in0: vocab id -2 is not one of 0..3; give ids that were there in training",
    ),
    "no vocabulary": (
        ["cat"], {"ids": ({}, {})},
        "example 1: in0: a text, and the model knows ids alone; give ids, or train with a vocabulary file",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "change", "expected"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_read(matcher, given, change, expected):
    known = Matcher(FORM, matcher.state, **{"ids": matcher.ids, "pairing": Pairing(), **change})
    with pytest.raises(ExampleError) as raised:
        known.embeddings(given)
    assert str(raised.value) == expected


def test_names():
    assert names(IDS, 5) == ["<pad>", "cat", "dog", "!", "<pad>"]
    assert names({}, 3) == ["0", "1", "2"]

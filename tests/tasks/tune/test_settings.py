"""The form of a sweep, and ranges as people give them."""

import json

import pytest
from pydantic import ValidationError

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.search.ranges import Continuous, Integer
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.word2vec.algorithm import Word2Vec
from data.errors import EmbertextError, HyperparameterError
from tasks.tune.settings import Tuning, formed, rounds, space

GIVEN = {"learning_rate": {"low": 0.01, "high": 0.1}, "window_size": {"low": 2, "high": 6}}


@pytest.mark.parametrize("form", [Word2Vec(), TextClassification(), Topics()], ids=lambda form: type(form).__name__)
@pytest.mark.parametrize("nothing", ["", "  ", {}])
def test_without_ranges_those_recommended_are_searched(form, nothing):
    name = {"Word2Vec": "word2vec", "TextClassification": "text_classification", "Topics": "topics"}[
        type(form).__name__
    ]
    assert "learning_rate" in space(name, form, nothing).ranges


def test_recommended_choices_that_a_form_does_not_take_are_left_out():
    """rmsprop moves all rows, and with row_sparse only some are looked at."""
    form = Object2Vec(token_embedding_storage_type="row_sparse", enc0_network="pooled_embedding")
    found = space("object2vec", form, "").ranges
    assert found["optimizer"].values == ("adagrad", "adam", "sgd")
    assert found["learning_rate"].when == {"optimizer": ("adagrad", "adam", "sgd")}
    everything = space("object2vec", form.model_copy(update={"token_embedding_storage_type": "dense"}), "").ranges
    assert len(everything["optimizer"].values) == 5


@pytest.mark.parametrize("how", ["mapping", "json", "yaml", "file", "url"])
def test_ranges_come_in_several_ways(how, tmp_path):
    text = "learning_rate: {low: 0.01, high: 0.1}\nwindow_size: {low: 2, high: 6}\n"
    path = tmp_path / "ranges.yaml"
    path.write_text(text)
    given = {"mapping": GIVEN, "json": json.dumps(GIVEN), "yaml": text, "file": str(path), "url": path.as_uri()}[how]
    found = space("word2vec", Word2Vec(epochs=3), given)
    assert list(found.ranges) == ["learning_rate", "window_size"]
    assert isinstance(found.ranges["learning_rate"], Continuous)
    assert isinstance(found.ranges["window_size"], Integer)
    assert found.base["epochs"] == 3
    assert found.start == {"learning_rate": 0.05, "window_size": 5}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("nowhere.yaml", "nowhere.yaml: cannot read it"),
        ("learning_rate", "ranges: str, where names and their ranges are expected"),
        ({"learning_rate": {"low": 2.0, "high": 1.0}}, "ranges.learning_rate.low=2.0: above high=1.0"),
        ({"epoch": [1, 2]}, "did you mean epochs?"),
        ({"vector_dim": {"low": 0, "high": 9}}, "ranges.vector_dim.low=0"),
        ({"learning_rate": {"low": 0, "high": 1, "scaling": "Logarithmic"}}, "cannot touch zero"),
    ],
)
def test_ranges_that_are_refused(given, expected):
    with pytest.raises(EmbertextError) as error:
        space("word2vec", Word2Vec(), given)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "ranges.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EmbertextError, match="not UTF-8; save it as UTF-8 text"):
        space("word2vec", Word2Vec(), str(path))


def test_objectives_and_their_directions():
    told = Tuning(objective="mean_rho, seconds").objectives("x")
    assert [tuple(each) for each in told] == [("mean_rho", "maximize"), ("seconds", "minimize")]
    assert Tuning().objectives("total_loss")[0].direction == "minimize"
    assert Tuning(objective="maximize oddity").objectives("")[0].metric == "oddity"
    with pytest.raises(HyperparameterError, match="objective='oddity'"):
        Tuning(objective="oddity").objectives("")


def test_a_grid_ends_when_all_of_it_was_tried():
    assert Tuning(strategy="grid").limits.max_jobs == 0
    assert Tuning(strategy="grid", max_jobs=3).limits.max_jobs == 3
    assert Tuning().limits.max_jobs == 12


def test_epochs_of_a_whole_trial():
    form = Word2Vec(epochs=7)
    assert rounds(form, space("word2vec", form, GIVEN)) == 7
    assert rounds(form, space("word2vec", form, {"epochs": {"low": 2, "high": 9}})) == 9
    assert rounds(form, space("word2vec", form, {"epochs": [3, 5, 4]})) == 5


def test_parameters_are_checked_as_the_form_does():
    assert formed(Word2Vec(), {"window_size": 3}) == Word2Vec(window_size=3)
    with pytest.raises(ValidationError):
        formed(Word2Vec(mode="batch_skipgram"), {"subwords": True})


@pytest.mark.parametrize("wrong", [{"max_parallel_jobs": 0}, {"rate": -1}, {"strategy": "luck"}, {"jobs": 3}])
def test_settings_that_are_refused(wrong):
    with pytest.raises(ValidationError):
        Tuning(**wrong)


def test_earlier_sweeps():
    assert Tuning(warm_start=" a, s3://b/c ,").earlier == ("a", "s3://b/c")
    assert Tuning().earlier == ()

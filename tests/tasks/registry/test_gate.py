"""What passes, and why; where a registry lies; what is refused before a training."""

import math

import pytest
from pydantic import ValidationError

from data.errors import EmbertextError
from data.registry import versions
from data.registry.records import Model, Version
from tasks.against import Comparison
from tasks.registry.gate import Gate, decided, look, open_gate
from tasks.registry.settings import Registration

METRICS = {"accuracy": "higher", "log_loss": "lower"}
NAN = math.nan


def model(number=1, **fields):
    given = {
        "url": f"out/{number}",
        "model": "m",
        "manifest": f"{number:064}",
        "algorithm": "topics",
        "created": "2026",
    }
    return Model(**given | fields)


def version(number=1):
    return Version(**dict(model(number)), name="words", version=number, registered="2026", by="me")


def gate(**fields):
    given = {"registry": "r", "name": "words", "algorithm": "topics", "promote": "if not worse", "margin": 0.0}
    return Gate(**given | {"judged_by": "accuracy", "metrics": METRICS} | fields)


@pytest.mark.parametrize(
    ("champion", "this", "settings", "promoted", "why"),
    [
        (0.8, 0.9, {}, True, "not worse: accuracy 0.9000, that of words@1 0.8000"),
        (0.9, 0.9, {}, True, "not worse: "),
        (0.9, 0.8, {}, False, "worse: accuracy 0.8000, that of words@1 0.9000"),
        (0.9, 0.8, {"margin": 0.1}, True, "with a margin of 0.1"),
        (0.9, 0.79, {"margin": 0.1}, False, "with a margin of 0.1"),
        (0.9, 0.8, {"judged_by": "log_loss"}, True, "not worse: log_loss 0.8000"),
        (0.8, 0.9, {"judged_by": "log_loss"}, False, "worse: log_loss 0.9000"),
        (0.8, NAN, {}, False, "its accuracy is nan"),
        (0.8, None, {}, False, "there is no accuracy of it: nothing to judge by"),
        (NAN, 0.1, {}, True, "there is no accuracy of words@1: nothing to judge by"),
        (None, 0.1, {}, True, "there is no accuracy of words@1"),
        (0.9, 0.8, {"promote": "always"}, True, "as is asked for"),
        (0.8, 0.9, {"promote": "never"}, False, "promotion is not asked for"),
    ],
)
def test_what_passes(champion, this, settings, promoted, why):
    metric = settings.get("judged_by", "accuracy")
    against = decided(gate(**settings), version(), Comparison({metric: (champion, this)}, note="nothing to judge by"))
    assert against.promoted == promoted
    assert why in against.why
    assert against.champion == "words@1"
    assert against.told()["verdict"] == ("promoted" if promoted else "not promoted")


def test_the_first_one_is_promoted_unless_it_is_broken():
    assert decided(gate(), None, Comparison({"accuracy": (None, 0.1)})).why == "the first one"
    assert decided(gate(), None, Comparison({})).promoted
    assert not decided(gate(), None, Comparison({"accuracy": (None, NAN)})).promoted


def test_a_flaw_outweighs_numbers():
    against = decided(gate(), version(), Comparison({"accuracy": (0.1, 0.9)}, flaw="it knows 3 of the 300 pairs"))
    assert not against.promoted
    assert against.why.endswith("but it knows 3 of the 300 pairs")


def test_the_metric_that_decides_comes_first_and_nan_is_none():
    rows = decided(gate(judged_by="log_loss"), version(), Comparison({"accuracy": (0.1, NAN), "log_loss": (1, 1)})).rows
    assert [(row.metric, row.champion, row.this) for row in rows] == [("log_loss", 1, 1), ("accuracy", 0.1, None)]


@pytest.mark.parametrize(
    ("registry", "output", "place"),
    [
        ("", "/out", "/out/registry"),
        ("", "s3://b/out/", "s3://b/out/registry"),
        ("", "/out/{partition}", "/out/registry"),
        ("", "s3://b/models/dt={partition}/x", "s3://b/models/registry"),
        ("s3://b/r", "/out", "s3://b/r"),
    ],
)
def test_runs_of_all_partitions_share_a_registry(registry, output, place):
    assert Registration(model_name="a", registry=registry).place(output) == place


@pytest.mark.parametrize("given", [{"model_name": "a/b"}, {"margin": -1}, {"margin": NAN}, {"promote": "perhaps"}])
def test_the_form_refuses(given):
    with pytest.raises(ValidationError):
        Registration(**given)


def test_what_cannot_be_is_refused_before_a_training(tmp_path):
    registry = str(tmp_path / "registry")

    def opened(algorithm="topics", **given):
        return open_gate(Registration(registry=registry, **given), "out", algorithm=algorithm, metrics=METRICS)

    assert opened() is None
    with pytest.raises(
        EmbertextError, match="judged_by='mean_rho': no metric of topics; choose one of accuracy, log_loss"
    ):
        opened(model_name="words", judged_by="mean_rho")
    versions.register(registry, "words", model())
    assert look.fn(gate(registry=registry)).champion is None
    with pytest.raises(
        EmbertextError, match="words: its versions are of topics, not of word2vec; choose another model_name"
    ):
        look.fn(gate(registry=registry, algorithm="word2vec"))


@pytest.mark.parametrize("name", ["a/b", ".a", "ä", "a b", "../a"])
def test_what_cannot_be_a_models_name(name: str) -> None:
    assert Registration(model_name="docs-words_1.2")
    with pytest.raises(ValidationError, match="model_name"):
        Registration(model_name=name)

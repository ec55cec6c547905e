import json
import logging
from pathlib import Path

import numpy as np
import pytest

from algorithms.model import load_state
from data.errors import HyperparameterError
from data.pairs import Pairs
from tasks.object2vec.channel import Auxiliary
from tasks.object2vec.text import prepare
from tasks.object2vec.train import judged_on, learn
from tasks.train import HISTORY, STATE
from tasks.watch import watched
from tests.tasks.object2vec.conftest import FORM, HERE, PAIRING

NONE = Auxiliary()


def history_of(trained) -> list[dict]:
    return json.loads((Path(trained.url) / HISTORY).read_bytes())


def epochs_of(trained) -> list[dict]:
    """The last round of each epoch, which tells of it all."""
    return [each for each in history_of(trained) if "epoch" in each]


def test_what_a_training_leaves(prepared):
    trained = learn.fn(prepared, NONE, FORM, machines=HERE, seed=1)
    assert {path.name for path in Path(trained.url).iterdir()} == {
        "state.safetensors", "history.json", "vocab.json", "done.json",
    }  # fmt: skip
    history = history_of(trained)
    assert len(history) == trained.rounds
    assert [each["epoch"] for each in epochs_of(trained)] == [1, 2, 3]
    assert history[-1].keys() >= {"accuracy", "cross_entropy", "validation_accuracy", "validation_cross_entropy"}
    assert trained.epochs == 3
    seconds = sum(each["seconds"] for each in history)
    assert trained.pairs_per_second == pytest.approx(3 * prepared.pairs["train"] / seconds)
    assert json.loads((Path(trained.url) / "vocab.json").read_bytes()) == Pairs.load(prepared.url).ids()


def test_the_weights_alone_are_kept(prepared):
    """Not what adam remembers of each: that is twice as much again."""
    trained = learn.fn(prepared, NONE, FORM, machines=HERE, seed=1)
    state = load_state(Path(trained.url) / STATE)
    assert not [name for name in state if "." in name or name == "positives"]
    pairs = Pairs.load(prepared.url)
    found = judged_on(FORM, state, pairs.validation)
    assert found["cross_entropy"] == pytest.approx(
        min(each["validation_cross_entropy"] for each in epochs_of(trained)), rel=1e-5
    )


def test_it_stops_when_it_gets_no_better(prepared, caplog):
    form = FORM.model_copy(update={"epochs": 40, "learning_rate": 0.3, "early_stopping_patience": 2})
    with caplog.at_level(logging.INFO):
        trained = learn.fn(prepared, NONE, form, machines=HERE, seed=1)
    losses = [each["validation_cross_entropy"] for each in epochs_of(trained)]
    assert trained.epoch == int(np.argmin(losses)) + 1
    assert trained.epochs == len(losses) < 40
    told = [record.getMessage() for record in caplog.records]
    assert told[-2:] == [
        "Early stop condition met after 2 epochs without improvement. Stopping training.",
        f"Best model based on early stopping at epoch {trained.epoch}. Best loss: {min(losses)}",
    ]
    assert "#progress_metric: host=algo-1, completed 100.0 %" in told


def test_without_validation_the_training_decides(ingested, cache):
    alone = prepare.fn(
        ingested, {}, {}, PAIRING, num_classes=2, vocab_sizes=(0, 0), negative_sampling_rate=3, held_out=0.0, seed=1,
        machines=HERE, work=f"{cache}/work",
    )  # fmt: skip
    trained = learn.fn(alone, NONE, FORM, machines=HERE, seed=1)
    losses = [each["cross_entropy"] for each in epochs_of(trained)]
    assert trained.epoch == int(np.argmin(losses)) + 1
    assert not [name for name in history_of(trained)[-1] if name.startswith("validation")]


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("sgd", "learning_rate=1.0: .*; choose a smaller learning_rate"),
        ("adadelta", "optimizer='adadelta': .*; choose optimizer=adam and a small learning_rate"),
    ],
)
def test_a_loss_that_is_no_number(prepared, cache, monkeypatch, optimizer, expected):
    form = FORM.model_copy(
        update={"optimizer": optimizer, "learning_rate": 1.0, "token_embedding_storage_type": "dense"}
    )
    nothing = {"accuracy": 0.0, "cross_entropy": float("nan"), "examples": 1}
    monkeypatch.setattr(type(form), "evaluate", lambda *_: nothing)
    with pytest.raises(HyperparameterError, match=expected):
        learn.fn(prepared, NONE, form, machines=HERE, seed=1)
    assert not list(cache.rglob("train-*/*.safetensors"))


def test_who_watches_is_told_each_epoch(prepared):
    told = []
    with watched(epoch=lambda number, metrics: told.append((number, metrics)), wanted=lambda: None):
        trained = learn.fn(prepared, NONE, FORM, machines=HERE, seed=1)
    assert [number for number, _ in told] == [1, 2, 3]
    assert told[0][1]["cross_entropy"] == epochs_of(trained)[0]["validation_cross_entropy"]


def test_labelled_pairs_get_others_only_with_a_warning(prepared, caplog):
    learn.fn(prepared.model_copy(update={"labelled": True}), NONE, FORM, machines=HERE, seed=1)
    assert "the pairs have labels, and 3 more with the label 0 are drawn" in caplog.text


def test_adjustments_are_told(prepared, caplog):
    with caplog.at_level(logging.INFO):
        learn.fn(prepared, NONE, FORM.model_copy(update={"epochs": 1}), machines=HERE, seed=1)
    assert "Setting token embedding dim to be 8" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"form": FORM.model_copy(update={"epochs": 2})},
        {"auxiliary": Auxiliary(fingerprints=("sha256:1",))},
    ],
)
def test_every_input_counts(prepared, change):
    given = {"form": FORM.model_copy(update={"epochs": 1}), "machines": HERE, "seed": 1, "auxiliary": NONE}
    first = learn.fn(prepared, **given)
    assert learn.fn(prepared, **given).name == "Cached"
    assert learn.fn(prepared, **{**given, **change}).url != first.url

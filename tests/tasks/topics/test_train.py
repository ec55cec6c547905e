import json
import logging
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from algorithms.model import load_state
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting, read
from data.counts import Counts
from data.errors import HyperparameterError
from tasks.topics.text import ingest, prepare
from tasks.topics.train import diverged, learn, losses_on
from tasks.train import HISTORY, STATE, machines

FORM = Topics(num_topics=2, epochs=4, mini_batch_size=64, optimizer="adam")
HERE = machines(threads=1, workers=0, scheduler="")


@pytest.fixture
def prepared(corpus, cache):
    counting = Counting(threshold=5)
    return prepare.fn(ingest.fn(str(corpus)), {}, counting, seed=1, machines=HERE, work=f"{cache}/work")


def test_what_a_training_leaves(prepared):
    trained = learn.fn(prepared, FORM, machines=HERE, seed=1)
    folder = Path(trained.url)
    history = json.loads((folder / HISTORY).read_bytes())
    assert len(history) == trained.rounds
    assert history[-1]["progress"] == 1
    epochs = [each for each in history if "epoch" in each]
    assert [each["epoch"] for each in epochs] == [1, 2, 3, 4]
    for each in epochs:
        for which in ("", "validation_"):
            total = each[f"{which}recons"] + each[f"{which}kld"]
            assert each[f"{which}total_loss"] == pytest.approx(total)
            assert each[f"{which}perplexity"] == pytest.approx(np.exp(total))
    assert trained.epochs == 4
    assert trained.documents_per_second == pytest.approx(4 * 3200 / sum(each["seconds"] for each in history))


def test_the_weights_are_those_of_the_best_epoch(prepared):
    """A large step: some epoch before the last is the best."""
    form = FORM.model_copy(update={"epochs": 30, "learning_rate": 0.5, "num_patience_epochs": 2})
    trained = learn.fn(prepared, form, machines=HERE, seed=1)
    history = json.loads((Path(trained.url) / HISTORY).read_bytes())
    losses = {each["epoch"]: each["validation_total_loss"] for each in history if "epoch" in each}
    assert trained.epoch == min(losses, key=losses.__getitem__) < trained.epochs == len(losses) < 30
    state = load_state(Path(trained.url) / STATE)
    found = losses_on(form, state, map(read, Counts.load(prepared.url).channel("validation").files))
    assert found["total_loss"] == pytest.approx(losses[trained.epoch])
    assert found["documents"] == 400


def test_the_log_of_sagemakers_users(prepared, caplog):
    with caplog.at_level(logging.INFO):
        learn.fn(prepared, FORM.model_copy(update={"epochs": 2}), machines=HERE, seed=1)
    told = [re.sub(r"\d+\.\d+(e-\d+)?", "*", record.getMessage()) for record in caplog.records]
    losses = [f"Loss (name: value) {name}: *" for name in ("total", "kld", "recons", "logppx")]

    def epoch(number: int, share: str) -> list[str]:
        return [
            f"# Starting training for epoch {number}",
            f"# Finished training epoch {number} on 3200 examples from 50 batches, each of size 64.",
            "Metrics for Training:",
            *losses,
            f"#quality_metric: host=algo-1, epoch={number}, train total_loss <loss>=*",
            "Finished scoring on 400 examples from 7 batches, each of size 64.",
            "Metrics for Inference:",
            *losses,
            f"#validation_score ({number}): *",
            "Timing: train: *s, val: *s, epoch: *s",
            f"#progress_metric: host=algo-1, completed {share} % of epochs",
            "#throughput_metric: host=algo-1, train throughput=* records/second",
        ]

    assert [line for line in told if not line.startswith("round ")] == [
        *epoch(1, "*"), *epoch(2, "*"),
        "#quality_metric: host=algo-1, epoch=2, validation total_loss <loss>=*",
        "Best model based on early stopping at epoch 2. Best loss: *",
    ]  # fmt: skip


@pytest.mark.parametrize("change", [{"seed": 2}, {"form": FORM.model_copy(update={"epochs": 3})}])
def test_every_input_counts(prepared, change):
    given = {"form": FORM.model_copy(update={"epochs": 1}), "machines": HERE, "seed": 1}
    first = learn.fn(prepared, **given)
    assert learn.fn(prepared, **given).name == "Cached"
    assert learn.fn(prepared, **{**given, **change}).url != first.url


def test_a_mini_batch_larger_than_the_data(prepared, cache):
    form = FORM.model_copy(update={"mini_batch_size": 5000})
    expected = (
        "mini_batch_size=5000: a mini-batch larger than the 3,200 training documents; "
        "choose mini_batch_size <= 3200, or give more documents"
    )
    with pytest.raises(HyperparameterError) as raised:
        learn.fn(prepared, form, machines=HERE, seed=1)
    assert str(raised.value) == expected
    assert not list(cache.rglob("train-*/*.safetensors"))


def test_adadelta_takes_no_learning_rate(prepared, caplog):
    """It is said to who set one, and to nobody else."""
    said = "adadelta takes no learning rate: 0.5 changes nothing"
    for change, expected in (({}, 0), ({"optimizer": "adadelta"}, 1), ({"learning_rate": 0.01}, 0)):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            form = FORM.model_copy(update={"epochs": 1, "learning_rate": 0.5, "optimizer": "adam"} | change)
            learn.fn(prepared, form, machines=HERE, seed=1)
        assert [record.getMessage() for record in caplog.records].count(said) == expected


WILD = {"optimizer": "sgd", "learning_rate": 1.0, "encoder_layers_activation": "relu", "epochs": 2}
CALM = "choose a smaller learning_rate"
BOUNDED = "or encoder_layers_activation=sigmoid, whose units are bounded"
REMEDIES = [
    ({}, f"learning_rate=0.01: so it is; {CALM}"),
    ({"encoder_layers_activation": "softplus"}, f"learning_rate=0.01: so it is; {CALM}, {BOUNDED}"),
    ({"optimizer": "adadelta"}, "optimizer='adadelta': so it is; choose optimizer=adam and a small learning_rate"),
    (
        {"optimizer": "adadelta", "encoder_layers_activation": "relu"},
        f"optimizer='adadelta': so it is; choose optimizer=adam and a small learning_rate, {BOUNDED}",
    ),
]


@pytest.mark.parametrize(("change", "expected"), REMEDIES)
def test_the_remedy_is_one_that_the_optimizer_takes(change, expected):
    assert str(diverged(FORM.model_copy(update=change), "so it is")) == expected


def test_a_training_that_diverges_leaves_nothing(prepared, cache):
    with pytest.raises(HyperparameterError) as raised:
        learn.fn(prepared, FORM.model_copy(update=WILD), machines=HERE, seed=1)
    assert re.fullmatch(
        rf"learning_rate=1.0: training diverged in round \d+: the loss is (nan|inf); {CALM}, {BOUNDED}",
        str(raised.value),
    )
    assert not [*(cache / "work").glob("train-*"), *cache.rglob(".unfinished*")]


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_validation_losses_that_are_no_numbers_leave_nothing(prepared, cache, monkeypatch, loss):
    judged = dict.fromkeys(("total_loss", "kld", "recons", "perplexity"), loss) | {"documents": 400}
    monkeypatch.setattr("tasks.topics.train.losses_on", lambda *_: judged)
    with pytest.raises(
        HyperparameterError, match="after no epoch the loss of the validation documents is a number; ch"
    ):
        learn.fn(prepared, FORM, machines=HERE, seed=1)
    assert not [*(cache / "work").glob("train-*"), *cache.rglob(".unfinished*")]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(prepared, cache):
    with pytest.raises(HyperparameterError) as raised:
        learn.fn(prepared, FORM.model_copy(update={"device": "cuda"}), machines=HERE, seed=1)
    assert str(raised.value) == (
        "device='cuda': torch finds no GPU here; choose device=auto or cpu, or install torch with CUDA"
    )
    assert not list(cache.rglob("train-*/*.safetensors"))

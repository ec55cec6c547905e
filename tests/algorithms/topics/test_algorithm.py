"""The form, and what it does to a state, as those who train with it see it."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import sparse

from algorithms.here import Here
from algorithms.protocol import Span
from algorithms.topics.algorithm import Topics
from algorithms.training import train
from data.errors import HyperparameterError
from tests.algorithms.topics.documents import InMemory, planted

DECODERS = ["ntm", "prodlda", "etm"]
SPAN = Span(0, 1)
DEFAULTS = {
    "num_topics": 20,
    "epochs": 50,
    "mini_batch_size": 256,
    "optimizer": "adadelta",
    "learning_rate": 0.01,  # the container's own; the developer guide says 0.001
    "encoder_layers": "auto",
    "encoder_layers_activation": "sigmoid",
    "batch_norm": False,
    "num_patience_epochs": 3,
    "tolerance": 0.001,
    "sub_sample": 1.0,
    "weight_decay": 0.0,
    "rescale_gradient": 1.0,
    "clip_gradient": "Inf",
}
BOUNDS = [  # SageMaker's; lowest, highest
    ("feature_dim", 1, 1_000_000),
    ("num_topics", 2, 1000),
    ("epochs", 1, None),
    ("mini_batch_size", 1, 10_000),
    ("num_patience_epochs", 1, None),
    ("learning_rate", 1e-6, 1.0),
    ("tolerance", 1e-6, 0.1),
    ("sub_sample", 0.0, 1.0),
    ("weight_decay", 0.0, 1.0),
    ("rescale_gradient", 1e-3, 1.0),
    ("clip_gradient", 1e-3, None),
]


def test_defaults_are_sagemakers():
    assert Topics().decoder == "ntm"
    assert {name: getattr(Topics(), name) for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(("field", "lowest", "highest"), BOUNDS)
def test_bounds_are_sagemakers(field, lowest, highest):
    for value in (lowest, highest or 10**9):
        assert Topics(**{field: value}) == Topics(**{field: str(value)})  # as SageMaker sends them
    below = [-1] if field == "feature_dim" else [lowest - 1] if isinstance(lowest, int) else [lowest - 1e-7]
    for value in [*below, *([highest * 1.01 + 1] if highest else []), math.nan, ""]:
        with pytest.raises(ValidationError, match=field):
            Topics(**{field: value})


@pytest.mark.parametrize("field", ["optimizer", "encoder_layers_activation", "decoder", "device", "batch_norm"])
def test_choices(field):
    with pytest.raises(ValidationError, match=field):
        Topics(**{field: "another"})


def test_there_are_no_other_hyperparameters():
    with pytest.raises(ValidationError, match="momentum"):
        Topics(momentum=0.9)


@pytest.mark.parametrize(
    ("given", "kept", "layers"),
    [("auto", "auto", (12, 8)), (" AUTO ", "auto", (12, 8)), ("100", "100", (100,)), ("9, 8,7", "9,8,7", (9, 8, 7))],
)
def test_layers(given, kept, layers):
    form = Topics(num_topics=4, encoder_layers=given)
    assert (form.encoder_layers, form.layers) == (kept, layers)


@pytest.mark.parametrize("given", ["", "0", "3,", "-1", "many", "1.5"])
def test_layers_that_are_refused(given):
    with pytest.raises(ValidationError, match="units of each layer"):
        Topics(encoder_layers=given)


@pytest.mark.parametrize("given", ["Inf", "inf", "Infinity", math.inf])
def test_no_bound_on_gradients(given):
    assert Topics(clip_gradient=given).clip_gradient == "Inf"


def test_a_width_that_is_not_the_datas():
    form = Topics(num_topics=2, feature_dim=25)
    with pytest.raises(HyperparameterError, match=r"feature_dim=25: the documents have 24 columns; choose feature_dim"):
        form.init(InMemory(planted(10)), seed=1)
    Topics(num_topics=2, feature_dim=24).init(InMemory(planted(10)), seed=1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu():
    form = Topics(num_topics=2, device="cuda")
    state = form.init(InMemory(planted(10)), seed=1)
    for act in (form.evaluate, form.infer):
        with pytest.raises(HyperparameterError, match=r"^device='cuda': [^\n]*; choose device=auto or cpu[^\n]*$"):
            act(state, planted(10))


@pytest.mark.parametrize("decoder", DECODERS)
def test_planted_topics_are_found(decoder):
    """Four kinds of documents, four topics: each topic's words are those of one kind, and so are its documents."""
    rows = planted(600, topics=4)
    kinds = np.asarray(np.add.reduceat(rows.toarray(), np.arange(0, 24, 6), axis=1).argmax(axis=1))
    form = Topics(
        num_topics=4,
        decoder=decoder,
        optimizer="adam",
        epochs=40 if decoder == "ntm" else 25,
        mini_batch_size=50,
        encoder_layers="20",
        encoder_layers_activation="softplus",
        embedding_dim=10,
    )
    for each in train(form, InMemory(rows), cluster=Here(1), seed=1):
        state = each.state
    tops = np.argsort(-form.topic_word(state), axis=1)[:, :6] // 6
    purity = np.mean([np.bincount(top, minlength=4).max() / 6 for top in tops])
    assert purity > 0.9
    assert len({np.bincount(top).argmax() for top in tops}) == 4
    found = form.infer(state, rows).argmax(axis=1)
    assert max(np.mean(np.array(order)[found] == kinds) for order in permutations(range(4))) > 0.9
    unigram = np.asarray(rows.sum(axis=0)).reshape(-1) / rows.sum()
    assert form.evaluate(state, rows)["total_loss"] < -(unigram * np.log(unigram)).sum() - 0.5  # nats a word


@pytest.mark.parametrize("decoder", DECODERS)
def test_two_workers_learn_as_one_with_twice_the_mini_batch(decoder):
    """The spread of seeds is some hundredths of a nat; without training the loss is 3.2."""

    def loss(workers: int, batch: int) -> float:
        form = Topics(num_topics=4, decoder=decoder, optimizer="adam", epochs=15, mini_batch_size=batch)
        for each in train(form, InMemory(planted(1200)), cluster=Here(1, workers=workers), seed=1):
            state = each.state
        return form.evaluate(state, planted(300, seed=2))["total_loss"]

    assert loss(2, 32) == pytest.approx(loss(1, 64), abs=0.1)


@pytest.mark.parametrize("decoder", DECODERS)
def test_what_is_said_of_documents(decoder):
    form = Topics(num_topics=3, decoder=decoder)
    state = form.init(InMemory(planted(50)), seed=2)
    rows = planted(50)
    said = form.evaluate(state, rows)
    assert said["documents"] == 50
    assert said["total_loss"] == pytest.approx(said["kld"] + said["recons"])
    assert said["perplexity"] == pytest.approx(math.exp(said["total_loss"]))
    assert said == form.evaluate(state, rows)
    shares = form.infer(state, rows)
    assert (shares.shape, shares.dtype) == ((50, 3), np.float32)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(form.infer(state, rows[7:9]), shares[7:9], rtol=1e-5)
    topics = form.topic_word(state)
    assert (topics.shape, topics.dtype) == ((3, 24), np.float32)
    np.testing.assert_allclose(topics.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("decoder", DECODERS)
def test_documents_are_judged_block_by_block(decoder, monkeypatch):
    rows = planted(50)
    form = Topics(num_topics=3, decoder=decoder, batch_norm=True)
    state = form.init(InMemory(rows), seed=2)
    state = form.update(state, [rows], span=SPAN, threads=1, seed=1).state
    whole = form.infer(state, rows)
    monkeypatch.setattr("algorithms.topics.step.BLOCK", 7)
    np.testing.assert_allclose(form.infer(state, rows), whole, rtol=1e-5)
    assert form.evaluate(state, rows)["documents"] == 50


@pytest.mark.parametrize("decoder", DECODERS)
def test_no_documents_at_all(decoder):
    form = Topics(num_topics=3, decoder=decoder)
    state = form.init(InMemory(planted(10)), seed=2)
    nothing = sparse.csr_matrix((0, 24), dtype=np.float32)
    assert form.infer(state, nothing).shape == (0, 3)
    assert form.evaluate(state, nothing)["documents"] == 0


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_document_without_words(decoder):
    form = Topics(num_topics=3, decoder=decoder)
    state = form.init(InMemory(planted(10)), seed=2)
    empty = sparse.csr_matrix((1, 24), dtype=np.float32)
    np.testing.assert_allclose(form.infer(state, empty).sum(), 1, rtol=1e-5)
    assert form.evaluate(state, empty)["recons"] == 0


def test_topics_of_etm_and_ntm_leave_out_what_is_frequent_anyway():
    for decoder in ("ntm", "etm"):
        form = Topics(num_topics=3, decoder=decoder)
        state = form.init(InMemory(planted(10)), seed=2)
        before = form.topic_word(state)
        state["decoder_bias"] = np.linspace(-5, 5, 24, dtype=np.float32)
        np.testing.assert_array_equal(form.topic_word(state), before)


def test_adadelta_takes_no_learning_rate():
    assert Topics(learning_rate=0.5).learning_rate_at(0.3) == 1
    assert Topics(learning_rate=0.5, optimizer="sgd").learning_rate_at(0.3) == 0.5
    assert Topics(learning_rate=0.5).rule.rate == 1

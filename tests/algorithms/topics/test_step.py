"""One update: what it does to a state, what it tells, and what it leaves alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from algorithms.protocol import Span
from algorithms.state import State, merge
from algorithms.topics import step
from algorithms.topics.algorithm import Topics
from algorithms.topics.step import relevance
from tests.algorithms.topics.documents import InMemory, planted, scattered

DECODERS = ["ntm", "prodlda", "etm"]
ROWS = scattered(90, 53, seed=3)
SPAN = Span(0, 1)


def form_of(decoder: str = "ntm", **settings) -> Topics:
    return Topics(**{"num_topics": 5, "decoder": decoder, "mini_batch_size": 32, "embedding_dim": 7} | settings)


def updated(form: Topics, state: State, batches=(ROWS,), *, seed: int = 1, threads: int = 1, alone: bool = False):
    return form.update(state, list(batches), span=SPAN, threads=threads, seed=seed, alone=alone)


def assert_equal(found: State, expected: State) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("decoder", DECODERS)
def test_what_an_update_tells(decoder):
    form = form_of(decoder)
    state = form.init(InMemory(ROWS), seed=1)
    before = {name: array.copy() for name, array in state.items()}
    found = updated(form, state)
    assert_equal(state, before)
    assert (found.examples, found.words) == (90, ROWS.sum())
    assert found.state["steps"] == 3
    assert found.state["losses"].sum() * 90 == pytest.approx(found.loss, rel=1e-5)
    assert found.loss / 90 == pytest.approx(np.log(53), rel=0.2)  # it knows nothing yet
    for name, array in found.state.items():
        assert array.dtype == state[name].dtype
        assert np.isfinite(array).all(), name
        assert (array != before[name]).any(), name
    assert set(found.weight) == {name for name, array in found.state.items() if array.dtype.kind == "f"}


@pytest.mark.parametrize("decoder", DECODERS)
def test_the_same_seed_gives_the_same_state(decoder):
    form = form_of(decoder, batch_norm=True)
    state = form.init(InMemory(ROWS), seed=1)
    assert_equal(form.init(InMemory(ROWS), seed=1), state)
    one, same, other = (updated(form, state, seed=seed) for seed in (7, 7, 8))
    assert_equal(one.state, same.state)
    assert (one.state["posterior"] != other.state["posterior"]).any()


@pytest.mark.parametrize("decoder", DECODERS)
def test_threads_change_no_more_than_rounding(decoder, monkeypatch):
    monkeypatch.setattr(step, "SHARE", 1)  # however short a mini-batch
    form = form_of(decoder, optimizer="adagrad")
    state = form.init(InMemory(ROWS), seed=1)
    alone, shared = (updated(form, state, threads=threads) for threads in (1, 2))
    for name, array in alone.state.items():
        np.testing.assert_allclose(shared.state[name], array, rtol=1e-2, atol=1e-3, err_msg=name)
    assert shared.loss == pytest.approx(alone.loss, rel=1e-4)


def test_alone_it_trains_in_place():
    form = form_of()
    state = form.init(InMemory(ROWS), seed=1)
    expected = updated(form, state)
    found = updated(form, state, alone=True)
    assert_equal(found.state, expected.state)
    assert np.shares_memory(found.state["encoder_0"], state["encoder_0"])


def test_several_batches_are_one():
    form = form_of()
    state = form.init(InMemory(ROWS), seed=1)
    assert_equal(updated(form, state, [ROWS[:40], ROWS[40:41], ROWS[41:]]).state, updated(form, state).state)


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("batches", [[], [ROWS[:0]], [ROWS[:0], ROWS[:0]]])
def test_a_round_without_documents(decoder, batches):
    form = form_of(decoder)
    state = form.init(InMemory(ROWS), seed=1)
    found = updated(form, state, batches)
    assert_equal(found.state, state)
    assert (found.loss, found.examples, found.words) == (0, 0, 0)
    other = updated(form, state)
    assert_equal(merge([found, other]).state, other.state)


def test_merging_is_the_mean_by_documents():
    form = form_of()
    state = form.init(InMemory(ROWS), seed=1)
    one, two = updated(form, state, [ROWS[:30]], seed=2), updated(form, state, [ROWS[30:]], seed=3)
    merged = merge([one, two])
    for name in ("encoder_0", "decoder_bias", "squares.decoder", "losses"):
        np.testing.assert_allclose(
            merged.state[name], (one.state[name] + 2 * two.state[name]) / 3, rtol=1e-4, atol=1e-7
        )
    assert merged.examples == 90
    assert merged.state["steps"] == pytest.approx((1 + 2 * 2) / 3)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.1, 9), (0.5, 45), (1.0, 90)])
def test_a_share_of_the_documents(share, expected):
    form = form_of(sub_sample=share)
    state = form.init(InMemory(ROWS), seed=1)
    assert updated(form, state).examples == expected


def test_each_epoch_draws_others(monkeypatch):
    """Each document by its only word."""
    rows = sparse.identity(60, np.float32, format="csr")
    form = form_of(sub_sample=0.5, mini_batch_size=10)
    state = form.init(InMemory(rows), seed=1)
    drawn: list[list[int]] = []
    plain = step.batch

    def spy(rows, chosen, **settings):
        drawn[-1].extend(chosen.tolist())
        return plain(rows, chosen, **settings)

    monkeypatch.setattr(step, "batch", spy)
    for seed in (1, 2, 1):
        drawn.append([])
        updated(form, state, [rows], seed=seed)
        assert len(drawn[-1]) == len(set(drawn[-1])) == 30
    assert drawn[0] == drawn[2]
    assert set(drawn[0]) != set(drawn[1])


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("documents", [1, 2, 33])
def test_mini_batches_of_any_size(decoder, documents):
    """Also of one document, and fewer documents than a mini-batch is to have."""
    form = form_of(decoder, mini_batch_size=32 if documents > 1 else 1, batch_norm=True)
    state = form.init(InMemory(ROWS), seed=1)
    for size in (1, 32, 256):
        found = updated(form.model_copy(update={"mini_batch_size": size}), state, [ROWS[:documents]])
        assert found.examples == documents
        assert all(np.isfinite(array).all() for array in found.state.values())


@pytest.mark.parametrize("decoder", DECODERS)
def test_documents_without_words_teach_nothing_wrong(decoder):
    rows = sparse.vstack([ROWS, sparse.csr_matrix((5, 53), dtype=np.float32)], format="csr")
    form = form_of(decoder)
    found = updated(form, form.init(InMemory(rows), seed=1), [rows])
    assert found.examples == 95
    assert all(np.isfinite(array).all() for array in found.state.values())


@given(st.integers(2, 9), st.integers(1, 30), st.integers(0, 5), st.sampled_from(DECODERS), st.booleans())
@settings(max_examples=20)
def test_any_counts_give_finite_states(topics, words, seed, decoder, batch_norm):
    rng = np.random.default_rng(seed)
    rows = sparse.csr_matrix(rng.poisson(0.3, (13, words)) * 10.0 ** rng.integers(0, 6), dtype=np.float32)
    form = form_of(
        decoder, num_topics=topics, batch_norm=batch_norm, mini_batch_size=4, encoder_layers_activation="relu"
    )
    state = form.init(InMemory(rows), seed=seed)
    for round_ in range(3):
        state = updated(form, state, [rows], seed=round_, alone=True).state
    assert all(np.isfinite(array).all() for array in state.values())
    assert np.isfinite(form.evaluate(state, rows)["recons"])


@pytest.mark.parametrize("name", ["sgd", "adam", "adagrad", "adadelta", "rmsprop"])
def test_every_optimizer_learns(name):
    rows = planted(300)
    rate = 0.1 if name == "sgd" else 0.01
    form = form_of(optimizer=name, learning_rate=rate, clip_gradient="1", weight_decay=1e-5, mini_batch_size=30)
    state = form.init(InMemory(rows), seed=1)
    losses = []
    for epoch in range(6):
        found = updated(form, state, [rows], seed=epoch, alone=True)
        state = found.state
        losses.append(found.loss / 300)
    assert losses[-1] < losses[0] - 0.01


def test_weights_decay_and_biases_do_not():
    form = form_of(optimizer="sgd", learning_rate=1.0, weight_decay=0.5, rescale_gradient=0.001)
    free = form.model_copy(update={"weight_decay": 0.0})
    state = form.init(InMemory(ROWS), seed=1)
    decayed, plain = (np.abs(updated(each, state, [ROWS[:9]]).state["decoder"]).mean() for each in (form, free))
    assert decayed == pytest.approx(plain / 2, rel=1e-2)
    biases = [updated(each, state, [ROWS[:9]]).state["decoder_bias"] for each in (form, free)]
    np.testing.assert_array_equal(*biases)


def test_relevance():
    """As in LDAvis: lambda log p(word | topic) + (1 - lambda) log of its lift; the mean chance alone ranks words."""
    chances = torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.1, 0.4]])
    lift = chances / chances.mean(dim=0)
    torch.testing.assert_close(relevance(chances.log()), 0.6 * chances.log() + 0.4 * lift.log())

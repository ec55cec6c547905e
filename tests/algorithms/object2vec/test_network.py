"""The network against one written the usual way: what it says of pairs, what its weights and token vectors learn."""

import numpy as np
import pytest
import torch

from algorithms.object2vec import network
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.embeddings import Table, tables_of
from algorithms.object2vec.minibatch import distinct
from algorithms.threads import ALONE, threads
from tests.algorithms.object2vec.memory import corpus, scattered
from tests.algorithms.object2vec.plain import Plain

SIZES = (40, 30)
BATCH = scattered(23, vocab_sizes=SIZES, seed=3)


def form_of(**changes) -> Object2Vec:
    settings = {"enc_dim": 9, "enc0_token_embedding_dim": 5, "enc1_token_embedding_dim": 5, "mlp_dim": 6}
    return Object2Vec(**settings | changes)


FORMS = {
    "hcnn": form_of(enc0_network="hcnn"),
    "hcnn-even-filter": form_of(enc0_network="hcnn", enc0_cnn_filter_width=4, enc0_layers="2"),
    "bilstm": form_of(enc0_network="bilstm", mlp_activation="tanh"),
    "bilstm-deep": form_of(enc0_network="bilstm", enc0_layers="3", mlp_activation="relu"),
    "pooled": form_of(enc0_network="pooled_embedding", mlp_activation="relu"),
    "pooled-sparse": form_of(enc0_network="pooled_embedding", token_embedding_storage_type="row_sparse"),
    "tied-tokens": form_of(enc0_network="hcnn", enc0_layers="1", tied_token_embedding_weight=True),
    "tied-pooled": form_of(enc0_network="pooled_embedding", tied_token_embedding_weight=True),
    "tied-encoders": form_of(enc0_network="bilstm", tied_encoders=True),
    "mixed": form_of(enc0_network="pooled_embedding", enc1_network="hcnn"),
    "mixed-tied": form_of(
        enc0_network="pooled_embedding",
        enc1_network="bilstm",
        enc1_token_embedding_dim=9,
        tied_token_embedding_weight=True,
    ),
    "cut": form_of(enc0_network="hcnn", enc0_max_seq_len=3, enc1_max_seq_len=2),
    "shallow": form_of(enc0_network="pooled_embedding", mlp_layers=0, comparator_list="abs_diff, hadamard"),
    "cosine": form_of(enc0_network="pooled_embedding", mlp_layers=0, comparator_list="cosine"),
    "every-comparator": form_of(enc0_network="hcnn", comparator_list="cosine, abs_diff, concat, hadamard"),
    "concat": form_of(enc0_network="bilstm", comparator_list="concat", mlp_layers=1),
    "regression": form_of(enc0_network="hcnn", output_layer="mean_squared_error"),
    "classes": form_of(enc0_network="pooled_embedding", num_classes=4, mlp_layers=3),
}


def state_of(form: Object2Vec, batch=BATCH):
    state = form.init(corpus(batch, SIZES), seed=3)
    rng = np.random.default_rng(4)
    for name, array in state.items():
        if name.endswith("_bias"):
            array += rng.normal(size=array.shape).astype(np.float32) / 10
    return state


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_costs_and_slopes_are_those_of_the_plain_network(form, number):
    state = state_of(form)
    plain = Plain(form, state)
    expected = plain.cost(BATCH)
    expected.backward()

    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    weights = {name: tensors[name].clone().requires_grad_() for name in network.parameters(form)}
    longest = tuple(encoder.max_seq_len for encoder in form.encoders)
    batch = distinct(BATCH, np.arange(BATCH.size), longest=longest)
    with threads(number) as team:
        tables = [Table(form, name, tensors, training=True) for name in tables_of(form)]
        lookups = {table.name: table.look([batch.sides[side] for side in table.readers], team) for table in tables}
        sides = network.sides_of(form, {name: lookup.sides for name, lookup in lookups.items()})
        encodings = [network.encode(form, weights, side, looked) for side, looked in enumerate(sides)]
        pairs = torch.from_numpy(batch.first), torch.from_numpy(batch.second)
        found = network.outputs(form, weights, encodings, *pairs)
        cost = network.costs(form, found, torch.from_numpy(batch.labels)).mean()
        leaves = [lookup.leaf for lookup in lookups.values()]
        slopes = torch.autograd.grad(cost, [*weights.values(), *leaves])
        assert cost.item() == pytest.approx(expected.item(), rel=1e-5)
        for layer, name in zip(
            plain.layers, [f"mlp_{n + 1}" for n in range(form.mlp_layers)] + ["output"], strict=True
        ):
            near(slopes[list(weights).index(name)], layer.weight.grad)
        if plain.scale is not None:
            near(slopes[list(weights).index("cosine_scale")], plain.scale.grad)
        for table, slope, whole in zip(tables, slopes[len(weights) :], plain.tables, strict=True):
            near(gradient(table, lookups[table.name], slope, team), whole.weight.grad)


def gradient(table: Table, lookup, slope: torch.Tensor, team) -> torch.Tensor:
    """What a table learns. Where it is not dense, by a step of plain descent at the rate 1."""
    if table.gradient is not None:
        return table.learn(lookup, slope, np.zeros(0, np.float32), team)
    table.form, before = table.form.model_copy(update={"optimizer": "sgd"}), table.value.clone()
    table.learn(lookup, slope, np.array([1, 3e38, 0, 1, 0], np.float32), team)
    return before - table.value


def near(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.shape == expected.shape
    assert torch.linalg.norm(found.double() - expected) <= 2e-5 * torch.linalg.norm(expected)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_pairs_and_sequences_are_judged_as_by_the_plain_network(form):
    state = state_of(form)
    plain = Plain(form, state)
    found = form.evaluate(state, BATCH)
    cost = plain.cost(BATCH).item()
    scores = form.scores(state, BATCH)
    with torch.no_grad():
        expected = plain(BATCH)
    assert found["examples"] == 23
    if form.regression:
        assert found == {"mean_squared_error": pytest.approx(cost, rel=1e-5), "examples": 23}
        np.testing.assert_allclose(scores, expected.numpy(), rtol=1e-4, atol=1e-5)
    else:
        assert found["cross_entropy"] == pytest.approx(cost, rel=1e-5)
        assert found["accuracy"] == pytest.approx((expected.argmax(dim=1).numpy() == BATCH.labels).mean())
        np.testing.assert_allclose(scores, expected.softmax(dim=1).numpy(), rtol=1e-4, atol=1e-5)
    for side, sequences in enumerate((BATCH.in0, BATCH.in1)):
        with torch.no_grad():
            encoded = plain.encode(side, sequences).numpy()
        np.testing.assert_allclose(form.embed(state, sequences, side=side), encoded, rtol=1e-4, atol=1e-5)


def test_weights_are_used_all_of_them():
    form = FORMS["mixed"]
    state = state_of(form)
    assert {*network.parameters(form), *tables_of(form)} == {
        name for name, array in state.items() if array.dtype == np.float32 and "." not in name
    } - {"train_accuracy"}


def test_long_sequences_are_judged_in_blocks(monkeypatch):
    from algorithms.object2vec import step

    form = FORMS["hcnn"]
    state, batch = state_of(form), scattered(60, vocab_sizes=SIZES, longest=40, seed=1)
    whole = form.scores(state, batch), form.embed(state, batch.in1, side=1)
    monkeypatch.setattr(step, "BLOCK", 17)
    monkeypatch.setattr(step, "BLOCK_IDS", 50)
    np.testing.assert_allclose(form.scores(state, batch), whole[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(form.embed(state, batch.in1, side=1), whole[1], rtol=1e-4, atol=1e-6)


def test_no_pairs_have_no_scores():
    form = FORMS["classes"]
    nothing = scattered(0, vocab_sizes=SIZES, seed=1)
    assert form.scores(state_of(form), nothing).shape == (0, 4)
    assert form.embed(state_of(form), nothing.in0).shape == (0, 9)
    assert ALONE.number == 1

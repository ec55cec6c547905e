import numpy as np
import pytest

from algorithms.here import Here
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.state import merge
from algorithms.training import train
from data.errors import HyperparameterError
from data.pairs import Batch, Sequences
from tests.algorithms.object2vec.memory import VOCAB_SIZES, corpus, part, planted, scattered

SMALL = {
    "enc_dim": 16, "enc0_token_embedding_dim": 16, "enc1_token_embedding_dim": 16, "mlp_dim": 16,
    "mlp_activation": "relu", "learning_rate": 0.01, "negative_sampling_rate": 3, "tied_token_embedding_weight": True,
    "comparator_list": "hadamard", "epochs": 8,
}  # fmt: skip

READING = SMALL | {"negative_sampling_rate": 0, "enc_dim": 32, "mini_batch_size": 64}
NETWORKS = {
    "pooled_embedding": SMALL,
    "hcnn": READING | {"enc0_layers": "2", "learning_rate": 0.005},
    "bilstm": READING,
}


def trained(form: Object2Vec, pairs, *, workers=1, seed=1):
    return [*train(form, corpus(pairs), cluster=Here(1, workers=workers), seed=seed)][-1]


@pytest.mark.parametrize("storage", ["dense", "row_sparse"])
@pytest.mark.parametrize("network", ["hcnn", "bilstm", "pooled_embedding"])
def test_planted_pairs_are_learned(network, storage):
    # a negative that is drawn may well be of the same topic: what reads sentences has it told
    pooled = network == "pooled_embedding"
    form = Object2Vec(enc0_network=network, token_embedding_storage_type=storage, **NETWORKS[network])
    last = trained(form, planted(1200 if pooled else 3000, negatives=not pooled, seed=1))
    found = form.evaluate(last.state, planted(600, negatives=True, seed=2))
    assert found["accuracy"] > 0.9
    assert found["cross_entropy"] < 0.4
    assert last.state["train_accuracy"] > 0.8


@pytest.mark.parametrize("comparators", ["hadamard, concat, abs_diff", "cosine", "abs_diff"])
def test_planted_pairs_are_learned_by_any_comparison(comparators):
    layers = 0 if comparators == "cosine" else 2
    settings = SMALL | {"comparator_list": comparators, "mlp_layers": layers, "negative_sampling_rate": 0}
    form = Object2Vec(enc0_network="pooled_embedding", tied_encoders=True, **settings)
    last = trained(form, planted(2400, negatives=True, seed=1))
    assert form.evaluate(last.state, planted(600, negatives=True, seed=2))["accuracy"] > 0.9


def test_pairs_that_come_with_negatives_need_none():
    form = Object2Vec(enc0_network="pooled_embedding", **SMALL | {"negative_sampling_rate": 0})
    last = trained(form, planted(2000, negatives=True, seed=1))
    assert "positives" not in last.state
    assert form.evaluate(last.state, planted(600, negatives=True, seed=2))["accuracy"] > 0.9


def test_scores_are_learned():
    """How many words two sequences share, of 1 to 3."""
    rng = np.random.default_rng(1)
    first, second = rng.integers(30, size=(2, 3000, 3))
    second = np.where(rng.random((3000, 3)) < rng.random((3000, 1)), first, second)
    shared = [len({*a} & {*b}) for a, b in zip(first, second, strict=True)]
    pairs = Batch(Sequences.of(first), Sequences.of(second), np.array(shared, np.float32))
    form = Object2Vec(
        enc0_network="pooled_embedding",
        output_layer="mean_squared_error",
        **SMALL | {"negative_sampling_rate": 0, "comparator_list": "hadamard, abs_diff", "epochs": 12},
    )
    last = [*train(form, corpus(part(pairs, 0, 2500), (30, 30)), cluster=Here(1), seed=1)][-1]
    found = form.evaluate(last.state, part(pairs, 2500, 3000))
    assert found["mean_squared_error"] < 0.35 * np.var(shared)
    assert "train_accuracy" not in last.state
    assert form.scores(last.state, part(pairs, 2500, 3000)).shape == (500, 1)


@pytest.mark.parametrize("network", ["hcnn", "bilstm", "pooled_embedding"])
def test_tied_encoders_give_equal_encodings_for_equal_input(network):
    batch = planted(200, seed=1)
    for tied in (True, False):
        form = Object2Vec(enc0_network=network, **SMALL | {"tied_encoders": tied, "epochs": 1})
        last = trained(form, batch)
        same = np.array_equal(*(form.embed(last.state, batch.in0, side=side) for side in (0, 1)))
        assert same == (tied or network == "pooled_embedding")  # which has nothing but its token vectors
        assert ("encoder_1_out" in last.state) == (network == "hcnn" and not tied)


@pytest.mark.parametrize("network", ["hcnn", "bilstm", "pooled_embedding"])
@pytest.mark.parametrize("storage", ["dense", "row_sparse"])
def test_one_thread_and_one_seed_give_one_result_and_leave_what_they_were_given(network, storage):
    form = Object2Vec(enc0_network=network, token_embedding_storage_type=storage, dropout=0.3, **SMALL)
    batch = planted(100, seed=1)
    state = form.init(corpus(batch), seed=1)
    before = {name: array.copy() for name, array in state.items()}
    runs = [form.update(state, [batch], span=None, threads=1, seed=seed).state for seed in (5, 5, 6)]
    for name, array in state.items():
        np.testing.assert_array_equal(array, before[name])
        np.testing.assert_array_equal(runs[0][name], runs[1][name])
    assert (runs[0]["output"] != runs[2]["output"]).any()
    alone = form.update(state, [batch], span=None, threads=1, seed=5, alone=True)
    assert alone.weight == {}
    assert alone.state["tokens_0"] is not runs[0]["tokens_0"]
    for name, array in alone.state.items():
        np.testing.assert_array_equal(array, runs[0][name])
    assert np.shares_memory(alone.state["tokens_0"], state["tokens_0"])


def test_threads_learn_the_same_but_for_rounding():
    form = Object2Vec(enc0_network="pooled_embedding", token_embedding_storage_type="row_sparse", **SMALL)
    batch = planted(100, seed=1)
    state = form.init(corpus(batch), seed=1)
    one, three = (form.update(state, [batch], span=None, threads=threads, seed=5) for threads in (1, 3))
    assert three.loss == pytest.approx(one.loss, rel=1e-3)
    assert three.examples == one.examples == 400


def test_what_an_update_counts():
    form = Object2Vec(enc0_network="pooled_embedding", enc0_max_seq_len=4, **SMALL)
    batch = planted(100, seed=1)
    state = form.init(corpus(batch), seed=1)
    done = form.update(state, [part(batch, 0, 40), part(batch, 40, 100)], span=None, threads=1, seed=1)
    assert done.examples == 400
    assert done.words == sum(np.minimum(side.lengths, 4).sum() for side in (batch.in0, batch.in1))
    assert done.state["steps"] == 4  # 25 pairs each
    assert 0 < done.loss / done.examples < 2
    nothing = form.update(done.state, [], span=None, threads=1, seed=1)
    assert (nothing.loss, nothing.examples, nothing.words) == (0, 0, 0)
    for name, array in nothing.state.items():
        np.testing.assert_array_equal(array, done.state[name])


@pytest.mark.parametrize("network", ["hcnn", "bilstm", "pooled_embedding"])
def test_a_single_pair_can_be_trained_and_judged(network):
    form = Object2Vec(enc0_network=network, mini_batch_size=1, **SMALL | {"epochs": 2})
    batch = Batch(Sequences.of([[1]]), Sequences.of([[2]]), np.ones(1, np.float32))
    last = [*train(form, corpus(batch, (3, 3)), cluster=Here(1), seed=1)][-1]
    assert form.scores(last.state, batch).shape == (1, 2)
    assert np.isfinite(last.loss)


@pytest.mark.parametrize("storage", ["dense", "row_sparse"])
def test_merging_does_not_dilute_words_that_one_worker_has(storage):
    form = Object2Vec(
        enc0_network="pooled_embedding", optimizer="sgd", token_embedding_storage_type=storage,
        **SMALL | {"tied_token_embedding_weight": False, "learning_rate": 0.5},
    )  # fmt: skip
    halves = [
        Batch(Sequences.of([[1, word]] * 40), Sequences.of([[1, word], [word]] * 20), np.ones(40, np.float32))
        for word in (2, 3)
    ]
    both = Batch(Sequences.of([[1, 2], [1, 3]]), Sequences.of([[1, 2], [1, 3]]), np.ones(2, np.float32))
    state = form.init(corpus(both, (6, 6)), seed=1) | {"positives": np.zeros(0, np.uint64)}
    partials = [form.update(state, [half], span=None, threads=1, seed=1) for half in halves]
    merged = merge(partials)
    for side in ("tokens_0", "tokens_1"):
        np.testing.assert_array_equal(merged.state[side][2], partials[0].state[side][2])
        np.testing.assert_array_equal(merged.state[side][3], partials[1].state[side][3])
        np.testing.assert_array_equal(merged.state[side][5], state[side][5])
        shared = (partials[0].state[side][1] + partials[1].state[side][1]) / 2
        np.testing.assert_allclose(merged.state[side][1], shared, rtol=1e-5)
    mean = (partials[0].state["output"] + partials[1].state["output"]) / 2
    np.testing.assert_allclose(merged.state["output"], mean, rtol=1e-5)
    assert merged.state["steps"] == partials[0].state["steps"]


def test_two_workers_learn_together():
    form = Object2Vec(enc0_network="pooled_embedding", token_embedding_storage_type="row_sparse", **SMALL)
    last = trained(form, planted(2400, seed=1), workers=2)
    assert form.evaluate(last.state, planted(600, negatives=True, seed=2))["accuracy"] > 0.9


def test_bucketing_learns_too():
    form = Object2Vec(enc0_network="hcnn", bucket_width=2, **NETWORKS["hcnn"])
    last = trained(form, planted(3000, negatives=True, seed=1))
    assert form.evaluate(last.state, planted(600, negatives=True, seed=2))["accuracy"] > 0.9


@pytest.mark.parametrize("optimizer", ["adadelta", "rmsprop", "adagrad", "sgd"])
def test_every_optimizer_goes_downhill(optimizer):
    rate = {"sgd": 1.0, "adagrad": 0.05}.get(optimizer, 0.003)
    form = Object2Vec(
        enc0_network="pooled_embedding", optimizer=optimizer, **SMALL | {"learning_rate": rate, "epochs": 6}
    )
    rounds = [*train(form, corpus(planted(1200, seed=1)), cluster=Here(1), seed=1)]
    assert rounds[-1].loss < rounds[0].loss
    assert rounds[-1].learning_rate == (1 if optimizer == "adadelta" else rate)


def test_ids_that_are_too_large_are_refused():
    batch = scattered(20, vocab_sizes=(40, 50), seed=1)
    with pytest.raises(HyperparameterError, match=r"enc0_vocab_size=40: in1 has ids up to 49, .*; choose 50, or 0"):
        Object2Vec(enc_dim=8, enc0_vocab_size=40).init(corpus(batch, (40, 50)), seed=1)
    with pytest.raises(HyperparameterError, match=r"enc1_vocab_size=40: in1"):
        Object2Vec(enc_dim=8, enc1_network="hcnn", enc1_vocab_size=40).init(corpus(batch, (40, 50)), seed=1)
    state = Object2Vec(enc_dim=8, enc0_vocab_size=60).init(corpus(batch, (40, 50)), seed=1)
    assert [len(state[name]) for name in ("tokens_0", "tokens_1")] == [60, 60]
    tied = Object2Vec(enc_dim=8, tied_token_embedding_weight=True).init(corpus(batch, (40, 50)), seed=1)
    assert len(tied["tokens_0"]) == 50
    assert "tokens_1" not in tied


def test_vectors_of_another_dimension_are_refused():
    form = Object2Vec(enc0_network="pooled_embedding", **SMALL)
    with pytest.raises(HyperparameterError, match=r"vectors of in1 have 9 numbers, the tokens' 16; choose 9"):
        form.init(corpus(planted(9, seed=1)), vectors1=np.zeros((5, 9), np.float32), seed=1)
    assert VOCAB_SIZES == (121, 121)

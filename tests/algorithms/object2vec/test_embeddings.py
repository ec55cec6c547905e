"""Token tables that move only the rows a mini-batch has, against those that are moved as a whole."""

import itertools

import numpy as np
import pytest
import torch

from algorithms.object2vec import kernels
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.embeddings import Table
from algorithms.optimizers import Optimizing
from algorithms.threads import ALONE, threads
from data.pairs import Batch, Sequences
from tests.algorithms.object2vec.memory import corpus, part, scattered

V = 12
EVERY = Sequences.of([[*range(V)], [3, 3, 3, 1], [0]])  # every row is touched in every step


def form_of(**changes) -> Object2Vec:
    settings = {"enc0_network": "pooled_embedding", "enc_dim": 5, "learning_rate": 0.1, "mini_batch_size": 8}
    return Object2Vec(**settings | changes)


def moved(form: Object2Vec, sides, *, steps=3, number=1) -> dict[str, np.ndarray]:
    """The table and its slots after some steps whose slopes by the leaf are its values, so that they differ."""
    state = form.init(corpus(scattered(5, vocab_sizes=(V, V), seed=1), (V, V)), seed=7)
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    table = Table(form, "tokens_0", tensors, training=True)
    optimizing = Optimizing(form.rule, {"tokens_0": table.value}, tensors, 0)
    with threads(number) as team:
        for step in range(steps):
            lookup = table.look(sides, team)
            slopes = lookup.leaf.detach() * (step + 1)
            gradient = table.learn(lookup, slopes, form.rule.settings(step + 1), team)
            if gradient is not None:
                optimizing.step({"tokens_0": gradient}, team)
    return {name: array for name, array in state.items() if name.split(".")[-1] == "tokens_0"}


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("network", ["pooled_embedding", "hcnn"])
@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_rows_touched_in_every_step_are_moved_as_in_the_whole_table(optimizer, network, decay):
    settings = {"optimizer": optimizer, "enc0_network": network, "weight_decay": decay}
    dense, sparse, threaded = (
        moved(form_of(token_embedding_storage_type=storage, **settings), [EVERY], number=number)
        for storage, number in (("dense", 1), ("row_sparse", 1), ("row_sparse", 3))
    )
    assert len(dense) == {"adam": 3, "adagrad": 2, "sgd": 1}[optimizer]
    for name in dense:
        np.testing.assert_allclose(sparse[name], dense[name], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(threaded[name], sparse[name])


@pytest.mark.parametrize("network", ["pooled_embedding", "hcnn"])
@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
def test_rows_that_no_sequence_has_rest(optimizer, network):
    form = form_of(optimizer=optimizer, enc0_network=network, token_embedding_storage_type="row_sparse")
    before, after = (moved(form, [Sequences.of([[2, 5], [5]])], steps=steps) for steps in (0, 4))
    still = np.setdiff1d(np.arange(V), [2, 5])
    for name in before:
        np.testing.assert_array_equal(after[name][still], before[name][still])
        assert (after[name][[2, 5]] != before[name][[2, 5]]).all()


def test_momentum_moves_rows_of_the_whole_table_that_no_sequence_has():
    """What dense means, in MXNet too."""
    dense = moved(form_of(), [Sequences.of([[2, 5], [5]])], steps=1)
    assert (dense["means.tokens_0"][3] == 0).all()
    form = form_of(token_embedding_storage_type="dense")
    state = form.init(corpus(scattered(5, vocab_sizes=(V, V), seed=1), (V, V)), seed=7)
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    table = Table(form, "tokens_0", tensors, training=True)
    optimizing = Optimizing(form.rule, {"tokens_0": table.value}, tensors, 0)
    for ids in ([3], [4]):
        before = table.value[3].clone()
        lookup = table.look([Sequences.of([ids])], ALONE)
        gradient = table.learn(lookup, torch.ones_like(lookup.leaf), form.rule.settings(1), ALONE)
        optimizing.step({"tokens_0": gradient}, ALONE)
        assert (table.value[3] != before).all()


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "sgd"])
@pytest.mark.parametrize("dim", [5, 16, 37, 64])  # sixteen numbers are moved at a time
def test_rows_are_moved_alike_by_tensors(optimizer, dim):
    """As on a GPU."""
    form = form_of(
        optimizer=optimizer, enc0_network="hcnn", token_embedding_storage_type="row_sparse",
        enc0_token_embedding_dim=dim, weight_decay=0.1,
    )  # fmt: skip
    state = form.init(corpus(scattered(5, vocab_sizes=(V, V), seed=1), (V, V)), seed=7)
    results = []
    for on_cpu in (True, False):
        tensors = {name: torch.from_numpy(array.copy()) for name, array in state.items()}
        table = Table(form, "tokens_0", tensors, training=True)
        table.on_cpu = on_cpu
        for step in (1, 2):
            lookup = table.look([Sequences.of([[4, 1, 4], [9]])], ALONE)
            table.learn(lookup, lookup.leaf.detach() - 1, form.rule.settings(step), ALONE)
        results.append([table.value, *table.slots])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("dim", [16, 37])
def test_rows_learn_what_all_who_have_them_learn(dim):
    """adam's first step of the sum of slopes, among 30 rows of 200; the larger ones are clipped."""
    rng = np.random.default_rng(1)
    table, means, squares = rng.normal(size=(3, 200, dim)).astype(np.float32)
    squares **= 2
    begins = np.r_[0, np.sort(rng.permutation(90)[:29] + 1), 91].astype(np.int32)
    rows = rng.permutation(200)[:30].astype(np.int32)
    slopes, owners = rng.normal(size=(20, dim)).astype(np.float32), rng.integers(20, size=91).astype(np.int32)
    settings = np.array([2, 3, 0.5, 0.1, 1e-8, 0.1, 0.001], np.float32)
    gradient = np.stack([slopes[owners[i:j]].sum(axis=0) for i, j in itertools.pairwise(begins)])
    gradient = np.clip(2 * gradient + 0.5 * table[rows], -3, 3)
    expected = [each.copy() for each in (table, means, squares)]
    expected[1][rows] += 0.1 * (gradient - means[rows])
    expected[2][rows] += 0.001 * (gradient**2 - squares[rows])
    expected[0][rows] -= 0.1 * expected[1][rows] / (np.sqrt(expected[2][rows]) + 1e-8)
    arrays = table, means, squares, rows, slopes, begins, owners, settings
    kernels.spread_and_move_rows(kernels.ADAM, *arrays, 0, 4)
    kernels.spread_and_move_rows(kernels.ADAM, *arrays, 4, 30)
    for found, right in zip((table, means, squares), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", ["pooled_embedding", "hcnn"])
def test_what_a_step_touches_does_not_grow_with_the_vocabulary(network):
    """The same pairs with tables of 100 and of 1,000,000 rows: the same rows, moved by the same numbers."""
    batch = scattered(30, vocab_sizes=(90, 90), seed=2)
    changed = []
    for size in (100, 1_000_000):
        form = form_of(
            enc_dim=4, enc0_network=network, enc0_token_embedding_dim=2, token_embedding_storage_type="row_sparse",
            enc0_vocab_size=size, tied_token_embedding_weight=True, mlp_dim=3,
        )  # fmt: skip
        state = form.init(corpus(batch, (90, 90)), seed=5)
        done = form.update(state, [batch], span=None, threads=1, seed=1)
        before, after = state["tokens_0"], done.state["tokens_0"]
        assert len(after) == size
        rows = np.flatnonzero((after != before).any(axis=1))
        touched = np.flatnonzero(done.weight["tokens_0"])
        np.testing.assert_array_equal(touched, np.unique(np.concatenate([batch.in0.tokens, batch.in1.tokens])))
        assert {*rows} <= {*touched}
        assert len(rows) > len(touched) // 3  # a filter that never answers most teaches nothing
        changed.append(after[:90])
    np.testing.assert_array_equal(*changed)


@pytest.mark.parametrize("network", ["pooled_embedding", "hcnn"])
@pytest.mark.parametrize("storage", ["dense", "row_sparse"])
@pytest.mark.parametrize("tied", [True, False])
def test_frozen_vectors_stay(network, storage, tied):
    form = form_of(
        enc0_network=network, enc0_token_embedding_dim=5, token_embedding_storage_type=storage,
        tied_token_embedding_weight=tied, enc1_freeze_pretrained_embedding=False,
    )  # fmt: skip
    batch = scattered(40, vocab_sizes=(V, V), seed=2)
    vectors = np.random.default_rng(1).normal(size=(V, 5)).astype(np.float32)
    state = form.init(corpus(batch, (V, V)), vectors0=vectors, vectors1=vectors, seed=1)
    assert "means.tokens_0" not in state
    done = form.update(state, [batch], span=None, threads=1, seed=1)
    np.testing.assert_array_equal(done.state["tokens_0"], vectors)
    assert "tokens_0" not in done.weight
    if not tied:
        assert (done.state["tokens_1"] != vectors).any()
        assert "means.tokens_1" in done.weight
    assert (done.state["output"] != state["output"]).any()


def test_pretrained_vectors_are_taken_where_there_are_any():
    form = form_of(enc0_freeze_pretrained_embedding=False)
    batch = scattered(40, vocab_sizes=(V, V), seed=2)
    drawn = form.init(corpus(batch, (V, V)), seed=1)
    vectors = np.full((V - 2, 5), 7, np.float32)
    vectors[3] = np.nan
    state = form.init(corpus(batch, (V, V)), vectors0=vectors, seed=1)
    known = np.setdiff1d(np.arange(V), [3, V - 2, V - 1])
    assert (state["tokens_0"][known] == 7).all()
    for row in (3, V - 2, V - 1):
        np.testing.assert_array_equal(state["tokens_0"][row], drawn["tokens_0"][row])
    np.testing.assert_array_equal(state["tokens_1"], drawn["tokens_1"])
    done = form.update(state, [part(batch, 0, 40)], span=None, threads=1, seed=1)
    assert (done.state["tokens_0"] != state["tokens_0"]).any()


def test_a_pair_may_stand_in_a_slice_that_does_not_begin_at_the_first_id():
    form = form_of(token_embedding_storage_type="row_sparse", negative_sampling_rate=2)
    batch = scattered(40, vocab_sizes=(V, V), seed=2)
    numbers = np.arange(11, 29)
    copied = Batch(batch.in0.take(numbers), batch.in1.take(numbers), batch.labels[numbers])
    state = form.init(corpus(batch, (V, V)), seed=1)
    whole, cut = (
        form.update(state, batches, span=None, threads=1, seed=4)
        for batches in ([copied], [part(batch, 11, 20), part(batch, 20, 29)])
    )
    np.testing.assert_array_equal(whole.state["tokens_1"], cut.state["tokens_1"])
    assert whole.words == cut.words == copied.tokens

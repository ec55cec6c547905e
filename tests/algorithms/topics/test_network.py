import numpy as np
import pytest
import torch

from algorithms.threads import ALONE, threads
from algorithms.topics import decoders, kernels, network
from algorithms.topics.algorithm import Topics
from algorithms.topics.minibatch import batch
from tests.algorithms.topics import dense
from tests.algorithms.topics.documents import InMemory, planted, scattered

CPU = torch.device("cpu")
ROWS = scattered(70, 53, seed=3)
FORMS = [
    Topics(
        num_topics=5,
        decoder=decoder,
        encoder_layers=layers,
        encoder_layers_activation=activation,
        batch_norm=batch_norm,
        embedding_dim=7,
    )
    for decoder in ("ntm", "prodlda", "etm")
    for layers, activation, batch_norm in (
        ("auto", "sigmoid", False),
        ("9", "tanh", True),
        ("8,7,6", "relu", False),
        ("11,3", "softplus", True),
    )
]


def tensors_of(form: Topics) -> dict[str, torch.Tensor]:
    state = form.init(InMemory(ROWS), seed=3)
    rng = np.random.default_rng(4)
    for name, array in state.items():
        if name.endswith("_bias"):
            array += rng.normal(size=array.shape).astype(np.float32) / 10
    return {name: torch.from_numpy(array) for name, array in state.items()}


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.decoder}-{form.encoder_layers_activation}")
def test_losses_and_slopes_are_those_of_the_plain_network(form, number):
    tensors = tensors_of(form)
    exact = {name: value.double().requires_grad_() for name, value in tensors.items() if value.is_floating_point()}
    names = network.parameters(form, tensors)
    documents = batch(ROWS, np.arange(70), logarithm=form.logarithm, device=CPU)
    with threads(number) as pool:
        found = network.losses(form, tensors, documents, torch.Generator().manual_seed(9), pool, training=True)
    expected = dense.losses(form, exact, torch.from_numpy(ROWS.toarray()).double(), seed=9)
    torch.testing.assert_close(found.recons.double(), expected.recons, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(found.kld.double(), expected.kld, rtol=1e-4, atol=1e-4)
    slopes = torch.autograd.grad(expected.objective, [exact[name] for name in names])
    for name, slope in zip(names, slopes, strict=True):
        assert found.slopes[name].shape == tensors[name].shape
        assert torch.linalg.norm(found.slopes[name] - slope) <= 2e-4 * torch.linalg.norm(slope), name


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.decoder}-{form.encoder_layers_activation}")
def test_the_loops_and_the_tensors_agree(form, monkeypatch):
    documents = batch(ROWS, np.arange(70), logarithm=form.logarithm, device=CPU)
    results = []
    for device in ("cpu", "no device"):
        monkeypatch.setattr(kernels, "LOOPS_ON", device)
        tensors, generator = tensors_of(form), torch.Generator().manual_seed(9)
        found = network.losses(form, tensors, documents, generator, ALONE, training=True)
        results.append({"recons": found.recons, "kld": found.kld, **found.slopes, **tensors})
    for name, loops in results[0].items():
        torch.testing.assert_close(loops, results[1][name], rtol=1e-3, atol=1e-4, msg=name)


def test_given_word_vectors_stay():
    form = Topics(num_topics=3, decoder="etm")
    vectors = np.random.default_rng(1).normal(size=(24, 6)).astype(np.float32)
    state = form.init(InMemory(planted()), vectors=vectors, seed=1)
    assert "words" not in state
    assert "words" not in network.parameters(form, state)
    trained = form.update(state, [planted()], span=None, threads=1, seed=1)
    np.testing.assert_array_equal(trained.state["vectors"], vectors)
    assert "vectors" not in trained.weight
    assert (trained.state["topics"] != state["topics"]).any()


def test_words_without_a_given_vector_learn_theirs():
    """Their slopes are those of the plain network; the other words stay where they are."""
    form = Topics(num_topics=3, decoder="etm", optimizer="sgd")
    vectors = np.random.default_rng(1).normal(size=(53, 6)).astype(np.float32)
    vectors[[4, 11]] = np.nan
    state = form.init(InMemory(ROWS), vectors=vectors, seed=1)
    assert state["unknown"].tolist() == [4, 11]
    assert state["words"].shape == (2, 6)
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    documents = batch(ROWS, np.arange(70), logarithm=True, device=CPU)
    found = network.losses(form, tensors, documents, torch.Generator().manual_seed(9), ALONE, training=True)
    exact = {name: value.double() if value.is_floating_point() else value for name, value in tensors.items()}
    exact["words"].requires_grad_()
    expected = dense.losses(form, exact, torch.from_numpy(ROWS.toarray()).double(), seed=9)
    torch.testing.assert_close(found.recons.double(), expected.recons.detach(), rtol=1e-5, atol=1e-4)
    [slope] = torch.autograd.grad(expected.objective, exact["words"])
    torch.testing.assert_close(found.slopes["words"].double(), slope, rtol=1e-4, atol=1e-4)
    trained = form.update(state, [ROWS], span=None, threads=1, seed=1)
    np.testing.assert_array_equal(trained.state["vectors"], np.nan_to_num(vectors))
    assert (trained.state["words"] != state["words"]).any(axis=1).all()
    assert trained.weight.keys() & {"vectors", "unknown", "words"} == {"words"}
    assert np.isfinite(form.topic_word(trained.state)).all()


def test_moments_are_remembered_in_place_and_nothing_else_changes():
    form = Topics(num_topics=5, decoder="prodlda", batch_norm=True)
    tensors = tensors_of(form)
    before = {name: value.clone() for name, value in tensors.items()}
    documents = batch(ROWS, np.arange(70), logarithm=True, device=CPU)
    network.remember(form, tensors, documents, torch.Generator().manual_seed(9), follow=1)
    changed = {name for name in tensors if not torch.equal(tensors[name], before[name])}
    assert changed == {name for name in tensors if name.endswith(("_mean", "_variance"))}
    # with them, a document is judged as in its mini-batch
    again, _ = network.encode(form, tensors, documents, {})
    at_once, _ = network.encode(form, tensors, documents, {}, follow=1)
    torch.testing.assert_close(again, at_once, rtol=1e-4, atol=1e-4)


def test_the_normalised_decoder_is_judged_by_the_moments_it_remembers():
    form = Topics(num_topics=5, decoder="prodlda")
    tensors = tensors_of(form)
    documents = batch(ROWS, np.arange(70), logarithm=True, device=CPU)
    network.remember(form, tensors, documents, torch.Generator().manual_seed(9), follow=1)
    mixture = torch.softmax(torch.randn(70, 5), dim=1)
    topics, bias = decoders.settled(tensors)
    expected = (mixture @ tensors["decoder"] - tensors["decoder_mean"]) / (tensors["decoder_variance"] + 1e-3).sqrt()
    torch.testing.assert_close(mixture @ topics + bias, expected + tensors["decoder_bias"])


def test_a_document_without_words_costs_nothing():
    rows = ROWS.copy()
    rows.data[rows.indptr[4] : rows.indptr[5]] = 0
    rows.eliminate_zeros()
    for decoder in ("ntm", "prodlda", "etm"):
        form = Topics(num_topics=5, decoder=decoder)
        documents = batch(rows, np.arange(70), logarithm=form.logarithm, device=CPU)
        found = network.losses(form, tensors_of(form), documents, torch.Generator(), ALONE, training=True)
        assert found.recons[4] == 0
        assert all(torch.isfinite(slope).all() for slope in found.slopes.values())

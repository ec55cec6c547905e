import numpy as np
import pytest
import torch

from algorithms.threads import ALONE, threads
from algorithms.topics import kernels, likelihood
from algorithms.topics.minibatch import batch
from tests.algorithms.topics.documents import scattered

CPU = torch.device("cpu")


@pytest.mark.parametrize("words", [1, 15, 16, 17, 100])
@pytest.mark.parametrize("documents", [1, 31, 65])
@pytest.mark.parametrize("number", [1, 2, 5])
def test_any_sizes_on_any_threads_give_the_softmax(words, documents, number, monkeypatch):
    monkeypatch.setitem(likelihood.CELLS, "cpu", 1000)  # several blocks
    rows = scattered(documents, words)
    shown = batch(rows, np.arange(documents), logarithm=True, device=CPU)
    mixture, topics, bias, weight = (
        torch.randn(*shape) for shape in ((documents, 4), (4, words), (words,), (documents,))
    )
    with threads(number) as pool:
        found = likelihood.cross_entropy(mixture, topics, bias, shown, weight, pool)
    given = [each.double().requires_grad_() for each in (mixture, topics, bias)]
    logarithms = torch.log_softmax(given[0] @ given[1] + given[2], dim=1)
    counts = torch.from_numpy(rows.toarray()).double()
    torch.testing.assert_close(found.recons.double(), -(counts * logarithms).sum(dim=1).detach(), rtol=1e-5, atol=1e-4)
    loss = -(weight[:, None] * torch.log1p(counts) * logarithms).sum()
    for slope, expected in zip(found[1:], torch.autograd.grad(loss, given), strict=True):
        torch.testing.assert_close(slope.double(), expected, rtol=1e-4, atol=1e-4)


def test_extreme_scores():
    """One word is certain, others are impossible: no overflow, and no logarithm of zero."""
    rows = scattered(40, 33)
    shown = batch(rows, np.arange(40), logarithm=False, device=CPU)
    topics = torch.full((1, 33), -400.0)
    topics[0, 7] = 400
    found = likelihood.cross_entropy(torch.ones(40, 1), topics, torch.zeros(33), shown, torch.ones(40), ALONE)
    others = rows.toarray().sum(axis=1) - rows.toarray()[:, 7]
    np.testing.assert_allclose(found.recons, 800 * others, rtol=1e-6)
    assert all(torch.isfinite(each).all() for each in found)


def test_the_loop_and_the_tensors_agree(monkeypatch):
    rows = scattered(50, 37)
    shown = batch(rows, np.arange(50), logarithm=True, device=CPU)
    entries = [shown.owners + 3, shown.columns, shown.inputs, shown.counts]
    given = torch.randn(50, 37) * 5
    results = []
    for name in ("cpu", "elsewhere"):
        monkeypatch.setattr(kernels, "LOOPS_ON", name if name == "cpu" else "no device")
        scores, nats, factor = given.clone(), torch.empty(50), torch.empty(50)
        likelihood.surprise(scores, 3, entries, nats, factor)
        results.append((scores * factor[:, None], nats, factor))
    for loop, tensors in zip(*results, strict=True):
        torch.testing.assert_close(loop, tensors, rtol=1e-5, atol=1e-5)


def test_chances_of_a_mixture_are_only_computed_where_words_are():
    rows = scattered(30, 40)
    shown = batch(rows, np.arange(30), logarithm=True, device=CPU)
    mixture, topics = torch.softmax(torch.randn(30, 4), dim=1), torch.softmax(torch.randn(40, 4), dim=0)
    weight = torch.rand(30)
    found = likelihood.mixed(mixture, topics, shown, weight)
    given = [each.double().requires_grad_() for each in (mixture, topics)]
    logarithms = (given[0] @ given[1].T + likelihood.TINY).log()
    counts = torch.from_numpy(rows.toarray()).double()
    torch.testing.assert_close(found.recons.double(), -(counts * logarithms).sum(dim=1).detach(), rtol=1e-5, atol=1e-4)
    loss = -(weight[:, None] * torch.log1p(counts) * logarithms).sum()
    for slope, expected in zip((found.mixture, found.topics), torch.autograd.grad(loss, given), strict=True):
        torch.testing.assert_close(slope.double(), expected, rtol=1e-4, atol=1e-5)

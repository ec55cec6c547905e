import numpy as np
import pytest
import torch

from algorithms.topics import layers
from algorithms.topics.minibatch import batch
from tests.algorithms.topics.dense import ACTIVATIONS, normalised
from tests.algorithms.topics.documents import scattered

CPU = torch.device("cpu")


def numbers(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def by_autograd(function, values: torch.Tensor, slope: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    given = values.double().requires_grad_()
    result = function(given)
    return result.detach(), torch.autograd.grad(result, given, slope.double())[0]


def assert_same(layer, function, values: torch.Tensor) -> None:
    slope = numbers(*values.shape, seed=2)
    expected, expected_slope = by_autograd(function, values, slope)
    result, back = layer(values.clone())
    torch.testing.assert_close(result.double(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(back(slope.clone()).double(), expected_slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    values = torch.cat([numbers(9, 5), torch.full((1, 5), -80.0), torch.full((1, 5), 80.0)])
    assert_same(lambda given: layers.activated(name, given), ACTIVATIONS[name], values)


@pytest.mark.parametrize("dim", [0, 1])
def test_softmax(dim):
    assert_same(
        lambda given: layers.softmax(given, dim=dim), lambda given: torch.softmax(given, dim=dim), numbers(6, 5) * 4
    )


def test_normalisation_by_the_mini_batch():
    values = numbers(40, 5) * 3 + 7
    tensors = {"it_mean": torch.ones(5), "it_variance": torch.full((5,), 2.0)}
    assert_same(lambda given: layers.normalised(given, tensors, "it", follow=0.1), normalised, values)
    torch.testing.assert_close(tensors["it_mean"], 0.9 + 0.1 * values.mean(dim=0))
    torch.testing.assert_close(tensors["it_variance"], 1.8 + 0.1 * values.var(dim=0, correction=0))


def test_normalisation_by_what_is_remembered():
    values = numbers(4, 5)
    tensors = {"it_mean": numbers(5, seed=3), "it_variance": numbers(5, seed=4) ** 2}
    mean, variance = tensors["it_mean"].double(), tensors["it_variance"].double()
    assert_same(
        lambda given: layers.normalised(given, tensors, "it", follow=0),
        lambda given: (given - mean) / (variance + layers.EPSILON).sqrt(),
        values,
    )
    torch.testing.assert_close(tensors["it_mean"].double(), mean)


def test_one_document_has_no_variance():
    result, back = layers.normalised(
        numbers(1, 5), {"it_mean": torch.zeros(5), "it_variance": torch.ones(5)}, "it", follow=0.1
    )
    assert torch.equal(result, torch.zeros(1, 5))
    assert torch.isfinite(back(numbers(1, 5))).all()


@pytest.mark.parametrize("documents", [1, 30])
def test_gathered_rows_are_the_dense_product(documents):
    rows = scattered(documents, 23)
    dense = torch.from_numpy(rows.toarray()).double()
    weight, bias, slope = numbers(23, 6), numbers(6, seed=2), numbers(documents, 6, seed=3)
    result, back = layers.gathered(batch(rows, np.arange(documents), logarithm=False, device=CPU), weight, bias)
    torch.testing.assert_close(result.double(), dense @ weight.double() + bias, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(back(slope).double(), dense.T @ slope.double(), rtol=1e-4, atol=1e-5)


def test_product():
    values, weight, bias, slope = numbers(8, 5), numbers(5, 3, seed=2), numbers(3, seed=3), numbers(8, 3, seed=4)
    result, back = layers.product(values, weight, bias)
    given = [each.double().requires_grad_() for each in (values, weight)]
    expected = given[0] @ given[1] + bias
    torch.testing.assert_close(result.double(), expected.detach())
    for found, by in zip(back(slope), torch.autograd.grad(expected, given, slope.double()), strict=True):
        torch.testing.assert_close(found.double(), by)

"""Cosines of pairs and their slopes are those of torch's own functions."""

import numpy as np
import pytest
import torch

from algorithms.object2vec.cosines import cosines


def drawn(rng, *, rows=(7, 9), dim=5, pairs=40):
    first, second = (torch.from_numpy(rng.normal(size=(count, dim)).astype(np.float32)) for count in rows)
    numbers = [torch.from_numpy(rng.integers(count, size=pairs)) for count in rows]
    return first, second, *numbers


def slopes(given, *, dtype, weights):
    """What each side learns from a weighted sum of the cosines; float64 takes torch's own way."""
    first, second = (each.detach().to(dtype).requires_grad_() for each in given[:2])
    found = cosines(first, second, *given[2:])
    (found * weights.to(dtype)).sum().backward()
    return found.detach(), first.grad, second.grad


@pytest.mark.parametrize("dim", [1, 5, 64, 300])
def test_cosines_and_slopes_are_those_of_torch(dim):
    rng = np.random.default_rng(dim)
    given = drawn(rng, dim=dim)
    weights = torch.from_numpy(rng.normal(size=40))
    ours, theirs = (slopes(given, dtype=dtype, weights=weights) for dtype in (torch.float32, torch.float64))
    for mine, expected in zip(ours, theirs, strict=True):
        assert mine.dtype == torch.float32
        torch.testing.assert_close(mine.double(), expected, rtol=1e-4, atol=1e-6)


def test_an_encoding_of_no_length_has_a_cosine_of_nothing_and_learns():
    given = drawn(np.random.default_rng(1))
    given[0][2] = 0
    weights = torch.ones(40)
    ours, theirs = (slopes(given, dtype=dtype, weights=weights) for dtype in (torch.float32, torch.float64))
    assert not ours[0][given[2] == 2].any()
    torch.testing.assert_close(ours[1][2].double(), theirs[1][2], rtol=1e-4, atol=1.0)  # 1e8 times the others' slopes
    torch.testing.assert_close(ours[2].double(), theirs[2], rtol=1e-4, atol=1e-6)


def test_rows_that_are_in_no_pair_learn_nothing():
    first, second, *_ = drawn(np.random.default_rng(2))
    one = torch.zeros(3, dtype=torch.int64)
    found, learnt, _ = slopes((first, second, one, one), dtype=torch.float32, weights=torch.ones(3))
    assert len(found) == 3
    assert not learnt[1:].any()


def test_only_what_is_asked_for_is_computed():
    first, second, left, right = drawn(np.random.default_rng(3))
    second.requires_grad_()
    cosines(first, second, left, right).sum().backward()
    assert first.grad is None
    assert second.grad.any()


def test_encodings_that_are_not_in_a_line():
    first, second, left, right = drawn(np.random.default_rng(4), dim=6)
    found = cosines(first[:, ::2], second[:, ::2], left, right)
    expected = cosines(first[:, ::2].double(), second[:, ::2].double(), left, right)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)

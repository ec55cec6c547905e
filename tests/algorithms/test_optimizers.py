"""The optimizers' loops against torch's own where constants agree, and against the same formula in tensors."""

import numpy as np
import pytest
import torch

from algorithms.optimizers import OPTIMIZERS, Optimizing, Rule, move
from algorithms.threads import threads


def tensors_of(rule: Rule, size: int) -> dict[str, torch.Tensor]:
    values = {name: torch.linspace(-1, 1, size).reshape(-1, 4).clone() for name in ("weight", "weight_bias")}
    slots = {
        f"{slot}.{name}": torch.zeros_like(value) for name, value in values.items() for slot in rule.optimizer.slots
    }
    return values | slots


def slopes_of(tensors, step):
    return {name: torch.sin(tensors[name] * 5 + step) * 3 for name in ("weight", "weight_bias")}


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_loops_and_tensors_agree(name, number):
    rule = Rule(name, 0.05, weight_decay=0.1, rescale_gradient=0.5, clip_gradient=1.2)
    ours, theirs = tensors_of(rule, 1 << 16), tensors_of(rule, 1 << 16)
    optimizing = Optimizing(rule, {name: ours[name] for name in ("weight", "weight_bias")}, ours, 0)
    optimizing.compile()
    with threads(number) as team:
        for step in range(1, 4):
            slopes = slopes_of(ours, step)
            optimizing.step(slopes, team)
            for parameter, decays in (("weight", True), ("weight_bias", False)):
                slots = [theirs[f"{slot}.{parameter}"] for slot in rule.optimizer.slots]
                move(name, rule.settings(step, decays=decays).tolist(), slopes[parameter], theirs[parameter], *slots)
    assert optimizing.steps == 3
    for each, value in ours.items():
        torch.testing.assert_close(value, theirs[each], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "torchs"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, lr=0.05)),
        ("adam", lambda p: torch.optim.Adam(p, lr=0.05, eps=1e-8)),
        ("adagrad", lambda p: torch.optim.Adagrad(p, lr=0.05, eps=1e-7)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p, lr=0.05, alpha=0.9, eps=1e-8)),
        ("adadelta", lambda p: torch.optim.Adadelta(p, lr=1, rho=0.9, eps=1e-5)),
    ],
)
def test_steps_are_torchs(name, torchs):
    rule = Rule(name, 1.0 if name == "adadelta" else 0.05)
    ours = tensors_of(rule, 64)
    theirs = torch.nn.Parameter(ours["weight"].clone())
    optimizing, peer = Optimizing(rule, {"weight": ours["weight"]}, ours, 0), torchs([theirs])
    with threads(1) as team:
        for step in range(1, 6):
            slopes = slopes_of(ours, step)
            theirs.grad = slopes["weight"].clone()
            peer.step()
            optimizing.step({"weight": slopes["weight"]}, team)
    np.testing.assert_allclose(ours["weight"].numpy(), theirs.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_gradients_are_clipped_after_they_are_scaled_and_before_the_decay():
    rule = Rule("sgd", 1.0, weight_decay=0.5, rescale_gradient=0.1, clip_gradient=0.2)
    value = torch.tensor([1.0, 1.0])
    optimizing = Optimizing(rule, {"weight": value}, {}, 0)
    with threads(1) as team:
        optimizing.step({"weight": torch.tensor([1.0, 100.0])}, team)
    torch.testing.assert_close(value, torch.tensor([1 - 0.1 - 0.5, 1 - 0.2 - 0.5]))

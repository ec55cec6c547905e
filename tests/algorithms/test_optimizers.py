import numpy as np
import pytest
import torch

from algorithms import optimizers
from algorithms.optimizers import OPTIMIZERS, Optimizing, Rule
from algorithms.threads import ALONE, threads

SHAPES = {"decoder": (7, 11), "decoder_bias": (11,)}
SETTINGS = [
    {},
    {"weight_decay": 0.01},
    {"clip_gradient": 0.05},
    {"rescale_gradient": 0.25},
    {"weight_decay": 0.3, "clip_gradient": 0.2, "rescale_gradient": 0.5, "rate": 0.1},
]


def plain(rule: Rule, value: np.ndarray, slopes: list[np.ndarray], *, decay: float) -> np.ndarray:
    """MXNet's formulas, one by one, in float64."""
    means, squares, moves = np.zeros_like(value), np.zeros_like(value), np.zeros_like(value)
    bound, rate = rule.clip_gradient, rule.rate
    for step, slope in enumerate(slopes, 1):
        scaled = rule.rescale_gradient * slope
        gradient, with_decay = scaled.clip(-bound, bound), (scaled + decay * value).clip(-bound, bound)
        match rule.name:
            case "sgd":
                value = value - rate * (gradient + decay * value)
            case "adagrad":
                squares = squares + gradient**2
                value = value - rate * (gradient / np.sqrt(squares + 1e-7) + decay * value)
            case "rmsprop":
                squares = 0.9 * squares + 0.1 * with_decay**2
                value = value - rate * with_decay / np.sqrt(squares + 1e-8)
            case "adam":
                means = 0.9 * means + 0.1 * with_decay
                squares = 0.999 * squares + 0.001 * with_decay**2
                corrected = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                value = value - corrected * means / (np.sqrt(squares) + 1e-8)
            case "adadelta":
                squares = 0.9 * squares + 0.1 * gradient**2
                move = np.sqrt(moves + 1e-5) / np.sqrt(squares + 1e-5) * gradient
                moves = 0.9 * moves + 0.1 * move**2
                value = value - rate * (move + decay * value)
    return value


def given(rule: Rule, shapes: dict[str, tuple[int, ...]]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(4)
    values = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    slots = rule.optimizer.slots
    return values, {f"{slot}.{name}": torch.zeros(shape) for name, shape in shapes.items() for slot in slots}


def slopes_of(shapes: dict[str, tuple[int, ...]], steps: int) -> list[dict[str, torch.Tensor]]:
    """One number never has any."""
    generator = torch.Generator().manual_seed(5)
    found = [
        {name: torch.randn(shape, generator=generator) / 5 for name, shape in shapes.items()} for _ in range(steps)
    ]
    for each in found:
        each["decoder_bias"][3] = 0
    return found


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: "+".join(settings) or "defaults")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_plain_formula(name, settings, loops, monkeypatch):
    """By the loops and by tensors, as on a GPU; a bias does not decay."""
    rule = Rule(name, **{"rate": 1.0 if name == "adadelta" else 0.01} | settings)
    values, slots = given(rule, SHAPES)
    before = {each: value.double().numpy().copy() for each, value in values.items()}
    optimizing = Optimizing(rule, values, slots, 0)
    if not loops:
        monkeypatch.setattr(optimizing, "arrays", {})
    steps = slopes_of(SHAPES, 12)
    for slopes in steps:
        optimizing.step(slopes, ALONE)
    assert optimizing.steps == 12
    for each, value in values.items():
        decay = 0 if each.endswith("_bias") else rule.weight_decay
        expected = plain(rule, before[each], [slopes[each].double().numpy() for slopes in steps], decay=decay)
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)
    assert values["decoder_bias"][3] == before["decoder_bias"][3]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_halves_go_where_the_whole_goes(name):
    """All that an optimizer keeps is in the slots and the number of steps."""
    rule = Rule(name, 0.01)
    once, twice = given(rule, SHAPES), given(rule, SHAPES)
    steps = slopes_of(SHAPES, 6)
    whole = Optimizing(rule, *once, 0)
    for slopes in steps:
        whole.step(slopes, ALONE)
    for first in (0, 3):
        half = Optimizing(rule, *twice, first)
        for slopes in steps[first : first + 3]:
            half.step(slopes, ALONE)
    assert all(torch.equal(once[0][each], twice[0][each]) for each in SHAPES)


@pytest.mark.parametrize("number", [2, 3])
def test_a_step_is_shared_by_threads(number, monkeypatch):
    monkeypatch.setattr(optimizers, "SHORTEST", 10)
    rule = Rule("adam", 0.01, weight_decay=0.1)
    alone, shared = given(rule, SHAPES), given(rule, SHAPES)
    slopes = slopes_of(SHAPES, 1)[0]
    Optimizing(rule, *alone, 0).step(slopes, ALONE)
    with threads(number) as pool:
        Optimizing(rule, *shared, 0).step(slopes, pool)
    assert all(torch.equal(alone[0][each], shared[0][each]) for each in SHAPES)


def test_slopes_of_any_layout():
    """A transposed slope, as products give it, belongs to the numbers it stands for."""
    rule = Rule("sgd", 1)
    values, slots = given(rule, {"decoder": (4, 3)})
    slope = torch.arange(12.0).reshape(3, 4).T
    before = values["decoder"].clone()
    Optimizing(rule, values, slots, 0).step({"decoder": slope}, ALONE)
    torch.testing.assert_close(values["decoder"], before - slope)


def test_gradients_are_bounded_where_no_bound_is_wanted():
    """A loop compiled with fastmath knows no infinity."""
    assert np.isfinite(Rule("sgd", 1, clip_gradient=np.inf).settings(1)).all()

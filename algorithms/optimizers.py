"""The optimizers by SageMaker's names: what each keeps for a parameter, and its step.

On a CPU a step is one loop (`kernels.optimizers`); elsewhere the same formula is a dozen tensor operations. Where
programs differ, it is that of MXNet, SageMaker's library: rmsprop and adam, for which decay is part of the gradient,
clip it with that; for the others it is a share of the value that goes with each step, as large as the optimizer's rate.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels import optimizers as kernels
from algorithms.threads import Threads

if TYPE_CHECKING:
    from torch import Tensor  # two seconds to import, and a form that names an optimizer needs none

Name = Literal["adadelta", "adagrad", "adam", "rmsprop", "sgd"]

NOTHING = np.zeros(0, np.float32)
LARGEST = float(np.finfo(np.float32).max)  # no gradient is larger: a loop compiled with fastmath knows no infinity
STEADY = ("_bias", "_scale")  # how the names of parameters end that do not decay
SHORTEST = 1 << 14  # numbers that are worth a thread of their own


class Optimizer(NamedTuple):
    """slots: what is kept for each parameter, zeros at first; follows: how far running means move at each step."""

    kernel: Callable[..., None]
    slots: tuple[str, ...] = ()
    epsilon: float = 0.0
    follows: tuple[float, ...] = ()


OPTIMIZERS: Mapping[str, Optimizer] = {
    "sgd": Optimizer(kernels.sgd),
    "adam": Optimizer(kernels.adam, ("means", "squares"), 1e-8, (0.1, 0.001)),
    "adagrad": Optimizer(kernels.adagrad, ("squares",), 1e-7),
    "adadelta": Optimizer(kernels.adadelta, ("squares", "moves"), 1e-5, (0.1,)),
    "rmsprop": Optimizer(kernels.rmsprop, ("squares",), 1e-8, (0.1,)),
}


class Rule(NamedTuple):
    """How parameters move. adadelta has no learning rate in Zeiler's paper and in MXNet: its rate is 1."""

    name: Name
    rate: float
    weight_decay: float = 0.0
    rescale_gradient: float = 1.0
    clip_gradient: float = LARGEST

    @property
    def optimizer(self) -> Optimizer:
        """Its kernel and constants."""
        return OPTIMIZERS[self.name]

    def settings(self, steps: int, *, decays: bool = True) -> NDArray[np.float32]:
        """Scale, clip, decay, rate, epsilon, and the follows, for step number `steps`, counted from 1.

        adam's running means begin at zero, which its rate makes up for.
        """
        rate, follows = self.rate, self.optimizer.follows
        if self.name == "adam":
            known, known_squares = (1 - (1 - follow) ** max(steps, 1) for follow in follows)
            rate *= known_squares**0.5 / known
        clip, decay = min(self.clip_gradient, LARGEST), self.weight_decay if decays else 0.0
        settings = [self.rescale_gradient, clip, decay, rate, self.optimizer.epsilon, *follows]
        return np.array(settings, np.float32)


class Optimizing:
    """Parameters, what the optimizer keeps of each (`squares.decoder` in `tensors`), and how many steps it took."""

    def __init__(
        self, rule: Rule, parameters: "Mapping[str, Tensor]", tensors: "Mapping[str, Tensor]", steps: int
    ) -> None:
        self.rule, self.steps = rule, steps
        self.kept = {
            name: [value, *(tensors[f"{slot}.{name}"] for slot in rule.optimizer.slots)]
            for name, value in parameters.items()
        }
        self.arrays = {
            name: [*(each.view(-1).numpy() for each in kept), NOTHING, NOTHING][:3]
            for name, kept in self.kept.items()
            if kept[0].device.type == "cpu"
        }

    def compile(self) -> None:
        """Let numba compile before the clock runs."""
        self.rule.optimizer.kernel(NOTHING, NOTHING, NOTHING, NOTHING, self.rule.settings(0))

    def step(self, slopes: "Mapping[str, Tensor]", threads: Threads) -> None:
        """Move each parameter by one step. In place."""
        self.steps += 1
        settings, biases = (self.rule.settings(self.steps, decays=decays) for decays in (True, False))
        cuts = []
        for name, kept in self.kept.items():
            own = biases if name.endswith(STEADY) else settings
            if name not in self.arrays:
                move(self.rule.name, own.tolist(), slopes[name], *kept)
                continue
            value, *slots = self.arrays[name]
            arrays = [value, slopes[name].reshape(-1).numpy(), *slots]
            size = max(SHORTEST, -(-value.size // threads.number))
            if size >= value.size:
                cuts.append((*arrays, own))
                continue
            cuts += [(*(each[first : first + size] for each in arrays), own) for first in range(0, value.size, size)]
        threads.map(lambda cut: self.rule.optimizer.kernel(*cut), cuts)


def move(name: Name, settings: list[float], slope: "Tensor", value: "Tensor", *slots: "Tensor") -> None:
    """One step by tensor operations, as the loops of `kernels.optimizers` do it. In place."""
    scale, clip, decay, rate, epsilon, *follows = settings
    gradient = scale * slope
    if name in ("adam", "rmsprop"):
        gradient.add_(value, alpha=decay)
    else:
        value.mul_(1 - rate * decay)
    gradient.clamp_(-clip, clip)
    if name == "sgd":
        value.sub_(gradient, alpha=rate)
    elif name == "adagrad":
        slots[0].addcmul_(gradient, gradient)
        value.addcdiv_(gradient, (slots[0] + epsilon).sqrt_(), value=-rate)
    elif name == "rmsprop":
        slots[0].lerp_(gradient * gradient, follows[0])
        value.addcdiv_(gradient, (slots[0] + epsilon).sqrt_(), value=-rate)
    elif name == "adam":
        slots[0].lerp_(gradient, follows[0])
        slots[1].lerp_(gradient * gradient, follows[1])
        value.addcdiv_(slots[0], slots[1].sqrt().add_(epsilon), value=-rate)
    else:
        assert name == "adadelta"
        slots[0].lerp_(gradient * gradient, follows[0])
        step = (slots[1] + epsilon).div_(slots[0] + epsilon).sqrt_().mul_(gradient)
        slots[1].lerp_(step * step, follows[0])
        value.sub_(step, alpha=rate)

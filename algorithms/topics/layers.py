"""Layers of a network with their slopes written out: each returns its values, and `back`.

`back` takes the slopes of a loss by the values, and returns those by what the layer was given. A step on so few numbers
is a hundred short operations: recording and replaying them, as autograd does, takes as long as they do.

B documents of a mini-batch, V words, I inputs and H units of a layer.
"""

from collections.abc import Callable, MutableMapping

import torch

from algorithms.topics import kernels
from algorithms.topics.minibatch import Batch, bag, by_word

Tensor = torch.Tensor
Tensors = MutableMapping[str, Tensor]
Slopes = dict[str, Tensor]  # by parameter
Back = Callable[[Tensor], Tensor]

EPSILON = 1e-3  # of batch normalisation, as in Srivastava & Sutton's program


def gathered(batch: Batch, weight: Tensor, bias: Tensor) -> tuple[Tensor, Back]:
    """The inputs (B, V) times weight (V, H), and a bias (H,): rows are gathered, nothing is made dense."""
    result = bag(batch.columns, weight, batch.starts, batch.inputs).add_(bias)
    return result, lambda slope: by_word(batch, slope, batch.inputs)


def product(values: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """Values (B, I) times weight (I, H), and a bias (H,). `back` gives slopes by both factors."""
    return torch.addmm(bias, values, weight), lambda slope: (slope @ weight.T, values.T @ slope)


def normalised(values: Tensor, tensors: Tensors, name: str, *, follow: float) -> tuple[Tensor, Back]:
    """Batch normalisation of (B, H), without scale or shift of its own (Ioffe & Szegedy 2015).

    It is by the mini-batch's own moments, which the remembered ones follow, in place; or with follow=0 by those.
    """
    if not follow:
        scale = torch.rsqrt(tensors[f"{name}_variance"] + EPSILON)
        return (values - tensors[f"{name}_mean"]) * scale, lambda slope: slope * scale
    mean = values.mean(dim=0)
    centred = values - mean
    variance = (centred * centred).mean(dim=0)
    remember(tensors, name, mean, variance, follow=follow)
    scale = torch.rsqrt(variance + EPSILON)
    result = centred.mul_(scale)

    def back(slope: Tensor) -> Tensor:
        return _normalised_back(slope, result, scale)

    return result, back


def _normalised_back(slope: Tensor, result: Tensor, scale: Tensor) -> Tensor:
    """The slopes (B, H) by what was normalised, given those by the result; scale (H,)."""
    if slope.device.type == kernels.LOOPS_ON:
        by_values = torch.empty_like(result)
        kernels.normalised_back(*(each.numpy() for each in (slope, result, scale, by_values)))
        return by_values
    return (slope - slope.mean(dim=0) - result * (slope * result).mean(dim=0)).mul_(scale)


def compile_loops(device: torch.device) -> None:
    """Let numba compile before the clock runs."""
    nothing = torch.zeros(0, 1, device=device)
    _normalised_back(nothing, nothing, torch.ones(1, device=device))


def remember(tensors: Tensors, name: str, mean: Tensor, variance: Tensor, *, follow: float) -> None:
    """Move the remembered mean and variance (H,) by a share of the way to these. In place."""
    tensors[f"{name}_mean"].lerp_(mean, follow)
    tensors[f"{name}_variance"].lerp_(variance, follow)


def activated(name: str, values: Tensor) -> tuple[Tensor, Back]:
    """An activation of values. Perhaps in place: they are no more. Its slopes follow from its result."""
    if name == "sigmoid":
        result = values.sigmoid_()
        return result, lambda slope: slope * (result - result * result)
    if name == "tanh":
        result = values.tanh_()
        return result, lambda slope: slope * (1 - result * result)
    if name == "relu":
        result = values.relu_()
        return result, lambda slope: slope * (result > 0)
    assert name == "softplus"
    # ln(1 + e^x), which beyond 20 is x; log1p and expm1 would take ten times as long where e^x is next to nothing
    result = values.clamp(max=20).exp_().add_(1).log_().maximum(values)
    return result, lambda slope: slope.addcmul(slope, torch.exp(-result), value=-1)


def softmax(values: Tensor, *, dim: int) -> tuple[Tensor, Back]:
    """The softmax along one dimension."""
    result = torch.softmax(values, dim=dim)
    return result, lambda slope: result * (slope - (slope * result).sum(dim=dim, keepdim=True))

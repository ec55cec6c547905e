"""The networks written plainly, on dense documents, with torch's derivatives: what the fast ones must agree with."""

import math
from typing import NamedTuple

import torch

from algorithms.topics.algorithm import Topics
from algorithms.topics.latent import DROPOUT
from algorithms.topics.layers import EPSILON

Tensor = torch.Tensor

ACTIVATIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "softplus": torch.nn.functional.softplus,
}


class Dense(NamedTuple):
    """objective: what training makes small; recons and kld (B,)."""

    objective: Tensor
    recons: Tensor
    kld: Tensor


def normalised(values: Tensor) -> Tensor:
    return (values - values.mean(dim=0)) / (values.var(dim=0, correction=0) + EPSILON).sqrt()


def losses(form: Topics, tensors: dict[str, Tensor], counts: Tensor, *, seed: int) -> Dense:
    """counts (B, V) float64."""
    generator = torch.Generator().manual_seed(seed)
    shape = len(counts), form.num_topics
    normal = torch.randn(shape, generator=generator).double()
    kept = torch.ones(shape).double()
    if form.decoder == "prodlda":
        kept = (torch.rand(shape, generator=generator) >= DROPOUT).double() / (1 - DROPOUT)
    inputs = counts if form.decoder == "ntm" else torch.log1p(counts)

    hidden = inputs
    for layer in range(len(form.layers)):
        hidden = hidden @ tensors[f"encoder_{layer}"]
        hidden = normalised(hidden) if form.batch_norm else hidden
        hidden = ACTIVATIONS[form.encoder_layers_activation](hidden + tensors[f"encoder_{layer}_bias"])
    heads = hidden @ tensors["posterior"]
    heads = normalised(heads) if form.decoder != "ntm" else heads
    mean, spread = (heads + tensors["posterior_bias"]).chunk(2, dim=1)
    sigma = (spread if form.decoder == "ntm" else spread / 2).exp()
    drawn = mean + sigma * normal

    if form.decoder == "ntm":
        scores = torch.relu(drawn) @ tensors["decoder"]
    elif form.decoder == "prodlda":
        scores = normalised((torch.softmax(drawn, dim=1) * kept) @ tensors["decoder"])
    else:
        words = tensors["vectors" if "vectors" in tensors else "words"]
        if "unknown" in tensors:
            words = words.index_copy(0, tensors["unknown"], tensors["words"])
        topics = torch.softmax(tensors["topics"] @ words.T + tensors["decoder_bias"], dim=1)
        chances = torch.softmax(drawn, dim=1) @ topics
        scores = (chances + 1e-10).log()
    logarithms = torch.log_softmax(scores + tensors["decoder_bias"], dim=1) if form.decoder != "etm" else scores

    variance = 1 - 1 / form.num_topics if form.decoder == "prodlda" else 1
    each = (sigma**2 + mean**2) / variance - 1 - 2 * sigma.log() + math.log(variance)
    kld = each.sum(dim=1) / 2
    weight = 1 / counts.sum(dim=1) if form.decoder == "ntm" else 1
    return Dense((weight * (kld - (inputs * logarithms).sum(dim=1))).sum(), -(counts * logarithms).sum(dim=1), kld)

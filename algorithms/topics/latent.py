"""From what the encoder thinks of a document's topics to a mixture of them: a draw, and how far it is from the prior.

B documents of a mini-batch, K topics. On a CPU a loop over the documents does what thirty short tensor operations do.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import torch

from algorithms.topics import kernels

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics

Tensor = torch.Tensor

DROPOUT = 0.2  # share of the topics that prodlda hides in training: each must do without some others
WIDEST = 10.0  # logarithm of sigma: beyond, where only monstrous counts lead, a slope still leads back


class Kind(NamedTuple):
    """What a decoder makes of heads. half: ntm's second head is the logarithm of sigma, that of prodlda and etm, of its
    square. shares: a draw means its softmax, not max(0, z). variance: of the normal prior.
    """

    half: float
    shares: bool
    variance: float


class Latent(NamedTuple):
    """sigma, share (before some are hidden) and mixture (B, K); kld (B,), in nats, from the prior."""

    sigma: Tensor
    share: Tensor
    mixture: Tensor
    kld: Tensor


class Draw:
    """One draw for each document from heads (B, 2K): means, and what gives the spreads."""

    def __init__(self, form: "Topics", heads: Tensor, generator: torch.Generator, *, training: bool) -> None:
        self.kind, self.heads = _kind(form), heads
        shape = len(heads), form.num_topics
        self.normal = torch.randn(shape, generator=generator, device=heads.device)
        if form.decoder == "prodlda" and training:
            chance = torch.rand(shape, generator=generator, device=heads.device)
            self.kept = (chance >= DROPOUT) * (1 / (1 - DROPOUT))
        else:
            self.kept = torch.ones_like(self.normal)
        given = heads, self.normal, self.kept, self.kind
        self.latent = _by_loop(*given) if heads.device.type == kernels.LOOPS_ON else _by_tensors(*given)

    def back(self, slope: Tensor, weight: Tensor) -> Tensor:
        """The slopes by the heads, given those by the mixture; and the documents' weights (B,), for the divergence."""
        sigma, share = self.latent.sigma, self.latent.share
        half, shares, variance = self.kind
        if slope.device.type == kernels.LOOPS_ON:
            result = torch.empty_like(self.heads)
            arrays = (self.heads, self.normal, self.kept, sigma, share, slope, weight, result)
            kernels.latent_back(*self.kind, *(each.numpy() for each in arrays))
            return result
        slope = slope * self.kept
        slope = share * (slope - (slope * share).sum(dim=1, keepdim=True)) if shares else slope * (share > 0)
        mean = self.heads.chunk(2, dim=1)[0]
        by_mean = torch.addcmul(slope, mean, weight[:, None] / variance)
        by_spread = (slope * sigma * self.normal).addcmul_(sigma * sigma / variance - 1, weight[:, None])
        return torch.cat([by_mean, by_spread * half], dim=1)


def _kind(form: "Topics") -> Kind:
    if form.decoder == "ntm":
        return Kind(1.0, False, 1.0)
    # Laplace's approximation of a Dirichlet of ones has this variance
    return Kind(0.5, True, 1 - 1 / form.num_topics if form.decoder == "prodlda" else 1.0)


def _by_loop(heads: Tensor, normal: Tensor, kept: Tensor, kind: Kind) -> Latent:
    sigma, share, mixture = (torch.empty_like(normal) for _ in range(3))
    result = Latent(sigma, share, mixture, torch.empty_like(normal[:, 0]))
    kernels.latent(*kind, WIDEST, *(each.numpy() for each in (heads, normal, kept, *result)))
    return result


def _by_tensors(heads: Tensor, normal: Tensor, kept: Tensor, kind: Kind) -> Latent:
    mean, spread = heads.chunk(2, dim=1)
    spread = (spread * kind.half).clamp(-WIDEST, WIDEST)
    sigma = spread.exp()
    drawn = torch.addcmul(mean, sigma, normal)
    share = torch.softmax(drawn, dim=1) if kind.shares else torch.relu(drawn)
    squares = (mean * mean).addcmul_(sigma, sigma).sum(dim=1)
    kld = squares / (2 * kind.variance) - spread.sum(dim=1) + mean.shape[1] * (math.log(kind.variance) - 1) / 2
    return Latent(sigma, share, share * kept, kld)

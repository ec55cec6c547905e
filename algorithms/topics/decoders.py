"""The decoders: what a document's mixture of topics says of its words, and what that costs.

B documents of a mini-batch, V words, K topics, E numbers of a word vector. Names of tensors are those of `Topics.init`.
"""

from typing import TYPE_CHECKING

import torch

from algorithms.threads import Threads
from algorithms.topics import kernels, layers, likelihood
from algorithms.topics.layers import Slopes, Tensor, Tensors
from algorithms.topics.likelihood import Cost
from algorithms.topics.minibatch import Batch

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics

FOLLOW = 0.1  # how far the remembered moments move towards those of each mini-batch


def decode(
    form: "Topics",
    tensors: Tensors,
    mixture: Tensor,
    batch: Batch,
    weight: Tensor | None,
    slopes: Slopes,
    threads: Threads,
) -> Cost:
    """What the words cost, given the mixtures (B, K). In training there is a weight (B,) of each document."""
    if form.decoder == "etm":
        return _embedded(tensors, mixture, batch, weight, slopes)
    if form.decoder == "prodlda" and weight is not None:
        return _normalised(tensors, mixture, batch, weight, slopes, threads)
    topics, bias = (tensors["decoder"], tensors["decoder_bias"]) if form.decoder == "ntm" else settled(tensors)
    cost = likelihood.cross_entropy(mixture, topics, bias, batch, weight, threads)
    if weight is not None:
        slopes |= {"decoder": cost.topics, "decoder_bias": cost.bias}
    return cost


def _embedded(tensors: Tensors, mixture: Tensor, batch: Batch, weight: Tensor | None, slopes: Slopes) -> Cost:
    """The decoder of etm: a mixture of topics, each the softmax of words (V, E) @ its own vector, and a bias (V,)."""
    words, topics = _words(tensors), tensors["topics"]
    chances, back = layers.softmax(torch.addmm(tensors["decoder_bias"][:, None], words, topics.T), dim=0)
    cost = likelihood.mixed(mixture, chances, batch, weight)
    if weight is not None:
        slope = back(cost.topics)
        slopes |= {"topics": slope.T @ words, "decoder_bias": slope.sum(dim=1)}
        if "words" in tensors:
            learned = slope[tensors["unknown"]] if "unknown" in tensors else slope
            slopes["words"] = learned @ topics
    return cost


def _normalised(
    tensors: Tensors, mixture: Tensor, batch: Batch, weight: Tensor, slopes: Slopes, threads: Threads
) -> Cost:
    """The decoder of prodlda in training: batch normalisation of the scores mixture @ decoder, (B, V).

    They need not be there for it: their means and variances follow from those of the mixtures, which are few.
    """
    decoder = tensors["decoder"]
    centred, mean, spread = _moments(mixture, decoder)
    variance, scale, topics = _scaled(decoder, spread)
    layers.remember(tensors, "decoder", mean, variance, follow=FOLLOW)
    cost = likelihood.cross_entropy(centred, topics, tensors["decoder_bias"], batch, weight, threads)
    by_decoder, by_variance = _scaled_back(decoder, spread, scale, cost.topics)
    slopes |= {"decoder": by_decoder, "decoder_bias": cost.bias}
    slope = cost.mixture.addmm_(centred, by_variance @ decoder.T, alpha=2 / len(mixture))
    return cost._replace(mixture=slope.sub_(slope.mean(dim=0)))


def _moments(mixture: Tensor, decoder: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What the mixtures differ from their mean by (B, K); the mean times the decoder (V,), which is that of the scores
    mixture @ decoder; and the mixtures' covariance times the decoder (K, V).
    """
    centre = mixture.mean(dim=0)
    centred = mixture - centre
    covariance = (centred.T @ centred).div_(len(mixture))
    products = torch.cat([covariance, centre[None]]) @ decoder
    return centred, products[-1], products[:-1]


def _scaled(decoder: Tensor, spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The scores' variances (V,), their scale (V,), and the decoder (K, V) times that. spread: from `_moments`."""
    if decoder.device.type == kernels.LOOPS_ON:
        result = *torch.empty(2, decoder.shape[1]), torch.empty_like(decoder)
        kernels.scaled(layers.EPSILON, *(each.numpy() for each in (decoder, spread, *result)))
        return result
    variance = (decoder * spread).sum(dim=0)
    scale = torch.rsqrt(variance + layers.EPSILON)
    return variance, scale, decoder * scale


def _scaled_back(decoder: Tensor, spread: Tensor, scale: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
    """From the slopes (K, V) by the scaled decoder: those by the decoder; and the decoder times those by the variances.

    Both come in the place of `slope` and `spread`.
    """
    if decoder.device.type == kernels.LOOPS_ON:
        kernels.scaled_back(*(each.numpy() for each in (decoder, scale, slope, spread)))
        return slope, spread
    by_variance = (slope * decoder).sum(dim=0).mul_(-0.5 * scale * scale * scale)
    return slope.mul_(scale).addcmul_(spread, 2 * by_variance), torch.mul(decoder, by_variance, out=spread)


def compile_loops(device: torch.device) -> None:
    """Let numba compile before the clock runs."""
    nothing = torch.zeros(1, 0, device=device)
    _, scale, _ = _scaled(nothing, nothing)
    _scaled_back(nothing, nothing, scale, nothing)


def remember(tensors: Tensors, mixture: Tensor, *, follow: float) -> None:
    """Move the remembered moments of prodlda's scores by a share of the way to those of mixtures (B, K). In place."""
    _, mean, spread = _moments(mixture, tensors["decoder"])
    variance, *_ = _scaled(tensors["decoder"], spread)
    layers.remember(tensors, "decoder", mean, variance, follow=follow)


def settled(tensors: Tensors) -> tuple[Tensor, Tensor]:
    """What prodlda's topics (K, V) and bias (V,) come to with the remembered moments."""
    scale = torch.rsqrt(tensors["decoder_variance"] + layers.EPSILON)
    return tensors["decoder"] * scale, tensors["decoder_bias"] - tensors["decoder_mean"] * scale


def topic_scores(form: "Topics", tensors: Tensors) -> Tensor:
    """(K, V), whose softmax are the chances of words under each topic alone; for ntm and etm without the bias."""
    if form.decoder == "ntm":
        return tensors["decoder"]
    if form.decoder == "etm":
        return tensors["topics"] @ _words(tensors).T
    topics, bias = settled(tensors)
    return topics + bias


def _words(tensors: Tensors) -> Tensor:
    """The word vectors (V, E) of etm: learned; or given, but for those that are not known, which are learned."""
    if "vectors" not in tensors:
        return tensors["words"]
    if "words" not in tensors:
        return tensors["vectors"]
    return tensors["vectors"].index_copy(0, tensors["unknown"], tensors["words"])

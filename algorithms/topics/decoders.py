"""The decoders: what a document's mixture of topics says of its words, and what that costs.

B documents of a mini-batch, V words, K topics, E numbers of a word vector. Names of tensors are those of `Topics.init`.
"""

from typing import TYPE_CHECKING

import torch

from algorithms.threads import Threads
from algorithms.topics import layers, likelihood
from algorithms.topics.layers import Back, Slopes, Tensor, Tensors
from algorithms.topics.likelihood import Cost
from algorithms.topics.minibatch import Batch

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics

FOLLOW = 0.1  # how far the remembered moments move towards those of each mini-batch
DROPOUT = 0.2  # share of the topics that prodlda hides in training: each must do without some others


def mixture_of(form: "Topics", drawn: Tensor, generator: torch.Generator, *, training: bool) -> tuple[Tensor, Back]:
    """What a draw (B, K) from the posterior means: for ntm max(0, z), for others shares; prodlda hides some."""
    if form.decoder == "ntm":
        return layers.activated("relu", drawn)
    mixture, back = layers.softmax(drawn, dim=1)
    if form.decoder == "etm" or not training:
        return mixture, back
    chance = torch.rand(drawn.shape, generator=generator, device=drawn.device)
    kept = (chance >= DROPOUT) / (1 - DROPOUT)
    return mixture * kept, lambda slope: back(slope * kept)


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
    centre, centred, spread, variance = _moments(mixture, decoder)
    layers.remember(tensors, "decoder", centre @ decoder, variance, follow=FOLLOW)
    scale = torch.rsqrt(variance + layers.EPSILON)
    cost = likelihood.cross_entropy(centred, decoder * scale, tensors["decoder_bias"], batch, weight, threads)
    by_variance = (cost.topics * decoder).sum(dim=0).mul_(-0.5 * scale * scale * scale)
    slopes |= {"decoder": (cost.topics * scale).addcmul_(spread, 2 * by_variance), "decoder_bias": cost.bias}
    slope = cost.mixture.addmm(centred, (decoder * by_variance) @ decoder.T, alpha=2 / len(mixture))
    return cost._replace(mixture=slope - slope.mean(dim=0))


def _moments(mixture: Tensor, decoder: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The mixtures' mean (K,); what they differ from it by (B, K); their covariance times the decoder (K, V); and the
    variances (V,) of mixture @ decoder.
    """
    centre = mixture.mean(dim=0)
    centred = mixture - centre
    spread = centred.T @ centred / len(mixture) @ decoder
    return centre, centred, spread, (decoder * spread).sum(dim=0)


def remember(tensors: Tensors, mixture: Tensor, *, follow: float) -> None:
    """Move the remembered moments of prodlda's scores by a share of the way to those of mixtures (B, K). In place."""
    centre, _, _, variance = _moments(mixture, tensors["decoder"])
    layers.remember(tensors, "decoder", centre @ tensors["decoder"], variance, follow=follow)


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

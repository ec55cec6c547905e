"""The networks: from the words of a document to its mixture of topics, and what its words then cost.

B documents of a mini-batch, V words of the vocabulary, K topics, H units of a layer. It knows tensors by their names,
and a form for its settings; no optimizer, no files.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch

from algorithms.topics import layers, likelihood
from algorithms.topics.layers import Tensor, Tensors
from algorithms.topics.likelihood import Cost
from algorithms.topics.minibatch import Batch
from algorithms.topics.threads import Threads

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics

Slopes = dict[str, Tensor]

FOLLOW = 0.1  # how far the remembered moments move towards those of each mini-batch
DROPOUT = 0.2  # share of the topics that prodlda hides in training: each must do without some others


class Losses(NamedTuple):
    """recons and kld (B,): nats of each document; slopes: by parameter, of what training makes small."""

    recons: Tensor
    kld: Tensor
    slopes: Slopes


class Draw(NamedTuple):
    """A draw (B, K) from the posterior mean + sigma * normal; spread is the logarithm of sigma."""

    mean: Tensor
    spread: Tensor
    sigma: Tensor
    normal: Tensor

    @property
    def value(self) -> Tensor:
        """What was drawn."""
        return torch.addcmul(self.mean, self.sigma, self.normal)


def parameters(form: "Topics", tensors: Tensors) -> list[str]:
    """The names of what training changes by its slopes."""
    weights = [*(f"encoder_{layer}" for layer in range(len(form.layers))), "posterior", "decoder"]
    names = [*weights, *(f"{name}_bias" for name in weights), "topics", "words"]
    return [name for name in names if name in tensors]


def losses(
    form: "Topics", tensors: Tensors, batch: Batch, generator: torch.Generator, threads: Threads, *, training: bool
) -> Losses:
    """The losses of documents, for one draw of each one's mixture; in training their slopes too.

    ntm makes the sum of documents' losses a word small, so that all documents count alike, as SageMaker's log shows;
    the others, whose counts are logarithms, that of their losses. Remembered moments follow, in place.
    """
    slopes: Slopes = {}
    heads, back = encode(form, tensors, batch, slopes, follow=FOLLOW if training else 0.0)
    draw = _draw(form, heads, generator)
    mixture, mixture_back = _mixture(form, draw.value, generator, training=training)
    weight = 1 / batch.lengths.clamp(min=1) if form.decoder == "ntm" else torch.ones_like(batch.lengths)
    cost = _decode(form, tensors, mixture, batch, weight if training else None, slopes, threads)
    # Kullback-Leibler divergence from a normal prior; prodlda's is Laplace's approximation of a Dirichlet of ones
    variance = 1 - 1 / form.num_topics if form.decoder == "prodlda" else 1.0
    squares = draw.sigma * draw.sigma
    kld = (draw.mean * draw.mean).add_(squares).sum(dim=1).div_(2 * variance).sub_(draw.spread.sum(dim=1))
    kld += form.num_topics * (math.log(variance) - 1) / 2
    if training:
        slope, scale = mixture_back(cost.mixture), weight[:, None]
        by_mean = torch.addcmul(slope, draw.mean, scale / variance)
        by_spread = (slope * draw.sigma * draw.normal).addcmul_(squares / variance - 1, scale)
        back(torch.cat([by_mean, by_spread * _halved(form)], dim=1))
    return Losses(cost.recons, kld, slopes)


def encode(
    form: "Topics", tensors: Tensors, batch: Batch, slopes: Slopes, *, follow: float = 0.0
) -> tuple[Tensor, Callable[[Tensor], None]]:
    """The posterior's heads (B, 2K): means, and what gives the spreads. `back` puts the weights' slopes into `slopes`.

    follow: how far remembered moments follow those of the documents, in place; 0 where these are only judged.
    """
    names = [*(f"encoder_{number}" for number in range(len(form.layers))), "posterior"]
    backs: list[Callable[[Tensor], Tensor]] = []
    hidden: Tensor | None = None
    for name in names:
        normalise = form.decoder == "prodlda" if name == "posterior" else form.batch_norm
        activation = "" if name == "posterior" else form.encoder_layers_activation
        hidden, back = _layer(hidden, batch, tensors, name, normalise, activation, slopes, follow=follow)
        backs.append(back)
    assert hidden is not None

    def back_through(slope: Tensor) -> None:
        for each in reversed(backs):
            slope = each(slope)

    return hidden, back_through


def _layer(
    values: Tensor | None,
    batch: Batch,
    tensors: Tensors,
    name: str,
    normalise: bool,
    activation: str,
    slopes: Slopes,
    *,
    follow: float,
) -> tuple[Tensor, layers.Back]:
    """One layer of the encoder, the first where there are no values (B, I) yet."""
    weight, bias = tensors[name], tensors[f"{name}_bias"]
    early = torch.zeros_like(bias) if normalise else bias  # normalisation would take it away again
    if values is None:
        result, gathered_back = layers.gathered(batch, weight, early)
    else:
        result, product_back = layers.product(values, weight, early)
    if normalise:
        result, norm_back = layers.normalised(result, tensors, name, follow=follow)
        result = result + bias
    if activation:
        result, activation_back = layers.activated(activation, result)

    def back(slope: Tensor) -> Tensor:
        if activation:
            slope = activation_back(slope)
        slopes[f"{name}_bias"] = slope.sum(dim=0)
        if normalise:
            slope = norm_back(slope)
        if values is None:
            slopes[name] = gathered_back(slope)
            return slope  # nobody asks what documents should have been
        by_values, slopes[name] = product_back(slope)
        return by_values

    return result, back


def _halved(form: "Topics") -> float:
    """The second head: ntm's is the logarithm of sigma; that of prodlda and etm, of its square."""
    return 1.0 if form.decoder == "ntm" else 0.5


def _draw(form: "Topics", heads: Tensor, generator: torch.Generator) -> Draw:
    mean, spread = heads[:, : form.num_topics], heads[:, form.num_topics :] * _halved(form)
    normal = torch.randn(mean.shape, generator=generator, device=mean.device)
    return Draw(mean, spread, spread.exp(), normal)


def _mixture(
    form: "Topics", drawn: Tensor, generator: torch.Generator, *, training: bool
) -> tuple[Tensor, layers.Back]:
    """What a draw (B, K) means: for ntm max(0, z), for others shares, some of which prodlda hides."""
    if form.decoder == "ntm":
        return layers.activated("relu", drawn)
    mixture, back = layers.softmax(drawn, dim=1)
    if form.decoder == "etm" or not training:
        return mixture, back
    chance = torch.rand(drawn.shape, generator=generator, device=drawn.device)
    kept = (chance >= DROPOUT) / (1 - DROPOUT)
    return mixture * kept, lambda slope: back(slope * kept)


def _decode(
    form: "Topics",
    tensors: Tensors,
    mixture: Tensor,
    batch: Batch,
    weight: Tensor | None,
    slopes: Slopes,
    threads: Threads,
) -> Cost:
    """What the words cost, given the mixtures (B, K). weight (B,): of each document, in training."""
    if form.decoder == "etm":
        words, topics = _words(tensors), tensors["topics"]
        chances, back = layers.softmax(words @ topics.T, dim=0)
        cost = likelihood.mixed(mixture, chances, batch, weight)
        if weight is not None:
            slope = back(cost.topics)
            slopes |= {"topics": slope.T @ words, "words": slope @ topics}
        return cost
    if form.decoder == "prodlda" and weight is not None:
        return _decode_normalised(tensors, mixture, batch, weight, slopes, threads)
    topics, bias = (tensors["decoder"], tensors["decoder_bias"]) if form.decoder == "ntm" else _prodlda(tensors)
    cost = likelihood.cross_entropy(mixture, topics, bias, batch, weight, threads)
    if weight is not None:
        slopes |= {"decoder": cost.topics, "decoder_bias": cost.bias}
    return cost


def _decode_normalised(
    tensors: Tensors, mixture: Tensor, batch: Batch, weight: Tensor, slopes: Slopes, threads: Threads
) -> Cost:
    """With batch normalisation of the scores mixture @ decoder, (B, V).

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


def remember(form: "Topics", tensors: Tensors, batch: Batch, generator: torch.Generator, *, follow: float) -> None:
    """Move the remembered moments by a share of the way to those of a mini-batch. In place; nothing else changes."""
    heads, _ = encode(form, tensors, batch, {}, follow=follow)
    if form.decoder == "prodlda":
        mixture, _ = _mixture(form, _draw(form, heads, generator).value, generator, training=True)
        centre, _, _, variance = _moments(mixture, tensors["decoder"])
        layers.remember(tensors, "decoder", centre @ tensors["decoder"], variance, follow=follow)


def _words(tensors: Tensors) -> Tensor:
    """The word vectors (V, E) of etm: given, or learned."""
    return tensors["vectors"] if "vectors" in tensors else tensors["words"]


def _prodlda(tensors: Tensors) -> tuple[Tensor, Tensor]:
    """What prodlda's topics (K, V) and bias (V,) come to with the remembered moments."""
    scale = torch.rsqrt(tensors["decoder_variance"] + layers.EPSILON)
    return tensors["decoder"] * scale, tensors["decoder_bias"] - tensors["decoder_mean"] * scale


def topic_scores(form: "Topics", tensors: Tensors) -> Tensor:
    """(K, V), whose softmax are the chances of words: under each topic alone, for ntm without the bias."""
    if form.decoder == "ntm":
        return tensors["decoder"]
    if form.decoder == "etm":
        return tensors["topics"] @ _words(tensors).T
    topics, bias = _prodlda(tensors)
    return topics + bias

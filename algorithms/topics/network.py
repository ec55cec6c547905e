"""The network: the encoder, from a document's words to what it thinks of its topics; the losses.

B documents of a mini-batch, V words of the vocabulary, K topics, H units of a layer. It knows tensors by their names,
and a form for its settings; no optimizer, no files. The draw is in `latent`, what follows it in `decoders`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import torch

from algorithms.threads import Threads
from algorithms.topics import decoders, layers
from algorithms.topics.decoders import FOLLOW
from algorithms.topics.latent import Draw
from algorithms.topics.layers import Back, Slopes, Tensor, Tensors
from algorithms.topics.minibatch import Batch

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics


class Losses(NamedTuple):
    """recons and kld (B,): nats of each document; slopes: by parameter, of what training makes small."""

    recons: Tensor
    kld: Tensor
    slopes: Slopes


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
    draw = Draw(form, heads, generator, training=training)
    mixture, kld = draw.latent.mixture, draw.latent.kld
    weight = 1 / batch.lengths.clamp(min=1) if form.decoder == "ntm" else torch.ones_like(batch.lengths)
    cost = decoders.decode(form, tensors, mixture, batch, weight if training else None, slopes, threads)
    if training:
        back(draw.back(cost.mixture, weight))
    return Losses(cost.recons, kld, slopes)


def remember(form: "Topics", tensors: Tensors, batch: Batch, generator: torch.Generator, *, follow: float) -> None:
    """Move the remembered moments by a share of the way to those of a mini-batch. In place; nothing else changes."""
    heads, _ = encode(form, tensors, batch, {}, follow=follow)
    if form.decoder == "prodlda":
        draw = Draw(form, heads, generator, training=True)
        decoders.remember(tensors, draw.latent.mixture, follow=follow)


def encode(
    form: "Topics", tensors: Tensors, batch: Batch, slopes: Slopes, *, follow: float = 0.0
) -> tuple[Tensor, Callable[[Tensor], None]]:
    """The posterior's heads (B, 2K): means, and what gives the spreads. `back` puts the weights' slopes into `slopes`.

    follow: how far remembered moments follow those of the documents, in place; 0 where these are only judged.
    """
    names = [*(f"encoder_{number}" for number in range(len(form.layers))), "posterior"]
    backs: list[Back] = []
    hidden: Tensor | None = None
    for name in names:
        activation = "" if name == "posterior" else form.encoder_layers_activation
        hidden, back = _layer(hidden, batch, tensors, name, activation, slopes, follow=follow)
        backs.append(back)
    assert hidden is not None

    def back_through(slope: Tensor) -> None:
        for each in reversed(backs):
            slope = each(slope)

    return hidden, back_through


def _layer(
    values: Tensor | None, batch: Batch, tensors: Tensors, name: str, activation: str, slopes: Slopes, *, follow: float
) -> tuple[Tensor, Back]:
    """One layer, the first where there are no values (B, I) yet; normalised if the state has moments for that."""
    weight, bias = tensors[name], tensors[f"{name}_bias"]
    normalise = f"{name}_mean" in tensors
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

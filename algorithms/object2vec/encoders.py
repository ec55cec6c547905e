"""The encoders: from the token vectors of sequences to one vector each.

E sequences of at most T ids, token vectors of D numbers. It knows weights by their names; no labels, no optimizer.
"""

from collections.abc import Mapping

import torch
from torch.nn import functional

from algorithms.object2vec.embeddings import Looked
from algorithms.object2vec.form import Encoder

Tensor = torch.Tensor
Tensors = Mapping[str, Tensor]

CHANCES = 1 << 16


class Dropout:
    """Hides a share of the units; what is left makes up for them. Nothing is hidden without a generator."""

    def __init__(self, share: float, generator: torch.Generator | None) -> None:
        self.share, self.generator = share, generator

    def __call__(self, values: Tensor) -> Tensor:
        """Another choice each time, by sixteen random bits a unit: torch's own takes longer than the layer."""
        hidden = round(self.share * CHANCES)
        if self.generator is None or not hidden:
            return values
        if hidden == CHANCES:
            return values * 0
        bits = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
        chances = bits.random_(-(2**63), None, generator=self.generator).view(torch.int16)[: values.numel()]
        kept = (chances >= hidden - CHANCES // 2).to(values.dtype).mul_(CHANCES / (CHANCES - hidden))
        return values * kept.view(values.shape)


NO_DROPOUT = Dropout(0, None)


def shapes(encoder: Encoder, enc_dim: int, name: str) -> dict[str, tuple[int, ...]]:
    """Of all weights of an encoder but its token vectors; each has a `_bias` too, of its first dimension."""
    if encoder.network == "pooled_embedding":
        return {}
    if encoder.network == "hcnn":
        channels = -(-enc_dim // encoder.layers)
        inputs = [encoder.dim, *[channels] * (encoder.layers - 1)]
        convolutions = {f"{name}_conv_{n}": (channels, size, encoder.filter_width) for n, size in enumerate(inputs, 1)}
        return {**convolutions, f"{name}_out": (enc_dim, channels * encoder.layers)}
    hidden = -(-enc_dim // 2)
    found: dict[str, tuple[int, ...]] = {}
    for layer in range(1, encoder.layers + 1):
        for way in ("forward", "backward"):
            found[f"{name}_lstm_{layer}_{way}"] = (4 * hidden, encoder.dim if layer == 1 else 2 * hidden)
            found[f"{name}_lstm_{layer}_{way}_hidden"] = (4 * hidden, hidden)
    return found


def encode(
    encoder: Encoder, weights: Tensors, name: str, looked: Looked, *, enc_dim: int, dropout: Dropout = NO_DROPOUT
) -> Tensor:
    """(E, enc_dim). name: what the names of its weights begin with."""
    if encoder.network == "pooled_embedding":
        return pooled(looked)
    if encoder.network == "hcnn":
        return hcnn(encoder, weights, name, looked, dropout)
    return bilstm(encoder, weights, name, looked, dropout)[:, :enc_dim]


def pooled(looked: Looked) -> Tensor:
    """The means of the token vectors."""
    if looked.means is not None:
        return looked.means
    return functional.embedding_bag(looked.ids.long(), looked.rows, looked.starts[:-1], mode="mean")


def hcnn(encoder: Encoder, weights: Tensors, name: str, looked: Looked, dropout: Dropout) -> Tensor:
    """A hierarchical convolutional network: the strongest answer of each filter of each layer, mapped to enc_dim.

    Each layer convolves what the one below gave, so that it sees longer phrases (Zhao et al. 2015, "Self-adaptive
    hierarchical sentence model"; Conneau et al. 2017, InferSent, section 3.2.4).
    """
    padded, mask = _padded(looked)
    values, mask = padded.transpose(1, 2), mask[:, None, :]  # (E, D, T), (E, 1, T)
    strongest = []
    left, right = (encoder.filter_width - 1) // 2, encoder.filter_width // 2
    for layer in range(1, encoder.layers + 1):
        weight, bias = weights[f"{name}_conv_{layer}"], weights[f"{name}_conv_{layer}_bias"]
        # behind the end of a sequence everything is 0, as before its start; no filter answers less
        values = functional.conv1d(functional.pad(values, (left, right)), weight, bias).relu() * mask
        strongest.append(values.amax(dim=2))
        values = dropout(values)
    return functional.linear(torch.cat(strongest, dim=1), weights[f"{name}_out"], weights[f"{name}_out_bias"])


def bilstm(encoder: Encoder, weights: Tensors, name: str, looked: Looked, dropout: Dropout) -> Tensor:
    """Long short-term memories that read from both ends; of each unit the largest value along the sequence."""
    values, mask = _padded(looked)
    backwards = _reversal(looked, values.shape[1])
    for layer in range(1, encoder.layers + 1):
        values = dropout(values) if layer > 1 else values
        there = _lstm(weights, f"{name}_lstm_{layer}_forward", values)
        back = _lstm(weights, f"{name}_lstm_{layer}_backward", _turned(values, backwards))
        values = torch.cat([there, _turned(back, backwards)], dim=2)
    return values.masked_fill(~mask[:, :, None], -torch.inf).amax(dim=1)


def _lstm(weights: Tensors, name: str, values: Tensor) -> Tensor:
    """Values (E, T, I) through one layer, one way: (E, T, H)."""
    hidden, bias = weights[f"{name}_hidden"], weights[f"{name}_bias"]
    start = values.new_zeros(1, len(values), hidden.shape[1])
    flat = [weights[name], hidden, bias, weights[f"{name}_hidden_bias"]]
    result, _, _ = torch.lstm(values, (start, start), flat, True, 1, 0.0, True, False, True)
    return result


def _padded(looked: Looked) -> tuple[Tensor, Tensor]:
    """Token vectors (E, T, D), zeros behind the end of a sequence, and where there are ids (E, T)."""
    starts = looked.starts
    lengths = starts[1:] - starts[:-1]
    steps = torch.arange(int(lengths.max()), device=starts.device)
    mask = steps < lengths[:, None]
    places = torch.where(mask, starts[:-1, None] + steps, 0)
    ids = looked.ids.long()[places]
    return functional.embedding(ids, looked.rows) * mask[:, :, None], mask


def _reversal(looked: Looked, longest: int) -> Tensor:
    """(E, T): the place of each id when every sequence is turned round, its padding left where it is."""
    lengths = (looked.starts[1:] - looked.starts[:-1])[:, None]
    steps = torch.arange(longest, device=lengths.device)
    return torch.where(steps < lengths, lengths - 1 - steps, steps)


def _turned(values: Tensor, places: Tensor) -> Tensor:
    return values.gather(1, places[:, :, None].expand(-1, -1, values.shape[2]))

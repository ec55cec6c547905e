"""The network above the token tables: two encoders, their comparison, layers, the output; what a pair costs.

It knows tensors by their names and a form for its settings; no tables, no optimizer, no files.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from algorithms.object2vec import comparator, encoders
from algorithms.object2vec.embeddings import Looked, tables_of
from algorithms.object2vec.encoders import NO_DROPOUT, Dropout

if TYPE_CHECKING:
    from algorithms.object2vec.form import Form

Tensor = torch.Tensor
Tensors = Mapping[str, Tensor]


def shapes(form: "Form") -> dict[str, tuple[int, ...]]:
    """Of all weights but token vectors and `cosine_scale`; each has a `_bias` too, of its first dimension."""
    found: dict[str, tuple[int, ...]] = {}
    for side in (0,) if form.tied_encoders else (0, 1):
        found |= encoders.shapes(form.encoders[side], form.enc_dim, f"encoder_{side}")
    inputs = comparator.width(form.comparators, form.enc_dim)
    for layer in range(1, form.mlp_layers + 1):
        found[f"mlp_{layer}"] = (form.mlp_dim, inputs)
        inputs = form.mlp_dim
    found["output"] = (form.outputs, inputs)
    return found


def parameters(form: "Form") -> list[str]:
    """Names of all weights but token vectors."""
    names = list(shapes(form))
    scale = ["cosine_scale"] if "cosine" in form.comparators else []
    return [*names, *(f"{name}_bias" for name in names), *scale]


def encode(form: "Form", weights: Tensors, side: int, looked: Looked, *, dropout: Dropout = NO_DROPOUT) -> Tensor:
    """Encodings (E, enc_dim) of one side's sequences."""
    name = "encoder_0" if form.tied_encoders else f"encoder_{side}"
    return encoders.encode(form.encoders[side], weights, name, looked, enc_dim=form.enc_dim, dropout=dropout)


def outputs(
    form: "Form", weights: Tensors, encodings: Sequence[Tensor], first: Tensor, second: Tensor,
    *, dropout: Dropout = NO_DROPOUT,
) -> Tensor:  # fmt: skip
    """What the output layer says of pairs of encodings, (P, C): scores before a softmax, or a number (P, 1)."""
    names = [*(f"mlp_{layer}" for layer in range(1, form.mlp_layers + 1)), "output"]
    scale = weights.get("cosine_scale")
    weight, bias = weights[names[0]], weights[f"{names[0]}_bias"]
    in0, in1 = encodings
    values = comparator.through(form.comparators, weight, bias, scale, in0, in1, first, second)
    for name in names[1:]:
        values = dropout(_activated(form.mlp_activation, values))
        values = functional.linear(values, weights[name], weights[f"{name}_bias"])
    return values


def _activated(name: str, values: Tensor) -> Tensor:
    return values.relu() if name == "relu" else values.tanh() if name == "tanh" else values


def costs(form: "Form", found: Tensor, labels: Tensor) -> Tensor:
    """What each pair costs, (P,): cross-entropy in nats, or the square of the error."""
    if form.regression:
        return (found[:, 0] - labels) ** 2
    return functional.cross_entropy(found, labels.long(), reduction="none")


def right(form: "Form", found: Tensor, labels: Tensor) -> float:
    """How many labels are told; none of scores."""
    return 0.0 if form.regression else float((found.detach().argmax(dim=1) == labels).sum())


def sides_of(form: "Form", lookups: Mapping[str, Sequence[Looked]]) -> list[Looked]:
    """in0 and in1, from what each table gave."""
    sides = {
        side: looked for name, read in tables_of(form).items() for side, looked in zip(read, lookups[name], strict=True)
    }
    return [sides[0], sides[1]]

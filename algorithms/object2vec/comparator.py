"""The comparators: what of two encodings the layers above are shown.

P pairs of E0 encodings of one side and E1 of the other, of D numbers each.
"""

from itertools import accumulate

import torch
from torch.nn import functional

from algorithms.object2vec.cosines import cosines

Tensor = torch.Tensor


def columns(comparators: tuple[str, ...], dim: int) -> dict[str, slice]:
    """Where in a pair's comparison each comparator has its numbers."""
    widths = [_width(name, dim) for name in comparators]
    ends = list(accumulate(widths))
    return {name: slice(end - size, end) for name, size, end in zip(comparators, widths, ends, strict=True)}


def width(comparators: tuple[str, ...], dim: int) -> int:
    """Numbers that a pair's comparison has."""
    return sum(_width(name, dim) for name in comparators)


def _width(name: str, dim: int) -> int:
    return {"concat": 2 * dim, "cosine": 1}.get(name, dim)


def through(
    comparators: tuple[str, ...], weight: Tensor, bias: Tensor, scale: Tensor | None,
    in0: Tensor, in1: Tensor, first: Tensor, second: Tensor,
) -> Tensor:  # fmt: skip
    """What the comparisons of pairs (first, second) come to through a layer of weight (H, width), bias (H,): (P, H).

    The comparisons, one after the other, are never put together: each goes through its columns of the weight; so that
    what concatenated encodings come to is computed once for each encoding, however many pairs it is in. scale (1,): of
    cosines.
    """
    dim = in0.shape[1]
    result = bias.expand(len(first), -1)
    pairs: tuple[Tensor, Tensor] | None = None
    for name, place in columns(comparators, dim).items():
        own = weight[:, place]
        if name == "concat":
            left, right = in0 @ own[:, :dim].T, in1 @ own[:, dim:].T
            result = result + functional.embedding(first, left) + functional.embedding(second, right)
            continue
        if name == "cosine":
            assert scale is not None
            result = result + (cosines(in0, in1, first, second) * scale)[:, None] * own[:, 0]
            continue
        a, b = pairs = pairs or (functional.embedding(first, in0), functional.embedding(second, in1))
        result = torch.addmm(result, a * b if name == "hadamard" else (a - b).abs(), own.T)
    return result

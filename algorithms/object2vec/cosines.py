"""Cosines of pairs of encodings, and their slopes: loops of our own on a processor, torch's functions elsewhere.

A mini-batch with twenty negatives has each encoding in twenty pairs and more. Torch copies it for each; most of a step
went into such copies, there and back.
"""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from algorithms.kernels import pairs

Tensor = torch.Tensor

LEAST = np.float32(1e-8)  # no length counts as less, when encodings are brought to length one


def cosines(in0: Tensor, in1: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Of pairs (first, second) of encodings (E0, D) and (E1, D): (P,)."""
    if in0.device.type == "cpu" and in0.dtype == in1.dtype == torch.float32:
        found: Tensor = _Cosines.apply(in0, in1, first, second)  # type: ignore[no-untyped-call]
        return found
    a, b = (functional.normalize(each, dim=1, eps=float(LEAST)) for each in (in0, in1))
    return (functional.embedding(first, a) * functional.embedding(second, b)).sum(dim=1)


class _Cosines(torch.autograd.Function):
    """As torch wants a function that knows its own slopes."""

    @staticmethod
    def forward(ctx: Any, in0: Tensor, in1: Tensor, first: Tensor, second: Tensor) -> Tensor:
        """Keeps the lengths and the cosines: the slopes are made of them."""
        tables = [each.detach().contiguous().numpy() for each in (in0, in1)]
        numbers = [each.numpy() for each in (first, second)]
        inverse = [np.empty(len(table), np.float32) for table in tables]
        for table, each in zip(tables, inverse, strict=True):
            pairs.inverses(table, LEAST, each)
        found = np.empty(len(numbers[0]), np.float32)
        pairs.cosines(tables[0], tables[1], numbers[0], numbers[1], inverse[0], inverse[1], found)
        ctx.tables, ctx.numbers, ctx.inverse, ctx.found = tables, numbers, inverse, found
        return torch.from_numpy(found)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        """Of the encodings of both sides, those that are asked for."""
        given = slopes[0].contiguous().numpy()
        result: list[Tensor | None] = [None, None]
        for side, other in ((0, 1), (1, 0)):
            if ctx.needs_input_grad[side]:
                table = ctx.tables[side]
                learnt, along = np.zeros_like(table), np.zeros(len(table), np.float32)
                pairs.cosine_slopes(
                    table, ctx.tables[other], ctx.numbers[side], ctx.numbers[other], ctx.inverse[side],
                    ctx.inverse[other], ctx.found, given, 1 / LEAST, along, learnt,
                )  # fmt: skip
                result[side] = torch.from_numpy(learnt)
        return result[0], result[1], None, None

"""What the words of documents cost, in nats, and the slopes of it, computed together while the numbers are in cache.

B documents of a mini-batch with N entries, V words, K topics. The chances of all V words are needed for every
document; they exist for a few documents at a time, become slopes in their place, and are forgotten.
"""

from itertools import pairwise
from typing import NamedTuple

import torch

from algorithms.threads import Threads
from algorithms.topics import kernels
from algorithms.topics.minibatch import Batch, bag, by_word

Tensor = torch.Tensor

CELLS = {"cpu": 1 << 18, "cuda": 1 << 26}  # numbers of a (rows, V) block: half of a core's cache; work for a GPU
FEWEST = 32  # rows of a block, however many words there are: products of fewer are slow
TINY = 1e-10  # added to a chance before its logarithm, as TopMost and Srivastava & Sutton do


class Cost(NamedTuple):
    """recons (B,): nats of the documents' counts. Slopes of what their inputs cost, each document times its weight:
    mixture (B, K), topics as they were given, bias (V,).
    """

    recons: Tensor
    mixture: Tensor = torch.empty(0)
    topics: Tensor = torch.empty(0)
    bias: Tensor = torch.empty(0)


def cross_entropy(
    mixture: Tensor, topics: Tensor, bias: Tensor, batch: Batch, weight: Tensor | None, threads: Threads
) -> Cost:
    """The cost when chances are softmax(mixture @ topics + bias); its slopes where there is a weight (B,).

    mixture (B, K), topics (K, V), bias (V,).
    """
    words, device = topics.shape[1], mixture.device
    left = torch.cat([mixture, torch.ones_like(mixture[:, :1])], dim=1)  # the bias is a topic that all have
    right = torch.cat([topics, bias[None]])
    recons, factor, by_mixture = (torch.empty_like(each) for each in (batch.lengths, batch.lengths, mixture))

    def some(bounds: list[int]) -> Tensor:
        """The documents between these bounds, a block after the other; returns the slopes of `right`, (K + 1, V)."""
        edges = [int(batch.starts[row]) if row < batch.size else len(batch.owners) for row in bounds]
        room = torch.empty(max(last - first for first, last in pairwise(bounds)), words, device=device)
        by_right = torch.zeros_like(right) if weight is not None else right
        for (first, last), (begin, end) in zip(pairwise(bounds), pairwise(edges), strict=True):
            scores = torch.mm(left[first:last], right, out=room[: last - first])
            entries = [each[begin:end] for each in (batch.owners, batch.columns, batch.inputs, batch.counts)]
            surprise(scores, first, entries, recons[first:last], factor[first:last])
            if weight is not None:
                # a row's factor goes to the narrow side of each product
                scaled = (factor[first:last] * weight[first:last])[:, None]
                torch.mul((topics @ scores.T).T, scaled, out=by_mixture[first:last])
                by_right.addmm_((left[first:last] * scaled).T, scores)
        return by_right

    by_right, *others = threads.map(some, _bounds(batch.size, words, device.type, threads.number))
    if weight is None:
        return Cost(recons)
    for other in others:
        by_right += other
    return Cost(recons, by_mixture, by_right[:-1], by_right[-1])


def _bounds(documents: int, words: int, device: str, threads: int) -> list[list[int]]:
    """Blocks of documents for each thread: where each begins, and where the last one ends."""
    blocks = max(1, min(documents // FEWEST, -(-documents * words // CELLS[device])))
    each = -(-blocks // threads)
    blocks = min(documents, each * threads)
    ends = [index * documents // blocks for index in range(blocks + 1)]
    return [ends[first : first + each + 1] for first in range(0, blocks, each)]


def surprise(scores: Tensor, first: int, entries: list[Tensor], nats: Tensor, factor: Tensor) -> None:
    """See `kernels.surprise`. In place."""
    if scores.device.type == kernels.LOOPS_ON:
        kernels.surprise(scores.numpy(), first, *(each.numpy() for each in (*entries, nats, factor)))
        return
    owners, columns, inputs, counts = entries
    owners = owners - first
    cells = owners * scores.shape[1] + columns
    flat = scores.view(-1)
    picked = flat.index_select(0, cells)
    highest = scores.amax(dim=1)
    total = scores.sub_(highest[:, None]).exp_().sum(dim=1)
    nats.zero_().index_add_(0, owners, counts * ((highest + total.log()).index_select(0, owners) - picked))
    factor.zero_().index_add_(0, owners, inputs).div_(total)
    flat.index_add_(0, cells, inputs / factor.index_select(0, owners), alpha=-1)


def mixed(mixture: Tensor, topics: Tensor, batch: Batch, weight: Tensor | None) -> Cost:
    """The cost when chances are mixture (B, K) @ topics.T: only those of words that occur are ever computed.

    topics (V, K), whose columns sum to 1.
    """
    chances = (mixture.index_select(0, batch.owners) * topics.index_select(0, batch.columns)).sum(dim=1).add_(TINY)
    recons = torch.zeros_like(batch.lengths).index_add_(0, batch.owners, -batch.counts * chances.log())
    if weight is None:
        return Cost(recons)
    slopes = -weight.index_select(0, batch.owners) * batch.inputs / chances
    return Cost(recons, bag(batch.columns, topics, batch.starts, slopes), by_word(batch, mixture, slopes))

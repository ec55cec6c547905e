"""A state's arrays through the network: one update, the losses of documents, their posteriors, the topics' words.

Knows arrays, documents and devices; not where the documents come from.
"""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from algorithms.device import device_of
from algorithms.optimizers import Optimizing
from algorithms.state import Partial, State
from algorithms.threads import ALONE, Threads
from algorithms.threads import threads as threads_of
from algorithms.topics import decoders, layers, likelihood, network
from algorithms.topics.latent import Draw
from algorithms.topics.minibatch import Batch, batch, parts

if TYPE_CHECKING:
    from algorithms.topics.algorithm import Topics

Tensor = torch.Tensor

BLOCK = 1024  # documents that are judged at a time, and that moments are taken of
CONSTANT = ("vectors",)  # what training does not change
SHARE = 1 << 25  # scores times topics, of a mini-batch: what keeps a thread busy for longer than it takes to wake it
RELEVANCE = 0.6  # Sievert & Shirley 2014: where people knew topics best by their words


def train_on(
    form: "Topics", state: State, batches: Sequence[sparse.csr_matrix], *, threads: int, seed: int, alone: bool
) -> Partial:
    """The state trained on the rows of `batches`. See Topics.update."""
    rows = sparse.vstack([_no_rows(state), *batches], format="csr") if len(batches) != 1 else batches[0]
    device, count = device_of(form.device), rows.shape[0]
    order = np.random.default_rng(seed).permutation(count)[: max(1, round(form.sub_sample * count))]
    tensors = {name: _tensor(array, device, copy=not alone) for name, array in state.items()}
    parameters = {name: tensors[name] for name in network.parameters(form, tensors)}
    optimizing = Optimizing(form.rule, parameters, tensors, round(float(state["steps"][0])))
    generator = torch.Generator(device).manual_seed(seed)
    sums = torch.zeros(3, dtype=torch.float64, device=device)
    worth = form.mini_batch_size * rows.shape[1] * form.num_topics // SHARE
    with threads_of(max(1, min(threads, worth))) as pool:
        _compile(form, optimizing, _no_rows(state), device)
        for part in parts(len(order), form.mini_batch_size):
            sums += _step(form, tensors, _documents(form, rows, order[part], device), optimizing, generator, pool)
        if form.normalises and count:
            _remember(form, tensors, rows, order[-BLOCK:], generator)
    trained: State = {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    kld, recons, words = sums.tolist()
    if count:
        trained["losses"] = np.array([kld, recons], np.float32) / len(order)
    trained["steps"] = np.array([optimizing.steps], np.float64)
    evidence = np.array([float(len(order))])
    weight = {name: evidence for name, array in trained.items() if array.dtype.kind == "f" and name not in CONSTANT}
    return Partial(state=trained, weight=weight, loss=kld + recons, examples=len(order), words=round(words))


def _step(
    form: "Topics",
    tensors: dict[str, Tensor],
    documents: Batch,
    optimizing: Optimizing,
    generator: torch.Generator,
    pool: Threads,
) -> Tensor:
    """One mini-batch. In place; returns sums over its documents: kld and recons a word, and words."""
    losses = network.losses(form, tensors, documents, generator, pool, training=True)
    optimizing.step(losses.slopes, pool)
    words = documents.lengths
    return torch.stack([losses.kld, losses.recons, words * words]).div_(words.clamp(min=1)).sum(dim=1)


def _compile(form: "Topics", optimizing: Optimizing, nothing: sparse.csr_matrix, device: torch.device) -> None:
    """Let numba compile before the clock runs."""
    optimizing.compile()
    documents = _documents(form, nothing, np.zeros(0, np.int64), device)
    entries = [documents.owners, documents.columns, documents.inputs, documents.counts]
    scores = torch.zeros(0, nothing.shape[1], device=device)
    likelihood.surprise(scores, 0, entries, documents.lengths, documents.lengths)
    heads = torch.zeros(0, 2 * form.num_topics, device=device)
    draw = Draw(form, heads, torch.Generator(device), training=True)
    draw.back(draw.latent.mixture, documents.lengths)
    layers.compile_loops(device)
    decoders.compile_loops(device)


def _remember(
    form: "Topics",
    tensors: dict[str, Tensor],
    rows: sparse.csr_matrix,
    chosen: NDArray[np.int64],
    generator: torch.Generator,
) -> None:
    """Take the moments that normalisation will use anew, with the weights as they now are. In place.

    Moments that follow a training lag behind it: with sigmoid layers, whose units are all near a half, the mean of what
    they add up to moves further in ten steps than documents differ.
    """
    for number, part in enumerate(parts(len(chosen), form.mini_batch_size), 1):
        documents = _documents(form, rows, chosen[part], generator.device)
        network.remember(form, tensors, documents, generator, follow=1 / number)


def judge(form: "Topics", state: State, rows: sparse.csr_matrix) -> tuple[NDArray[np.float64], ...]:
    """(N,) each: recons and kld, in nats, and the words of each document. See Topics.evaluate."""
    device = device_of(form.device)
    tensors = {name: _tensor(array, device) for name, array in state.items()}
    generator = torch.Generator(device).manual_seed(0)
    found = []
    for chosen in _blocks(rows):
        documents = _documents(form, rows, chosen, device)
        losses = network.losses(form, tensors, documents, generator, ALONE, training=False)
        found.append(torch.stack([losses.recons, losses.kld, documents.lengths]).double().cpu().numpy())
    return tuple(np.concatenate(found, axis=1)) if found else (np.zeros(0),) * 3


def posterior_means(form: "Topics", state: State, rows: sparse.csr_matrix) -> NDArray[np.float32]:
    """(N, K): the middle of what the network thinks of each document, before it is made a mixture."""
    device = device_of(form.device)
    tensors = {name: _tensor(array, device) for name, array in state.items()}
    found = [np.zeros((0, form.num_topics), np.float32)]
    for chosen in _blocks(rows):
        heads, _ = network.encode(form, tensors, _documents(form, rows, chosen, device), {})
        found.append(heads[:, : form.num_topics].cpu().numpy())
    return np.concatenate(found)


def topic_word(form: "Topics", state: State) -> NDArray[np.float32]:
    """(K, V): see Topics.topic_word."""
    tensors = {name: _tensor(array, torch.device("cpu")) for name, array in state.items()}
    scores = decoders.topic_scores(form, tensors)
    if form.decoder != "ntm":
        scores = relevance(torch.log_softmax(scores, dim=1))
    return cast(NDArray[np.float32], torch.softmax(scores, dim=1).numpy())


def relevance(logarithms: Tensor) -> Tensor:
    """Of logarithms (K, V) of chances: each less 0.4 times that of the word's mean chance over the topics.

    Words that all topics have tell little of any; words that are rare everywhere are often chance (Sievert & Shirley,
    LDAvis: a method for visualizing and interpreting topics, 2014).
    """
    mean = torch.logsumexp(logarithms, dim=0) - math.log(len(logarithms))
    return logarithms - (1 - RELEVANCE) * mean


def _no_rows(state: State) -> sparse.csr_matrix:
    return sparse.csr_matrix((0, len(state["encoder_0"])), dtype=np.float32)


def _documents(form: "Topics", rows: sparse.csr_matrix, chosen: NDArray[np.int64], device: torch.device) -> Batch:
    return batch(rows, chosen, logarithm=form.logarithm, device=device)


def _blocks(rows: sparse.csr_matrix) -> Iterator[NDArray[np.int64]]:
    for first in range(0, rows.shape[0], BLOCK):
        yield np.arange(first, min(first + BLOCK, rows.shape[0]))


def _tensor(array: NDArray[Any], device: torch.device, *, copy: bool = False) -> Tensor:
    return torch.from_numpy(array.copy() if copy or not array.flags.writeable else array).to(device)

"""The likeliest labels of examples, with the probabilities that fastText tells: to the letter of its loss.cc."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels import gather, layer
from algorithms.text_classification.kernels import AHEAD, HS, ONE, SOFTMAX, ZERO

TINY = 1e-5  # fastText adds it to a probability whose logarithm it takes, and so to what it tells
TABLE, REACH = 512, 8  # fastText's sigmoid is a table of this many steps from -REACH to REACH


@njit(nogil=True, forceinline=True)
def _insert(
    likely: NDArray[np.int32], chances: NDArray[np.float32], first: int, kept: int, k: int, label: int, chance: float
) -> int:
    """Put a label among the `kept` likeliest so far, from `first` on, at most k: how many are kept then. In place."""
    if kept == k and chance < chances[first + k - 1]:
        return kept
    kept = min(kept + 1, k)
    place = first + kept - 1
    while place > first and chances[place - 1] <= chance:
        likely[place], chances[place] = likely[place - 1], chances[place - 1]
        place -= 1
    likely[place], chances[place] = label, chance
    return kept


@njit(nogil=True, forceinline=True)
def _descend(
    hidden: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    lefts: NDArray[np.int32],
    rights: NDArray[np.int32],
    stack: NDArray[np.int32],
    so_far: NDArray[np.float64],
    threshold: float,
    k: int,
    likely: NDArray[np.int32],
    chances: NDArray[np.float32],
    first: int,
) -> int:
    """The k likeliest leaves of the Huffman tree, as logarithms; paths that cannot be among them are not followed."""
    leaves = outputs.size // stride
    least = np.log(threshold + TINY)
    depth, kept = 1, 0
    stack[0], so_far[0] = 2 * leaves - 2, 0.0
    while depth > 0:
        depth -= 1
        node, chance = stack[depth], so_far[depth]
        if chance < least or (kept == k and chance < chances[first + k - 1]):
            continue
        if node < leaves:
            kept = _insert(likely, chances, first, kept, k, node, chance)
            continue
        score = ZERO
        row = (node - leaves) * stride
        for i in range(stride):
            score += hidden[i] * outputs[row + i]
        right = 1 / (1 + np.exp(-np.float64(score)))
        # the left one lies on top: fastText goes there first
        stack[depth], so_far[depth] = rights[node - leaves], chance + np.log(right + TINY)
        stack[depth + 1], so_far[depth + 1] = lefts[node - leaves], chance + np.log(1 - right + TINY)
        depth += 2
    return kept


@njit(nogil=True, cache=True)
def predict(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    stream: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    loss: int,
    lefts: NDArray[np.int32],
    rights: NDArray[np.int32],
    threshold: float,
    k: int,
    likely: NDArray[np.int32],
    chances: NDArray[np.float32],
) -> None:
    """The k likeliest labels of the examples first..last-1 and their probabilities. In place.

    stream, offsets: as `kernels.examples` writes them; inputs, outputs, stride, loss: as in training.
    likely (E * k,) int32, found -1, chances (E * k,) float32, found 0: the likeliest first, of those that reach the
    threshold; an example without rows has none. lefts, rights (L - 1,) int32: hs: the children of each inner node.
    """
    labels = outputs.size // stride
    every = layer.all_rows(outputs, stride)
    scores = np.zeros(every.size + layer.PAD, np.float32)
    hidden = np.zeros(stride, np.float32)
    stack, so_far = np.zeros(labels + 2, np.int32), np.zeros(labels + 2, np.float64)
    for example in range(first, last):
        if example + AHEAD < last:
            ahead = offsets[example + AHEAD]
            stop = offsets[example + AHEAD + 1] - stream[ahead + 1]
            gather.ask_for_rows(inputs, stride, stream, ahead + 2, stop, stride, 0, 0)
        begin, end = offsets[example] + 2, offsets[example + 1] - stream[offsets[example] + 1]
        if end == begin:
            continue
        gather.mean(inputs, stride, stream, begin, end, stride, 0, 0, hidden)
        place, kept = example * k, 0
        if loss == HS:
            kept = _descend(hidden, outputs, stride, lefts, rights, stack, so_far, threshold, k, likely, chances, place)
            for i in range(place, place + kept):
                chances[i] = np.exp(chances[i])
            continue
        layer.score(hidden, outputs, stride, every, labels, scores)
        if loss == SOFTMAX:
            layer.softmax(scores, labels)
        for label in range(labels):
            chance = scores[label]
            if loss != SOFTMAX:
                chance = _tabled_sigmoid(chance)
            if chance >= threshold:
                kept = _insert(likely, chances, place, kept, k, label, chance)
        for i in range(place, place + kept):
            chances[i] += np.float32(TINY)


@njit(nogil=True, forceinline=True)
def _tabled_sigmoid(x: np.float32) -> np.float32:
    """FastText's sigmoid, steps and all."""
    if x < -REACH:
        return ZERO
    if x > REACH:
        return ONE
    step = np.int64((x + REACH) * TABLE / REACH / 2)
    return np.float32(1 / (1 + np.exp(-np.float64(step * 2 * REACH / TABLE - REACH))))

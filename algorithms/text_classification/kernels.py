"""Training a classifier on examples: which output rows a label is set against is the loss.

    softmax   all labels, alternatives of each other; of an example's labels one, drawn at random
    ova       all labels, each a question of its own (one versus all)
    ns        the label and a few others, drawn by the square root of their counts (negative sampling)
    hs        the nodes on the label's path down a Huffman tree, right or left (hierarchical softmax)

An example's hidden vector is the mean of its rows; what it learns goes to each of them, divided by their number.
(Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification"; fastText's src/model.cc and loss.cc.)
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels import gather, layer
from algorithms.kernels.rng import below, step
from algorithms.kernels.sampling import draw

HS, NS, SOFTMAX, OVA = 1, 2, 3, 4  # fastText's numbers
LOSSES = {"hs": HS, "ns": NS, "softmax": SOFTMAX, "ova": OVA}
AHEAD = 2  # examples between asking for rows and needing them
SETTLE = 256  # examples after which a thread's own copies of rows are brought together with the others'
WATCH = 16  # one example in this many has its loss computed

ZERO, ONE = np.float32(0), np.float32(1)


@njit(nogil=True, cache=True)
def train(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    hot: int,
    shift: int,
    own: NDArray[np.float32],
    before: NDArray[np.float32],
    stream: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    loss: int,
    alias: NDArray[np.uint32],
    negative_samples: int,
    starts: NDArray[np.int64],
    nodes: NDArray[np.int64],
    turns: NDArray[np.float32],
    rate: np.float32,
    rng: NDArray[np.uint64],
    tally: NDArray[np.float64],
) -> None:
    """Train on the examples first..last-1, as `kernels.examples` writes them. In place.

    inputs, outputs: flat float32, rows of `stride` floats, a row of outputs for each label; loss: one of the constants
    above; alias: of the labels, see `kernels.sampling`.
    own: this thread's copies, `shift` floats behind inputs, of the `hot` first rows of inputs and, where there is more
    of it, of all outputs; before: the same as last settled; both empty where no other thread trains.
    starts, nodes, turns: hs: label l's path is nodes[starts[l] : starts[l + 1]], output rows, turns 1 for right.
    tally: (4,) float64: loss, examples whose loss was watched, examples, tokens; added to.
    """
    labels, copied = outputs.size // stride, hot * stride
    out, out_before = (own[copied:], before[copied:]) if own.size > copied else (outputs, outputs)
    every = layer.all_rows(outputs, stride)
    room = max(every.size, 1 + negative_samples + layer.TILE)
    for label in range(starts.size - 1):
        room = max(room, starts[label + 1] - starts[label] + layer.TILE)
    some = np.zeros(room, np.int64)
    wanted = np.zeros(room + layer.PAD, np.float32)
    scores = np.zeros(room + layer.PAD, np.float32)
    hidden, change = np.zeros(stride, np.float32), np.zeros(stride, np.float32)
    state = rng[0]
    for example in range(first, last):
        if own.size > 0 and (example - first) % SETTLE == 0:
            gather.settle(inputs, own, before, copied)
            gather.settle(outputs, out, out_before, own.size - copied)
        if example + AHEAD < last:
            ahead = offsets[example + AHEAD]
            stop = offsets[example + AHEAD + 1] - stream[ahead + 1]
            gather.ask_for_rows(inputs, stride, stream, ahead + 2, stop, stride, hot, shift)
        begin, end = offsets[example] + 2, offsets[example + 1] - stream[offsets[example] + 1]
        given = offsets[example + 1] - end
        tally[3] += stream[begin - 2]
        if end == begin:
            continue
        state = step(state)
        target = stream[end + below(state, given)]

        rows, count = every, labels
        if loss == SOFTMAX:
            wanted[target] = ONE
        elif loss == OVA:
            for i in range(end, end + given):
                wanted[stream[i]] = ONE
        elif loss == NS:
            rows, count = some, 1 + negative_samples
            some[0] = target * stride
            wanted[0] = ONE
            for i in range(1, count):
                other = target
                while other == target:  # there are two labels or more
                    state = step(state)
                    other = draw(state, alias)
                some[i] = other * stride
        else:
            rows, count = some, starts[target + 1] - starts[target]
            for i in range(count):
                some[i] = nodes[starts[target] + i] * stride
                wanted[i] = turns[starts[target] + i]

        gather.mean(inputs, stride, stream, begin, end, stride, hot, shift, hidden)
        layer.score(hidden, out, stride, rows, count, scores)
        if loss == SOFTMAX:
            layer.softmax(scores, count)
        else:
            layer.logistic(scores, count)
        if example % WATCH == 0:
            tally[0] += layer.loss(scores, wanted, count, loss == SOFTMAX)
            tally[1] += 1
        layer.gradient(scores, wanted, count, rate)
        layer.apply(hidden, out, stride, rows, count, scores, change)
        gather.add(inputs, stride, stream, begin, end, stride, hot, shift, change, ONE / np.float32(end - begin))
        tally[2] += 1

        if loss == SOFTMAX:
            wanted[target] = ZERO
        elif loss == OVA:
            for i in range(end, end + given):
                wanted[stream[i]] = ZERO
    if own.size > 0:
        gather.settle(inputs, own, before, copied)
        gather.settle(outputs, out, out_before, own.size - copied)
    rng[0] = state


@njit(nogil=True, cache=True)
def count_rows(stream: NDArray[np.int32], offsets: NDArray[np.int64], seen: NDArray[np.int64]) -> None:
    """Add how often each row of inputs stands in the examples to seen. In place."""
    for example in range(offsets.size - 1):
        for i in range(offsets[example] + 2, offsets[example + 1] - stream[offsets[example] + 1]):
            seen[stream[i]] += 1

"""The three modes of Word2Vec: which input rows meet which output rows; the step itself is `kernels.update`.

    batch_skipgram   the words around a word, each an input, against the word and negatives they all share
    skipgram         a word (the mean of its rows) against each word around it, with fresh negatives every time
    cbow             the mean of the words around a word against the word and its negatives

A kernel trains on `ids` in place, without locks, and can run in any number of threads at once. It plans a
stretch of text (windows, negatives) before it trains on it, so that the rows are asked for before they are needed.

The arguments, alike in all modes:
    inputs, outputs  flat float32, rows of `stride` floats; the last row of outputs belongs to nobody and stays zero
    ids              (T,) int32 word ids, -1 ends a sentence
    keep, alias      see kernels.sampling;  starts, members: see `members_of_words`
    rate             float32 learning rate
    rng              (1,) uint64;  seen (V,) int64: kept occurrences, added to
    tally            (3,) float64: loss, pairs whose loss was watched, pairs trained; added to
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from algorithms.kernels.gather import ONE, ZERO, ask_for, ask_for_rows
from algorithms.kernels.rng import below, step
from algorithms.kernels.sampling import draw_negatives, thin
from algorithms.kernels.simd import LANES, at, fma, load, splat, store
from algorithms.kernels.update import PAD, TILE, train_group

SENTENCE = 1000  # kept words that are planned and trained together; longer lines are cut, as in word2vec.c
STRETCH = 64  # centre words whose pairs skipgram plans together
AHEAD = 2  # updates between asking for rows and needing them
WATCH = 64  # one centre word in this many has its loss computed


@njit(nogil=True, forceinline=True)
def _tiled(negative_samples: int) -> int:
    return (negative_samples + TILE) // TILE * TILE


@njit(nogil=True, forceinline=True)
def _first(centre: int, reach: int) -> int:
    return max(0, centre - reach)


@njit(nogil=True, forceinline=True)
def _last(centre: int, reach: int, length: int) -> int:
    return min(length, centre + reach + 1)


@njit(nogil=True, cache=True)
def batch_skipgram(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    ids: NDArray[np.int32],
    keep: NDArray[np.uint32],
    alias: NDArray[np.uint32],
    window_size: int,
    negative_samples: int,
    batch_size: int,
    rate: np.float32,
    rng: NDArray[np.uint64],
    seen: NDArray[np.int64],
    tally: NDArray[np.float64],
) -> None:
    """Train contexts against a centre word and negatives shared by up to `batch_size` of them. In place."""
    group, width, nobody = 1 + negative_samples, _tiled(negative_samples), outputs.size - stride
    sentence = np.empty(SENTENCE, np.int64)
    targets = np.full((SENTENCE + 1) * width, nobody, np.int64)
    contexts = np.empty(2 * min(window_size, SENTENCE), np.int64)
    scores = np.zeros(TILE * (batch_size + 1) + PAD, np.float32)
    state, position = rng[0], 0
    while position < ids.size:
        length, position, state = thin(ids, position, keep, state, sentence, seen)
        for centre in range(length):
            first = centre * width
            targets[first] = sentence[centre] * stride
            state = draw_negatives(state, alias, stride, nobody, targets, first, first + group)
        for centre in range(length):
            if centre + AHEAD < length:
                first = (centre + AHEAD) * width
                ask_for_rows(outputs, stride, targets, first, first + group, 1, 0, 0)
            if centre + AHEAD + window_size < length:
                ask_for(inputs, sentence[centre + AHEAD + window_size] * stride, stride)
            state = step(state)
            reach = 1 + below(state, window_size)
            count = 0
            for other in range(_first(centre, reach), _last(centre, reach, length)):
                if other != centre:
                    contexts[count] = at(sentence, other) * stride
                    count += 1
            watch = centre % WATCH == 0
            for first in range(0, count, batch_size):
                batch = contexts[first : min(first + batch_size, count)]
                tally[0] += train_group(
                    inputs, outputs, stride, batch, batch.size, targets, centre * width, group, rate, scores, watch
                )
            tally[1] += count * watch
            tally[2] += count
    rng[0] = state


@njit(nogil=True, forceinline=True)
def _mean(inputs: NDArray[np.float32], rows: NDArray[np.int64], count: int, hidden: NDArray[np.float32]) -> None:
    """Both halves of hidden = the mean of `count` input rows. In place."""
    stride = hidden.size // 2
    share = splat(ONE / np.float32(count))
    for k in range(0, stride, LANES):
        total = splat(ZERO)
        for i in range(count):
            total = fma(load(inputs, at(rows, i) + k), share, total)
        store(hidden, k, total)
        store(hidden, stride + k, total)


@njit(nogil=True, forceinline=True)
def _spread(inputs: NDArray[np.float32], rows: NDArray[np.int64], count: int, hidden: NDArray[np.float32]) -> None:
    """Add what training changed in the mean (first half of hidden less the second) to each of its rows. In place.

    Not divided by their number: fastText's rule for skipgram and cbow.
    """
    stride = hidden.size // 2
    for k in range(0, stride, LANES):
        change = fma(load(hidden, stride + k), splat(-ONE), load(hidden, k))
        for i in range(count):
            row = at(rows, i) + k
            store(inputs, row, fma(change, splat(ONE), load(inputs, row)))


@njit(nogil=True, cache=True)
def skipgram(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    ids: NDArray[np.int32],
    keep: NDArray[np.uint32],
    alias: NDArray[np.uint32],
    starts: NDArray[np.int64],
    members: NDArray[np.int64],
    window_size: int,
    negative_samples: int,
    rate: np.float32,
    rng: NDArray[np.uint64],
    seen: NDArray[np.int64],
    tally: NDArray[np.float64],
) -> None:
    """Train each word, as the mean of its rows, against every word around it in turn. In place.

    The mean is kept up to date from pair to pair and its change goes to the rows once a word, where fastText gathers
    and scatters the rows of all n-grams for every pair.
    """
    group, width, nobody = 1 + negative_samples, _tiled(negative_samples), outputs.size - stride
    sentence = np.empty(SENTENCE, np.int64)
    targets = np.full(STRETCH * 2 * min(window_size, SENTENCE) * width, nobody, np.int64)
    pairs = np.zeros(STRETCH + 1, np.int64)  # where each centre's pairs begin
    scores = np.zeros(2 * TILE + PAD, np.float32)
    hidden = np.zeros(2 * stride, np.float32)
    only = np.zeros(1, np.int64)
    state, position = rng[0], 0
    while position < ids.size:
        length, position, state = thin(ids, position, keep, state, sentence, seen)
        for begin in range(0, length, STRETCH):
            end = min(begin + STRETCH, length)
            count = 0
            for centre in range(begin, end):
                state = step(state)
                reach = 1 + below(state, window_size)
                pairs[centre - begin] = count
                for other in range(_first(centre, reach), _last(centre, reach, length)):
                    if other != centre:
                        first = count * width
                        targets[first] = at(sentence, other) * stride
                        state = draw_negatives(state, alias, stride, nobody, targets, first, first + group)
                        count += 1
            pairs[end - begin] = count
            for centre in range(begin, end):
                if centre + AHEAD < end:
                    word = at(sentence, centre + AHEAD)
                    ask_for_rows(inputs, stride, members, starts[word], starts[word + 1], 1, 0, 0)
                word, pair, last = at(sentence, centre), pairs[centre - begin], pairs[centre - begin + 1]
                if pair == last:
                    continue
                rows = members[starts[word] : starts[word + 1]]
                _mean(inputs, rows, rows.size, hidden)
                watch = centre % WATCH == 0
                tally[1] += (last - pair) * watch
                tally[2] += last - pair
                while pair < last:
                    if pair + AHEAD < count:
                        first = (pair + AHEAD) * width
                        ask_for_rows(outputs, stride, targets, first, first + group, 1, 0, 0)
                    tally[0] += train_group(
                        hidden, outputs, stride, only, 1, targets, pair * width, group, rate, scores, watch
                    )
                    pair += 1
                _spread(inputs, rows, rows.size, hidden)
    rng[0] = state


@njit(nogil=True, cache=True)
def cbow(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    stride: int,
    ids: NDArray[np.int32],
    keep: NDArray[np.uint32],
    alias: NDArray[np.uint32],
    starts: NDArray[np.int64],
    members: NDArray[np.int64],
    window_size: int,
    negative_samples: int,
    rate: np.float32,
    rng: NDArray[np.uint64],
    seen: NDArray[np.int64],
    tally: NDArray[np.float64],
) -> None:
    """Train the mean of the rows of all words around a word against that word. In place."""
    group, width, nobody = 1 + negative_samples, _tiled(negative_samples), outputs.size - stride
    longest = 0
    for word in range(starts.size - 1):
        longest = max(longest, starts[word + 1] - starts[word])
    sentence = np.empty(SENTENCE, np.int64)
    targets = np.full((SENTENCE + 1) * width, nobody, np.int64)
    rows = np.empty(2 * min(window_size, SENTENCE) * longest, np.int64)
    scores = np.zeros(2 * TILE + PAD, np.float32)
    hidden = np.zeros(2 * stride, np.float32)
    only = np.zeros(1, np.int64)
    state, position = rng[0], 0
    while position < ids.size:
        length, position, state = thin(ids, position, keep, state, sentence, seen)
        for centre in range(length):
            first = centre * width
            targets[first] = sentence[centre] * stride
            state = draw_negatives(state, alias, stride, nobody, targets, first, first + group)
        for centre in range(length):
            if centre + AHEAD < length:
                first = (centre + AHEAD) * width
                ask_for_rows(outputs, stride, targets, first, first + group, 1, 0, 0)
            if centre + AHEAD + window_size < length:
                word = at(sentence, centre + AHEAD + window_size)
                ask_for_rows(inputs, stride, members, starts[word], starts[word + 1], 1, 0, 0)
            state = step(state)
            reach = 1 + below(state, window_size)
            count = 0
            for other in range(_first(centre, reach), _last(centre, reach, length)):
                if other != centre:
                    word = at(sentence, other)
                    for member in range(starts[word], starts[word + 1]):
                        rows[count] = members[member]
                        count += 1
            if count == 0:
                continue
            watch = centre % WATCH == 0
            _mean(inputs, rows, count, hidden)
            tally[0] += train_group(
                hidden, outputs, stride, only, 1, targets, centre * width, group, rate, scores, watch
            )
            _spread(inputs, rows, count, hidden)
            tally[1] += watch
            tally[2] += 1
    rng[0] = state

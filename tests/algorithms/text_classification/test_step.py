"""An update replayed in plain Python: the same random numbers, fastText's steps in float64."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

from algorithms.kernels import huffman
from algorithms.kernels.rng import seeded
from algorithms.kernels.rows import in_place, stride_of
from algorithms.kernels.sampling import alias_table, noise_distribution
from algorithms.protocol import Span
from algorithms.state import Partial, State
from algorithms.text_classification import kernels, step
from algorithms.text_classification.algorithm import TextClassification
from data.examples import Batch
from tests.algorithms.oracle import Generator

LOSSES = ["softmax", "hs", "ns", "ova"]
LOSS = pytest.mark.parametrize("loss", LOSSES)

Example = tuple[list[int], list[int]]  # rows, labels

SEED, ROWS, WHOLE = 7, 40, Span(0, 1)


def sigmoid(s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-s)))


def batch_of(examples: Sequence[Example]) -> Batch:
    """Each line has ten tokens, whatever its rows."""
    pieces = [[10, len(labels), *rows, *labels] for rows, labels in examples]
    stream = np.array([number for piece in pieces for number in piece], np.int32)
    return Batch(stream, np.cumsum([0, *map(len, pieces)]))


def state_of(labels: int, dim: int, *, seed: int = 1) -> State:
    """As in the middle of a training."""
    rng = np.random.default_rng(seed)
    return {
        "inputs": rng.normal(0, 0.3, (ROWS, dim)).astype(np.float32),
        "outputs": rng.normal(0, 1.0, (labels, dim)).astype(np.float32),
        "buckets": np.zeros(0, np.int64),
        "label_counts": np.sort(rng.integers(1, 100, labels))[::-1].copy(),
    }


def form_of(loss: str, dim: int = 13, **settings: float) -> TextClassification:
    return TextClassification(loss=loss, vector_dim=dim, **({"learning_rate": 0.4} | settings))


class Oracle:
    """Model::update and Loss::forward of fastText, the scores of one step all from before it."""

    def __init__(self, form: TextClassification, state: State) -> None:
        self.form, self.labels = form, len(state["outputs"])
        self.inputs, self.outputs = (state[name].astype(np.float64) for name in ("inputs", "outputs"))
        self.alias = alias_table(noise_distribution(state["label_counts"]))
        self.paths = huffman.paths(huffman.tree(state["label_counts"]))
        self.loss = 0.0

    def choose(self, labels: list[int], random: Generator) -> tuple[list[int], NDArray[np.float64]]:
        """Which outputs an example is set against, and what is wanted of each."""
        target = labels[random.below(len(labels))]
        everyone = list(range(self.labels))
        if self.form.loss == "softmax":
            return everyone, np.eye(self.labels)[target]
        if self.form.loss == "ova":
            return everyone, np.isin(everyone, labels).astype(np.float64)
        if self.form.loss == "hs":
            way = slice(*self.paths.starts[target : target + 2])
            return self.paths.nodes[way].tolist(), self.paths.turns[way].astype(np.float64)
        chosen = [target]
        while len(chosen) <= self.form.negative_samples:
            drawn = random.draw(self.alias)
            chosen += [drawn] * (drawn != target)
        return chosen, np.eye(len(chosen))[0]

    def train(self, example: Example, rate: float, random: Generator, *, watch: bool) -> None:
        rows, labels = example
        if not rows:
            return
        chosen, wanted = self.choose(labels, random)
        hidden = self.inputs[rows].mean(axis=0)
        scores = self.outputs[chosen] @ hidden
        chances = sigmoid(scores)
        if self.form.loss == "softmax":
            chances = np.exp(scores - scores.max())
            chances /= chances.sum()
        if watch:
            told = np.where(wanted > 0, chances, 1 if self.form.loss == "softmax" else 1 - chances)
            self.loss -= np.log(told).sum()
        change = np.zeros_like(hidden)
        for output, share in zip(chosen, rate * (wanted - chances), strict=True):
            change += share * self.outputs[output]
            self.outputs[output] += share * hidden
        np.add.at(self.inputs, rows, change / len(rows))


def assert_replayed(form: TextClassification, state: State, examples: list[Example], *, span: Span = WHOLE) -> Oracle:
    done = form.update(state, [batch_of(examples)], span=span, threads=1, seed=SEED)
    oracle, size = Oracle(form, state), max(1, len(examples) // 16)
    for number, first in enumerate(range(0, len(examples), size)):
        random = Generator(seeded(SEED, number)[0])
        rate = form.learning_rate_at(span.start + (span.stop - span.start) * first / len(examples))
        for i in range(first, min(first + size, len(examples))):
            oracle.train(examples[i], float(np.float32(rate)), random, watch=i % kernels.WATCH == 0)
    # the sigmoid of the kernels is within 1e-4
    np.testing.assert_allclose(done.state["inputs"], oracle.inputs, atol=2e-4, rtol=1e-4)
    np.testing.assert_allclose(done.state["outputs"], oracle.outputs, atol=1e-3, rtol=1e-4)
    assert done.loss == pytest.approx(oracle.loss, rel=1e-3)
    assert done.examples == sum(bool(rows) for i, (rows, _) in enumerate(examples) if i % kernels.WATCH == 0)
    assert done.words == 10 * len(examples)
    untouched = sorted(set(range(ROWS)) - {row for rows, _ in examples for row in rows})
    np.testing.assert_array_equal(done.state["inputs"][untouched], state["inputs"][untouched])
    assert_padding_is_zero(done, form.vector_dim)
    return oracle


def assert_padding_is_zero(done: Partial, dim: int) -> None:
    for name in ("inputs", "outputs"):
        flat = in_place(table := done.state[name])
        assert np.shares_memory(flat, table)
        assert not flat.reshape(-1, stride_of(dim))[:, dim:].any()


def examples_of(count: int, labels: int, *, several: bool = False, seed: int = 3) -> list[Example]:
    rng = np.random.default_rng(seed)
    return [
        (
            rng.integers(0, ROWS - 2, rng.integers(1, 12)).tolist(),  # the last two rows are touched by nobody
            rng.permutation(labels)[: 1 + several * rng.integers(0, min(4, labels))].tolist(),
        )
        for _ in range(count)
    ]


@LOSS
@pytest.mark.parametrize("labels", [2, 11, 12, 13, 30])
def test_an_example_is_fasttexts(loss: str, labels: int) -> None:
    for example in examples_of(4, labels):
        oracle = assert_replayed(form_of(loss), state := state_of(labels, 13), [example])
        assert np.abs(oracle.outputs - state["outputs"]).max() > 0.01


@LOSS
@pytest.mark.parametrize("dim", [1, 7, 16, 33, 100])
def test_examples_one_after_the_other(loss: str, dim: int) -> None:
    assert_replayed(form_of(loss, dim), state_of(5, dim), examples_of(40, 5), span=Span(0.25, 0.5))


@LOSS
def test_several_labels(loss: str) -> None:
    assert_replayed(form_of(loss), state_of(9, 13), examples_of(20, 9, several=True))


@LOSS
def test_lines_without_rows_are_passed_over(loss: str) -> None:
    examples = examples_of(20, 3)
    for i in (0, 7, 16, 19):
        examples[i] = ([], examples[i][1])
    assert_replayed(form_of(loss), state_of(3, 13), examples)


@LOSS
def test_rows_that_come_twice_learn_twice(loss: str) -> None:
    assert_replayed(form_of(loss), state_of(3, 13), [([4] * 9, [1]), ([4, 5, 4], [2]), ([5, 5], [0])])


@pytest.mark.parametrize("negative_samples", [1, 11, 12, 30])
def test_negative_samples(negative_samples: int) -> None:
    assert_replayed(form_of("ns", negative_samples=negative_samples), state_of(4, 13), examples_of(20, 4))


def test_many_labels() -> None:
    for loss in LOSSES:
        assert_replayed(form_of(loss), state_of(500, 13), examples_of(20, 500))


@pytest.mark.parametrize("threads", [1, 3])
def test_every_example_is_trained_once(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces, in order, by whichever thread; the learning rate falls with them."""
    calls: list[tuple[int, int, int, float]] = []

    def noted(*given: object) -> None:
        offsets, first, last, rate = given[8], given[9], given[10], given[17]
        calls.append((len(offsets), first, last, float(rate)))

    monkeypatch.setattr(kernels, "train", noted)
    monkeypatch.setattr(step, "MAX_CHUNK", 5)
    sizes = [1, 500, 0, 37]
    batches = [batch_of(examples_of(size, 3)) for size in sizes]
    form_of("softmax").update(state_of(3, 13), batches, span=Span(0.5, 1), threads=threads, seed=1)
    for size in sizes:
        pieces = sorted((first, last) for count, first, last, _ in calls if count == size + 1)
        assert [i for first, last in pieces for i in range(first, last)] == list(range(size))
        assert all(last - first <= 5 for first, last in pieces)
    rates = [rate for *_, rate in calls]
    assert rates[0] == pytest.approx(0.2)
    assert 0 < rates[-1] < 0.01
    if threads == 1:
        assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("loss", ["softmax", "ns", "hs"])
def test_of_several_labels_each_is_drawn_as_often(loss: str) -> None:
    """What an example wanted shows in the outputs: that of its label alone has moved towards it."""
    labels, form = 8, form_of(loss, negative_samples=1)
    own = [1, 4, 6]
    state = state_of(labels, 13) | {"outputs": np.zeros((labels, 13), np.float32)}
    paths, counts = huffman.paths(huffman.tree(state["label_counts"])), dict.fromkeys(own, 0)
    hidden = state["inputs"][0]
    for seed in range(300):
        done = form.update(state, [batch_of([([0], own)])], span=Span(0, 0), threads=1, seed=seed)
        wanted = np.sign(done.state["outputs"] @ hidden)
        for label in own:
            nodes = paths.nodes[paths.starts[label] : paths.starts[label + 1]]
            turns = paths.turns[paths.starts[label] : paths.starts[label + 1]]
            hit = (wanted[nodes] == 2 * turns - 1).all() if loss == "hs" else wanted[label] > 0
            counts[label] += int(hit)
    assert sum(counts.values()) == 300
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_negatives_follow_the_square_root_of_the_counts() -> None:
    counts = np.array([100, 64, 25, 9, 1])
    state = state_of(5, 13) | {"outputs": np.zeros((5, 13), np.float32), "label_counts": counts}
    form = form_of("ns", negative_samples=1)
    seen = np.zeros(5)
    for seed in range(600):
        done = form.update(state, [batch_of([([0], [1])])], span=Span(0, 0), threads=1, seed=seed)
        seen += (done.state["outputs"] @ state["inputs"][0]) < 0
    assert seen[1] == 0
    others = np.sqrt(counts)[[0, 2, 3, 4]]
    assert chisquare(seen[[0, 2, 3, 4]], others / others.sum() * 600).pvalue > 1e-3


# Threads --------------------------------------------------------------------------------------------------------------


@LOSS
def test_what_threads_copy_and_settle_comes_back_whole(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small steps, so that the order of the examples hardly matters: two threads learn what one learns."""
    monkeypatch.setattr(step, "HOT", 3)
    form, state, examples = form_of(loss, learning_rate=0.01), state_of(4, 13), examples_of(20, 4)
    done = form.update(state, [batch_of(examples)], span=Span(0, 0), threads=2, seed=SEED)
    wanted = form.update(state, [batch_of(examples)], span=Span(0, 0), threads=1, seed=SEED)
    assert (done.words, done.examples) == (wanted.words, wanted.examples)
    for name in ("inputs", "outputs"):
        moved, expected = done.state[name] - state[name], wanted.state[name] - state[name]
        assert np.abs(moved - expected).max() < 0.1 * np.abs(expected).max()
    assert_padding_is_zero(done, 13)


def test_with_many_labels_threads_share_the_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "MOST_COPIED", 3)
    form, state, examples = form_of("ova"), state_of(4, 13), examples_of(64, 4)
    done = form.update(state, [batch_of(examples)], span=Span(0, 0), threads=2, seed=SEED)
    assert np.isfinite(done.state["outputs"]).all()
    assert (done.state["outputs"] != state["outputs"]).all()
    assert done.words == 640

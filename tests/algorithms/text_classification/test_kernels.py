"""Predictions against the plainest means: all probabilities, sorted."""

import numpy as np
import pytest
from numpy.typing import NDArray

from algorithms.kernels import huffman
from algorithms.kernels.rows import packed, stride_of
from algorithms.text_classification import kernels
from algorithms.text_classification.predict_kernels import TINY, predict
from data.examples import Batch

LOSSES = {"softmax": kernels.SOFTMAX, "hs": kernels.HS, "ns": kernels.NS, "ova": kernels.OVA}
LEAST = {"softmax": 0, "hs": TINY, "ns": 0, "ova": 0}  # that is told with a threshold of 0
ROWS = 30


def tables(labels: int, dim: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng([labels, dim])
    return rng.normal(0, 1, (ROWS, dim)).astype(np.float32), rng.normal(0, 3, (labels, dim)).astype(np.float32)


def batch_of(lines: list[list[int]]) -> Batch:
    """Lines of rows, each with two labels, which do not matter."""
    pieces = [[9, 2, *rows, 0, 1] for rows in lines]
    return Batch(
        np.array([number for piece in pieces for number in piece], np.int32), np.cumsum([0, *map(len, pieces)])
    )


def sigmoid(s: NDArray[np.float64]) -> NDArray[np.float64]:
    """FastText's: 512 steps from -8 to 8, rounded down, and nothing beyond."""
    steps = np.floor((s + 8) * 32) / 32 - 8
    return np.where(s < -8, 0, np.where(s > 8, 1, 1 / (1 + np.exp(-steps))))


def chances(
    inputs: NDArray[np.float32], outputs: NDArray[np.float32], counts: NDArray[np.int64], rows: list[int], loss: str
) -> NDArray[np.float64]:
    """What is told of each label, the threshold aside."""
    hidden = inputs[rows].mean(axis=0, dtype=np.float64)
    scores = outputs.astype(np.float64) @ hidden
    if loss == "softmax":
        raised = np.exp(scores - scores.max())
        return np.asarray(raised / raised.sum() + TINY)
    if loss == "hs":
        paths, right = huffman.paths(huffman.tree(counts)), 1 / (1 + np.exp(-scores))
        told = np.ones(len(counts))
        for label in range(len(counts)):
            way = slice(*paths.starts[label : label + 2])
            for node, turn in zip(paths.nodes[way], paths.turns[way], strict=True):
                told[label] *= (right[node] if turn else 1 - right[node]) + TINY
        return told
    return sigmoid(scores) + TINY


def told(
    inputs: NDArray[np.float32],
    outputs: NDArray[np.float32],
    counts: NDArray[np.int64],
    lines: list[list[int]],
    loss: str,
    *,
    k: int,
    threshold: float = 0.0,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    batch, tree = batch_of(lines), huffman.tree(counts) if loss == "hs" else huffman.NO_TREE
    likely, found = np.full((len(lines), k), -1, np.int32), np.zeros((len(lines), k), np.float32)
    predict(
        packed(inputs), packed(outputs), stride_of(inputs.shape[1]), batch.stream, batch.offsets, 0, len(lines),
        LOSSES[loss], tree.lefts, tree.rights, threshold, k, likely.reshape(-1), found.reshape(-1),
    )  # fmt: skip
    return likely, found


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dim", [1, 7, 16, 33, 100])
@pytest.mark.parametrize("labels", [1, 2, 11, 12, 13, 30, 500])
def test_the_likeliest_are_told_first(labels: int, dim: int, loss: str) -> None:
    inputs, outputs = tables(labels, dim)
    rng = np.random.default_rng(labels)
    counts = np.sort(rng.integers(1, 1000, labels))[::-1]
    lines = [rng.integers(0, ROWS, size).tolist() for size in (1, 2, 3, 9, 30)]
    near = 0.25 / 32 if loss in ("ns", "ova") else 1e-6  # a sum may fall on either side of a step
    for k in {1, min(3, labels), labels}:
        likely, found = told(inputs, outputs, counts, lines, loss, k=k)
        for line, rows in enumerate(lines):
            wanted = chances(inputs, outputs, counts, rows, loss)
            best, some = np.sort(wanted)[::-1][:k], likely[line] >= 0
            np.testing.assert_allclose(found[line], best * (best >= LEAST[loss]), rtol=2e-4, atol=near)
            np.testing.assert_allclose(found[line, some], wanted[likely[line, some]], rtol=2e-4, atol=near)
            assert len(set(likely[line, some].tolist())) == some.sum()
            assert not found[line, ~some].any()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("threshold", [0.0, 0.01, 0.3, 0.99])
def test_thresholds(threshold: float, loss: str) -> None:
    inputs, outputs = tables(9, 7)
    counts, lines = np.arange(9, 0, -1), [[i] for i in range(ROWS)]
    likely, found = told(inputs, outputs, counts, lines, loss, k=9, threshold=threshold)
    every, all_of_them = told(inputs, outputs, counts, lines, loss, k=9)
    reach = all_of_them >= np.float32(threshold + TINY) * np.float32(1 - 1e-6)
    np.testing.assert_array_equal(likely, np.where(reach, every, -1))
    np.testing.assert_array_equal(found, np.where(reach, all_of_them, 0))


@pytest.mark.parametrize("loss", LOSSES)
def test_lines_without_rows_tell_nothing(loss: str) -> None:
    inputs, outputs = tables(3, 7)
    likely, found = told(inputs, outputs, np.array([3, 2, 1]), [[], [1], [], []], loss, k=2)
    assert (likely[[0, 2, 3]] == -1).all()
    assert (likely[1] >= 0).all()
    assert not found[[0, 2, 3]].any()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_of_equally_likely_labels_no_one_is_told_twice(k: int, loss: str) -> None:
    inputs, outputs = tables(4, 7)
    likely, found = told(inputs, outputs * 0, np.array([4, 4, 4, 4]), [[0], [1, 2]], loss, k=k)
    assert all(len(set(line)) == k for line in likely.tolist())
    assert (found == found[0, 0]).all()


def test_only_the_lines_that_are_asked_for_are_judged() -> None:
    inputs, outputs = tables(3, 7)
    batch = batch_of([[i] for i in range(9)])
    likely, found = np.full(18, -7, np.int32), np.full(18, -7, np.float32)
    predict(
        packed(inputs), packed(outputs), 16, batch.stream, batch.offsets, 3, 6, kernels.OVA, *huffman.NO_TREE, 0.0, 2,
        likely, found,
    )  # fmt: skip
    assert np.flatnonzero(likely != -7).tolist() == list(range(6, 12))
    assert np.flatnonzero(found != -7).tolist() == list(range(6, 12))


def test_rows_are_counted() -> None:
    batch, seen = batch_of([[1, 2, 1], [], [2]]), np.zeros(4, np.int64)
    kernels.count_rows(batch.stream, batch.offsets, seen)
    kernels.count_rows(batch.stream, batch.offsets[2:], seen)
    assert seen.tolist() == [0, 2, 3, 0]

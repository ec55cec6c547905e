"""Each mode replayed in plain Python: the same random numbers, the same steps, in float64."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numba import njit

from algorithms.kernels import update
from algorithms.kernels.rng import seeded
from algorithms.kernels.rows import packed, stride_of, unpacked
from algorithms.kernels.sampling import alias_table, keep_thresholds, noise_distribution
from algorithms.kernels.simd import load, store
from algorithms.kernels.update import TILE
from algorithms.word2vec import kernels
from tests.algorithms.oracle import Generator


@njit(cache=True)
def _sigmoids(x, y):
    for i in range(0, x.size, 16):
        store(y, i, update.sigmoid(load(x, i)))


def sigmoid(s: np.ndarray) -> np.ndarray:
    """The kernel's approximation (test_update.py knows how close it is), so that only rounding differs."""
    x = np.zeros(-(-s.size // 16) * 16, np.float32)
    x[: s.size] = s.ravel()
    y = np.empty_like(x)
    _sigmoids(x, y)
    return y[: s.size].reshape(s.shape).astype(np.float64)


class Oracle:
    """One text, one set of tables; `train_*` are the modes."""

    def __init__(self, setting: "Setting", inputs: np.ndarray, outputs: np.ndarray) -> None:
        self.s, self.random = setting, Generator(setting.rng[0])
        self.inputs, self.outputs = inputs.astype(np.float64), outputs.astype(np.float64)
        self.seen = np.zeros(setting.words, np.int64)
        self.tally = np.zeros(3)

    def sentences(self) -> Iterator[list[int]]:
        ids = self.s.ids.tolist()
        while ids:
            sentence = self.random.thin(ids, self.s.keep, longest=kernels.SENTENCE)
            np.add.at(self.seen, sentence, 1)
            yield sentence

    def targets(self, word: int) -> list[int]:
        """The word and the negatives that were found."""
        drawn = self.random.negatives(self.s.alias, word, self.s.negative_samples, nobody=-1)
        return [word, *(other for other in drawn if other >= 0)]

    def around(self, sentence: list[int], centre: int) -> list[int]:
        reach = 1 + self.random.below(self.s.window_size)
        return sentence[max(0, centre - reach) : centre] + sentence[centre + 1 : centre + reach + 1]

    def step(self, inputs: np.ndarray, x: list[int], c: list[int], *, watch: bool) -> None:
        for tile in range(0, len(c), TILE):
            rows = c[tile : tile + TILE]
            labels = np.arange(tile, tile + len(rows)) == 0
            scores = inputs[x] @ self.outputs[rows].T
            if watch:
                self.tally[0] += np.logaddexp(0, np.where(labels, -1, 1) * scores).sum()
            g = self.s.rate * (labels - sigmoid(scores))
            before = self.outputs[rows].copy()
            for i, row in enumerate(x):  # a row that comes twice is changed twice, one after the other
                self.outputs[rows] += np.outer(g[i], inputs[row])
                inputs[row] += g[i] @ before

    def through_mean(self, rows: list[int], groups: list[list[int]], *, watch: bool) -> None:
        """Train the mean of input rows on one group after the other, then give every row the whole change."""
        mean = self.inputs[rows].mean(axis=0)
        hidden = mean[None].copy()
        for group in groups:
            self.step(hidden, [0], group, watch=watch)
        np.add.at(self.inputs, rows, hidden[0] - mean)

    def members(self, word: int) -> list[int]:
        return self.s.members[self.s.starts[word] : self.s.starts[word + 1]].tolist()

    def train_batch_skipgram(self) -> None:
        for sentence in self.sentences():
            targets = [self.targets(word) for word in sentence]
            for centre, group in enumerate(targets):
                contexts, watch = self.around(sentence, centre), centre % kernels.WATCH == 0
                for first in range(0, len(contexts), self.s.batch_size):
                    self.step(self.inputs, contexts[first : first + self.s.batch_size], group, watch=watch)
                self.tally[1:] += len(contexts) * watch, len(contexts)

    def train_skipgram(self) -> None:
        for sentence in self.sentences():
            for begin in range(0, len(sentence), kernels.STRETCH):
                centres = range(begin, min(begin + kernels.STRETCH, len(sentence)))
                groups = [[self.targets(word) for word in self.around(sentence, centre)] for centre in centres]
                for centre, group in zip(centres, groups, strict=True):
                    watch = centre % kernels.WATCH == 0
                    if group:
                        self.through_mean(self.members(sentence[centre]), group, watch=watch)
                    self.tally[1:] += len(group) * watch, len(group)

    def train_cbow(self) -> None:
        for sentence in self.sentences():
            targets = [self.targets(word) for word in sentence]
            for centre, group in enumerate(targets):
                rows = [row for word in self.around(sentence, centre) for row in self.members(word)]
                watch = centre % kernels.WATCH == 0
                if rows:
                    self.through_mean(rows, [group], watch=watch)
                    self.tally[1:] += watch, 1


class Setting:
    """A small corpus, what the kernels want to know of it, and hyperparameters."""

    rate = float(np.float32(0.07))

    def __init__(
        self,
        lengths: list[int],
        *,
        words: int = 12,
        dim: int = 13,
        window_size: int = 3,
        negative_samples: int = 5,
        batch_size: int = 11,
        ngrams: int = 0,
        threshold: float = 0.05,
        seed: int = 1,
    ) -> None:
        self.words, self.dim, self.window_size = words, dim, window_size
        self.negative_samples, self.batch_size = negative_samples, batch_size
        rng = np.random.default_rng(seed)
        chances = 1 / np.arange(1, words + 1)
        sentences = [rng.choice(words, length, p=chances / chances.sum()) for length in lengths]
        self.ids = np.concatenate([[*sentence, -1] for sentence in sentences]).astype(np.int32)[:-1]
        counts = np.maximum(np.bincount(self.ids[self.ids >= 0], minlength=words), 1)
        self.keep = keep_thresholds(counts, sampling_threshold=threshold)
        self.alias = alias_table(noise_distribution(counts))
        groups = [
            [word, *(words + rng.integers(0, ngrams, rng.integers(0, 5)) if ngrams else [])] for word in range(words)
        ]
        self.starts = np.cumsum([0, *map(len, groups)])
        self.members = np.concatenate(groups).astype(np.int64)  # rows; an n-gram may come twice in a word
        self.inputs = rng.normal(0, 0.3, (words + ngrams, dim)).astype(np.float32)
        self.outputs = rng.normal(0, 0.3, (words, dim)).astype(np.float32)
        self.rng = seeded(seed, 4)


def run(mode: str, s: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """The kernel's tables, seen, tally and last state."""
    stride = stride_of(s.dim)
    inputs, outputs, rng = packed(s.inputs), packed(s.outputs, spare=1), s.rng.copy()
    seen, tally = np.zeros(s.words, np.int64), np.zeros(3)
    kernel: Callable[..., None] = getattr(kernels, mode)
    extra = () if mode == "batch_skipgram" else (s.starts, s.members * stride)
    sizes = (s.window_size, s.negative_samples, *((s.batch_size,) if mode == "batch_skipgram" else ()))
    kernel(inputs, outputs, stride, s.ids, s.keep, s.alias, *extra, *sizes, np.float32(s.rate), rng, seen, tally)
    assert not outputs[-stride:].any()  # nobody
    for table in (inputs, outputs):
        assert not table.reshape(-1, stride)[:, s.dim :].any()  # what pads a row
    rows = len(s.inputs)
    return unpacked(inputs, 0, rows, dim=s.dim), unpacked(outputs, 0, s.words, dim=s.dim), seen, tally, int(rng[0])


def assert_replayed(mode: str, setting: Setting) -> Oracle:
    inputs, outputs, seen, tally, state = run(mode, setting)
    oracle = Oracle(setting, setting.inputs, setting.outputs)
    getattr(oracle, f"train_{mode}")()
    assert state == oracle.random.state
    assert seen.tolist() == oracle.seen.tolist()
    assert tally[1:].tolist() == oracle.tally[1:].tolist()
    assert tally[0] == pytest.approx(oracle.tally[0], rel=1e-5)
    np.testing.assert_allclose(inputs, oracle.inputs, atol=2e-5, rtol=1e-4)
    np.testing.assert_allclose(outputs, oracle.outputs, atol=2e-5, rtol=1e-4)
    assert np.isfinite(inputs).all()
    return oracle


MODES = ["batch_skipgram", "skipgram", "cbow"]
SENTENCES = [9, 1, 14, 2, 5, 30]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("negative_samples", [1, 5, 7])
@pytest.mark.parametrize("dim", [13, 16, 33])
def test_modes(mode: str, negative_samples: int, dim: int) -> None:
    setting = Setting(SENTENCES, dim=dim, negative_samples=negative_samples)
    oracle = assert_replayed(mode, setting)
    assert 0 < oracle.tally[1] < oracle.tally[2]
    assert np.abs(oracle.inputs - setting.inputs).max() > 0.01


@pytest.mark.parametrize("mode", ["skipgram", "cbow"])
@pytest.mark.parametrize("ngrams", [1, 20])
def test_ngrams(mode: str, ngrams: int) -> None:
    setting = Setting(SENTENCES, ngrams=ngrams)
    oracle = assert_replayed(mode, setting)
    touched = np.unique(setting.members[setting.members >= setting.words])
    assert (np.abs(oracle.inputs - setting.inputs)[touched].max(axis=1) > 0).mean() > 0.5


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 32])
def test_windows_of_several_batches(batch_size: int) -> None:
    assert_replayed("batch_skipgram", Setting(SENTENCES, window_size=4, batch_size=batch_size))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("window_size", [1, 2, 40])
def test_windows(mode: str, window_size: int) -> None:
    assert_replayed(mode, Setting(SENTENCES, window_size=window_size))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("words", [1, 2, 3])
@pytest.mark.parametrize("negative_samples", [5, 7])
def test_vocabularies_with_too_few_negatives(mode: str, words: int, negative_samples: int) -> None:
    assert_replayed(mode, Setting([9, 5, 20], words=words, negative_samples=negative_samples, threshold=0.9))


@pytest.mark.parametrize("mode", MODES)
def test_long_lines_are_cut(mode: str) -> None:
    lengths = [kernels.SENTENCE + 70, 3, kernels.STRETCH + 1, kernels.STRETCH]
    assert_replayed(mode, Setting(lengths, words=40, window_size=2, threshold=0.9))


@pytest.mark.parametrize("mode", MODES)
def test_sentences_without_a_pair_train_nothing(mode: str) -> None:
    setting = Setting([1, 1, 1], threshold=0.9)
    inputs, outputs, seen, tally, _ = run(mode, setting)
    np.testing.assert_array_equal(inputs, setting.inputs)
    np.testing.assert_array_equal(outputs, setting.outputs)
    assert seen.sum() == 3
    assert tally.tolist() == [0, 0, 0]


@pytest.mark.parametrize("mode", MODES)
def test_no_text(mode: str) -> None:
    setting = Setting([5])
    setting.ids = setting.ids[:0]
    inputs, _, _, _, state = run(mode, setting)
    np.testing.assert_array_equal(inputs, setting.inputs)
    assert state == setting.rng[0]

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy.stats import chisquare

from algorithms.kernels.sampling import (
    ONE,
    alias_table,
    draw,
    draw_negatives,
    keep_thresholds,
    noise_distribution,
    thin,
)
from tests.algorithms.oracle import Generator

STRIDE = 16


def probabilities(*weights: float) -> np.ndarray:
    return np.array(weights, np.float64) / sum(weights)


def reconstructed(table: np.ndarray) -> np.ndarray:
    """The chance of each word that a table stands for."""
    stay = table[:, 0] / ONE
    chances = np.bincount(table[:, 1], weights=1 - stay, minlength=len(table)) + stay
    return chances / len(table)


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=200))
def test_the_table_is_the_distribution(weights: list[float]) -> None:
    wanted = probabilities(*weights)
    table = alias_table(wanted)
    assert (table.shape, table.dtype) == ((len(weights), 2), np.uint32)
    assert (table[:, 1] < len(weights)).all()
    np.testing.assert_allclose(reconstructed(table), wanted, atol=1e-9, rtol=0)


def test_the_table_of_a_usual_vocabulary() -> None:
    wanted = noise_distribution(10**8 // np.arange(1, 50_001))
    np.testing.assert_allclose(reconstructed(alias_table(wanted)), wanted, atol=1e-9 / 50_000, rtol=1e-4)


@njit(cache=True)
def drawn(state, alias, steps):
    words = np.zeros(steps, np.int64)
    for i in range(steps):
        state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        words[i] = draw(state, alias)
    return words


@pytest.mark.parametrize("weights", [(1,), (1, 1), (1, 2, 3, 4), (1000, 1, 1, 100, 30), tuple(range(1, 40))])
def test_draws_follow_the_distribution(weights: tuple[int, ...]) -> None:
    wanted = probabilities(*weights)
    words = drawn(np.uint64(11), alias_table(wanted), 200_000)
    counts = np.bincount(words, minlength=len(weights))
    assert len(counts) == len(weights)
    if len(weights) > 1:
        assert chisquare(counts, wanted * len(words)).pvalue > 1e-3


@given(st.integers(0, 2**64 - 1), st.integers(1, 50))
def test_draws_are_those_of_plain_python(seed: int, size: int) -> None:
    alias = alias_table(probabilities(*range(1, size + 1)))
    generator = Generator(seed)
    assert drawn(np.uint64(seed), alias, 10).tolist() == [generator.draw(alias) for _ in range(10)]


def test_noise_is_the_square_root_of_the_count() -> None:
    np.testing.assert_allclose(noise_distribution(np.array([9, 4, 1])), [3 / 6, 2 / 6, 1 / 6])


def test_frequent_words_are_kept_less_often() -> None:
    counts = np.array([900_000, 99_000, 900, 99, 1])
    frequency = counts / counts.sum()
    wanted = np.minimum(np.sqrt(1e-3 / frequency) + 1e-3 / frequency, 1)
    thresholds = keep_thresholds(counts, sampling_threshold=1e-3)
    assert thresholds.dtype == np.uint32
    np.testing.assert_allclose(thresholds / ONE, wanted, atol=1e-9)
    assert (thresholds[2:] == ONE - 1).all()


def test_any_count_has_a_threshold() -> None:
    thresholds = keep_thresholds(np.array([2**62, 1, 0]), sampling_threshold=1e-5)
    assert (thresholds / ONE).tolist() == pytest.approx([np.sqrt(1e-5) + 1e-5, 1, 1])


@njit(cache=True)
def negatives(state, alias, nobody, rows, first, last):
    return draw_negatives(state, alias, STRIDE, nobody, rows, first, last)


def some_negatives(size: int, wanted: int, *, target: int, seed: int, weights: list[float] | None = None) -> list[int]:
    """Word ids of `wanted` negatives, -1 for nobody; compared with plain Python on the way."""
    alias = alias_table(probabilities(*(weights or range(1, size + 1))))
    rows = np.full(wanted + 4, -77, np.int64)
    rows[1] = target * STRIDE
    state = negatives(np.uint64(seed), alias, size * STRIDE, rows, 1, 2 + wanted)
    assert rows[[0, 1, -2, -1]].tolist() == [-77, target * STRIDE, -77, -77]  # only what was asked for
    generator = Generator(seed)
    words = (rows[2 : 2 + wanted] // STRIDE).tolist()
    assert words == generator.negatives(alias, target, wanted, nobody=size)
    assert state == generator.state
    return [-1 if word == size else word for word in words]


@given(st.integers(0, 2**63), st.integers(1, 30), st.integers(1, 12), st.data())
def test_negatives_are_distinct(seed: int, size: int, wanted: int, data: st.DataObject) -> None:
    target = data.draw(st.integers(0, size - 1))
    words = some_negatives(size, wanted, target=target, seed=seed)
    found = [word for word in words if word >= 0]
    assert len({target, *found}) == 1 + len(found)
    assert words == found + [-1] * (wanted - len(found))  # nobody comes last


@pytest.mark.parametrize("seed", range(20))
def test_small_vocabularies_end_with_nobody(seed: int) -> None:
    assert some_negatives(1, 3, target=0, seed=seed) == [-1, -1, -1]
    assert some_negatives(2, 3, target=1, seed=seed, weights=[1000, 1]) == [0, -1, -1]


def test_large_vocabularies_find_all() -> None:
    assert all(-1 not in some_negatives(500, 5, target=3, seed=seed) for seed in range(200))


@njit(cache=True)
def thinned(ids, position, keep, state, sentence, seen):
    return thin(ids, position, keep, state, sentence, seen)


KEEP_ALL = np.full(10, ONE - 1, np.uint32)


def sentences(ids: list[int], keep: np.ndarray, *, longest: int, seed: int = 3) -> tuple[list[list[int]], np.ndarray]:
    array, position, state = np.array(ids, np.int32), 0, np.uint64(seed)
    seen, found = np.zeros(len(keep), np.int64), []
    while position < array.size:
        sentence = np.full(longest, -77, np.int64)
        length, position, state = thinned(array, position, keep, np.uint64(state), sentence, seen)
        found.append(sentence[:length].tolist())
        assert (sentence[length:] == -77).all()
    return found, seen


def test_thinning_stops_at_the_end_of_a_sentence_and_when_full() -> None:
    ids = [1, 2, 3, -1, 4, -1, 5, 6, 7, 8, 9, -1, 1, 2]
    found, seen = sentences(ids, KEEP_ALL, longest=4)
    assert found == [[1, 2, 3], [4], [5, 6, 7, 8], [9], [1, 2]]
    assert seen.tolist() == [0, 2, 2, 1, 1, 1, 1, 1, 1, 1]


def test_words_that_are_never_kept_leave_empty_sentences() -> None:
    found, seen = sentences([1, 1, -1, 1, 0, -1], np.array([ONE - 1, 0], np.uint32), longest=4)
    assert found == [[], [0]]
    assert seen.tolist() == [1, 0]


@given(st.lists(st.integers(-1, 4), max_size=40), st.integers(0, 2**63), st.integers(1, 9))
def test_thinning_is_that_of_plain_python(ids: list[int], seed: int, longest: int) -> None:
    keep = np.array([0, ONE // 3, ONE // 2, ONE - 1, ONE // 10], np.uint32)
    found, seen = sentences(ids, keep, longest=longest, seed=seed)
    generator, rest, wanted = Generator(seed), list(ids), []
    while rest:
        wanted.append(generator.thin(rest, keep, longest=longest))
    assert found == wanted
    assert seen.tolist() == [sum(sentence.count(word) for sentence in wanted) for word in range(5)]


def test_words_are_kept_as_often_as_their_threshold_says() -> None:
    keep = keep_thresholds(np.array([9000, 1000]), sampling_threshold=0.1)
    _, seen = sentences([0] * 9000 + [1] * 1000, keep, longest=100)
    assert seen[0] == pytest.approx(9000 * float(keep[0]) / ONE, rel=0.05)
    assert seen[1] == 1000

import numpy as np
import pytest
from scipy.stats import ortho_group

from algorithms.drift.neighbours import Space, neighbour_drift

WORDS = [f"w{i}" for i in range(60)]


def space(words, vectors):
    return Space("words", words, lambda: np.asarray(vectors, np.float32))


def cloud(seed=1):
    return np.random.default_rng(seed).normal(size=(60, 8))


def test_vectors_that_are_turned_and_scaled_are_the_same():
    turned = 3 * cloud() @ ortho_group.rvs(8, random_state=2)
    found = neighbour_drift(space(WORDS, cloud()), space(WORDS, turned))
    assert (found.overlap, found.changed, found.kept) == (1.0, [], [0] * 10 + [60])
    assert found.chance == pytest.approx(10 / 59)


def test_others_than_common_words_do_not_count():
    order = np.random.default_rng(3).permutation(60)
    words, vectors = [WORDS[i] for i in order], cloud()[order]
    strange = np.random.default_rng(4).normal(size=(5, 8))
    found = neighbour_drift(
        space(WORDS, cloud()), space([*words, *(f"new{i}" for i in range(5))], [*vectors, *strange])
    )
    assert (found.overlap, found.among) == (1.0, 60)


def test_overlap_is_what_a_plain_count_gives():
    one, other = cloud(1), cloud(5)

    def plain(vectors, word):
        cosines = vectors @ vectors[word] / np.linalg.norm(vectors, axis=1)
        cosines[word] = -np.inf
        return {*np.argsort(-cosines)[:10].tolist()}

    found = neighbour_drift(space(WORDS, one), space(WORDS, other))
    kept = [len(plain(one, word) & plain(other, word)) for word in range(60)]
    assert found.kept == np.bincount(kept, minlength=11).tolist()
    assert found.overlap == pytest.approx(np.mean(kept) / 10)
    assert found.changed[0].kept == min(kept)


def test_the_word_that_moved_is_the_first_told():
    moved = cloud()
    moved[7] = -moved[7]
    found = neighbour_drift(space(WORDS, cloud()), space(WORDS, moved))
    assert found.changed[0].word == "w7"
    assert not {*found.changed[0].before} & {*found.changed[0].after}


def test_of_few_words_fewer_neighbours_are_compared_and_of_two_none():
    assert neighbour_drift(space(WORDS[:7], cloud()[:7]), space(WORDS[:7], cloud()[:7])).k == 2
    assert neighbour_drift(space(WORDS[:2], cloud()[:2]), space(WORDS[:9], cloud()[:9])) is None

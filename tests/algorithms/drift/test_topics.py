import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from algorithms.drift.topics import TopicWords, topic_drift

WORDS = [f"w{i}" for i in range(40)]


def block(*topics):
    """Topics that weigh ten words each."""
    weights = np.full((len(topics), 40), 1e-9)
    for row, topic in enumerate(topics):
        weights[row, 10 * topic : 10 * topic + 10] = np.arange(10, 0, -1)
    return weights / weights.sum(axis=1, keepdims=True)


def test_topics_are_found_again_in_another_order_of_topics_and_words():
    order = np.random.default_rng(1).permutation(40)
    after = TopicWords([WORDS[i] for i in order], block(2, 0, 1)[:, order])
    found = topic_drift(TopicWords(WORDS, block(0, 1, 2)), after)
    assert {(pair.before.topic, pair.after.topic) for pair in found.pairs} == {(0, 1), (1, 2), (2, 0)}
    assert found.distance == pytest.approx(0, abs=1e-3)
    assert not found.born + found.gone


def test_what_is_like_none_is_born_or_gone():
    found = topic_drift(TopicWords(WORDS, block(0, 1, 2), [0.5, 0.3, 0.2]), TopicWords(WORDS, block(3, 1), [0.6, 0.4]))
    assert [topic.topic for topic in found.born] == [0]
    assert [topic.topic for topic in found.gone] == [0, 2], "the largest first"
    assert found.born[0].words[:2] == ["w30", "w31"]
    assert found.born[0].share == 0.6
    assert np.shape(found.matrix) == (3, 2)


def test_distances_are_scipys():
    draw = np.random.default_rng(2)
    before, after = draw.dirichlet(np.ones(40), 3), draw.dirichlet(np.ones(40), 4)
    found = topic_drift(TopicWords(WORDS, before), TopicWords(WORDS, after))
    expected = [[jensenshannon(p, q, base=2) for q in after] for p in before]
    assert np.allclose(found.matrix, expected, atol=1e-3)


def test_many_topics_have_no_matrix():
    weights = np.random.default_rng(3).dirichlet(np.ones(40), 70)
    found = topic_drift(TopicWords(WORDS, weights), TopicWords(WORDS, weights))
    assert (found.matrix, len(found.pairs)) == ([], 70)

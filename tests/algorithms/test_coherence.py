"""Judging topics: against plain versions, gensim's coherence, and the topics that a real job of SageMaker's printed."""

import json
import lzma
import math
import os
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from gensim.corpora import Dictionary
from gensim.models import CoherenceModel
from gensim.topic_coherence.direct_confirmation_measure import EPSILON
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.sparse import csr_array, csr_matrix

from algorithms import coherence

DATA = os.environ.get("EMBERTEXT_DATA", "")
LOG = Path(DATA, "sagemaker/ntm_20newsgroups_training.log.xz")

V, D = 12, 30


# --- the same in plain Python, one pair at a time


def plain_npmi(tops, documents, *, never=-1.0):
    """NPMI of each topic, from documents as sets of words; `never` is the score of a pair that never meets."""

    def score(a, b):
        p_a, p_b, both = (sum(words <= text for text in documents) / len(documents) for words in ({a}, {b}, {a, b}))
        if not both:
            return never(p_a, p_b) if callable(never) else never
        return math.log(both / (p_a * p_b)) / -math.log(both) if both < 1 else 0.0

    return [np.mean([score(a, b) for a, b in combinations(map(int, row), 2)]) for row in tops]


def texts(rng, *, documents=D, vocabulary=V, length=8):
    """Documents as lists of ids, some of them empty."""
    return [rng.integers(0, vocabulary, rng.integers(0, length)).tolist() for _ in range(documents)]


def counted(documents, vocabulary=V):
    matrix = np.zeros((len(documents), vocabulary), dtype=np.float32)
    for row, document in enumerate(documents):
        np.add.at(matrix[row], document, 1)
    return csr_matrix(matrix)


def topics(rng, *, count=4, n=5, vocabulary=V):
    return np.array([rng.permutation(vocabulary)[:n] for _ in range(count)])


counts = arrays.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(V)), elements=st.sampled_from([0, 0, 1, 3]))
tops = st.lists(st.permutations(range(V)).map(lambda ids: ids[:5]), min_size=1, max_size=5).map(np.array)


# --- NPMI


@given(tops, counts)
def test_npmi_equals_the_plain_version_and_stays_in_bounds(tops, counts):
    scores = coherence.npmi(tops, csr_matrix(counts))
    documents = [set(np.flatnonzero(row).tolist()) for row in counts]
    assert scores.dtype == np.float64
    assert np.all((scores >= -1) & (scores <= 1))
    np.testing.assert_allclose(scores, plain_npmi(tops, documents) if documents else -1, atol=1e-12)


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([[0, 1], [0, 1, 2], [2]], 1),  # only ever together
        ([[0], [1], [0]], -1),  # never
        ([[0], [0, 2]], -1),  # one of them is absent
        ([[2], []], -1),  # both are
        ([], -1),
        ([[0, 1], [0], [1], [2]], 0),  # as often as chance has it
        ([[0, 1], [1, 0]], 0),  # everywhere
        ([[0, 1, 1, 1], [0], [2], []], math.log(2) / math.log(4)),  # how often in a document does not matter
    ],
)
def test_npmi_of_one_pair(documents, expected):
    [score] = coherence.npmi(np.array([[0, 1]]), counted(documents))
    assert score == pytest.approx(expected, abs=1e-12)


def test_npmi_looks_at_the_first_words_only():
    rng = np.random.default_rng(1)
    counts, tops = counted(texts(rng)), topics(rng, n=12)
    np.testing.assert_array_equal(coherence.npmi(tops, counts), coherence.npmi(tops[:, :10], counts))
    np.testing.assert_array_equal(coherence.npmi(tops, counts, 3), coherence.npmi(tops[:, :3], counts))


def test_a_topic_of_one_word_has_no_pairs():
    assert coherence.npmi(np.array([[0], [1]]), counted([[0]])).tolist() == [0, 0]


def test_a_count_that_is_stored_but_zero_is_none():
    stored = csr_matrix((np.array([1, 0, 1], dtype=np.float32), [0, 1, 1], [0, 2, 3]), shape=(2, 2))
    assert coherence.npmi(np.array([[0, 1]]), stored).tolist() == [-1]
    assert coherence.npmi(np.array([[0, 1]]), csr_array(stored)).tolist() == [-1]


# --- gensim


def gensims(tops, documents, window, vocabulary=V):
    """c_npmi by topic; words are called by their numbers."""
    named = [[str(word) for word in document] for document in documents]
    dictionary = Dictionary([[str(word) for word in range(vocabulary)]])
    model = CoherenceModel(
        topics=[[str(word) for word in row] for row in tops], texts=named, dictionary=dictionary,
        coherence="c_npmi", window_size=window, topn=tops.shape[1], processes=1,
    )  # fmt: skip
    return model.get_coherence_per_topic()


def smoothed(p_a, p_b):
    """What gensim's epsilon makes of a pair that never meets: nearer to -1 the more frequent the two words are."""
    return math.log(EPSILON / (p_a * p_b)) / -math.log(EPSILON)


@pytest.mark.parametrize("seed", range(3))
def test_npmi_equals_gensims_where_all_pairs_meet(seed):
    rng = np.random.default_rng(seed)
    documents, tops = texts(rng, documents=200), topics(rng)
    theirs = gensims(tops, documents, 100)
    np.testing.assert_allclose(coherence.npmi(tops, counted(documents)), theirs, atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_npmi_differs_from_gensims_by_the_pairs_that_never_meet_alone(seed):
    rng = np.random.default_rng(seed)
    documents, tops = [*texts(rng, documents=20), *([word] for word in range(V))], topics(rng)
    ours, theirs = coherence.npmi(tops, counted(documents)), gensims(tops, documents, 100)
    assert np.any(ours < np.array(theirs) - 0.01)
    np.testing.assert_allclose(theirs, plain_npmi(tops, [*map(set, documents)], never=smoothed), atol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_windows_equal_gensims(size):
    rng = np.random.default_rng(size)
    documents = [[], *(rng.permutation(V)[: rng.integers(0, V)].tolist() for _ in range(60)), []]
    tops = topics(rng, n=4)
    tokens = np.array([word for document in documents for word in document], dtype=np.int32)
    starts = np.cumsum([0, *map(len, documents)])
    virtual = coherence.windows(tokens, starts, tops=tops, size=size)
    seen = [
        set(document[begin : begin + size])
        for document in documents
        for begin in range(max(len(document) - size, 0) + 1)
    ]
    assert [set(row.indices.tolist()) for row in virtual] == [text & set(tops.ravel().tolist()) for text in seen]
    np.testing.assert_allclose(coherence.npmi(tops, virtual), plain_npmi(tops, seen), atol=1e-12)
    # gensim 4.4 forgets a word that a window has twice when its first place slides out: here none has
    theirs = gensims(tops, documents, size)
    np.testing.assert_allclose(plain_npmi(tops, seen, never=smoothed), theirs, atol=1e-9)


@pytest.mark.parametrize("size", [2, 5])
def test_windows_count_a_word_that_slides_out_and_is_still_there(size):
    tokens = np.array([0, 0, 1, 0, -1, 1, 7], dtype=np.int32)  # -1 is no word of the vocabulary, 7 none of a topic
    virtual = coherence.windows(tokens, np.array([0, 5, 5, 7]), tops=np.array([[0, 1]]), size=size)
    seen = {2: [{0}, {0, 1}, {0, 1}, {0}, set(), {1}], 5: [{0, 1}, set(), {1}]}[size]
    assert [set(row.indices.tolist()) for row in virtual] == seen


def test_windows_as_long_as_documents_are_documents():
    rng = np.random.default_rng(3)
    documents, tops = texts(rng), topics(rng)
    tokens = np.array([word for document in documents for word in document], dtype=np.int32)
    virtual = coherence.windows(tokens, np.cumsum([0, *map(len, documents)]), tops=tops, size=100)
    np.testing.assert_array_equal(coherence.npmi(tops, virtual), coherence.npmi(tops, counted(documents)))


# --- top words


@given(arrays.arrays(np.float32, (3, 9), elements=st.integers(-3, 3)), st.integers(1, 12))
def test_top_words_are_those_of_a_stable_sort(topic_word, n):
    expected = np.argsort(-topic_word, axis=1, kind="stable")[:, :n]
    np.testing.assert_array_equal(coherence.top_words(topic_word, n), expected)


# --- uniqueness, diversity


@given(tops)
def test_uniqueness_and_diversity(tops):
    uniqueness, diversity = coherence.topic_uniqueness(tops), coherence.topic_diversity(tops)
    words = tops.ravel().tolist()
    expected = [np.mean([1 / words.count(word) for word in row]) for row in tops.tolist()]
    np.testing.assert_allclose(uniqueness, expected)
    assert np.all((uniqueness >= 1 / len(tops) - 1e-12) & (uniqueness <= 1))
    assert diversity == len(set(words)) / len(words)
    assert uniqueness.mean() == pytest.approx(diversity)  # of as many words they are the same


def test_uniqueness_looks_at_twenty_words_and_diversity_at_twenty_five():
    tops = np.array([range(30), [*range(30, 50), *range(20, 30)]])
    assert coherence.topic_uniqueness(tops).tolist() == [1, 1]
    assert coherence.topic_uniqueness(tops, 30).tolist() == [5 / 6, 5 / 6]
    assert coherence.topic_diversity(tops) == 45 / 50
    assert coherence.topic_diversity(tops, 20) == 1


@pytest.mark.skipif(not LOG.is_file(), reason="EMBERTEXT_DATA with SageMaker's log is not set")
def test_uniqueness_equals_what_sagemaker_logged():
    logged = re.findall(
        r"Topics from epoch:final \(num_topics:20\) \[, tu (\S+)\]:\n((?:\[.*INFO.*\](?: \d+){20}\n)+)",
        lzma.decompress(LOG.read_bytes()).decode(),
    )
    assert [tu for tu, _ in logged] == ["0.72", "0.74"]
    for tu, lines in logged:
        tops = np.array([line.split()[-20:] for line in lines.splitlines()], dtype=np.int64)
        assert tops.shape == (20, 20)
        assert f"{coherence.topic_uniqueness(tops).mean():.2f}" == tu


# --- WETC


def test_wetc_is_the_mean_cosine_of_the_pairs():
    rng = np.random.default_rng(0)
    vectors, tops = rng.standard_normal((V, 6)).astype(np.float32), topics(rng)
    vectors[3] = 0

    def cosine(a, b):
        lengths = np.linalg.norm(a) * np.linalg.norm(b)
        return a @ b / lengths if lengths else 0

    expected = [np.mean([cosine(vectors[a], vectors[b]) for a, b in combinations(row, 2)]) for row in tops]
    np.testing.assert_allclose(coherence.wetc(tops, vectors), expected, atol=1e-6)
    np.testing.assert_allclose(coherence.wetc(tops, vectors, 2), [cosine(*vectors[row[:2]]) for row in tops], atol=1e-6)


finite = st.floats(-1e3, 1e3, width=32)


@given(tops, arrays.arrays(np.float32, (V, 3), elements=finite))
def test_wetc_stays_in_bounds(tops, vectors):
    assert np.all(np.abs(coherence.wetc(tops, vectors)) <= 1 + 1e-6)


def test_wetc_of_words_that_agree_or_of_one_word():
    vectors = np.tile(np.array([0.3, -2], dtype=np.float32), (V, 1))
    assert coherence.wetc(np.array([range(5)]), vectors) == pytest.approx([1])
    assert coherence.wetc(np.array([[0]]), vectors) == pytest.approx([0])


# --- all of it


def judged(rng=None, **given):
    rng = rng or np.random.default_rng(5)
    words = [f"word{index}" for index in range(V)]
    return coherence.judge(words, rng.standard_normal((4, V)).astype(np.float32), counted(texts(rng)), **given)


def test_judge_says_what_the_parts_say():
    rng = np.random.default_rng(5)
    topic_word = rng.standard_normal((4, V)).astype(np.float32)
    counts, vectors = counted(texts(rng)), rng.standard_normal((V, 3)).astype(np.float32)
    words = [f"word{index}" for index in range(V)]
    judged = coherence.judge(words, topic_word, counts, vectors=vectors)
    tops = coherence.top_words(topic_word)
    expected = {
        "npmi": coherence.npmi(tops, counts),
        "tu": coherence.topic_uniqueness(tops),
        "wetc": coherence.wetc(tops, vectors),
    }
    for name, scores in expected.items():
        assert [row[name] for row in judged["topics"]] == pytest.approx(scores)
        assert judged[name] == pytest.approx(scores.mean())
    assert judged["diversity"] == coherence.topic_diversity(tops)
    assert (judged["documents"], judged["absent"], judged["wordless"]) == (D, 0, 0)
    for row, (topic, scores) in zip(judged["topics"], enumerate(topic_word), strict=True):
        assert row["topic"] == topic
        assert row["weights"] == sorted(scores.tolist(), reverse=True)
        assert row["words"] == [f"word{word}" for word in np.argsort(-scores)]
    assert json.loads(json.dumps(judged, allow_nan=False)) == judged  # plain numbers, none of numpy's


def test_judge_ranks_alike_whatever_the_numbers_mean():
    rng = np.random.default_rng(7)
    logits, counts = rng.standard_normal((3, V)), counted(texts(rng))
    words = [str(index) for index in range(V)]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    first, second = coherence.judge(words, logits, counts), coherence.judge(words, shares, counts)
    for name in ("npmi", "tu", "diversity"):
        assert first[name] == second[name]


def test_judge_tells_of_words_it_cannot_judge():
    topic_word = np.arange(6, dtype=np.float32).reshape(1, 6)
    vectors = np.ones((6, 2), dtype=np.float32)
    vectors[[0, 4]] = 0
    judged = coherence.judge(list("abcdef"), topic_word, counted([[0, 1], [1, 2]], 6), vectors=vectors)
    assert (judged["absent"], judged["wordless"]) == (3, 2)
    assert judged["topics"][0]["words"] == list("fedcba")
    assert coherence.judge(list("abcdef"), topic_word, counted([[0]], 6))["wordless"] is None


def test_a_planted_structure_scores_best():
    """Topics that follow what the documents are made of, against topics that mix them, or that are all the same."""
    rng = np.random.default_rng(0)
    kinds, words = 4, 15
    documents = [rng.integers(0, words, 20) + words * rng.integers(0, kinds) for _ in range(400)]
    counts = counted(documents, kinds * words)
    true = np.repeat(np.eye(kinds), words, axis=1) + 0.001 * rng.random((kinds, kinds * words))
    mixed = true[:, rng.permutation(kinds * words)]
    names = [str(word) for word in range(kinds * words)]
    best, worse, same = (coherence.judge(names, topics, counts) for topics in (true, mixed, np.tile(true[0], (4, 1))))
    assert best["npmi"] > 0.5 > 0 > worse["npmi"]
    assert best["tu"] > 2 * same["tu"]
    assert same["tu"] == pytest.approx(1 / kinds)


@settings(max_examples=25)
@given(tops, counts, st.randoms())
def test_documents_may_be_in_any_order(tops, counts, random):
    order = list(range(len(counts)))
    random.shuffle(order)
    scores = coherence.npmi(tops, csr_matrix(counts))
    np.testing.assert_array_equal(scores, coherence.npmi(tops, csr_matrix(counts[order])))

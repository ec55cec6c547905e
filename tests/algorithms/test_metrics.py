import json

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ortho_group, spearmanr

from algorithms import metrics
from data.gold import Pair

WORDS = [f"w{row}" for row in range(200)]
VECTORS = np.random.default_rng(1).standard_normal((200, 12)).astype(np.float32)
PAIRS = [
    Pair(WORDS[i], WORDS[j], float(score))
    for i, j, score in np.random.default_rng(2).integers(0, [200, 200, 11], size=(80, 3))  # eleven scores: many ties
]


@pytest.fixture(scope="module")
def peer() -> KeyedVectors:
    vectors = KeyedVectors(vector_size=12)
    vectors.add_vectors(WORDS, VECTORS)
    return vectors


def questions(seed: int, *, count: int = 300) -> list[tuple[str, str, str, str]]:
    """Questions whose answer the vectors know about half the time."""
    rng = np.random.default_rng(seed)
    directions = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    asked = []
    for _ in range(count):
        a, b, c, other = (int(row) for row in rng.choice(200, size=4, replace=False))
        scores = directions @ (directions[b] - directions[a] + directions[c])
        scores[[a, b, c]] = -np.inf
        d = int(scores.argmax()) if rng.random() < 0.5 else other
        asked.append((WORDS[a], WORDS[b], WORDS[c], WORDS[d]))
    return asked


def test_similarity_equals_gensim(peer, tmp_path):
    pairs = [*PAIRS, Pair("w1", "missing", 3.0), Pair("nowhere", "missing", 4.0)]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\t{score}\n" for a, b, score in pairs))
    _, spearman, missing_percent = peer.evaluate_word_pairs(str(path))
    ours = metrics.similarity(pairs, metrics.exact(WORDS, VECTORS))
    assert ours["spearmans_rho"] == pytest.approx(spearman.statistic, abs=1e-6)
    assert ours["not_found"] == 2 == round(missing_percent / 100 * len(pairs))
    assert ours["total_pairs"] == 82


def test_similarity_equals_the_definition_with_ties():
    rows = {word: row for row, word in enumerate(WORDS)}
    cosines = [
        np.dot(x, y) / np.linalg.norm(x) / np.linalg.norm(y)
        for x, y in ((VECTORS[rows[a]].astype(float), VECTORS[rows[b]].astype(float)) for a, b, _ in PAIRS)
    ]
    points = metrics.pair_scores(PAIRS, metrics.exact(WORDS, VECTORS))
    np.testing.assert_allclose(points[:, 1], cosines, atol=1e-6)
    expected = spearmanr([pair.score for pair in PAIRS], cosines).statistic
    assert metrics.similarity(PAIRS, metrics.exact(WORDS, VECTORS))["spearmans_rho"] == pytest.approx(expected)


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.01, 100))
def test_similarity_ignores_rotation_and_scale(seed, scale):
    rotation = ortho_group.rvs(12, random_state=seed)
    turned = (VECTORS.astype(float) @ rotation * scale).astype(np.float32)
    before = metrics.similarity(PAIRS, metrics.exact(WORDS, VECTORS))["spearmans_rho"]
    assert metrics.similarity(PAIRS, metrics.exact(WORDS, turned))["spearmans_rho"] == pytest.approx(before, abs=1e-3)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [Pair("w1", "w2", 5.0)],
        [Pair("w1", "w2", 5.0), Pair("w3", "w4", 5.0)],  # one score only: no order to compare
        [Pair("w1", "w2", 1.0), Pair("w1", "w2", 5.0)],  # one cosine only
        [Pair("狗", "猫", 7.0), Pair("狗", "虎", 4.0)],  # all unknown, as with a corpus in another language
    ],
)
def test_where_there_is_no_order_rho_is_zero(pairs):
    assert metrics.similarity(pairs, metrics.exact(WORDS, VECTORS))["spearmans_rho"] == 0.0


def test_zero_vectors_have_cosine_zero():
    lookup = metrics.exact(["a", "b"], np.array([[0, 0], [1, 2]], np.float32))
    np.testing.assert_array_equal(metrics.pair_scores([Pair("a", "b", 3.0)], lookup), [[3.0, 0.0]])


def test_eval_json_has_blazingtexts_shape_and_order():
    gold = {f"EN-WS-353-{name}.txt": PAIRS[start:] for name, start in [("ALL", 0), ("REL", 20), ("SIM", 40)]}
    evaluation = metrics.evaluate_wordsim(gold, metrics.exact(WORDS, VECTORS))
    assert list(evaluation) == ["EN-WS-353-ALL.txt", "EN-WS-353-REL.txt", "EN-WS-353-SIM.txt", "mean_rho"]
    for name in gold:
        assert list(evaluation[name]) == ["not_found", "spearmans_rho", "total_pairs"]
        assert [type(value) for value in evaluation[name].values()] == [int, float, int]
    rhos = [evaluation[name]["spearmans_rho"] for name in gold]
    assert evaluation["mean_rho"] == pytest.approx(np.mean(rhos))
    assert json.loads(json.dumps(evaluation)) == evaluation  # plain numbers, none of numpy's


def test_all_unknown():
    evaluation = metrics.evaluate_wordsim({"set": [Pair("x", "y", 1.0)] * 4}, metrics.exact(WORDS, VECTORS))
    assert evaluation == {"set": {"not_found": 4, "spearmans_rho": 0.0, "total_pairs": 4}, "mean_rho": 0.0}


def test_words_are_found_as_given_then_lower_cased():
    lookup = metrics.exact(["jerusalem", "Polish", "polish"], np.eye(3, dtype=np.float32))
    vectors, found = metrics.find(["Jerusalem", "Polish", "Israel"], lookup)
    np.testing.assert_array_equal(found, [True, True, False])
    np.testing.assert_array_equal(vectors, [[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert vectors.dtype == np.float32


def test_subwords_are_asked_only_for_what_the_vocabulary_lacks():
    asked = []

    def compose(words: list[str]) -> np.ndarray:
        asked.extend(words)
        return np.array([[0, 0] if word == "q" else [3, 4] for word in words], np.float32)

    lookup = metrics.with_subwords(metrics.exact(["king"], np.ones((1, 2), np.float32)), compose)
    vectors, found = lookup(["King", "kingly", "q"])
    assert asked == ["kingly", "q"]
    np.testing.assert_array_equal(vectors, [[1, 1], [3, 4], [0, 0]])
    np.testing.assert_array_equal(found, [True, True, False])
    result = metrics.similarity([Pair("king", "kingly", 1.0), Pair("q", "king", 1.0)], lookup)
    assert result["not_found"] == 1


@pytest.mark.parametrize("restrict", [200, 120, 5])
def test_analogies_equal_gensim(peer, tmp_path, restrict):
    sections = {"one": questions(3), "two": [*questions(4), ("w1", "w2", "w3", "missing")]}
    path = tmp_path / "questions.txt"
    path.write_text(
        "".join(f": {name}\n" + "".join(" ".join(q) + "\n" for q in asked) for name, asked in sections.items())
    )
    accuracy, details = peer.evaluate_word_analogies(str(path), restrict_vocab=restrict)
    ours = metrics.analogies(sections, WORDS, VECTORS, restrict=restrict)
    assert ours["accuracy"] == pytest.approx(accuracy)
    for detail in details:
        section = ours if detail["section"] == "Total accuracy" else ours["sections"][detail["section"]]
        assert section["correct"] == len(detail["correct"])
        assert section["asked"] == len(detail["correct"]) + len(detail["incorrect"])
    assert ours["asked"] + ours["skipped"] == 601
    assert ours["skipped"] >= 1
    if restrict == 200:
        assert 0.4 < ours["accuracy"] < 0.7  # the planted answers


def test_analogies_fold_case_and_keep_the_most_frequent_spelling():
    words = ["The", "the", "Man", "woman", "king", "Queen", "queen"]
    vectors = np.array([[9, 1, 1], [9, 1, 2], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [-1, -1, -1]], np.float32)
    result = metrics.analogies({"family": [("man", "Woman", "KING", "queen")]}, words, vectors)
    assert result == {
        "accuracy": 1.0,
        "correct": 1,
        "asked": 1,
        "skipped": 0,
        "sections": {"family": {"accuracy": 1.0, "correct": 1, "asked": 1, "skipped": 0}},
    }


def test_no_analogy_can_be_asked():
    empty = {"accuracy": 0.0, "correct": 0, "asked": 0, "skipped": 0}
    assert metrics.analogies({}, WORDS, VECTORS) == {**empty, "sections": {}}
    assert metrics.analogies({"a": []}, WORDS, VECTORS) == {**empty, "sections": {"a": empty}}


def test_neighbours_equal_gensim(peer):
    ours = metrics.neighbours(WORDS, VECTORS, ["w0", "W7", "missing"], k=10)
    assert list(ours) == ["w0", "W7"]
    for query, nearest in ours.items():
        theirs = peer.most_similar(query.lower(), topn=10)
        assert [word for word, _ in nearest] == [word for word, _ in theirs]
        np.testing.assert_allclose([cosine for _, cosine in nearest], [cosine for _, cosine in theirs], atol=1e-6)


@pytest.mark.parametrize(("words", "expected"), [(1, 0), (2, 1), (5, 4)])
def test_neighbours_of_a_small_vocabulary(words, expected):
    nearest = metrics.neighbours(WORDS[:words], VECTORS[:words], ["w0"], k=10)["w0"]
    assert len(nearest) == expected
    assert "w0" not in dict(nearest)


def test_neighbours_without_queries():
    assert metrics.neighbours(WORDS, VECTORS, ["missing"], k=3) == {}

"""Judging predictions: against fastText's own test, scikit-learn's functions, and a plain oracle."""

import json
import math
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn
from sklearn.calibration import calibration_curve

from algorithms import accuracy

LABELS = ["news", "sport", "日本", "d", "e"]


def judge(truth, predicted, probabilities=None, *, labels=LABELS):
    """Judge examples given as lists: true ids, predicted ids and, if it matters, probabilities of each."""
    k = max([1, *map(len, predicted)])
    rows = np.array([[*row, *[-1] * (k - len(row))] for row in predicted], dtype=np.int32).reshape(-1, k)
    if probabilities is None:
        probabilities = [[0.9 / (rank + 1) for rank in range(k)] for _ in predicted]
    certain = [[*row, *[0.0] * (k - len(row))] for row in probabilities]
    return accuracy.judge(
        labels,
        starts=np.cumsum([0, *map(len, truth)], dtype=np.int64),
        truth=np.array([label for row in truth for label in row], dtype=np.int32),
        predicted=rows,
        probabilities=np.array(certain, dtype=np.float32).reshape(-1, k),
    )


def drawn(seed, *, examples=400, classes=5, skill=0.6, k=3):
    """Single-label examples, their predictions right about as often as `skill`, some classes rare."""
    rng = np.random.default_rng(seed)
    truth = np.minimum(rng.geometric(0.4, examples) - 1, classes - 1)
    logits = rng.standard_normal((examples, classes)) + skill * 3 * np.eye(classes)[truth]
    certain = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    order = np.argsort(-certain, axis=1)[:, :k]
    return truth, order, np.take_along_axis(certain, order, axis=1).astype(np.float32), certain


# --- the same in plain Python, one example at a time


def oracle(truth, predicted, L):
    kept = [(true, row) for true, row in zip(truth, predicted, strict=True) if true]
    k = max([1, *map(len, predicted)])
    at_k = []
    for j in range(1, k + 1):
        right = sum(label in true for true, row in kept for label in row[:j])
        shown = sum(len(row[:j]) for _, row in kept)
        gold = sum(len(true) for true, _ in kept)
        at_k.append({"k": j, "precision": right / shown if shown else 0.0, "recall": right / gold if gold else 0.0})
    cells = Counter()
    for true, row in kept:
        if row and row[0] in true:
            cells[row[0], row[0]] += 1
        elif row:
            cells.update((label, row[0]) for label in true)
    solved = sum(bool(row) and row[0] in true for true, row in kept)
    scores = []
    for label in range(L):
        found = cells[label, label]
        shown = sum(row[:1] == [label] for _, row in kept)
        support = sum(true.count(label) for true, _ in kept)
        scores.append((2 * found / (shown + support) if shown + support else None, support, shown))
    f1s = [f1 for f1, _, _ in scores if f1 is not None]
    return {
        "examples": len(kept),
        "accuracy": solved / len(kept) if kept else 0.0,
        "at_k": at_k,
        "confusion": [[cells[true, shown] for shown in range(L)] for true in range(L)],
        "macro_f1": sum(f1s) / len(f1s) if f1s else 0.0,
        "f1": [f1 or 0.0 for f1, _, _ in scores],
        "support": [support for _, support, _ in scores],
        "predicted": [shown for _, _, shown in scores],
    }


ids = st.integers(0, 4)
examples = st.lists(st.tuples(st.lists(ids, max_size=3), st.lists(ids, max_size=4, unique=True)), max_size=25)


@given(examples)
def test_judging_equals_the_plain_version(drawn):
    truth, predicted = [list(true) for true, _ in drawn], [list(row) for _, row in drawn]
    judged, expected = judge(truth, predicted), oracle(truth, predicted, 5)
    for name in ("examples", "confusion"):
        assert judged[name] == expected[name]
    for name in ("accuracy", "macro_f1"):
        assert judged[name] == pytest.approx(expected[name])
    for ours, theirs in zip(judged["at_k"], expected["at_k"], strict=True):
        assert ours == pytest.approx(theirs)
    for name in ("f1", "support", "predicted"):
        assert [row[name] for row in judged["classes"]] == pytest.approx(expected[name])
    off = Counter({(a, b): n for a, row in enumerate(judged["confusion"]) for b, n in enumerate(row) if a != b and n})
    most = [count for _, count in off.most_common(accuracy.CONFUSIONS)]
    assert [entry["count"] for entry in judged["confused"]] == most
    assert all(off[LABELS.index(e["true"]), LABELS.index(e["predicted"])] == e["count"] for e in judged["confused"])
    wrong = [place for place, (true, row) in enumerate(drawn) if true and row and row[0] not in true]
    assert [entry["example"] for entry in judged["mistakes"]] == wrong[: accuracy.MISTAKES]
    assert sum(row["count"] for row in judged["reliability"]) == sum(bool(true and row) for true, row in drawn)
    assert json.loads(json.dumps(judged, allow_nan=False)) == judged  # plain numbers, none of numpy's


# --- scikit-learn


@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_scikit_learns(seed):
    truth, order, top, _ = drawn(seed)
    judged = judge([[label] for label in truth], order, top)
    best = order[:, 0]
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(truth, best, zero_division=0)
    assert judged["accuracy"] == pytest.approx(sklearn.accuracy_score(truth, best))
    for name, expected in {"precision": precision, "recall": recall, "f1": f1, "support": support}.items():
        np.testing.assert_allclose([row[name] for row in judged["classes"]], expected)
    assert [row["label"] for row in judged["classes"]] == LABELS
    assert judged["macro_f1"] == pytest.approx(sklearn.f1_score(truth, best, average="macro"))
    assert judged["weighted_f1"] == pytest.approx(sklearn.f1_score(truth, best, average="weighted"))
    np.testing.assert_array_equal(judged["confusion"], sklearn.confusion_matrix(truth, best, labels=range(5)))


@pytest.mark.parametrize("seed", range(3))
def test_recall_at_k_equals_scikit_learns_top_k_accuracy(seed):
    truth, order, top, certain = drawn(seed, k=5)
    judged = judge([[label] for label in truth], order, top)
    for entry in judged["at_k"][:4]:  # scikit-learn warns that the best five of five are always right
        expected = sklearn.top_k_accuracy_score(truth, certain, k=entry["k"], labels=range(5))
        assert entry["recall"] == pytest.approx(expected)
        assert entry["precision"] == pytest.approx(expected / entry["k"])


def test_scores_of_several_labels_equal_scikit_learns():
    rng = np.random.default_rng(4)
    truth = [sorted(rng.choice(5, size=rng.integers(1, 4), replace=False).tolist()) for _ in range(200)]
    predicted = [rng.permutation(5)[:3].tolist() for _ in range(200)]
    true, best = np.zeros((2, 200, 5), dtype=int)
    for place, row in enumerate(truth):
        true[place, row] = 1
        best[place, predicted[place][0]] = 1
    judged = judge(truth, predicted)
    assert judged["macro_f1"] == pytest.approx(sklearn.f1_score(true, best, average="macro"))
    assert judged["weighted_f1"] == pytest.approx(sklearn.f1_score(true, best, average="weighted"))
    assert judged["at_k"][0]["recall"] == pytest.approx(sklearn.recall_score(true, best, average="micro"))
    assert judged["accuracy"] == pytest.approx(sklearn.precision_score(true, best, average="samples"))
    assert judged["log_loss"] is None


@pytest.mark.parametrize("classes", [2, 5])
def test_log_loss_equals_scikit_learns_where_all_probabilities_are_known(classes):
    truth, order, top, certain = drawn(6, classes=classes, k=classes)
    judged = judge([[label] for label in truth], order, top, labels=LABELS[:classes])
    assert judged["log_loss"] == pytest.approx(sklearn.log_loss(truth, certain), rel=1e-5)


def test_log_loss_is_told_only_of_what_is_known():
    assert judge([[0], [1]], [[0, 1], [0, 1]], [[0.5, 0.4], [0.9, 0.1]])["log_loss"] == pytest.approx(
        -(math.log(0.5) + math.log(0.1)) / 2, rel=1e-6
    )
    assert judge([[0], [4]], [[0, 1], [0, 1]])["log_loss"] is None  # somewhere below the first two
    assert judge([[0], [0, 1]], [[0, 1], [0, 1]])["log_loss"] is None
    assert judge([[0]], [[1, 0]], [[1.0, 0.0]])["log_loss"] == pytest.approx(-math.log(np.finfo(np.float32).eps))


@pytest.mark.parametrize("skill", [0.2, 0.9])
def test_reliability_equals_scikit_learns(skill):
    truth, order, top, _ = drawn(8, skill=skill, examples=2000)
    judged = judge([[label] for label in truth], order, top)
    right = order[:, 0] == truth
    share, confidence = calibration_curve(right, top[:, 0].astype(float), n_bins=accuracy.BINS)
    full = [row for row in judged["reliability"] if row["count"]]
    np.testing.assert_allclose([row["accuracy"] for row in full], share)
    np.testing.assert_allclose([row["confidence"] for row in full], confidence)
    counts = [row["count"] for row in full]
    assert sum(counts) == 2000
    assert judged["ece"] == pytest.approx(np.average(np.abs(share - confidence), weights=counts))
    assert all(row["low"] < row["confidence"] <= row["high"] for row in full)


# --- fastText


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    """A model of fastText's, a file to judge it on, and the same as our arrays: of one and of several labels a line."""
    fasttext = pytest.importorskip("fasttext", reason="fasttext-wheel is built for Python below 3.12 only")
    rng, folder = random.Random(5), tmp_path_factory.mktemp("fasttext")
    lines = []
    for _ in range(600):
        names = rng.choices("abcd", k=rng.choice([1, 1, 2, 3]))  # a label twice, now and then
        words = [f"{rng.choice([*names, *'abcdx'])}{rng.randrange(6)}" for _ in range(6)]
        lines.append(" ".join([*(f"__label__{name}" for name in names), *words]) + "\n")
    lines[450:450] = ["a1 a2 a3\n", "__label__unknown a1\n", "__label__unknown __label__a a1\n", "\n"]
    train, test = folder / "train.txt", folder / "test.txt"
    train.write_text("".join(lines[:400]))
    test.write_text("".join(lines[400:]))
    model = fasttext.train_supervised(str(train), epoch=15, lr=0.5, dim=8, thread=1, minCount=1, verbose=0)
    names = [label.removeprefix("__label__") for label in model.labels]
    tested = [
        ([token.removeprefix("__label__") for token in line.split() if token.startswith("__label__")], line)
        for line in lines[400:]
    ]
    truth = [[names.index(name) for name in found if name in names] for found, _ in tested]
    return model, test, names, truth, [line for _, line in tested]


@pytest.mark.parametrize("k", [1, 2, 3, 9])
def test_precision_and_recall_equal_fasttexts(peer, k):
    model, path, names, truth, lines = peer
    found, certain = model.f.multilinePredict(lines, k, 0.0, "strict")  # fasttext.predict fails with numpy 2
    predicted = [[names.index(label.removeprefix("__label__")) for label in row] for row in found]
    judged = judge(truth, predicted, [row.tolist() for row in certain], labels=names)
    examples, precision, recall = model.f.test(str(path), k, 0.0)
    last = judged["at_k"][-1]
    assert (judged["examples"], last["k"]) == (examples, min(k, 4))
    assert last["precision"] == pytest.approx(precision)
    assert last["recall"] == pytest.approx(recall)
    assert judged["accuracy"] == pytest.approx(model.f.test(str(path), 1, 0.0)[1])
    assert 0.4 < judged["accuracy"] < 1
    # fastText 0.9.2 loses count of each label's gold: of its table only precision can be compared
    theirs = model.f.testLabel(str(path), 1, 0.0)
    for row in judged["classes"]:
        assert row["precision"] == pytest.approx(theirs[f"__label__{row['label']}"]["precision"])


# --- the edges


def test_nothing_to_judge():
    for judged in (judge([], []), judge([[], []], [[0], [1]])):
        assert judged["examples"] == judged["accuracy"] == judged["macro_f1"] == judged["ece"] == 0
        assert judged["at_k"] == [{"k": 1, "precision": 0.0, "recall": 0.0}]
        assert judged["log_loss"] is None
        assert judged["mistakes"] == judged["confused"] == []
        assert [row["support"] for row in judged["classes"]] == [0] * 5
        assert judged["confusion"] == [[0] * 5] * 5


def test_one_class():
    judged = judge([[0], [0]], [[0], [0]], [[1.0], [1.00001]], labels=["only"])
    assert judged["accuracy"] == judged["macro_f1"] == 1
    assert judged["confusion"] == [[2]]
    assert judged["reliability"][-1] == {"low": 0.9, "high": 1.0, "confidence": 1.0, "accuracy": 1.0, "count": 2}
    assert judged["log_loss"] == 0


def test_an_example_without_a_prediction_is_wrong():
    judged = judge([[0], [1]], [[0], []])
    assert judged["accuracy"] == 0.5
    assert judged["at_k"] == [{"k": 1, "precision": 1.0, "recall": 0.5}]
    assert sum(map(sum, judged["confusion"])) == 1
    assert judged["mistakes"] == []


def test_a_wrong_example_is_confused_in_each_of_its_classes():
    judged = judge([[0, 1], [0, 1], [0, 2]], [[3], [1], [3]])
    assert judged["confused"] == [
        {"true": "news", "predicted": "d", "count": 2},
        {"true": "sport", "predicted": "d", "count": 1},
        {"true": "日本", "predicted": "d", "count": 1},
    ]
    assert judged["confusion"][1] == [0, 1, 0, 1, 0]


def test_the_surest_mistakes_come_first_and_know_their_place():
    judged = judge([[0], [], [1, 2], [3], [4]], [[1], [1], [0], [0], [4]], [[0.6], [0.99], [0.8], [1.2], [0.95]])
    assert judged["mistakes"] == [
        {"example": 3, "true": ["d"], "predicted": "news", "probability": 1.0},
        {"example": 2, "true": ["sport", "日本"], "predicted": "news", "probability": pytest.approx(0.8)},
        {"example": 0, "true": ["news"], "predicted": "sport", "probability": pytest.approx(0.6)},
    ]


def test_many_classes_have_no_matrix():
    labels = [str(label) for label in range(accuracy.MATRIX_CLASSES + 1)]
    judged = judge([[100], [5], [5]], [[3], [5], [100]], labels=labels)
    assert judged["confusion"] is None
    assert judged["confused"] == [
        {"true": "5", "predicted": "100", "count": 1},
        {"true": "100", "predicted": "3", "count": 1},
    ]
    assert len(judge([[0]], [[0]], labels=labels[:-1])["confusion"]) == accuracy.MATRIX_CLASSES


@given(examples)
def test_accuracy_alone_is_the_same(drawn):
    truth = [list(true) for true, _ in drawn]
    top = [row[0] if row else -1 for _, row in drawn]
    alone = accuracy.accuracy(
        np.cumsum([0, *map(len, truth)], dtype=np.int64),
        np.array([label for row in truth for label in row], dtype=np.int32),
        np.array(top, dtype=np.int32),
    )
    assert alone == pytest.approx(judge(truth, [row for _, row in drawn])["accuracy"])

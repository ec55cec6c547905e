import numpy as np
import pytest

from algorithms.drift.classes import class_drift
from algorithms.drift.models import Drift, Matter, drift, figures
from algorithms.drift.neighbours import Space


def test_classes_by_how_much_their_shares_changed():
    found = class_drift({"a": 50, "b": 50}, {"a": 45, "c": 15, "b": 40})
    assert (found.born, found.gone) == (["c"], [])
    assert [(each.label, each.before, each.after) for each in found.classes] == [
        ("c", 0, 0.15), ("b", 0.5, 0.4), ("a", 0.5, 0.45)
    ]  # fmt: skip
    assert class_drift({"a": 1, "b": 3}, {"b": 6, "a": 2}).distance == pytest.approx(0, abs=1e-6)
    assert class_drift({"a": 1}, {"b": 6}).distance == pytest.approx(1)


def test_a_drift_travels_as_json_and_says_what_its_numbers_mean():
    words = [f"w{i}" for i in range(20)]
    vectors = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    matter = Matter("word2vec", words, np.arange(20, 0, -1), [Space("words", words, lambda: vectors)])
    found = drift(matter, matter)
    assert Drift.model_validate_json(found.model_dump_json()) == found
    told = {figure.name: figure.value for figure in figures(found)}
    assert told["words born"] == 0
    assert told["neighbours kept"] == 1
    assert all(figure.meaning for figure in figures(found))


def test_what_a_model_has_not_is_not_compared():
    assert figures(drift(Matter("topics"), Matter("topics", ["a"]))) == []

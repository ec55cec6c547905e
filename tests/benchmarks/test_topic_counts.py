import os

import pytest

from benchmarks import topic_counts as benchmark
from data import lemmatizer, nltk_data, punkt
from data.batches import Batch

RUN = {"seconds": 1.0, "documents": 900, "kept": 600, "same": "a"}


def test_the_floors_missed():
    runs = {"recipe": [RUN] * 3, "embertext": [RUN | {"seconds": seconds} for seconds in (0.09, 0.11, 0.2)]}
    missed = [floor.name for floor in benchmark._floors(runs) if not floor.holds]
    assert missed == ["documents/s over the recipe's"]
    runs["embertext"][2] = RUN | {"seconds": 0.09, "same": "b"}
    missed = [floor.name for floor in benchmark._floors(runs) if not floor.holds]
    assert missed == ["rows and words equal the recipe's (1: yes)"]


def test_the_table():
    rows = benchmark._rows({"recipe": [RUN]})
    assert rows == [["recipe", "900.000", "900", "600"]]


@pytest.mark.skipif(not os.environ.get("EMBERTEXT_DATA"), reason="EMBERTEXT_DATA is not set")
@pytest.mark.skipif(
    not all(map(nltk_data.has, (lemmatizer.PACKAGE, punkt.PACKAGE))), reason="nltk's WordNet is not installed"
)
def test_both_count_the_same():
    runs = [system(threads=1, every=100, seed=1) for system in benchmark.SYSTEMS.values()]
    for name in ("documents", "kept", "same"):
        assert runs[0][name] == runs[1][name]
    assert runs[0]["documents"] == 189


def test_every_so_many(monkeypatch):
    batches = [Batch(list("abcdefghijkl"[a:b]), 0.0) for a, b in ((0, 5), (5, 7), (7, 12))]
    monkeypatch.setattr(benchmark, "batches", lambda source: iter(batches))
    assert [text for texts in benchmark._chosen(None, 3) for text in texts] == ["a", "d", "g", "j"]

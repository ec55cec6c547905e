import os
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from algorithms.topics.counts import Counting, count
from benchmarks import plain_prodlda, topic_models, topic_picture, topic_totals, topmost_models
from benchmarks import topics as benchmark
from data import bags, lemmatizer, nltk_data, punkt
from data.counts import Counts

THEMES = ["apple pear plum cherry grape melon", "car road wheel engine brake tyre"]
MISSING = topic_models.missing()


def run(npmi: float, tu: float, *, seconds: float = 2.0, by_relevance: float = 0.0, **more: float) -> dict[str, object]:
    scores = {"npmi": npmi, "tu": tu}
    relevance = {"npmi": npmi + by_relevance, "tu": tu}
    readings = {"published": scores, "chances": scores, "relevance": relevance}
    return {"seconds": seconds, "training_seconds": seconds / 2, **readings, **more}


def speeds(ours: float) -> dict[str, object]:
    return {"seconds": {plain_prodlda.PLAIN: [3.0, 3.0], plain_prodlda.OURS: [ours, ours]}, "documents": 600}


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Documents of two themes that share no word."""
    folder = tmp_path_factory.mktemp("counts")
    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(THEMES[number % 2].split(), 12)) for number in range(400)]
    counted = count([bags.count(texts, trained=False)], folder, Counting(threshold=0), seed=1)
    counted.counts.save(str(folder))
    return str(folder)


@pytest.mark.filterwarnings("ignore")  # NMF and LDA tell that they might go on; TopMost's bar and its logger
@pytest.mark.parametrize("system", list(topic_models.SYSTEMS))
def test_each_system_finds_topics_of_the_same_counts(system: str, counts: str) -> None:
    if system in MISSING:
        pytest.skip(f"not installed: {MISSING[system]}")
    figures = topic_models.SYSTEMS[system](counts=counts, num_topics=2, threads=1, seed=1, effort=0.05)
    assert 0 < figures["training_seconds"] < figures["seconds"]
    for reading in benchmark.READINGS:
        assert -1 <= figures[reading]["npmi"] <= 1
        assert 0.5 <= figures[reading]["tu"] <= 1
    assert ("total_loss" in figures) == (system in topic_models.OURS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("system", ["embertext prodlda", "NMF on TF-IDF", "tomotopy LDA"])
def test_two_themes_are_told_apart(system: str, counts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if system in MISSING:
        pytest.skip(f"not installed: {MISSING[system]}")
    monkeypatch.setattr(topic_models, "readings", lambda found, rows: {"published": found.published})
    figures = topic_models.SYSTEMS[system](counts=counts, num_topics=2, threads=1, seed=1, effort=1.0)
    words = (Path(counts) / "vocab.txt").read_text().split()
    tops = [sorted(words[word] for word in row.argsort()[::-1][:6]) for row in figures["published"]]
    assert sorted(tops) == sorted(sorted(theme.split()) for theme in THEMES)


def test_readings_rank_words_that_all_topics_have_lower_by_relevance() -> None:
    chances = np.array([[0.45, 0.4, 0.15, 0.0], [0.45, 0.0, 0.15, 0.4]])
    rows = sparse.csr_matrix(np.ones((3, 4), np.float32))
    seen = []
    found = topic_models.Topics(chances, chances, 1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topic_models, "scored", lambda matrix, rows: seen.append(matrix.argmax(axis=1).tolist()))
        assert list(topic_models.readings(found, rows)) == list(benchmark.READINGS)
    assert seen == [[0, 0], [0, 0], [1, 3]]


def test_the_plain_network_learns() -> None:
    import torch

    torch.manual_seed(1)
    rows = torch.tensor([[4.0, 2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 3.0]]).repeat(50, 1)
    network = plain_prodlda.ProdLDA(4, 2, 8)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    losses = []
    for _ in range(40):
        loss = network(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_speeds_are_told_of_each_epoch(counts: str) -> None:
    found = plain_prodlda.speeds(counts=counts, num_topics=2, units=8, batch=50, threads=1, epochs=2)
    assert found["documents"] == 320
    assert {system: len(of) for system, of in found["seconds"].items()} == dict.fromkeys(found["seconds"], 2)


def test_the_floors_missed() -> None:
    runs = {
        benchmark.NTM: [run(0.1, 0.8, total_loss=6.64), run(0.1, 0.73, total_loss=6.66)],
        benchmark.BEST: [run(0.4, 0.9), run(0.42, 0.95)],
        "NMF on TF-IDF": [run(0.41, 0.8, by_relevance=-0.1)] * 2,
        "tomotopy LDA": [run(0.2, 0.92)] * 2,
    }
    totals = {"recipe": 10.0, "command": 13.0, "stages": {"prepare": 5.0}}
    missed = [
        floor.name
        for floor in benchmark.floors(runs, {"quick": speeds(0.9), "slow": speeds(1.1)}, totals)
        if not floor.holds
    ]
    assert missed == [
        "ntm, every seed: validation total_loss, 6.65 less",
        "ntm, every seed: TU",
        "prodlda's lowest NPMI over NMF on TF-IDF's highest",
        "prodlda's lowest TU over tomotopy LDA's highest",
        "prodlda's lowest TU over tomotopy LDA's highest, both by relevance",
        "documents/s over plain PyTorch's, slow",
        "from raw messages: recipe and NMF on TF-IDF's time over ours",
        "from raw messages: recipe and tomotopy LDA's time over ours",
    ]


def test_tables_have_a_row_for_each_system() -> None:
    runs = {
        benchmark.NTM: [run(0.1, 0.8, total_loss=6.64)],
        benchmark.BEST: [run(0.4, 0.9)],
        "NMF on TF-IDF": [run(0, 1)],
    }
    for table in (benchmark._quality, benchmark._read_alike):
        _, columns, rows = table(runs)
        assert [row[0] for row in rows] == list(runs)
        assert {len(row) for row in rows} == {len(columns)}
    _, _, rows = benchmark._speeds("1 thread", speeds(1.0))
    assert rows[1] == [plain_prodlda.OURS, "600", "3.000 (3.000-3.000)"]
    _, _, rows = benchmark._totals(runs, {"recipe": 10.0, "command": 6.0, "stages": {"prepare": 4.0}})
    assert rows[0] == ["embertext topics, the whole command", "4.0", "2.0", "6.0", ""]
    assert rows[1] == ["recipe, NMF on TF-IDF", "10.0", "2.0", "12.0", "2.0x"]


def test_the_picture(tmp_path: Path) -> None:
    scores = {
        "embertext ntm": [{"npmi": 0.1, "tu": 0.8}, {"npmi": 0.12, "tu": 0.81}],
        "NMF": [{"npmi": 0.3, "tu": 0.8}],
    }
    topic_picture.draw(scores, tmp_path / "topics.png")
    assert (tmp_path / "topics.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif("TopMost ECRTM" in MISSING, reason="topmost is not installed")
def test_of_topmost_only_what_is_needed_is_imported() -> None:
    import sys

    topmost_models._load(topmost_models.MODULES["ECRTM"])
    assert "topmost.data.basic_dataset" not in sys.modules


@pytest.mark.skipif(not os.environ.get("EMBERTEXT_DATA"), reason="EMBERTEXT_DATA is not set")
@pytest.mark.skipif(
    not all(map(nltk_data.has, (lemmatizer.PACKAGE, punkt.PACKAGE))), reason="nltk's WordNet is not installed"
)
def test_the_counts_that_all_share(tmp_path: Path) -> None:
    counts = Counts.load(topic_totals.prepared(tmp_path, every=400, threads=1))
    assert list(counts.channels) == ["train", "validation", "test"]
    assert counts.columns == len(counts.vocabulary) > 100

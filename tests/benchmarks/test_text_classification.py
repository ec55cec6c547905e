import math
from pathlib import Path

import pytest

from benchmarks import classifiers
from benchmarks import text_classification as benchmark
from benchmarks.harness import Figures

TITLE = "some, 1.0 M words"


def run(words_per_second: float, *, accuracy: float = 0.9, lines_per_second: float = 1e5) -> Figures:
    return {
        "words_per_second": words_per_second,
        "epochs_words_per_second": words_per_second * 1.5,
        "lines_per_second": lines_per_second,
        "accuracy": accuracy,
        "peak_memory": 1e8,
    }


def without_test(figures: Figures) -> Figures:
    return {name: value for name, value in figures.items() if name not in ("accuracy", "lines_per_second")}


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Two classes that one word tells apart."""
    path = tmp_path / "text.txt"
    path.write_text("__label__a good match of tennis\n__label__b bad shares of a bank\n" * 40)
    return str(path)


def test_words_are_counted_as_fasttext_does(text: str) -> None:
    fasttext = pytest.importorskip("fasttext")
    model = fasttext.train_supervised(input=text, dim=2, epoch=1, bucket=10, minCount=1, thread=1, verbose=0)
    (_, of_words), (_, of_labels) = model.f.getVocab("strict"), model.f.getLabels("strict")
    assert classifiers.words_of(Path(text)) == sum(of_words) + sum(of_labels)


def test_a_line_may_be_its_label_alone(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("__label__a b  c\n__label__b\n")
    assert classifiers.lines_of(str(tmp_path / "text")) == [("__label__a", "b  c"), ("__label__b", "")]
    assert classifiers.words_of(tmp_path / "text") == 6


@pytest.mark.parametrize("system", list(classifiers.SYSTEMS))
def test_each_system_learns_what_one_word_tells(
    system: str, text: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if system == "fasttext":
        pytest.importorskip("fasttext")
    monkeypatch.setattr(classifiers, "SHORTEST", 1e-6)
    monkeypatch.setattr(classifiers, "CALL", 1)
    figures = classifiers.SYSTEMS[system](text=text, test=text, dim=2, learning_rate=0.5, threads=1, epochs=5, seed=1)
    assert figures["accuracy"] == 1
    assert figures["lines_per_second"] > 0
    assert figures["peak_memory"] > 1e6
    figures = classifiers.completed(figures | {"threads": 1, "stderr": capfd.readouterr().err}, words=1000)
    assert figures["words_per_second"] == 1000 / figures["seconds"]
    assert ("epochs_words_per_second" in figures) == (system != "scikit-learn")
    assert figures.get("words", 0) in (0, 5 * classifiers.words_of(Path(text)))


def test_fasttext_tells_the_speed_of_its_epochs_on_standard_error() -> None:
    said = "Progress: 50.0% words/sec/thread:  1000 lr\rProgress: 100.0% words/sec/thread:  1500 lr"
    figures = classifiers.completed({"stderr": said, "threads": 2, "seconds": 2.0}, words=5000)
    assert figures["epochs_words_per_second"] == 3000
    assert figures["words_per_second"] == 2500


def test_the_floors_missed() -> None:
    runs = {
        "fasttext, dim 10": [run(1e6, accuracy=0.91), run(1e6, accuracy=0.93)],
        "embertext, dim 10": [run(1.9e6, lines_per_second=3e5), run(1.9e6)],  # too slow; mean .9, peer .92 less .02
        "fasttext, dim 100": [run(1e6), run(1e6)],
        "embertext, dim 100": [run(2.1e6, lines_per_second=3e5, accuracy=0.89)] * 2,
        "scikit-learn": [run(1e9, accuracy=1)],
    }
    missed = [floor.name for floor in benchmark._floors({TITLE: runs}) if not floor.holds]
    assert missed == [
        f"{TITLE}, dim 10: words/s, parsing included over fasttext",
        f"{TITLE}, dim 10: words/s of the epochs over fasttext",
        f"{TITLE}, dim 100: words/s of the epochs over fasttext",
        f"{TITLE}, dim 100: accuracy, fasttext's less the spread",
    ]


def test_without_a_test_file_speed_alone_is_judged() -> None:
    runs = {name: [without_test(run(3e6))] for name in ("fasttext, dim 10", "embertext, dim 10")}
    floors = benchmark._floors({TITLE: runs})
    assert [floor.least for floor in floors] == [benchmark.PARSING, benchmark.EPOCHS]
    assert all(math.isclose(floor.value, 1) for floor in floors)


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    runs = {"fasttext, dim 10": [run(1e6)], "embertext, dim 10": [run(2.5e6)], "scikit-learn": [run(5e5)]}
    del runs["scikit-learn"][0]["epochs_words_per_second"]
    benchmark._table("some", runs)
    shown = capsys.readouterr().out
    assert "2.50 (2.5x)" in shown
    assert "0.900" in shown
    benchmark._table("some", {name: [without_test(of[0])] for name, of in runs.items()})
    assert "accuracy" not in capsys.readouterr().out

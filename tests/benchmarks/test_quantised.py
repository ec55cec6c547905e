from pathlib import Path

import pytest

from benchmarks import quantised
from benchmarks import text_classification as benchmark
from benchmarks.harness import Figures


@pytest.mark.parametrize("system", list(quantised.SYSTEMS))
def test_each_system_makes_a_model_small(
    system: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if system == "fasttext":
        pytest.importorskip("fasttext")
    monkeypatch.setattr(quantised.classifiers, "BUCKETS", 5000)
    lines = [
        f"__label__{'ab'[number % 2]} {'good' if number % 2 else 'bad'} w{number % 400}\n" for number in range(900)
    ]
    text = tmp_path / "text.txt"
    text.write_text("".join(lines))
    figures = quantised.SYSTEMS[system](
        text=str(text), test=str(text), dim=8, learning_rate=0.5, threads=1, epochs=2, seed=1, cutoff=300
    )
    assert figures["bytes"] < figures["whole_bytes"] / 8
    assert figures["accuracy"] > 0.95
    assert figures["whole_accuracy"] > 0.95
    assert figures["seconds"] > 0


def run(*, whole_bytes: float = 1e9, accuracy: float = 0.9) -> Figures:
    return {"whole_bytes": whole_bytes, "bytes": 4e6, "whole_accuracy": 0.91, "accuracy": accuracy, "seconds": 2.0}


def test_the_floors_missed() -> None:
    small = {
        "large": {"fasttext": run(), "embertext": run(whole_bytes=3.9e8)},
        "worse": {"fasttext": run(), "embertext": run(accuracy=0.88)},
    }
    missed = [floor.name for floor in benchmark._quantised_floors(small) if not floor.holds]
    assert missed == ["large, quantised: times smaller", "worse, quantised: accuracy, the whole model's less 0.02"]
    assert benchmark._quantised_floors({}) == []


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark._quantised_table({"some": {"fasttext": run(), "embertext": run(accuracy=0.905)}})
    shown = capsys.readouterr().out
    assert "1,000" in shown
    assert "4.00" in shown
    assert "0.905" in shown

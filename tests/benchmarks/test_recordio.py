import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import recordio as benchmark
from benchmarks.recordio import LOOP, OURS

SMALL = {"counts": benchmark.counts(20, 300, 9), "dense": np.ones((3, 2), np.float32)}


def test_counts_are_rows_of_ascending_columns() -> None:
    counts = SMALL["counts"]
    assert counts.shape == (20, 300)
    assert counts.has_canonical_format
    assert counts.data.min() >= 1


def test_all_systems_are_measured_on_each_task(tmp_path: Path) -> None:
    runs = benchmark.measure(SMALL, tmp_path, 2)
    assert list(runs) == [("read", "counts"), ("write", "counts"), ("read", "dense"), ("write", "dense")]
    for (task, _), seconds in runs.items():
        assert list(seconds) == list(benchmark.SYSTEMS[task])
        assert len(seconds[LOOP]) == 2
        assert len(seconds[OURS]) == 2 * benchmark.OFTEN


@pytest.mark.parametrize("task", ["read", "write"])
def test_a_system_that_comes_to_something_else_is_no_peer(monkeypatch, tmp_path: Path, task: str) -> None:
    honest: Any = benchmark.SYSTEMS[task][LOOP]
    wrong = (lambda path: honest(path) * 2) if task == "read" else (lambda features: honest(features * 2))
    monkeypatch.setitem(benchmark.SYSTEMS[task], LOOP, wrong)
    with pytest.raises(AssertionError):
        benchmark.measure(SMALL, tmp_path, 1)


def test_floors() -> None:
    runs = {
        ("read", "counts"): {OURS: [0.002, 0.001, 0.03], LOOP: [0.12, 0.1001, 0.09]},
        ("write", "counts"): {OURS: [0.01], LOOP: [0.19]},
    }
    read, write = benchmark.floors(runs)
    assert (read.name, write.name) == (f"read counts: rows/s over the {LOOP}", f"write counts: rows/s over the {LOOP}")
    assert read.holds
    assert not write.holds


def test_the_last_line_is_json(monkeypatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("EMBERTEXT_DATA", raising=False)
    monkeypatch.setattr(benchmark, "SETS", {"counts": lambda: SMALL["counts"], "nips": benchmark.nips})
    monkeypatch.setattr(sys, "argv", ["recordio", "--json", "--rounds", "1"])
    benchmark.main()
    shown = capsys.readouterr().out
    assert "without nips" in shown
    last = json.loads(shown.splitlines()[-1])
    assert last["benchmark"] == "recordio"
    assert list(last["seconds"]) == ["read counts", "write counts"]
    assert last["protobuf"].startswith("protobuf ")

"""The ranked table, as rows, CSV and DataFrame; the cost."""

import csv
import dataclasses
import io

import pytest

from tasks.tune.settings import Tuning
from tasks.tune.table import CSV, cost, frame, rows, shortened, to_csv
from tests.sweeps import swept


def test_the_best_is_first_and_failures_are_last():
    found = swept(0.7, 0.9, 0.8, 0.95)
    table = rows(found)
    assert [row["accuracy"] for row in table] == [0.9, 0.8, 0.7, 0.95, None]
    assert [row["status"] for row in table] == ["completed"] * 3 + ["stopped", "failed"]
    assert table[0]["model_name"] == f"{found.name}-001"
    columns = ["model_name", "accuracy", "rate", "kind", "depth", "seconds", "status", "reason"]
    assert all(list(row) == columns for row in table)
    assert table[2]["depth"] is None, "it did not count there"


def test_trials_of_an_earlier_sweep_have_columns_of_their_own():
    found = swept(0.7, 0.9, 0.8)
    earlier = dataclasses.replace(found.best, sweep="s3://b/tune-x", parameters={**found.best.parameters, "size": 8})
    table = rows(found._replace(trials=[earlier, *found.trials], ranked=[earlier, *found.ranked]))
    assert [row["size"] for row in table] == [8, None, None, None, None]
    assert next(iter(csv.DictReader(io.StringIO(to_csv(table)))))["size"] == "8"
    assert list(table[0])[:6] == ["model_name", "accuracy", "rate", "kind", "depth", "size"]


def test_csv_reads_back(tmp_path):
    table = rows(swept(0.7, 0.9, 0.8))
    (tmp_path / CSV).write_text(to_csv(table))
    read = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [row["model_name"] for row in read] == [row["model_name"] for row in table]
    found = frame(str(tmp_path))
    assert list(found.columns) == list(table[0])
    assert found["accuracy"].iloc[0] == 0.9
    assert found["accuracy"].isna().sum() == 1


def test_a_table_that_a_person_reads():
    assert "reason" in shortened(rows(swept(0.7, 0.9)))[0]
    table = shortened(rows(swept(0.7123456, 0.9, 0.8, failed=0)))
    assert "reason" not in table[0]
    assert table[1]["accuracy"] == "0.7123"
    assert table[1]["depth"] == ""


def test_what_it_costs():
    found = swept(0.7, 0.9)
    assert cost(found) == {"job_seconds": 22.0, "machine_seconds": 11.0, "euros": pytest.approx(0.11)}
    assert "euros" not in cost(swept(0.7, 0.9, tuning=Tuning()))

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from data.errors import EmbertextError
from tasks.partition import chosen


@pytest.fixture(autouse=True)
def scheduled(monkeypatch):
    """A run of three in the morning."""
    scheduled = SimpleNamespace(scheduled_start_time=datetime(2026, 2, 1, 3, tzinfo=UTC))
    monkeypatch.setattr("tasks.partition.flow_run", scheduled)


@pytest.mark.parametrize(
    ("partition", "output", "train", "expected"),
    [
        ("", "out", "docs", ("", "out")),
        ("", "out", "news/{partition}.txt", ("2026-02-01", "out")),
        ("", "out/{partition}", "docs", ("2026-02-01", "out/2026-02-01")),
        (" yesterday", "out", "news/{partition}.txt", ("2026-01-31", "out")),
        ("last month", "{partition}/out", "{partition}", ("2026-01", "2026-01/out")),
        ("yesterday America/New_York", "out", "{partition}", ("2026-01-30", "out")),
        ("2026-W05", "out", "s3://b/{partition}/", ("2026-W05", "out")),
    ],
)
def test_the_partition_of_a_run(partition, output, train, expected):
    assert chosen(partition, output, train, "") == expected


def test_folders_take_one_that_is_given(tmp_path):
    (tmp_path / "dt=2026-01-31").mkdir()
    (tmp_path / "dt=2026-01-31" / "a.txt").write_text("a")
    assert chosen("2026-01", "out", str(tmp_path)) == ("2026-01", "out")
    assert chosen("", "out", str(tmp_path)) == ("", "out"), "all of them, as ever"


@pytest.mark.parametrize("train", ["docs", "text.txt", "10%"])
def test_one_that_nothing_asks_for(train):
    with pytest.raises(
        EmbertextError, match=r"^partition='2026-01': no place of this run .*; write \{partition\} into"
    ) as caught:
        chosen("2026-01", "out", train)
    assert "\n" not in str(caught.value)

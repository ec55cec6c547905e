"""Telling of partitions once; the events themselves are looked at in tests/tasks/test_events.py."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data import arrivals, storage
from flows.arrivals import arrivals as flow
from tasks import arrivals as telling
from tasks import events

OLD = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def emitted(monkeypatch):
    """Partitions that were told of."""
    names: list[str] = []

    def emit(told):
        names.append(told.partition)
        return True

    monkeypatch.setattr(events, "of_partition", emit)
    return names


def write(path: Path, *, age: float = 3600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("text\n")
    os.utime(path, ((OLD + timedelta(hours=1)).timestamp() - age,) * 2)


def look(place, state, **options):
    given = {"every": None, "since": "", "settled": 600.0, "marker": "_SUCCESS", "adopt": False, "dry_run": False}
    return telling.look.fn(str(place), state=str(state), **given | options)


@pytest.fixture(autouse=True)
def without_artifacts(monkeypatch):
    monkeypatch.setattr(telling, "create_table_artifact", lambda *given, **options: None)


def test_each_is_told_of_once_when_it_is_whole(tmp_path, emitted):
    write(tmp_path / "in/dt=2026-01-01/a.txt")
    write(tmp_path / "in/dt=2026-01-02/a.txt", age=5)
    assert look(tmp_path / "in", tmp_path / "state", dry_run=True).partitions["2026-01-01"] == "new"
    first = look(tmp_path / "in", tmp_path / "state")
    assert first.partitions == {"2026-01-01": "told", "2026-01-02": "settling"}
    assert first.told == ["2026-01-01"]
    write(tmp_path / "in/dt=2026-01-02/_SUCCESS", age=0)
    assert look(tmp_path / "in", tmp_path / "state").partitions == {"2026-01-01": "known", "2026-01-02": "told"}
    assert emitted == ["2026-01-01", "2026-01-02"]
    assert look(tmp_path / "in", tmp_path / "other").told == ["2026-01-01", "2026-01-02"], "which remembers nothing"


def test_runs_that_look_at_the_same_time_tell_of_each_once(tmp_path, emitted):
    for day in range(1, 9):
        write(tmp_path / f"in/2026-01-0{day}.txt")
    place, state = f"{tmp_path}/in/{{partition}}.txt", tmp_path / "state"
    threads = [threading.Thread(target=look, args=(place, state)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(emitted) == [f"2026-01-0{day}" for day in range(1, 9)]


def test_what_is_there_may_be_adopted_and_what_is_older_left_out(tmp_path, emitted):
    for month in ("2025-11", "2025-12", "2026-01"):
        write(tmp_path / f"in/{month}.txt")
    place = f"{tmp_path}/in/{{partition}}.txt"
    assert look(place, tmp_path / "state", since="2025-12", adopt=True).partitions == {
        "2025-12": "adopted", "2026-01": "adopted"
    }  # fmt: skip
    assert look(place, tmp_path / "state").told == ["2025-11"]
    assert emitted == ["2025-11"]


def test_what_a_killed_run_has_claimed_is_told_of_later(tmp_path, emitted, monkeypatch):
    write(tmp_path / "in/2026-01.txt")
    [arrival] = arrivals.found(place := f"{tmp_path}/in/{{partition}}.txt")
    folder = storage.join(str(tmp_path / "state"), telling.key(place, None))
    note = storage.to_json({"when": (datetime.now(UTC) - timedelta(seconds=telling.LOST / 2)).isoformat()})
    storage.create(storage.join(folder, "2026-01.claim"), note)
    assert look(place, tmp_path / "state").partitions == {"2026-01": "being told"}
    monkeypatch.setattr(telling, "LOST", telling.LOST / 4)
    assert look(place, tmp_path / "state").partitions == {"2026-01": "told"}
    assert emitted == [str(arrival.partition)]


def test_an_event_that_could_not_be_handed_over_is_tried_again(tmp_path, emitted, monkeypatch):
    write(tmp_path / "in/2026-01.txt")
    place = f"{tmp_path}/in/{{partition}}.txt"
    with monkeypatch.context() as broken:
        broken.setattr(events, "of_partition", lambda told: False)
        assert look(place, tmp_path / "state").told == []
    assert look(place, tmp_path / "state").told == ["2026-01"]


def test_the_flow_looks_and_says_what_it_has_told(tmp_path, prefect_api, emitted):
    write(tmp_path / "in/dt=2026-01-31/a.txt")
    looked = flow(str(tmp_path / "in"), every="month", settled=1, state=str(tmp_path / "state"))
    assert looked.told == emitted == ["2026-01"]
    assert looked.rows == [("2026-01", "told: 1 file(s), 5 bytes"), ("known", "0 partitions")]
    assert flow(str(tmp_path / "in"), every="month", settled=1, state=str(tmp_path / "state")).told == []

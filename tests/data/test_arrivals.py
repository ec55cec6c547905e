import os
from datetime import UTC, datetime

import pytest

from data import arrivals, storage
from data.errors import EmbertextError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def write(root, *names: str, age: float = 3600) -> None:
    """Files of five bytes, written so many seconds before NOW."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text\n")
        os.utime(path, (NOW.timestamp() - age,) * 2)


def told(place, **options):
    return [(str(a.partition), a.files, a.marked, a.whole(NOW, settled=600)) for a in arrivals.found(place, **options)]


def test_a_file_for_each_partition(tmp_path):
    write(tmp_path, "news/2026-01.txt", "news/2026-02.txt", "news/readme.txt", "news/2026-13.txt", "old/2025-01.txt")
    place = f"{tmp_path}/news/{{partition}}.txt"
    assert told(place) == [("2026-01", 1, False, True), ("2026-02", 1, False, True)]
    assert arrivals.found(place)[0].url == f"{tmp_path}/news/2026-01.txt"
    assert arrivals.found(place)[0].bytes == 5


def test_folders_by_day_and_their_markers(tmp_path):
    write(tmp_path, "dt=2026-01-01/a.txt", "dt=2026-01-01/b/c.txt", "dt=2026-01-02/_temporary/0/a.txt", "x/a.txt")
    write(tmp_path, "dt=2026-01-03/a.txt", "dt=2026-01-03/_SUCCESS", "dt=2026-01-04/a.txt", age=5)
    found = [("2026-01-01", 2, False, True), ("2026-01-03", 1, True, True), ("2026-01-04", 1, False, False)]
    assert told(str(tmp_path)) == found
    assert arrivals.found(str(tmp_path))[0].url == f"{tmp_path}/dt=2026-01-01"


def test_a_folder_that_the_place_names(tmp_path):
    write(tmp_path, "2026-Q1/en/a.txt", "2026-Q1/_SUCCESS", age=1)
    write(tmp_path, "2025-Q4/fr/a.txt")
    assert told(f"{tmp_path}/{{partition}}") == [("2025-Q4", 1, False, True), ("2026-Q1", 1, True, True)]
    assert told(f"{tmp_path}/{{partition}}/en/*.txt") == [("2026-Q1", 1, False, False)]


def test_a_month_of_days_is_whole_when_it_is_over(tmp_path):
    write(tmp_path, "dt=2026-02-01/a.txt", "dt=2026-02-28/a.txt", "dt=2026-03-01/a.txt", "dt=2026/a.txt")
    found = [("2026", 1, False, True), ("2026-02", 2, False, True), ("2026-03", 1, False, False)]
    assert told(str(tmp_path), every="month") == found


def test_nothing_there_yet(tmp_path):
    assert told(f"{tmp_path}/no/{{partition}}.txt") == []


def test_places_elsewhere():
    storage.write_bytes("memory://arrivals/dt=2026-01-01/a.txt", b"text")
    storage.write_bytes("memory://arrivals/one/2026-02.txt", b"text")
    [day] = arrivals.found("memory://arrivals")
    assert (str(day.partition), day.url, day.files) == ("2026-01-01", "memory:///arrivals/dt=2026-01-01", 1)
    [month] = arrivals.found("memory://arrivals/one/{partition}.txt")
    assert (str(month.partition), month.bytes, month.modified is not None) == ("2026-02", 4, True)


def test_a_place_without_a_folder_is_refused():
    with pytest.raises(EmbertextError, match="no folder to look into; name a folder before"):
        arrivals.found("s3://{partition}")

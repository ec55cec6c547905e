import uuid

import pytest

from data import storage
from data.errors import CorpusError
from data.partitioned import files, is_laid_out, known
from data.partitions import parse
from data.sources import find

DAYS = ("2026-01-30", "2026-01-31", "2026-02-01")


@pytest.fixture(params=["local", "memory"])
def place(request, tmp_path):
    """A folder by dt=, with a file for all of them, and one of files by name."""
    url = str(tmp_path) if request.param == "local" else f"memory://{uuid.uuid4().hex}"
    for day in DAYS:
        storage.write_bytes(storage.join(url, "by-folder", f"dt={day}", "a.txt"), f"words of {day}\n".encode())
        storage.write_bytes(storage.join(url, "by-name", f"news-{day}.txt"), f"words of {day}\n".encode())
    storage.write_bytes(storage.join(url, "by-folder", "vocab.txt"), b"words\n")
    return url


def names(urls):
    return ["/".join(url.split("/")[-2:]) for url in urls]


def test_folders_of_a_partition(place):
    laid = storage.join(place, "by-folder")
    assert is_laid_out(laid)
    assert is_laid_out(storage.join(laid, "dt=*", "a.txt"))
    assert names(files(laid, "2026-01-31")) == ["dt=2026-01-31/a.txt"]
    assert names(files(laid, "2026-01")) == ["dt=2026-01-30/a.txt", "dt=2026-01-31/a.txt"]
    assert names(files(laid, "2026-02", besides=["vocab.txt"])) == ["dt=2026-02-01/a.txt", "by-folder/vocab.txt"]
    assert len(files(laid, "")) == len(DAYS) + 1
    with pytest.raises(
        CorpusError, match=r"no folder of partition 2026-03; there are 2026-01-30, 2026-01-31, 2026-02-01$"
    ):
        files(laid, "2026-03")
    one = storage.join(laid, "dt=2026-01-30")
    assert names(files(one, "2026-02")) == ["dt=2026-01-30/a.txt"], "a folder that is named itself is no layout"


def test_a_partition_in_the_name(place):
    laid = storage.join(place, "by-name", "news-{partition}.txt")
    assert names(files(laid, "2026-01-31")) == ["by-name/news-2026-01-31.txt"]
    assert known(laid) == {parse(day) for day in DAYS}
    with pytest.raises(CorpusError, match="no such file or folder; there are 2026-01-30, "):
        files(laid, "2026-03-01")
    folder = storage.join(place, "by-folder", "dt={partition}")
    assert names(files(folder, "2026-01-31")) == ["dt=2026-01-31/a.txt"]
    assert known(folder) == {parse(day) for day in DAYS}
    with pytest.raises(CorpusError, match="check the spelling"):
        files(storage.join(place, "nowhere", "{partition}"), "2026-01-31")


def test_what_is_not_laid_out(place, tmp_path):
    assert not any(map(is_laid_out, ("docs", "", "10%", storage.join(place, "by-name"), str(tmp_path / "nothing"))))
    assert names(files(storage.join(place, "by-folder", "vocab.txt"), "2026-01-31")) == ["by-folder/vocab.txt"]


def test_a_source_of_one_partition(place, tmp_path):
    january, february = (
        find(storage.join(place, "by-folder"), cache=tmp_path / "cache", partition=month)
        for month in ("2026-01", "2026-02")
    )
    assert (january.partition, len(january.urls)) == ("2026-01", 2)
    assert january.checksum != february.checksum
    assert (
        find(storage.join(place, "by-name", "news-{partition}.txt"), cache=tmp_path, partition="2026-01-31").bytes == 20
    )

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from algorithms import records
from data.counts import Channel, Counts
from tasks.topics.told import Told, shortened


@pytest.fixture
def counts(tmp_path) -> Counts:
    """Three documents in two shards."""
    rows = csr_matrix(np.array([[1, 0, 3], [0, 2, 2], [5, 0, 0]], np.float32))
    files = []
    for number, part in enumerate((rows[:2], rows[2:])):
        path = tmp_path / f"train-{number:05d}.pbr"
        with path.open("wb") as file:
            records.write_matrix(file, part)
        files.append(str(path))
    return Counts(3, ["apple", "pear", "plum"], {"train": Channel(files, [2, 1], 13.0)})


def test_openings(counts, tmp_path):
    (tmp_path / "train-00000.txt").write_text("one  begins\ntwo\n", encoding="utf-8")
    (tmp_path / "train-00001.txt").write_text("three\n", encoding="utf-8")
    told = Told(counts, "train")
    assert told.texts([2, 0, 0], longest=99) == {0: "one begins", 2: "three"}


def test_the_words_it_has_most(counts):
    told = Told(counts, "train")
    assert told.openings == []
    assert told.texts([2, 0, 1], longest=99) == {0: "plum apple", 1: "pear plum", 2: "apple"}
    assert told.texts([], longest=99) == {}


def test_without_a_vocabulary(counts):
    assert Told(counts._replace(vocabulary=[]), "train").texts([0], longest=99) == {0: "2 0"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", "short"),
        (" a\n b ", "a b"),
        ("one two three", "one two…"),
        ("x" * 20, "x" * 9 + "…"),
        ("=" * 60 + "\nhead", "=== head"),
    ],
)
def test_shortened(text, expected):
    assert shortened(text, 10) == expected

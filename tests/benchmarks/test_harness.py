import tempfile

import pytest

from benchmarks import harness
from data import readers
from data.named import NAMED


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A named corpus, and a place for temporary files."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("EMBERTEXT_DATA", str(tmp_path))
    monkeypatch.setitem(NAMED, "small", NAMED["articles"]._replace(kind="text", local="small.txt"))
    return tmp_path / "small.txt"


def test_a_corpus_that_changes_is_written_anew(corpus):
    corpus.write_text("one\n")
    first = harness.plain_text("small")
    assert first == harness.plain_text("small")
    corpus.write_text("two\n")
    second = harness.plain_text("small")
    assert (first.read_text(), second.read_text()) == ("one\n", "two\n")


def test_an_interrupted_writing_leaves_nothing(corpus, monkeypatch):
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    corpus.write_text("one\n")
    monkeypatch.setattr(readers, "blocks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        harness.plain_text("small")
    assert list((corpus.parent / "tmp").iterdir()) == []

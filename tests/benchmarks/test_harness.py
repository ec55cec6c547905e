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


def test_labelled_text_and_its_repetition(corpus, monkeypatch):
    monkeypatch.setitem(NAMED, "small", NAMED["ag_news"]._replace(local="small.csv", local_name=""))
    corpus.with_suffix(".csv").write_text('"1","It\'s Late."\n"New York","b"\n')
    lines = "__label__1 it ' s late .\n__label__New_York b\n"
    text = harness.labelled_text("small")
    assert text.read_text() == lines
    assert harness.repeated(text, 3).read_text() == lines * 3
    assert harness.repeated(text, 3).parent == text.parent

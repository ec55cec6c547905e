import pytest

from data import sources
from data.batches import batches
from data.errors import CorpusError


def test_texts_come_in_batches(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("one two\n\nthree\nfour five six\n")
    source = sources.find(str(path), cache=tmp_path)
    found = list(batches(source, size=9))
    assert [batch.texts for batch in found] == [["one two", "three"], ["four five six"]]
    assert found[-1].progress == 1


def test_a_source_without_documents(tmp_path):
    (tmp_path / "text.txt").write_text("\n")
    with pytest.raises(CorpusError, match="no words in it"):
        list(batches(sources.find(str(tmp_path / "text.txt"), cache=tmp_path)))

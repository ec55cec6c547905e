import pytest

from data.errors import CorpusError
from tasks.ingest import ingest


def test_a_file_is_found_with_its_checksum(corpus, cache):
    ingested = ingest.fn(str(corpus))
    assert ingested.source.urls == [str(corpus)]
    assert ingested.source.bytes == corpus.stat().st_size
    assert ingested.seconds > 0


def test_a_missing_file(tmp_path, cache):
    with pytest.raises(CorpusError, match="no such file"):
        ingest.fn(str(tmp_path / "nothing.txt"))

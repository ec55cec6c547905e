import threading

import numpy as np
import pytest
from scipy import sparse

from algorithms.topics import corpus as corpus_module
from algorithms.topics.corpus import Corpus, Rows
from data.counts import Channel, Counts

SIZES = [11, 4, 7]
COLUMNS = 5


@pytest.fixture
def shards(monkeypatch):
    """Shards by their names, and how often each was read."""
    ids = iter(np.arange(1, sum(SIZES) + 1, dtype=np.float32))
    held = {}
    for number, size in enumerate(SIZES):
        dense = np.zeros((size, COLUMNS), np.float32)
        for row in dense:
            row[0] = next(ids)  # which document it is
        held[f"shard-{number}"] = sparse.csr_matrix(dense)
    reads: list[str] = []

    def read(url):
        reads.append(url)
        return held[url]

    monkeypatch.setattr(corpus_module, "read", read)
    monkeypatch.setattr(corpus_module, "_shards", corpus_module._Shards())
    return held, reads


def corpus(shards) -> Corpus:
    words = float(sum(rows.sum() for rows in shards[0].values()))
    return Corpus(Counts(COLUMNS, [], {"train": Channel(list(shards[0]), SIZES, words)}))


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("of", [1, 2, 5])
def test_each_document_is_in_one_part_of_one_stretch(shards, of, workers):
    seen = []
    for index in range(of):
        parts = corpus(shards).parts(index, of, workers)
        assert len(parts) == workers
        seen += [row for part in parts for piece in part for row in piece.read().toarray()[:, 0].tolist()]
    assert sorted(seen) == list(range(1, sum(SIZES) + 1))


def test_a_worker_has_shards_of_its_own_where_there_are_enough(shards):
    urls = [{piece.url for piece in part} for part in corpus(shards).parts(0, 2, 3)]
    assert urls == [{"shard-0"}, {"shard-1"}, {"shard-2"}]


def test_what_the_corpus_knows(shards):
    found = corpus(shards)
    total = sum(range(1, sum(SIZES) + 1))
    assert (found.columns, found.tokens) == (COLUMNS, total)
    np.testing.assert_array_equal(found.word_counts(), [total, 0, 0, 0, 0])


def test_shards_are_kept(shards):
    for _ in range(3):
        for url in shards[0]:
            Rows(url, 0, 2).read()
    assert shards[1] == list(shards[0])


def test_shards_give_way_to_others_when_there_are_too_many(shards, monkeypatch):
    monkeypatch.setattr(corpus_module, "HELD", 1)
    for url in ("shard-0", "shard-0", "shard-1", "shard-0"):
        Rows(url, 0, 1).read()
    assert shards[1] == ["shard-0", "shard-1", "shard-0"]


def test_threads_read_at_once(shards):
    found = []
    readers = [threading.Thread(target=lambda: found.append(Rows("shard-0", 0, 1).read().sum())) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == [66] * 4

"""Two real worker processes, and a corpus that is on S3 alone."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from distributed import Client

from algorithms.counting import count_and_encode
from algorithms.training import train
from algorithms.word2vec.algorithm import Word2Vec
from data import nearby, storage
from data.corpus import Corpus
from tasks import cluster
from tests import planted
from tests.services.conftest import dask_running

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]


@pytest.fixture
def scheduler(bucket, tmp_path: Path) -> Iterator[str]:
    """Its address; the workers have S3's address and keys from their environment."""
    with dask_running(tmp_path, workers=2) as address:
        yield address


def fetched() -> list[tuple[str, int, int | None]]:
    """What this process has brought here: URL, first byte, end."""
    return sorted(nearby._pieces.kept)


def test_each_fetches_its_own_part_once(scheduler, bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 120)
    nearby.forget()
    folder = tmp_path / "corpus"
    folder.mkdir()
    count_and_encode([planted.text(sentences=1500).encode()], folder, min_count=1)
    there = f"s3://{bucket}/corpus"
    for path in folder.iterdir():
        storage.put(path, storage.join(there, path.name))
    corpus = Corpus.load(there)
    form = Word2Vec(mode="batch_skipgram", vector_dim=8, epochs=3, min_count=1)
    with cluster.connect(threads=1, workers=2, scheduler=scheduler) as where:
        *_, last = train(form, corpus, cluster=where, seed=1)
    assert len({share.worker for share in last.shares}) == 2
    assert fetched() == [], "the process of the flow has none of it"
    with Client(scheduler) as client:
        brought = [each for pieces in client.run(fetched).values() for each in pieces]
    for one, other in pairwise(sorted(brought)):
        assert one[0] != other[0] or one[2] <= other[1], "nobody fetches what another has"
    assert sum(stop - start for _, start, stop in brought) == 4 * sum(corpus.lengths)

"""Dask and this process are the same cluster: same parts, same seeds, same state."""

import itertools
import time

import numpy as np
import pytest
from distributed import Client, LocalCluster

from algorithms.counting import count_and_encode
from algorithms.here import Here
from algorithms.protocol import Span
from algorithms.training import train
from algorithms.word2vec.algorithm import Word2Vec
from data.corpus import Corpus
from data.errors import CorpusError, EmbertextError
from data.process import cores
from tasks import cluster
from tasks.network import network_failed
from tests import planted

FORM = Word2Vec(vector_dim=8, epochs=2, min_count=1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Corpus:
    folder = tmp_path_factory.mktemp("prepared")
    return count_and_encode([planted.text(sentences=1500).encode()], folder, min_count=1)


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as local,
        Client(local) as client,
    ):
        yield client


def test_dask_and_here_give_the_same_state(client, corpus):
    dask, here = cluster.Dask(client, threads=1), Here(threads=1, workers=2)
    assert dask.workers == 2
    several = 0
    for ours, theirs in zip(
        train(FORM, corpus, cluster=dask, seed=3), train(FORM, corpus, cluster=here, seed=3), strict=True
    ):
        several += 1
        assert ours.state.keys() == theirs.state.keys()
        for name, array in ours.state.items():
            # workers add up in float32
            np.testing.assert_allclose(array, theirs.state[name], rtol=1e-4, atol=1e-6, err_msg=name)
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-4)
    assert several > 1, "the second round must not get the first one's arrays"


def test_the_state_that_is_given_stays_as_it_was(client, corpus):
    state = FORM.init(corpus, seed=1)
    before = {name: array.copy() for name, array in state.items()}
    with cluster.Dask(client, threads=1).team(FORM, state) as team:
        done = team.round(corpus.parts(0, 1, 2), span=Span(0.0, 0.5), seed=1)
        assert sum(share.words for share in done.shares) == corpus.tokens
        assert not np.array_equal(team.state()["words"], before["words"])
    for name, array in before.items():
        np.testing.assert_array_equal(state[name], array)


def test_connect_without_workers_is_this_process():
    with cluster.connect(threads=3, workers=0, scheduler="") as here:
        assert isinstance(here, Here)
        assert (here.threads, here.workers) == (3, 1)
    with cluster.connect(threads=0, workers=0, scheduler="") as here:
        assert here.threads == cores()


def test_connect_to_an_address(client):
    with cluster.connect(threads=0, workers=0, scheduler=client.scheduler.address) as dask:
        assert (dask.threads, dask.workers) == (1, 2)


def test_an_address_where_nobody_listens(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    start = time.monotonic()
    expected = r"^tcp://127\.0\.0\.1:9: cannot be reached; is it the address"
    with (
        pytest.raises(EmbertextError, match=expected) as caught,
        cluster.connect(threads=1, workers=0, scheduler="tcp://127.0.0.1:9"),
    ):
        pytest.fail("connected")
    assert network_failed(caught.value), "Prefect tries again"
    assert time.monotonic() - start < 10


def test_a_scheduler_without_workers(monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as local:
        address = local.scheduler_address
        with (
            pytest.raises(EmbertextError, match=f"{address}: has no workers; start some with: dask worker {address}"),
            cluster.connect(threads=1, workers=0, scheduler=address),
        ):
            pytest.fail("connected")


@pytest.mark.services
def test_processes_of_this_machine(corpus):
    with cluster.connect(threads=1, workers=2, scheduler="") as dask:
        assert all(each["memory_limit"] == 0 for each in dask.client.scheduler_info()["workers"].values())
        for last in train(FORM, corpus, cluster=dask, seed=3):
            words = last.array("words")  # the workers have it no longer than the training lasts
    *_, expected = train(FORM, corpus, cluster=Here(threads=1, workers=2), seed=3)
    np.testing.assert_allclose(words, expected.array("words"), rtol=1e-4, atol=1e-6)  # sums are of float32


def slow_square(number: int) -> int:
    """The first items take the longest."""
    time.sleep(0.05 if number < 2 else 0)
    if number == 7:
        raise EmbertextError("seven is not squared", where="item 7")
    return number * number


@pytest.fixture(params=["dask", "here"])
def workers(request, client) -> cluster.Workers:
    return cluster.Dask(client, threads=1) if request.param == "dask" else Here(threads=1)


def test_each_keeps_the_order(workers):
    assert list(workers.each(slow_square, range(7))) == [0, 1, 4, 9, 16, 25, 36]
    assert list(workers.each(slow_square, [])) == []


def test_each_asks_twice_for_what_is_the_same(workers):
    assert list(workers.each(slow_square, [3, 3])) == [9, 9]
    drawn = list(workers.each(lambda _: time.perf_counter_ns(), [0, 0, 0]))
    assert len(set(drawn)) == 3, "work need not be pure"


def test_each_reads_few_items_ahead(workers):
    taken = []

    def endless():
        for number in itertools.cycle(range(7)):
            taken.append(number)
            yield number

    results = workers.each(slow_square, endless())
    assert taken == [], "nothing before somebody wants a result"
    assert list(itertools.islice(results, 3)) == [0, 1, 4]
    ahead = cluster.AHEAD * workers.workers if isinstance(workers, cluster.Dask) else 0
    assert len(taken) <= 3 + ahead


def test_each_raises_what_the_work_raises(workers):
    found = []
    with pytest.raises(EmbertextError, match=r"^item 7: seven is not squared$"):
        found.extend(workers.each(slow_square, range(9)))
    assert found == [number * number for number in range(7)], "results before it are had"


def test_each_raises_what_the_items_raise(workers):
    def items():
        yield 2
        raise CorpusError("cannot be read", where="file 2")

    with pytest.raises(CorpusError, match="file 2"):
        list(workers.each(slow_square, items()))


def told_until_judged(number, judge):
    """Epoch by epoch, until it is told to end."""
    for epoch in range(1, 9):
        if judge(epoch, {"value": number * epoch}):
            return epoch
    return 0


def test_work_in_a_worker_asks_whether_to_go_on(client):
    dask, heard = cluster.Dask(client, threads=1), []

    def judge(epoch, metrics):
        heard.append((epoch, metrics))
        return metrics["value"] > 6

    assert dask.judged(told_until_judged, 3, judge, wanted=lambda: None) == 3
    assert heard == [(1, {"value": 3}), (2, {"value": 6}), (3, {"value": 9})]
    assert dask.judged(told_until_judged, 3, lambda *_: False, wanted=lambda: None) == 0


def test_work_in_a_worker_that_fails_or_is_not_wanted(client):
    dask = cluster.Dask(client, threads=1)

    def fail(number, judge):
        raise EmbertextError("broken")

    def unwanted():
        raise KeyError("nobody waits")

    with pytest.raises(EmbertextError, match="broken"):
        dask.judged(fail, 1, lambda *_: False, wanted=lambda: None)
    with pytest.raises(KeyError, match="nobody waits"):
        dask.judged(told_until_judged, 1, lambda *_: False, wanted=unwanted)


def test_processes_that_are_shared_are_started_once():
    def workers_of(where: cluster.Dask) -> set[str]:
        return set(where.client.nthreads())

    settings = {"threads": 1, "workers": 1, "scheduler": ""}
    with cluster.shared(**settings):
        with cluster.connect(**settings) as first:
            before, address = workers_of(first), first.client.scheduler.address
        with cluster.connect(**settings) as second:
            assert workers_of(second) == before
    with pytest.raises(OSError, match=r"Timed out|refused"):
        Client(address, timeout=2)

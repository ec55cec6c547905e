"""Workers that are killed, hang, and come back: real processes, and the result of an undisturbed run."""

import os
import re
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from distributed import Client, LocalCluster

from algorithms.here import Here
from algorithms.merging import merge_over
from algorithms.protocol import Span
from algorithms.training import train
from data.errors import EmbertextError, FormatError
from tasks import circle, cluster, liveness, member, team
from tasks.network import network_failed
from tests.faulty import Faulty, Numbers, happened, same, wish

pytestmark = pytest.mark.services
CORPUS = Numbers()


@pytest.fixture(scope="module")
def local():
    """Three processes with nannies, who bring others for those that are killed."""
    with LocalCluster(
        n_workers=3, threads_per_worker=1, memory_limit=0, dashboard_address="127.0.0.1:0", silence_logs="CRITICAL"
    ) as local:
        yield local


@pytest.fixture
def client(local):
    with Client(local) as client:
        client.wait_for_workers(3, timeout=120)
        client.run(warm)
        yield client
        client.wait_for_workers(3, timeout=120)
        left = client.run(lambda: [str(seat) for seat in member._members])
        assert not any(left.values()), "members are left behind"


def warm() -> None:
    """A process that imports torch, or compiles kernels, gives no sign of life for a while."""
    import torch.distributed

    assert torch.distributed
    base = Faulty(Path()).init(Numbers(), seed=1)
    idle = Faulty(Path()).update(base, [], span=Span(0, 0), threads=1, seed=1, alone=False)
    touched = {name: weight + 1 for name, weight in idle.weight.items()}
    merge_over([idle._replace(weight=touched)], lambda array: lambda: array, base=base)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(liveness, "SILENT", 3.0)
    monkeypatch.setattr(team, "LEAST", 3.0)
    monkeypatch.setattr(team, "JOURNEY", 6.0)


def dask(client, workers: int = 2) -> cluster.Dask:
    found = cluster.Dask(client, threads=1)
    found.workers = workers
    return found


def trained(algorithm, where, *, between=lambda each: None):
    """The state at last, and what was lost on the way."""
    lost: list[str] = []
    for each in train(algorithm, CORPUS, cluster=where, seed=3):
        lost += each.lost
        between(each)
        if each.number == each.rounds:
            return each.state, lost
    raise AssertionError("no rounds")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return trained(Faulty(tmp_path_factory.mktemp("none")), Here(1, workers=2))[0]


def test_nothing_happens(client, tmp_path, undisturbed):
    state, lost = trained(Faulty(tmp_path), dask(client))
    assert lost == []
    same(state, undisturbed)
    assert all(not keys for keys in client.run(lambda dask_worker: list(dask_worker.data)).values())


@pytest.mark.parametrize(
    ("what", "told"),
    [("kill", r"is gone|was lost"), ("stop", "no sign of life"), ("sleep", "did not answer")],
)
def test_a_worker_is_lost_in_mid_round(client, impatient, tmp_path, undisturbed, what, told):
    wish(tmp_path, what, 41)  # of the second part
    state, lost = trained(Faulty(tmp_path, seconds=0.05), dask(client))
    assert happened(tmp_path) == [f"{what}-41"]
    assert len(lost) == 1
    assert re.search(told, lost[0])
    same(state, undisturbed)


def dies_in_the_merge(what: signal.Signals) -> None:
    """Runs in a worker: its next sum over the circle is its last deed, half done."""
    inner = circle.totals

    def totals(within):
        total, left = inner(within), [2]

        def last(array):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), what)
            return total(array)

        return last

    circle.totals = totals


@pytest.mark.parametrize("what", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_is_lost_in_the_merge(client, impatient, tmp_path, undisturbed, what):
    def between(each):
        if each.number == 1:
            client.run(dies_in_the_merge, what, workers=[each.shares[1].worker])

    state, lost = trained(Faulty(tmp_path), dask(client), between=between)
    assert len(lost) == 1, lost
    same(state, undisturbed)


def test_a_worker_is_killed_between_rounds(client, tmp_path, undisturbed):
    killed = []

    def between(each):
        if each.number == 1:
            killed.append(each.shares[0].worker)
            os.kill(client.run(os.getpid, workers=killed)[killed[0]], signal.SIGKILL)

    state, lost = trained(Faulty(tmp_path), dask(client), between=between)
    assert len(lost) == 1
    assert killed[0] in lost[0]
    same(state, undisturbed)


def test_another_takes_the_place_of_the_lost_one(client, tmp_path, undisturbed):
    """No worker is spare: it is the one whom the nanny brings."""
    wish(tmp_path, "kill", 8)
    whom: list[set[str]] = []

    def between(each):
        whom.append({share.worker for share in each.shares})
        client.wait_for_workers(3, timeout=60)

    state, lost = trained(Faulty(tmp_path), dask(client, 3), between=between)
    assert len(lost) == 1
    assert len(whom[-1]) == 3
    assert len(whom[-1] - whom[0]) <= 1
    same(state, trained(Faulty(tmp_path), Here(1, workers=3))[0])


def test_all_members_are_lost(client, tmp_path):
    """The third worker is alive, but has no state to go on from."""
    for number in (11, 41):
        wish(tmp_path, "kill", number)
    with pytest.raises(EmbertextError, match=r"all workers were lost: worker tcp.* goes on from its last") as caught:
        trained(Faulty(tmp_path, seconds=0.2), dask(client))
    assert network_failed(caught.value), "Prefect tries again"


def test_an_error_of_the_algorithm_comes_through(client, tmp_path):
    wish(tmp_path, "raise", 33)
    start = time.monotonic()
    with pytest.raises(ValueError, match=r"^number 33 is odd") as caught:
        trained(Faulty(tmp_path), dask(client))
    assert type(caught.value) is ValueError
    assert str(caught.value) == "number 33 is odd"
    assert "_happen" in "".join(caught.value.__notes__)
    assert time.monotonic() - start < 10


def test_one_who_is_lost_before_the_first_round_is_told_of(client, tmp_path, undisturbed, monkeypatch):
    first, real = [], team.Team.round

    def round_(self, parts, **options):
        if not first:
            first.append(self._wanted()[0])
            os.kill(client.run(os.getpid, workers=first)[first[0]], signal.SIGKILL)
        return real(self, parts, **options)

    monkeypatch.setattr(team.Team, "round", round_)
    state, lost = trained(Faulty(tmp_path), dask(client))
    assert len(lost) == 1
    assert first[0] in lost[0]
    same(state, undisturbed)


class Unreadable(Faulty):
    def update(self, state, batches, **rest):
        if batches:
            raise FormatError("not a number", path="numbers.txt", offset=3) from ConnectionError("reset")
        return super().update(state, batches, **rest)


def test_an_error_of_ours_comes_through_with_its_cause(client, tmp_path):
    with pytest.raises(FormatError, match=r"^numbers\.txt: byte 3: not a number") as caught:
        trained(Unreadable(tmp_path), dask(client))
    assert (caught.value.path, caught.value.offset) == ("numbers.txt", 3)
    assert network_failed(caught.value)


def test_two_teams_share_workers(client, tmp_path, undisturbed):
    found = {}

    def run(name):
        found[name] = trained(Faulty(tmp_path, seconds=0.1), dask(client))

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for name in "ab":
        state, lost = found[name]
        assert lost == []
        same(state, undisturbed)


def test_a_worker_that_is_busy_with_other_work_is_waited_for(client, tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr(team, "LEAST", 0.5)
    busy = []

    def between(each):
        if each.number == 1:
            busy.append(client.submit(time.sleep, 2, workers=[each.shares[0].worker], pure=False))

    state, lost = trained(Faulty(tmp_path, seconds=0.05), dask(client), between=between)
    assert lost == []
    assert busy[0].status == "finished"
    same(state, undisturbed)


def test_members_whose_client_is_gone_are_forgotten(client, tmp_path, monkeypatch):
    address = next(iter(client.scheduler_info()["workers"]))
    seat = member.Seat("a client that was killed", "training", address)
    asked = team.calls.at_once(client, address, member.sit, seat, Faulty(tmp_path), 1, [])
    assert team.calls.answer(asked) == (True, member.Standing(member.NOTHING, ()))
    client.run(lambda: setattr(member, "IDLE", 0.0))
    trained(Faulty(tmp_path, epochs=1), dask(client, 3))
    client.run(lambda: setattr(member, "IDLE", 60.0))


def test_no_process_is_left(local):
    with Client(local) as client:
        client.wait_for_workers(3, timeout=120)
        processes = set(client.run(os.getpid).values())
    children = psutil.Process().children(recursive=True)
    stopped = [each.pid for each in children if each.status() == psutil.STATUS_STOPPED]
    assert stopped == []
    assert len(processes) == 3

"""A flow's process that is killed, a scheduler that is lost: the same run again goes on, and ends as if nothing was."""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from distributed import Client

from algorithms.here import Here
from algorithms.model import load_state
from algorithms.training import train
from data.corpus import Corpus
from tasks import member, stages
from tasks.ingest import ingest
from tasks.train import STATE
from tasks.word2vec.text import prepare
from tests.driver import FORM
from tests.faulty import same
from tests.services.conftest import ROOT, free_port, process

pytestmark = pytest.mark.services
MOMENT = 12  # the round after which it happens


class Driver:
    """A training in a process of its own."""

    def __init__(self, corpus, *, workers=0, scheduler="", pause=0.0):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.driver", *map(str, (corpus, workers, scheduler, pause))], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.said: list[str] = []

    def until(self, pattern: str) -> re.Match[str]:
        """Read what it says, up to this."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(pattern, line):
                return found
        pytest.fail(f"{pattern} was not said:\n{''.join(self.said)[-4000:]}")

    def state(self):
        """What it left in the end."""
        url = self.until(r"^left (.*)$")[1]
        assert self.process.wait(60) == 0
        return load_state(Path(url) / STATE)

    def rounds(self) -> list[int]:
        return [int(found[1]) for line in self.said if (found := re.match(r"round (\d+) of", line))]


@pytest.fixture
def start(corpus, cache):
    started = []

    def driver(**options) -> Driver:
        started.append(Driver(corpus, **options))
        return started[-1]

    yield driver
    for each in started:
        with suppress(ProcessLookupError):
            os.killpg(each.process.pid, signal.SIGKILL)
        each.process.communicate()


@pytest.fixture
def undisturbed(corpus, cache):
    """What two workers come to. The text is prepared by now."""
    with stages.work_folder() as work:
        prepared = prepare.fn(ingest.fn(str(corpus)), tokenizer="auto", min_count=1, work=work)
    *_, last = train(FORM, Corpus.load(prepared.url), cluster=Here(1, workers=2), seed=1)
    return last.state


def goes_on(driver: Driver, *, after: int) -> None:
    """From the last round but one at least: the last one's checkpoint may not have been whole."""
    assert int(driver.until(r"^going on after round (\d+), from")[1]) >= after - 2


def test_the_process_of_the_flow_is_ended_again_and_again(start, undisturbed):
    told: set[int] = set()
    for ended, number in enumerate((signal.SIGKILL, signal.SIGINT, signal.SIGTERM), start=1):
        driver = start(workers=2)
        if told:
            goes_on(driver, after=max(told))
        driver.until(rf"^round {ended * MOMENT} of")
        children = psutil.Process(driver.process.pid).children(recursive=True)
        assert sum("spawn_main" in " ".join(each.cmdline()) for each in children) == 2
        driver.process.send_signal(number)
        assert driver.process.wait(60) != 0
        _, alive = psutil.wait_procs(children, timeout=30)
        assert [each.cmdline() for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
        told |= set(driver.rounds())
    last = start(workers=2)
    goes_on(last, after=max(told))
    same(last.state(), undisturbed)
    assert told | set(last.rounds()) == set(range(1, FORM.epochs + 1))


@contextmanager
def cluster(folder: Path, port: int):
    """A scheduler that has none of our code, and two workers: one without nanny, of two threads; one that always has
    the same address."""
    dask = (sys.executable, "-m", "dask")
    address, fixed = f"tcp://127.0.0.1:{port}", free_port()
    quiet = {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "error"}
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        scheduler = stack.enter_context(
            running(*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", cwd=folder)
        )
        worker = (*dask, "worker", address, "--no-dashboard", "--local-directory", folder, "--memory-limit", "0")
        stack.enter_context(process(*worker, "--nthreads", 2, "--no-nanny", log=folder / "one.log", **quiet))
        stack.enter_context(process(*worker, "--nthreads", 1, "--worker-port", fixed, log=folder / "two.log", **quiet))
        with Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=120)
        yield address, scheduler, f"tcp://127.0.0.1:{fixed}"


@contextmanager
def running(*command, cwd):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    started = subprocess.Popen(list(map(str, command)), cwd=cwd, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def test_a_cluster_of_others(start, undisturbed, tmp_path):
    """First a worker is killed and comes back at the same address, then the scheduler is, and with it all workers."""
    port = free_port()
    with cluster(tmp_path / "first", port) as (address, scheduler, fixed):
        first = start(scheduler=address, pause=0.1)  # a nanny takes a while to bring another
        first.until(rf"^round {MOMENT} of")
        with Client(address) as client:
            pid = client.run(os.getpid, workers=[fixed])[fixed]
        os.kill(pid, signal.SIGKILL)
        first.until(rf"worker {fixed} .*going on without it")
        first.until(rf"^round .*{fixed.removeprefix('tcp://127.0.0.1')} ")
        killed = first.rounds()[-1]
        scheduler.send_signal(signal.SIGKILL)
        told = first.until("^failed True (.*)$")[1]
        assert "goes on from its last checkpoint" in told
        assert first.process.wait(60) == 3
    with cluster(tmp_path / "second", port) as (address, *_):
        again = start(scheduler=address)
        goes_on(again, after=killed)
        same(again.state(), undisturbed)
        with Client(address) as client:
            left = client.run(lambda: [str(seat) for seat in member._members])
    assert not any(left.values())

"""A real server in a process of its own: signals, limits, and versions that change under way."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from data.errors import EmbertextError
from tasks.serve.server import listen
from tests.tasks.serve.fake import body, publish

ROOT = Path(__file__).parent.parent.parent.parent


class Served:
    """A server, and what it printed."""

    def __init__(self, port, process):
        self.port, self.process = port, process
        self.url = f"http://127.0.0.1:{port}"

    def ask(self, *instances, client=httpx):
        answer = client.post(f"{self.url}/invocations", content=body(*instances), timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for_flying(self, count):
        """Until so many requests are being answered."""
        told = f'embertext_requests_in_flight{{model="words"}} {count}.0'
        wait_for(lambda: told in httpx.get(f"{self.url}/metrics", timeout=30).text)

    def end(self, number=signal.SIGTERM):
        """Its exit code, what it printed, and the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=40)
        return self.process.returncode, out, time.monotonic() - began


@contextmanager
def serve(*folders, processes=1, watch=0.0):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.tasks.serve.served", port, processes, watch, *folders]
    process = subprocess.Popen(
        list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        line = process.stdout.readline()
        assert line == "ready\n", line + process.stdout.read()
        yield Served(port, process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path):
    return publish(tmp_path / "words", "hello")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_are_answered_before_the_end(folder, number):
    with serve(folder) as served, ThreadPoolExecutor(2) as pool:
        assert httpx.get(f"{served.url}/ping").content == b""
        slow = [pool.submit(served.ask, "sleep 2") for _ in range(2)]
        served.wait_for_flying(2)
        code, out, seconds = served.end(number)
        assert [each.result() for each in slow] == [["hello sleep 2"]] * 2
        assert (code, out) == (0, f"ended by {number}\n")
        assert seconds < 20
        with pytest.raises(httpx.ConnectError):
            served.ask("a")


def test_ctrl_c_twice_does_not_wait(folder):
    with serve(folder) as served, ThreadPoolExecutor(1) as pool:
        pool.submit(suppressed, served.ask, "sleep 8")
        served.wait_for_flying(1)
        served.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        code, _, seconds = served.end(signal.SIGINT)
        assert code == 0
        assert seconds < 4


def suppressed(function, *arguments):
    with suppress(httpx.HTTPError):
        function(*arguments)


def hammer(served, heard, enough):
    """Ask without a pause, over one connection as long as it is kept; `heard` is what came back. Nothing may fail but
    to connect, when the server is gone.
    """
    with httpx.Client() as client:
        while not enough.is_set():
            try:
                heard += served.ask("a", client=client)
            except httpx.ConnectError:
                return


@contextmanager
def flying(served):
    """What four clients hear that ask all the time, from when each has heard something until the block ends."""
    heard, enough = [list[str]() for _ in range(4)], threading.Event()
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(hammer, served, each, enough) for each in heard]
        try:
            wait_for(lambda: all(heard) or any(each.done() for each in asking))
            yield heard
        finally:
            enough.set()
    for each in asking:
        each.result()


def wait_for(condition):
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_newer_version_takes_over_and_no_request_notices(tmp_path, folder):
    order = ["hello", *(f"version {number}" for number in range(5))]
    with serve(folder, watch=0.05) as served, flying(served) as heard:
        for greeting in order[1:]:
            publish(tmp_path / "words", greeting)
            wait_for(lambda said=f"{greeting} a": all(each[-1] == said for each in heard))
        metrics = httpx.get(f"{served.url}/metrics").text
    for each in heard:
        places = [order.index(said.removesuffix(" a")) for said in each]
        assert places == sorted(places)
        assert set(places) == set(range(6))
    assert {line.split('status="')[1][:3] for line in metrics.splitlines() if 'status="' in line} == {"200"}


@pytest.mark.parametrize("pause", [0.0, 0.01])
def test_requests_that_fly_as_the_end_comes_are_answered(folder, pause):
    with serve(folder) as served, flying(served) as heard:
        wait_for(lambda: all(len(each) > 20 for each in heard))
        time.sleep(pause)
        code, _, seconds = served.end()
    assert code == 0
    assert seconds < 10


def test_a_hang_up_is_a_reload(tmp_path, folder):
    with serve(folder) as served:
        publish(tmp_path / "words", "good morning")
        assert served.ask("a") == ["hello a"]
        served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: served.ask("a") == ["good morning a"])


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    """What connects to a server."""
    with serve(publish(tmp_path_factory.mktemp("models") / "words", "hello")) as served:
        yield lambda: socket.create_connection(("127.0.0.1", served.port), timeout=10)


HEAD = b"POST %b HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("path", [b"/invocations", b"/neighbors"])
def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(connection, path):
    with connection() as client:
        client.sendall(HEAD % path + b"Content-Length: 6291457\r\n\r\n")
        answer = client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("path", [b"/invocations", b"/neighbors"])
def test_a_body_in_chunks_is_refused_when_it_is_too_large(connection, path):
    chunk = b"100000\r\n" + b"a" * 0x100000 + b"\r\n"  # a megabyte
    with connection() as client:
        client.sendall(HEAD % path + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(6):
            client.sendall(chunk)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(4096)
        client.settimeout(10)
        client.sendall(b"1\r\na\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_client_that_sends_it_all_the_same_sees_why(connection):
    with connection() as client:
        client.sendall(HEAD % b"/invocations" + b"Content-Length: 30000000\r\n\r\n" + b"a" * 30_000_000)
        answer = b""
        while part := client.recv(4096):
            answer += part
        assert answer.startswith(b"HTTP/1.1 413")
        assert answer.endswith(b"send fewer instances a request")


def test_a_port_that_is_taken():
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbertextError, match=f":{port}: cannot listen there: .*; choose another with --port"):
            listen("127.0.0.1", port)


def test_a_host_that_is_none():
    with pytest.raises(EmbertextError, match=r"no\.such\.host\.invalid:80: no such host"):
        listen("no.such.host.invalid", 80)


@pytest.mark.slow
def test_several_processes(tmp_path, folder):
    import psutil

    with serve(folder, processes=2) as served:
        children = psutil.Process(served.process.pid).children()
        workers = [each for each in children if "spawn_main" in " ".join(each.cmdline())]
        assert len(workers) == 2
        for _ in range(20):
            assert served.ask("a") == ["hello a"]
        assert 'embertext_requests_total{model="words",status="200"} 20.0' in httpx.get(f"{served.url}/metrics").text

        publish(tmp_path / "words", "good morning")
        httpx.post(f"{served.url}/reload")
        wait_for(lambda: {said for _ in range(20) for said in served.ask("a")} == {"good morning a"})

        workers[0].kill()
        wait_for(lambda: len(psutil.Process(served.process.pid).children()) >= len(children))
        assert served.ask("a") == ["good morning a"]

        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(served.ask, "sleep 2")
            time.sleep(0.5)  # the one that answers may be the only one yet, and not tell what it is at
            code, out, _ = served.end()
            assert slow.result() == ["good morning sleep 2"]
        assert code == 0
        assert "another takes its place" in out
        assert out.endswith(f"ended by {signal.SIGTERM}\n")
        assert not any(each.is_running() for each in workers)


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_model_that_cannot_be_opened(tmp_path, processes):
    folder = publish(tmp_path / "words", "broken")
    command = [sys.executable, "-m", "tests.tasks.serve.served", "0", str(processes), "0", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {folder}: the archive is damaged; publish it again")


@pytest.mark.slow
def test_processes_end_with_the_one_that_minds_them(folder):
    import psutil

    with serve(folder, processes=2) as served:
        children = psutil.Process(served.process.pid).children()
        os.kill(served.process.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(children, timeout=15)
        assert not alive

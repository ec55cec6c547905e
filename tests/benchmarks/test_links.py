import subprocess
import sys

import pytest

from benchmarks import links

ANSWERS = """
import socket
with socket.create_server(("0.0.0.0", 5000)) as server:
    print("ready", flush=True)
    with server.accept()[0] as asked:
        while asked.recv(1 << 20):
            asked.send(b".")
"""
ASKS = """
import socket, sys, time
with socket.create_connection((sys.argv[1], 5000)) as asking:
    times = []
    for _ in range(9):
        begun = time.perf_counter()
        asking.send(b".")
        asking.recv(1)
        times.append(time.perf_counter() - begun)
    print(sorted(times)[4])
    asking.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    begun = time.perf_counter()
    asking.sendall(bytes(4_000_000))
    asking.shutdown(socket.SHUT_WR)
    while asking.recv(1 << 16):
        pass
    print(time.perf_counter() - begun)
"""


def namespaces() -> str:
    return subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout


def test_links_are_as_wide_and_as_slow_as_asked():
    if reason := links.missing():
        pytest.skip(reason)
    before = namespaces()
    with links.linked(2, megabits=100, delay=0.01) as (first, second):
        with subprocess.Popen(
            [*links.within(first), sys.executable, "-c", ANSWERS], stdout=subprocess.PIPE, text=True
        ) as server:  # fmt: skip
            assert server.stdout
            server.stdout.readline()
            asked = subprocess.run(
                [*links.within(second), sys.executable, "-c", ASKS, links.address(0)],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
        there_and_back, sent = map(float, asked.stdout.split())
        assert first in namespaces()
    assert namespaces() == before
    assert 0.02 <= there_and_back < 0.2
    assert 4e6 * 8 / 100e6 * 0.9 < sent < 3.0


def test_nothing_is_left_where_work_fails() -> None:
    if reason := links.missing():
        pytest.skip(reason)

    def work() -> None:
        with links.linked(1, megabits=100, delay=0) as [name]:
            raise KeyError(name)

    with pytest.raises(KeyError) as raised:
        work()
    assert str(raised.value.args[0]) not in namespaces()


def test_why_there_are_none(monkeypatch):
    monkeypatch.setattr(links.os, "geteuid", lambda: 1000)
    assert links.missing() == "only root may make namespaces of the network"
    monkeypatch.setattr(links.os, "geteuid", lambda: 0)
    monkeypatch.setattr(links.shutil, "which", lambda tool: None)
    assert links.missing() == "ip is not installed: it is in the package iproute2"


def test_frames_go_to_whom_they_are_sent_to():
    def frame(to: str) -> bytes:
        return bytes(10) + bytes.fromhex(to) + bytes(50)

    devices = [10, 11, 12]
    assert links._receivers(frame("020000000001"), 10, devices) == [11]
    assert links._receivers(frame("ffffffffffff"), 11, devices) == [10, 12]
    assert links._receivers(frame("3333000000fb"), 12, devices) == [10, 11]
    assert links._receivers(frame("020000000009"), 10, devices) == []

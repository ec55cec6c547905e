"""Servers as processes: started on a core of their own, followed by what the system tells of them."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.load import ask

WARM = 0.2  # seconds of a load before it is measured
PAUSE, PATIENCE = 0.002, 120.0  # seconds between looks for a server, and until it must be there


class Server(NamedTuple):
    """A process that answers. seconds: from its start to its first answer."""

    port: int
    process: int
    seconds: float


def ours(*models: str) -> list[str]:
    """The command that hosts models."""
    return [sys.executable, "-m", "flows.cli", "serve", *models, "--watch", "0", "--port"]


def plain(algorithm: str, folder: Path) -> list[str]:
    """The command of the plain handler."""
    return [sys.executable, "-m", "benchmarks.plain_endpoint", algorithm, str(folder)]


@contextmanager
def serving(command: Sequence[str], first: bytes, *, cores: Sequence[int]) -> Iterator[Server]:
    """A server, started by a command that ends with its port, once it has answered a first request."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, str(port)],
            stdout=said, stderr=said, preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )  # fmt: skip
        try:
            while True:
                try:
                    next(ask(port, [first]))
                    break
                except ConnectionRefusedError:
                    if process.poll() is not None or time.perf_counter() - begun > PATIENCE:
                        said.seek(0)
                        raise SystemExit(f"{' '.join(command)} failed:\n{said.read().decode()[-2000:]}") from None
                    time.sleep(PAUSE)
            yield Server(port, process.pid, time.perf_counter() - begun)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def places() -> tuple[list[int], list[int], list[int]]:
    """The cores of servers, of who asks, and all of them; where there is but one, it is everyone's."""
    every = sorted(os.sched_getaffinity(0))
    return every[:1], every[1:2] or every, every


@contextmanager
def asking() -> Iterator[list[int]]:
    """Keep to the core of who asks; the servers' is returned."""
    servers, client, every = places()
    os.sched_setaffinity(0, client)
    try:
        yield servers
    finally:
        os.sched_setaffinity(0, every)


def computed(process: int) -> float:
    """Seconds that a process has had of a processor."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """Megabytes that a process has in memory."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))

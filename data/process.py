"""The process that we are: the cores it may use, what its children hear, and which of them end with it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


def cores() -> int:
    """Cores that this process may use: in a container these can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_us(process: int) -> None:
    """Have another process, by its number, told to end when this one is gone, by SIGKILL too.

    A shell waits at a pipe that nobody but us has the other end of.
    """
    waits, _ours = os.pipe()
    nowhere = [(os.POSIX_SPAWN_OPEN, output, os.devnull, os.O_WRONLY, 0) for output in (1, 2)]
    os.posix_spawnp(
        "sh",
        ["sh", "-c", 'cat; kill "$0"', str(process)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, waits, 0), *nowhere],
    )
    os.close(waits)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes and threads that start in this block never hear of Ctrl-C, which reaches every process of a terminal.

    This process alone then decides what ends, and in which order. Its main thread hears a Ctrl-C of meanwhile when the
    block is over, if no older thread has heard it.
    """
    resource_tracker.ensure_running()  # multiprocessing starts it on demand, and unblocks SIGINT when it does
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

"""Which workers of a cluster are there, which have fallen silent, and what is done about those that hang.

A worker is one process at an address: another that takes its place there is another worker.
"""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from distributed import Client

SILENT = 20.0  # seconds without a sign of life after which a worker has hung
STEP = 1.0  # seconds at most that count between two looks: if there are more, it is we who have slept
RESTARTING = 30.0  # seconds that a worker may take to be restarted
AT_WORK = ("running", "paused")  # others are on their way in or out


class Sign(NamedTuple):
    """A worker's last sign of life: its own time, which tells only whether there was a new one; seconds without."""

    process: str
    seen: float
    silent: float


class Liveness:
    """What the scheduler knows of its workers, seen every now and then."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._signs: dict[str, Sign] = {}
        self._left_out: set[str] = set()
        self._looked = time.monotonic()

    def present(self) -> list[str]:
        """The workers that are alive, in a steady order. Raises OSError or TimeoutError where the scheduler is not."""
        scheduler: Any = self.client.scheduler
        info: Mapping[str, Any] = self.client.sync(scheduler.identity, n_workers=-1, callback_timeout=SILENT)
        passed = min(STEP, time.monotonic() - self._looked)
        self._looked = time.monotonic()
        self._signs = {
            address: self._sign(address, worker, passed)
            for address, worker in info["workers"].items()
            if worker.get("status", "running") in AT_WORK
        }
        for address, sign in self._signs.items():
            if sign.silent > SILENT:
                self.restart(address)
        return sorted(address for address in self._signs if not self.why_not(address))

    def why_not(self, address: str) -> str:
        """Why nobody should wait for a worker, as of the last look; empty for one that is alive."""
        sign = self._signs.get(address)
        if sign is None:
            return "is gone"
        if sign.silent > SILENT:
            return f"gave no sign of life for {SILENT:.0f} s"
        return "was left out" if sign.process in self._left_out else ""

    def restart(self, address: str) -> None:
        """Never count again with a worker that hangs; its nanny, if it has one, makes another of it."""
        sign = self._signs.get(address)
        if sign is None or sign.process in self._left_out:
            return
        self._left_out.add(sign.process)

        def restart() -> None:
            with suppress(Exception):  # it has no nanny, or the nanny has gone, too
                self.client.restart_workers([address], timeout=RESTARTING, raise_for_error=False)

        threading.Thread(target=restart, name="restart", daemon=True).start()

    def _sign(self, address: str, worker: Mapping[str, Any], passed: float) -> Sign:
        # every process has a folder of its own
        sign = Sign(f"{address} {worker['local_directory']}", worker["last_seen"], 0.0)
        before = self._signs.get(address)
        return before._replace(silent=before.silent + passed) if before and before[:2] == sign[:2] else sign

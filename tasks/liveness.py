"""Which workers of a cluster are there, which have fallen silent, and what is done about those that hang.

A worker is one process at an address: another that takes its place there is another worker.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from distributed import Client

from tasks import calls
from tasks.calls import Asked

Key = TypeVar("Key")

SILENT = 20.0  # seconds without a sign of life after which a worker has hung
STEP = 1.0  # seconds at most that count between two looks: if there are more, it is we who have slept
LOOKING = 0.5  # seconds between two looks
RESTARTING = 30.0  # seconds that a worker may take to be restarted
AT_WORK = ("running", "paused")  # others are on their way in or out


Overdue = Callable[[Any, Asked, float, Mapping[Any, Any]], bool]
"""Whether who has had a question, by its key, for so many seconds has hung; told what others have answered."""


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

    def listed(self) -> list[str]:
        """All workers that the scheduler knows, those that hang among them."""
        self.present()
        return list(self._signs)

    def why_not(self, address: str) -> str:
        """Why nobody should wait for a worker, as of the last look; empty for one that is alive."""
        sign = self._signs.get(address)
        if sign is None:
            return "is gone"
        if sign.silent > SILENT:
            return f"gave no sign of life for {SILENT:.0f} s"
        return "was left out" if sign.process in self._left_out else ""

    def answers(self, asked: Mapping[Key, Asked], overdue: Overdue) -> tuple[dict[Key, Any], dict[str, str]]:
        """What those came to who answered; and of the others, by their address, why they did not."""
        found: dict[Key, Any] = {}
        lost: dict[str, str] = {}
        waiting = dict(asked)
        started = looked = time.monotonic()
        try:
            while waiting:
                wait([each.answer for each in waiting.values()], timeout=LOOKING, return_when=FIRST_COMPLETED)
                for key in [key for key, each in waiting.items() if each.answer.done()]:
                    answered, value = calls.answer(waiting[key])
                    if answered:
                        found[key] = value
                    else:
                        lost[waiting[key].address] = "was lost"
                    del waiting[key]
                if time.monotonic() - looked < LOOKING:
                    continue
                self.present()
                looked = time.monotonic()
                for key, each in list(waiting.items()):
                    reason = self._silence(key, each, looked - started, found, overdue)
                    if reason:
                        waiting.pop(key).answer.cancel()
                        lost.setdefault(each.address, reason)
        finally:
            for each in waiting.values():
                each.answer.cancel()
        return found, lost

    def _silence(self, key: Key, each: Asked, waited: float, found: Mapping[Key, Any], overdue: Overdue) -> str:
        """Why nobody should wait for an answer any longer."""
        reason = self.why_not(each.address)
        if not reason and overdue(key, each, waited, found):
            reason = f"did not answer in {waited:.0f} s"
            self.restart(each.address)
        return reason

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

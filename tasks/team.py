"""Workers of Dask that train together, and go on when some of them are lost. The side of the flow's process.

The parts of a round are as many as there were workers to begin with, whoever trains them: so the outcome depends on the
corpus and the seed, not on which worker was quick, or died. What a lost worker had trained in this round is trained
again by another; the state lives on in whoever is left. Replacements join at the next round.
"""

import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from distributed import Client, Future, KilledWorker, wait
from distributed.comm.core import CommClosedError

from algorithms.protocol import Algorithm, Piece, Span
from algorithms.state import State
from algorithms.training import Done, Share
from data.errors import EmbertextError
from tasks import member as members
from tasks.member import NOTHING, Circle, Seat, Standing

Key = TypeVar("Key")

SILENT = 20.0  # seconds without a sign of life after which a worker has hung
LOOKING = 1.0  # seconds between two looks at who is alive
SLOWER = 8.0  # a part that takes so many times as long as the quickest of its round has hung, ...
LEAST = 60.0  # ... but not before it has had so many seconds
WAKING = 600.0  # seconds for the round without text: processes import, kernels compile
ATTEMPTS = 10  # of one round
JOURNEY = 20.0  # seconds that gloo waits for a peer, beside those for the bytes
NUMBERS_A_SECOND = 2e6  # of the slowest network: eight megabytes


class Asked(NamedTuple):
    """A task that a member was given."""

    address: str
    future: Future[Any]


class Team:
    """Members of a cluster who hold a state between rounds. As `algorithms.training.Team` has it."""

    def __init__(
        self, client: Client, algorithm: Algorithm[Any, Any], state: State, *, threads: int, workers: int
    ) -> None:
        self.client, self.algorithm, self.threads, self.workers = client, algorithm, threads, workers
        self.name = uuid.uuid4().hex
        self.beginning: State | None = state  # until the first merge: then the members have it
        self.version, self.formed = NOTHING, False
        self.seconds = JOURNEY + sum(array.size for array in state.values()) / NUMBERS_A_SECOND
        self.members: list[str] = []
        self._parts: set[int] = set()  # of the round that is on its way: those that members have trained
        self.shunned: set[str] = set()
        self.lost: list[str] = []
        self.heard: dict[str, tuple[float, float]] = {}  # of each worker: its last sign of life, and when we saw it

    def round(self, parts: Sequence[Sequence[Piece]], *, span: Span, seed: int) -> Done:
        """See `algorithms.training.Team`. Raises EmbertextError when no worker is left, or the scheduler is lost."""
        with _told(self.client):
            self.lost = []
            trained: dict[int, Share] = {}
            for _ in range(ATTEMPTS):
                kept = self._assemble()
                trained = {number: share for number, share in trained.items() if number in kept}
                if not self._train(parts, trained, span=span, seed=seed):
                    continue
                started = time.perf_counter()
                if self._merge(span, seed):
                    shares = tuple(trained[number] for number in sorted(trained))
                    return Done(shares, time.perf_counter() - started, tuple(self.lost))
        raise EmbertextError(
            f"a round of training failed {ATTEMPTS} times: {'; '.join(dict.fromkeys(self.lost)) or 'merging'}",
            where=_address(self.client),
            remedy="look into the workers' logs",
        ) from ConnectionError("workers kept failing")

    def state(self, names: Collection[str] = ()) -> State:
        """The arrays that are held, from whichever member answers."""
        with _told(self.client):
            for address in list(self.members):
                asked = {address: self._ask(address, members.fetch, self.version, list(names))}
                found, _ = self._answers(asked, patience=self.seconds + LEAST)
                if found.get(address) is not None:
                    state: State = found[address]
                    return state
        raise self._nobody()

    def save(self, url: str) -> float:
        """The first member writes, while the next round is trained."""
        with _told(self.client):
            asked = {address: self._ask(address, members.save, self.version, url) for address in self.members[:1]}
            found, _ = self._answers(asked, patience=self.seconds + LEAST)
        return max((seconds or 0.0 for seconds in found.values()), default=0.0)

    def close(self) -> None:
        """Let the members forget. Waits for what they are writing."""
        with suppress(Exception):  # the cluster may be what failed
            asked = {address: self._ask(address, members.leave) for address in self.members}
            self._answers(asked, patience=self.seconds)

    def _assemble(self) -> set[int]:
        """Members who can merge, and hold the same version: newcomers in, lost ones out. The parts that they have."""
        present = self._present()
        here = [address for address in self.members if address in present]
        spare = [address for address in present if address not in here and address not in self.shunned]
        wanted = (here + spare)[: self.workers]
        if self.formed and wanted == self.members:
            return self._parts
        for _ in range(ATTEMPTS):
            standings = self._roll_call(wanted)
            wanted = [address for address in wanted if address in standings]
            if not wanted:
                raise self._nobody()
            self.version = max(standing.version for standing in standings.values())
            if self.version == NOTHING:
                standings[wanted[0]] = self._begin(wanted[0])
                self.version = standings[wanted[0]].version
            if self._form(wanted, standings):
                current = [each for each in standings.values() if each.version == self.version]
                self._parts = {number for each in current for number in each.parts}
                self.members, self.formed = wanted, True
                return self._parts
            wanted = [address for address in wanted if address in self._present()]
        raise self._nobody()

    def _roll_call(self, addresses: Sequence[str]) -> dict[str, Standing]:
        """What each of these workers holds; those who do not answer are lost."""
        asked = {address: self._ask(address, members.sit, self.algorithm, self.threads) for address in addresses}
        found, _ = self._answers(asked, patience=self.seconds + LEAST)
        return found

    def _begin(self, address: str) -> Standing:
        """Give the state to begin with to one member."""
        if self.beginning is None:
            raise self._nobody()
        # a list: Dask takes the names in a dict for its own keys
        [shared] = self.client.scatter([self.beginning], workers=[address], hash=False)
        asked = {address: self._ask(address, members.sit, self.algorithm, self.threads, [shared], 0)}
        found, _ = self._answers(asked, patience=self.seconds + LEAST)
        if address not in found:
            raise self._nobody()
        standing: Standing = found[address]
        return standing

    def _form(self, addresses: Sequence[str], standings: Mapping[str, Standing]) -> bool:
        """Make a circle of these, in which all hold the current version."""
        holders = [rank for rank, address in enumerate(addresses) if standings[address].version == self.version]
        first = addresses[0]
        port = 0
        if len(addresses) > 1:
            port = self._answers({first: self._ask(first, members.open_store)}, patience=LEAST)[0].get(first) or 0
            if not port:
                return False
        root = None if len(holders) == len(addresses) else holders[0]
        asked = {
            address: self._ask(
                address,
                members.join,
                Circle(rank, len(addresses), Seat(self.name, first).host, port, self.seconds),
                version=self.version,
                root=root,
            )
            for rank, address in enumerate(addresses)
        }
        found, _ = self._answers(asked, patience=2 * self.seconds + LEAST)
        return all(found.get(address) for address in addresses)

    def _train(self, parts: Sequence[Sequence[Piece]], trained: dict[int, Share], *, span: Span, seed: int) -> bool:
        """Have the parts trained that are not; False when somebody is lost meanwhile."""
        missing = [number for number in range(len(parts)) if number not in trained]
        load = dict.fromkeys(self.members, 0)
        for share in trained.values():
            load[share.worker] = load.get(share.worker, 0) + 1
        asked = {}
        for number in missing:
            address = (
                self.members[number] if not trained and number < len(self.members) else min(load, key=load.__getitem__)
            )
            load[address] += 1
            asked[number] = self._ask(
                address, members.work, self.version, number, parts[number], span=span, seed=seed + number
            )
        waking = span == Span(0, 0)
        found, lost = self._answers(asked, patience=WAKING if waking else None)
        trained |= {number: share for number, share in found.items() if share is not None}
        if lost or len(trained) < len(parts):
            self.formed = False
            return False
        return True

    def _merge(self, span: Span, seed: int) -> bool:
        """Merge among the members; False when it failed for anybody, which the next roll call looks into."""
        asked = {
            address: self._ask(address, members.combine, self.version, span=span, seed=seed) for address in self.members
        }
        found, _ = self._answers(asked, patience=2 * self.seconds + LEAST)
        if not any(found.values()):
            self.formed = False
            return False
        self.version += 1
        self.beginning, self._parts = None, set()
        self.formed = all(found.get(address) for address in self.members)
        return True

    def _ask(self, address: str, task: Callable[..., Any], *args: Any, **options: Any) -> Asked:
        """Give a member a task: it and nobody else, once."""
        future = self.client.submit(
            task, Seat(self.name, address), *args, **options,
            workers=[address], allow_other_workers=False, pure=False, key=f"{task.__name__}-{uuid.uuid4().hex}",
        )  # fmt: skip
        return Asked(address, future)

    def _answers(self, asked: Mapping[Key, Asked], *, patience: float | None) -> tuple[dict[Key, Any], set[str]]:
        """What the tasks came to, and who was lost before they answered.

        patience: seconds for each answer; None: as long as it takes, measured by the quickest.
        """
        found: dict[Key, Any] = {}
        lost: set[str] = set()
        waiting = dict(asked)
        started = looked = time.monotonic()
        quickest: float | None = None
        while waiting:
            with suppress(TimeoutError):
                wait([each.future for each in waiting.values()], timeout=LOOKING, return_when="FIRST_COMPLETED")
            now = time.monotonic()
            for key, each in list(waiting.items()):
                if each.future.done():
                    del waiting[key]
                    quickest = now - started if quickest is None else quickest
                    answered, value = _result(each.future)
                    if answered:
                        found[key] = value
                    else:
                        lost.add(each.address)
                        self._without(each.address, "was killed")
            if waiting and now - looked >= LOOKING:
                looked = now
                present = self._present()
                limit = patience if patience is not None else None
                if limit is None and quickest is not None:
                    limit = max(LEAST, SLOWER * quickest)
                for key, each in list(waiting.items()):
                    reason = self._reason(each.address, present)
                    if not reason and limit is not None and now - started > limit:
                        reason = f"did not answer in {now - started:.0f} s"
                    if reason:
                        del waiting[key]
                        lost.add(each.address)
                        each.future.cancel()
                        self._without(each.address, reason, hung=each.address in self.heard)
        return found, lost

    def _present(self) -> list[str]:
        """The workers that the scheduler knows and has heard of lately, in a steady order."""
        scheduler: Any = self.client.scheduler
        info = self.client.sync(scheduler.identity, n_workers=-1, callback_timeout=SILENT)
        now = time.monotonic()
        known = info["workers"]
        self.heard = {
            address: old
            if (old := self.heard.get(address)) and old[0] == worker["last_seen"]
            else (worker["last_seen"], now)
            for address, worker in known.items()
        }
        return sorted(address for address in known if now - self.heard[address][1] < SILENT)

    def _reason(self, address: str, present: Collection[str]) -> str:
        """Why a worker will not answer any more; empty where it may."""
        if address in present:
            return ""
        return f"gave no sign of life for {SILENT:.0f} s" if address in self.heard else "is gone"

    def _without(self, address: str, reason: str, *, hung: bool = False) -> None:
        """Go on without a worker. One that hangs is restarted, where it has a nanny; it comes back under a new name."""
        self.formed = False
        self.lost.append(f"worker {address} {reason}")
        self.members = [each for each in self.members if each != address]
        if hung and address not in self.shunned:
            self.shunned.add(address)

            def restart() -> None:
                with suppress(Exception):
                    self.client.restart_workers([address], timeout=SILENT, raise_for_error=False)

            threading.Thread(target=restart, daemon=True).start()

    def _nobody(self) -> EmbertextError:
        error = EmbertextError(
            f"all workers were lost: {'; '.join(self.lost) or 'none is left'}",
            where=_address(self.client),
            remedy="start the same run again: it goes on from its last checkpoint",
        )
        error.__cause__ = ConnectionError("workers were lost")  # so the task is tried again, as after other such faults
        return error


def _result(future: Future[Any]) -> tuple[bool, Any]:
    """Whether a task was done, and what it came to. Raises what it raised."""
    if future.status == "finished":
        try:
            return True, future.result()
        except (OSError, CancelledError, KilledWorker):  # done, and then lost with its worker
            return False, None
    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker | CommClosedError | CancelledError):
            return False, None
        raise error
    return False, None


@contextmanager
def _told(client: Client) -> Iterator[None]:
    """Turn the loss of the scheduler into one line, and into a reason to try again."""
    try:
        yield
    except EmbertextError:
        raise
    except (OSError, TimeoutError, CancelledError) as error:
        raise EmbertextError(
            "the scheduler was lost in mid-training",
            where=_address(client),
            remedy="start it, and the same run again: it goes on from its last checkpoint",
        ) from ConnectionError(str(error))


def _address(client: Client) -> str:
    return str(client.scheduler.address) if client.scheduler else "the Dask scheduler"

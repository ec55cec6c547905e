"""Workers of Dask that train together, and go on when some of them are lost. The side of the flow's process.

The parts of a round are as many as there were workers to begin with, whoever trains them: so the outcome depends on the
corpus and the seed, not on which worker was quick, or died. What a lost worker had trained in this round is trained
again by another; the state lives on in whoever is left. Replacements join at the next round.
"""

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import wait
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from distributed import Client

from algorithms.protocol import Algorithm, Piece, Span
from algorithms.state import State
from algorithms.training import Done, Share
from data.errors import EmbertextError
from tasks import calls
from tasks import member as members
from tasks.calls import Asked, failed, scheduler_lost
from tasks.circle import Circle
from tasks.liveness import Liveness, Overdue
from tasks.member import NOTHING, Seat, Standing

Key = TypeVar("Key")

SLOWER = 8.0  # a part that takes so many times as long as the longest so far has hung, ...
LEAST = 60.0  # ... but not before it has had so many seconds
WAKING = 600.0  # seconds for the round without text: processes import, kernels compile
ATTEMPTS = 10  # of one round
JOURNEY = 20.0  # seconds that gloo waits for a peer, beside those for the bytes
BYTES_A_SECOND = 8e6  # of the slowest network
CHUNK = 32 << 20  # bytes of the state to begin with that travel at a time
LEAVING = 5.0  # seconds to say goodbye


class Team:
    """Members of a cluster who hold a state between rounds. As `algorithms.training.Team` has it."""

    def __init__(
        self, client: Client, algorithm: Algorithm[Any, Any], state: State, *, threads: int, workers: int
    ) -> None:
        self.client, self.algorithm, self.threads, self.workers = client, algorithm, threads, workers
        self.name = uuid.uuid4().hex
        self.clients: list[str] = []  # all that the cluster has
        self.beginning: State | None = state  # until the first merge: then the members have it
        self.version, self.formed = NOTHING, False
        self.seconds = JOURNEY + sum(array.nbytes for array in state.values()) / BYTES_A_SECOND
        self.members: list[str] = []
        self.holders: set[str] = set()  # those of them who were given the state
        self.known: set[str] = set()  # those who ever were members, and may still hold the state
        self.liveness = Liveness(client)
        self.lost: list[str] = []  # what has gone wrong and was not told yet
        self.longest = 0.0  # seconds that a part took so far
        self.hung: dict[int, int] = {}  # how often a part was given up, in this round

    def round(self, parts: Sequence[Sequence[Piece]], *, span: Span, seed: int) -> Done:
        """See `algorithms.training.Team`. Raises EmbertextError when no worker is left, or the scheduler is lost."""
        trained: dict[int, Share] = {}
        started = time.perf_counter()
        target, merging, self.hung = 0, False, {}
        with scheduler_lost(self.client):
            for _ in range(ATTEMPTS):
                standings = self._assemble()
                target = target or self.version + 1
                if merging and self.version == target:  # somebody was done with it, and has given it to the others
                    return self._done(trained, started)
                trained = {n: share for n, share in trained.items() if n in _parts(standings.get(share.worker))}
                if not self._train(parts, trained, span=span, seed=seed):
                    continue
                started, merging = time.perf_counter(), True
                if self._merge(trained, span=span, seed=seed):
                    return self._done(trained, started)
        raise self._nobody(f"a round of training failed {ATTEMPTS} times")

    def state(self, names: Collection[str] = ()) -> State:
        """The arrays that are held, from whichever member answers."""
        with scheduler_lost(self.client):
            for address in list(self.members):
                asked = {address: self._ask(address, members.fetch, self.version, list(names))}
                state: State | None = self._answers(asked).get(address)
                if state is not None:
                    return state
        raise self._nobody()

    def save(self, url: str) -> float:
        """The first member writes, while the next round is trained."""
        with scheduler_lost(self.client):
            for address in list(self.members):
                asked = {address: self._ask(address, members.save, self.version, url)}
                seconds: float | None = self._answers(asked).get(address)
                if seconds is not None:
                    return seconds
        return 0.0

    def close(self) -> None:
        """Let the members forget. Waits a little for those who write."""
        with suppress(Exception):  # the cluster may be what failed
            asked = [self._ask(address, members.leave) for address in self.liveness.listed() if address in self.known]
            wait([each.answer for each in asked], timeout=LEAVING)

    def _assemble(self) -> Mapping[str, Standing]:
        """Members who can merge, and hold the same version: newcomers in, lost ones out. What those hold who are new
        or were asked again; nothing where all is as it was.
        """
        wanted = self._wanted()
        if self.formed and wanted == self.members:
            return {}
        for _ in range(ATTEMPTS):
            standings = self._roll_call(wanted)
            newest = max((standing.version for standing in standings.values()), default=NOTHING)
            self._tell_of_those_anew(standings)
            if newest == NOTHING and self.members and self.beginning is not None:
                standings |= self._begin(self.members[0])
                newest = max(standing.version for standing in standings.values())
            if newest != NOTHING and newest >= self.version:
                if self._form(standings, newest):
                    self.version, self.formed, self.holders = newest, True, set(self.members)
                    return {address: each for address, each in standings.items() if each.version == newest}
            elif self.beginning is None:
                break
            wanted = self._wanted()
        raise self._nobody()

    def _wanted(self) -> list[str]:
        """Those who should be members: those who are, and others in place of those who are not alive."""
        present = self.liveness.present()
        for address in self.members:
            if reason := self.liveness.why_not(address):
                self._without(address, reason)
        others = sorted(set(present) - set(self.members), key=lambda address: (address not in self.known, address))
        wanted = (self.members + others)[: self.workers]
        if not wanted:
            raise self._nobody()
        return wanted

    def _roll_call(self, addresses: Sequence[str]) -> dict[str, Standing]:
        """What each of these workers holds, who are the members now; those who do not answer are not."""
        with suppress(Exception):
            self.clients = self.client.run_on_scheduler(_clients)
        self.members = list(addresses)
        asked = {each: self._ask(each, members.sit, self.algorithm, self.threads, self.clients) for each in addresses}
        standings: dict[str, Standing] = self._answers(asked)
        self.known |= set(standings)
        return standings

    def _tell_of_those_anew(self, standings: Mapping[str, Standing]) -> None:
        """A worker that always has the same address may have died, and be back already: it has lost what it held."""
        for address, standing in standings.items():
            if address in self.holders and standing.version == NOTHING:
                self.holders.discard(address)
                self.lost.append(f"worker {address} was lost, and is back with nothing")

    def _begin(self, address: str) -> dict[str, Standing]:
        """Give the state to begin with to one member; it holds that then."""
        assert self.beginning is not None
        outline = [(name, array.shape, array.dtype.str) for name, array in self.beginning.items()]
        good = self._answers({address: self._ask(address, members.expect, outline)})
        for name, array in self.beginning.items():
            content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            for start in range(0, content.size, CHUNK):
                chunk = content[start : start + CHUNK].tobytes()
                if not good.get(address):
                    return {}
                good = self._answers({address: self._ask(address, members.receive, name, start, chunk)})
        found: dict[str, Standing] = self._answers({address: self._ask(address, members.begin, 0)})
        return {address: standing for address, standing in found.items() if standing}

    def _form(self, standings: Mapping[str, Standing], version: int) -> bool:
        """Make a circle of the members, in which all hold this version."""
        self.formed = False
        first, port = self.members[0], 0
        if len(self.members) > 1:
            port = self._answers({first: self._ask(first, members.open_store)}).get(first) or 0
            if not port:
                return False
        holders = [rank for rank, address in enumerate(self.members) if standings[address].version == version]
        root = None if len(holders) == len(self.members) else holders[0]
        circle = Circle(0, len(self.members), self._seat(first).host, port, self.seconds)
        addresses = list(self.members)
        found = self._answers(
            {
                address: self._ask(address, members.join, circle._replace(rank=rank), version=version, root=root)
                for rank, address in enumerate(addresses)
            }
        )
        self.lost += [f"worker {address} found no others: {why}" for address, why in found.items() if why]
        return all(found.get(address) == "" for address in addresses)

    def _train(self, parts: Sequence[Sequence[Piece]], trained: dict[int, Share], *, span: Span, seed: int) -> bool:
        """Have the parts trained that are not; False when somebody is lost meanwhile."""
        load = dict.fromkeys(self.members, 0)
        for share in trained.values():
            load[share.worker] += 1
        asked = {}
        for number in (number for number in range(len(parts)) if number not in trained):
            address = min(load, key=load.__getitem__)
            load[address] += 1
            asked[number] = calls.as_task(
                self.client, address, members.work, self._seat(address), self.version, number, parts[number],
                span=span, seed=seed + number,
            )  # fmt: skip
        seconds = WAKING if span == Span(0, 0) else None
        found = self._answers(asked, overdue=lambda *told: self._stuck(*told, seconds=seconds))
        trained |= {number: share for number, share in found.items() if share is not None}
        self.formed = self.formed and len(trained) == len(parts)
        return self.formed

    def _stuck(
        self, number: int, asked: Asked, waited: float, answered: Mapping[int, Share | None], *, seconds: float | None
    ) -> bool:
        """Whether a part takes so long that its worker has hung. The next one who trains it is given more time."""
        if seconds is None:
            known = [share.seconds for share in answered.values() if share and share.words]
            if longest := max([self.longest, *known]):
                seconds = max(LEAST, SLOWER * longest) * 4.0 ** self.hung.get(number, 0)
        if seconds is None or waited < seconds:
            return False
        doing = self._answers({0: self._ask(asked.address, members.doing)}).get(0) or {}
        stuck: bool = doing.get(number, 0.0) > seconds  # others may have been before it in the queue
        self.hung[number] = self.hung.get(number, 0) + stuck
        return stuck

    def _merge(self, trained: Mapping[int, Share], *, span: Span, seed: int) -> bool:
        """Merge among the members; False when it failed for anybody, which the next roll call looks into."""
        asked = {}
        for address in self.members:
            numbers = [number for number, share in trained.items() if share.worker == address]
            asked[address] = self._ask(address, members.combine, self.version, numbers, span=span, seed=seed)
        found = self._answers(asked)
        if not all(found.get(address) for address in asked):
            self.formed = False
            return False
        self.version += 1
        return True

    def _done(self, trained: Mapping[int, Share], started: float) -> Done:
        """What the round came to, now that the members hold it."""
        self.beginning = None
        self.longest = max([self.longest, *(share.seconds for share in trained.values() if share.words)])
        lost, self.lost = tuple(self.lost), []
        return Done(tuple(trained[number] for number in sorted(trained)), time.perf_counter() - started, lost)

    def _seat(self, address: str) -> Seat:
        return Seat(str(self.client.id), self.name, address)

    def _ask(self, address: str, question: Callable[..., Any], *args: Any, **options: Any) -> Asked:
        return calls.at_once(self.client, address, question, self._seat(address), *args, **options)

    def _answers(self, asked: Mapping[Key, Asked], *, overdue: Overdue | None = None) -> dict[Key, Any]:
        """What those came to who answered. Others are members no more. overdue: when they have hung."""
        patience = 2 * self.seconds + LEAST
        found, lost = self.liveness.answers(asked, overdue or (lambda key, each, waited, found: waited > patience))
        for address, reason in lost.items():
            self._without(address, reason)
        return found

    def _without(self, address: str, reason: str) -> None:
        """Go on without a worker."""
        self.formed = False
        if address in self.members:
            self.lost.append(f"worker {address} {reason}")
        self.holders.discard(address)
        self.members = [each for each in self.members if each != address]

    def _nobody(self, what: str = "all workers were lost") -> EmbertextError:
        return failed(self.client, f"{what}: {'; '.join(dict.fromkeys(self.lost)) or 'none is left'}")


def _parts(standing: Standing | None) -> Collection[int]:
    return standing.parts if standing else ()


def _clients(dask_scheduler: Any) -> list[str]:
    """Runs in the scheduler: the names of all that are connected."""
    return list(dask_scheduler.clients)


_clients.__module__ = "__main__"  # so that it is sent as it is: a scheduler need not have this package

"""What a worker of a team keeps between rounds, and does with it: its copy of the state. Runs in the worker.

Members merge among themselves, by gloo over their own network: the state never passes through the process of the flow.
What a member is asked for and cannot do, because it does not hold what it should, or because a peer has gone, it
answers with None; what to do about it is for `tasks.team` to decide. It knows no Dask.
"""

import threading
import time
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from algorithms.merging import merge_over
from algorithms.model import write_state
from algorithms.protocol import Algorithm, Piece, Span
from algorithms.state import Partial, State, merge
from algorithms.training import Share, train_part
from tasks import circle
from tasks.circle import Circle

NOTHING = -1  # the version of a member that holds no state
IDLE = 60.0  # seconds without a question after which a member whose client is gone is forgotten


class Seat(NamedTuple):
    """Who is asked: the member with this address, of a training of this client. Several may share a process."""

    client: str
    training: str
    address: str

    @property
    def host(self) -> str:
        """The name of the machine, as others reach it."""
        host = self.address.partition("://")[2].rpartition(":")[0].strip("[]")
        return host if self.address.startswith(("tcp", "tls")) else "127.0.0.1"


class Standing(NamedTuple):
    """What a member holds: the version of its state, and the parts of the next one that it has trained."""

    version: int
    parts: tuple[int, ...]


Outline = Sequence[tuple[str, Sequence[int], str]]
"""Of each array of a state: its name, shape, and dtype."""


class Member:
    """One worker's state, and what it has trained from it that is not merged yet."""

    def __init__(self, algorithm: Algorithm[Any, Any], threads: int) -> None:
        self.algorithm, self.threads = algorithm, threads
        self.version, self.held = NOTHING, State()
        self.partials: dict[int, Partial] = {}
        self.doing: dict[int, float] = {}  # parts that are being trained, and since when
        self.arriving = State()  # the state to begin with, until it is whole
        self.lock = threading.Lock()
        self.store: Any = None
        self.group: Any = None  # torch's ProcessGroupGloo; None for one who is alone
        self.saving: threading.Thread | None = None
        self.wrote = 0.0  # seconds that the last writing took
        self.failure: Exception | None = None
        self.used = time.monotonic()

    def hold(self, state: State, version: int) -> None:
        """Begin anew from a state."""
        with self.lock:
            self.held, self.version, self.partials = state, version, {}


_members: dict[Seat, Member] = {}
_lock = threading.Lock()


def sit(seat: Seat, algorithm: Algorithm[Any, Any], threads: int, clients: Collection[str]) -> Standing:
    """Become a member, if this worker is none yet, and say what is held. clients: those that are connected."""
    with _lock:
        for other, idle in list(_members.items()):
            if other.client not in clients and not idle.doing and time.monotonic() - idle.used > IDLE:
                del _members[other]
        member = _members.setdefault(seat, Member(algorithm, threads))
    member.used = time.monotonic()
    with member.lock:
        return Standing(member.version, tuple(sorted(member.partials)))


def expect(seat: Seat, outline: Outline) -> bool | None:
    """Make room for a state to begin with."""
    member = _member(seat)
    if member is None:
        return None
    member.arriving = {name: np.empty(shape, dtype) for name, shape, dtype in outline}
    return True


def receive(seat: Seat, name: str, start: int, content: bytes) -> bool | None:
    """Some bytes of one of its arrays, from byte `start` on."""
    member = _member(seat)
    if member is None:
        return None
    member.arriving[name].reshape(-1).view(np.uint8)[start : start + len(content)] = np.frombuffer(content, np.uint8)
    return True


def begin(seat: Seat, version: int) -> Standing | None:
    """It is whole: hold it."""
    member = _member(seat)
    if member is None:
        return None
    member.hold(member.arriving, version)
    member.arriving = State()
    return Standing(version, ())


def open_store(seat: Seat) -> int | None:
    """Open the place where a circle finds together; its port."""
    member = _member(seat)
    if member is None:
        return None
    member.store = circle.open_store(seat.host)
    return int(member.store.port)


def join(seat: Seat, among: Circle, *, version: int, root: int | None) -> str | None:
    """Form a circle; why not, or nothing where it is well. root: the rank of one who holds `version` and gives it to
    all; None: all hold it.
    """
    member = _member(seat)
    if member is None:
        return None
    member.group = None
    if among.size == 1:
        return ""
    try:
        group = circle.group(among, seat.host, member.store)
        if root is not None:
            wanted = member.version != version
            given = member.held if among.rank == root else None
            state = circle.hand_round(group, root=root, given=given, wanted=wanted)
            if wanted:
                member.hold(state, version)
    except (RuntimeError, OSError) as error:
        if not circle.lost(error):
            raise
        return str(error)
    member.group = group
    return ""


def work(seat: Seat, version: int, number: int, part: Sequence[Piece], *, span: Span, seed: int) -> Share | None:
    """Train on part `number` of a round from the state that is held, and keep what comes of it for the merge."""
    member = _member(seat, version)
    if member is None:
        return None
    started = time.perf_counter()
    member.doing[number] = time.monotonic()
    try:
        partial = train_part(member.algorithm, member.held, part, span=span, threads=member.threads, seed=seed)
    finally:
        member.doing.pop(number, None)
        member.used = time.monotonic()
    with member.lock:
        if member.version != version:  # nobody waited for it, and the others have gone on
            return None
        member.partials[number] = partial
    return Share.of(partial, worker=seat.address, seconds=time.perf_counter() - started)


def doing(seat: Seat) -> dict[int, float] | None:
    """The parts that are being trained, and for how many seconds."""
    member = _member(seat)
    if member is None:
        return None
    now = time.monotonic()
    return {number: now - since for number, since in list(member.doing.items())}


def combine(seat: Seat, version: int, numbers: Collection[int], *, span: Span, seed: int) -> bool | None:
    """Merge the parts that all members have trained, these here; what comes of it is held by all from now on.

    Where it fails, what was trained is gone: merging works in place, so that a member never has three states.
    """
    member = _member(seat, version)
    if member is None:
        return None
    with member.lock:
        partials = [member.partials[number] for number in sorted(numbers) if number in member.partials]
        member.partials = {}
    if len(partials) < len(numbers):
        return None
    if not partials:  # others have trained all parts: an idle partial, with no evidence
        partials = [train_part(member.algorithm, member.held, [], span=span, threads=member.threads, seed=seed)]
    try:
        state = _merged(partials, member)
    except RuntimeError as error:
        if not circle.lost(error):
            raise
        return None
    member.hold(state, version + 1)
    return True


def _merged(partials: Sequence[Partial], member: Member) -> State:
    if member.group is None:
        return merge(partials, base=member.held).state
    return merge_over(partials, circle.totals(member.group), base=member.held)


def fetch(seat: Seat, version: int, names: Collection[str]) -> State | None:
    """The arrays that are held; of these names alone, where some are given."""
    member = _member(seat, version)
    if member is None:
        return None
    return {name: member.held[name] for name in names or member.held}


def save(seat: Seat, version: int, url: str) -> float | None:
    """Begin to write the state to a file, and go on: nothing writes to arrays that are held.

    The seconds that the writing before this one took; raises what it came to, if it failed.
    """
    member = _member(seat, version)
    if member is None:
        return None
    if member.saving:
        member.saving.join()
    failure, member.failure = member.failure, None
    if failure:
        raise failure
    state = member.held

    def write() -> None:
        started = time.perf_counter()
        try:
            write_state(url, state)
        except Exception as error:  # told when somebody asks again
            member.failure = error
        member.wrote = time.perf_counter() - started

    member.saving = threading.Thread(target=write, name="checkpoint")
    member.saving.start()
    return member.wrote


def leave(seat: Seat) -> None:
    """Forget all about it."""
    with _lock:
        member = _members.pop(seat, None)
    if member and member.saving:
        member.saving.join()


def _member(seat: Seat, version: int | None = None) -> Member | None:
    """The one on this seat, if it holds this version."""
    member = _members.get(seat)
    if member is None or (version is not None and member.version != version):
        return None
    member.used = time.monotonic()
    return member

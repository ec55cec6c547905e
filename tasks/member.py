"""What a worker of a team keeps between tasks, and does with it: its copy of the state. Runs in the worker.

Members merge among themselves, by gloo over their own network: the state never passes through the process of the flow.
What a task is asked for and cannot do, because this worker does not hold what it should, or because a peer has gone, it
answers with None; what to do about it is for `tasks.team` to decide. It knows no Dask.
"""

import threading
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from algorithms.merging import merge_over
from algorithms.model import write_state
from algorithms.protocol import Algorithm, Piece, Span
from algorithms.state import Partial, State, merge
from algorithms.training import Share, train_part

NOTHING = -1  # the version of a member that holds no state
FORGOTTEN = 2 * 3600.0  # seconds without a task after which nobody will ask again: the flow was killed


class Seat(NamedTuple):
    """Who a task is for: a training, and its member with this address. Several may share a process."""

    training: str
    address: str

    @property
    def host(self) -> str:
        """The name of the machine, as others reach it."""
        host = self.address.partition("://")[2].rpartition(":")[0].strip("[]")
        return host if self.address.startswith(("tcp", "tls")) else "127.0.0.1"


class Circle(NamedTuple):
    """Those who merge with each other. rank: of the one who is told; host, port: where they find each other."""

    rank: int
    size: int
    host: str
    port: int
    seconds: float  # that one journey may take


class Standing(NamedTuple):
    """What a member holds: the version of its state, and the parts of the next one that it has trained."""

    version: int
    parts: tuple[int, ...]


class Member:
    """One worker's state, and what it has trained from it that is not merged yet."""

    def __init__(self, algorithm: Algorithm[Any, Any], threads: int) -> None:
        self.algorithm, self.threads = algorithm, threads
        self.version, self.held = NOTHING, State()
        self.partials: dict[int, Partial] = {}
        self.store: Any = None
        self.group: Any = None  # torch's ProcessGroupGloo; None for one who is alone
        self.saving: threading.Thread | None = None
        self.wrote = 0.0  # seconds that the last writing took
        self.failure: BaseException | None = None
        self.used = time.monotonic()

    def hold(self, state: State, version: int) -> None:
        """Begin anew from a state."""
        self.held, self.version, self.partials = state, version, {}

    def total(self, array: NDArray[Any]) -> None:
        """Add up an array over all members, in place."""
        import torch

        self.group.allreduce([torch.from_numpy(array)]).wait()


_members: dict[Seat, Member] = {}
_lock = threading.Lock()


def sit(
    seat: Seat, algorithm: Algorithm[Any, Any], threads: int, states: Sequence[State] = (), version: int = NOTHING
) -> Standing:
    """Become a member, if this worker is none yet, and say what is held. states: one to begin with, or none."""
    with _lock:
        for other, idle in list(_members.items()):
            if time.monotonic() - idle.used > FORGOTTEN:
                del _members[other]
        member = _members.setdefault(seat, Member(algorithm, threads))
    member.used = time.monotonic()
    if states:
        # what Dask brings is read-only: numba would compile anew for it
        member.hold({name: np.require(array, requirements="W") for name, array in states[0].items()}, version)
    return Standing(member.version, tuple(sorted(member.partials)))


def open_store(seat: Seat) -> int | None:
    """Open the place where a circle finds together; its port."""
    member = _member(seat)
    if member is None:
        return None
    member.store = _torch_distributed().TCPStore(seat.host, 0, None, is_master=True, wait_for_workers=False)
    return int(member.store.port)


def join(seat: Seat, circle: Circle, *, version: int, root: int | None) -> bool | None:
    """Form a circle. root: the rank of one who holds `version` and gives it to all; None: all hold it."""
    member = _member(seat)
    if member is None:
        return None
    member.group = None
    if circle.size > 1:
        try:
            member.group = _group(seat, circle, member.store)
            if root is not None:
                _hand_round(member, circle, version=version, root=root)
        except (RuntimeError, OSError, TimeoutError):  # what gloo says of peers that have gone
            return None
    return True


def work(seat: Seat, version: int, number: int, part: Sequence[Piece], *, span: Span, seed: int) -> Share | None:
    """Train on part `number` of a round from the state that is held, and keep what comes of it for the merge."""
    member = _member(seat, version)
    if member is None:
        return None
    started = time.perf_counter()
    partial = train_part(member.algorithm, member.held, part, span=span, threads=member.threads, seed=seed)
    member.partials[number] = partial
    return Share.of(partial, worker=seat.address, seconds=time.perf_counter() - started)


def combine(seat: Seat, version: int, *, span: Span, seed: int) -> bool | None:
    """Merge what all members have trained; what comes of it is held from now on, by all the same."""
    member = _member(seat, version)
    if member is None:
        return None
    partials = [member.partials[number] for number in sorted(member.partials)]
    if not partials:  # others have trained all parts: an idle partial, with no evidence
        partials = [train_part(member.algorithm, member.held, [], span=span, threads=member.threads, seed=seed)]
    if member.group is None:
        state = merge(partials).state
    else:
        try:
            state = merge_over(partials, member.total, base=member.held)
        except RuntimeError as error:
            if not _of_gloo(error):
                raise
            return None
    member.hold(state, version + 1)
    return True


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
    if member.failure:
        raise member.failure
    state = member.held

    def write() -> None:
        started = time.perf_counter()
        try:
            write_state(url, state)
        except BaseException as error:  # told by the next task, for want of anybody else to tell
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


def _group(seat: Seat, circle: Circle, store: Any) -> Any:
    distributed = _torch_distributed()
    timeout = timedelta(seconds=circle.seconds)
    if circle.rank:
        store = distributed.TCPStore(circle.host, circle.port, None, is_master=False, timeout=timeout)
    options = distributed.ProcessGroupGloo._Options()  # torch's own way to say which network: there is no public one
    options._devices = [distributed.ProcessGroupGloo.create_device(hostname=seat.host)]
    options._timeout = timeout
    return distributed.ProcessGroupGloo(store, circle.rank, circle.size, options)


def _torch_distributed() -> Any:
    """A module that does not export what it documents."""
    from torch import distributed

    return distributed


def _hand_round(member: Member, circle: Circle, *, version: int, root: int) -> None:
    """Give the state of one to all: its outline first, then the bytes of each array."""
    import torch

    state = member.held if circle.rank == root else State()
    described = [[name, list(array.shape), array.dtype.str] for name, array in state.items()]
    outline = np.frombuffer(orjson.dumps(described), np.uint8).copy()
    size = np.array([outline.size], np.int64)
    member.group.broadcast(torch.from_numpy(size), root).wait()
    outline = outline if circle.rank == root else np.empty(int(size[0]), np.uint8)
    member.group.broadcast(torch.from_numpy(outline), root).wait()
    received = State()
    for name, shape, dtype in orjson.loads(outline.tobytes()):
        array = np.ascontiguousarray(state[name]) if circle.rank == root else np.empty(shape, dtype)
        if array.size:
            member.group.broadcast(torch.from_numpy(array.reshape(-1).view(np.uint8)), root).wait()
        received[name] = array
    if member.version != version:
        member.hold(received, version)


def _of_gloo(error: RuntimeError) -> bool:
    """Whether a peer has gone. What gloo raises has no class of its own."""
    text = str(error).lower()
    return any(word in text for word in ("gloo", "connection", "timed out", "timeout", "peer", "socket"))

"""Where an unfinished training has come to, so that it can go on after its process, or all of its workers, were killed.

    <folder of the stage>-checkpoints/history-000012.json       what was told of the rounds so far; written first
    <folder of the stage>-checkpoints/best-000003.safetensors   the weights of the best epoch so far, where one is kept
    <folder of the stage>-checkpoints/state-000012.safetensors  all arrays after round 12: the checkpoint is whole

They lie beside the folder that the stage will have, which is named by everything that goes into it: so nothing goes on
from a training that was another one. A finished stage has none.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from algorithms.model import read_state, write_state
from algorithms.state import State
from algorithms.training import Cluster, Round
from data import storage
from data.errors import CorpusError, FormatError, HyperparameterError, StorageError
from tasks import workers
from tasks.network import network_failed
from tasks.progress import log
from tasks.watch import watching

SUFFIX = "-checkpoints"
LEAST = 2.0  # seconds between two
SPARING = 20.0  # times what writing one takes, between two: so that they cost a twentieth of the time at most
FORGOTTEN = 7 * 86400.0  # seconds after which nobody will go on

History = list[dict[str, float]]
BestEpoch = Callable[[History], int]
"""The epoch whose weights are the best, by the history; 0 where there is none, or none is kept."""


class Checkpoints:
    """What a training keeps for going on. The caller adds to `history`, and calls `keep` for its best epoch.

    first: rounds that are done already; state: what they came to, or None at the very beginning.
    """

    def __init__(self, url: str, *, on: bool = True) -> None:
        self.url, self.on = url, on
        self.first = 0
        self.state: State | None = None
        self.history: History = []
        self.best: State = {}
        self._epoch, self._written = 0, 0
        self._made: list[tuple[int, int]] = []  # rounds that have a checkpoint, and the best epoch by then
        self._oldest = 0  # the best epoch of the first of them
        self._at, self._cost = time.monotonic(), 0.0

    def keep(self, epoch: int, state: State) -> None:
        """These are the best weights so far. They are copied: the next round may write to them."""
        self._epoch, self.best = epoch, {name: np.array(array) for name, array in state.items()}

    def as_before(self, where: Cluster) -> None:
        """Have a round cut into as many parts as it was, also where there are fewer workers now, or more: how many
        rounds there are depends on it, and what comes of them.
        """
        if self.history:
            where.workers = workers.parts(self.history[-1])

    def after(self, each: Round) -> None:
        """Write a checkpoint, if it is time for one. The history has the round already.

        One that cannot be written is missed by nobody until somebody has to go on: training does not end for it.
        """
        passed = time.monotonic() - self._at
        if not self.on or each.number == each.rounds or passed < max(LEAST, SPARING * self._cost):
            return
        began = time.monotonic()
        try:
            storage.write_json(self._file("history", each.number, "json"), self.history)
            if self._epoch > self._written:
                write_state(self._file("best", self._epoch), self.best)
                self._written = self._epoch
            wrote = time.monotonic() - began
            self._cost = wrote + each.team.save(self._file("state", each.number))
            self._made.append((each.number, self._epoch))
            self._prune()
        except StorageError as error:
            self._cost = max(self._cost, time.monotonic() - began)
            log().warning("after round %d no checkpoint is written: %s", each.number, error)
        self._at = time.monotonic()

    def resume(self, best_epoch: BestEpoch) -> bool:
        """Take up the newest checkpoint that is whole; False where there is none."""
        for number in sorted(self._numbers("state"), reverse=True):
            try:
                history: History = storage.read_json(self._file("history", number, "json"))
                epoch = best_epoch(history)
                best = read_state(self._file("best", epoch)) if epoch else {}
                state = read_state(self._file("state", number))
            except (FormatError, StorageError) as error:
                if network_failed(error):  # it may be whole
                    raise
                log().warning("the checkpoint after round %d is not whole: %s", number, error)
                continue
            self.first, self.state, self.history, self.best = number, state, history, best
            self._epoch = self._written = epoch
            self._made = [(number, epoch)]
            return True
        return False

    def _prune(self) -> None:
        """Remove those before the newest that is written: the last of all may be on its way."""
        written = [number for number, _ in self._made[:-1] if storage.exists(self._file("state", number))]
        newest = max(written, default=0)
        for number, _ in self._made:
            if number < newest:
                storage.remove(self._file("state", number))
                storage.remove(self._file("history", number, "json"))
        self._made = [(number, epoch) for number, epoch in self._made if number >= newest]
        needed = min(epoch for _, epoch in self._made)
        for epoch in self._numbers("best") if needed > self._oldest else ():
            if epoch < needed:
                storage.remove(self._file("best", epoch))
        self._oldest = needed

    def _numbers(self, kind: str) -> list[int]:
        names: list[str] = []
        with suppress(CorpusError):  # there are none
            names = [storage.name(url) for url in storage.expand(self.url)]
        parts = [name.partition(".")[0].rpartition("-") for name in names if name.endswith(".safetensors")]
        return [int(number) for what, _, number in parts if what == kind and number.isdigit()]

    def _file(self, kind: str, number: int, ending: str = "safetensors") -> str:
        return storage.join(self.url, f"{kind}-{number:06d}.{ending}")


@contextmanager
def checkpoints(stage: str, *, resume: bool = True, best_epoch: BestEpoch = lambda _: 0) -> Iterator[Checkpoints]:
    """Those of the stage whose folder is `stage`, for the length of the block; gone when it ends well.

    resume: go on from what a run before this one left. A training that somebody watches, a trial of a sweep, keeps
    none: it is short, and may be ended for good reasons.
    """
    url = stage + SUFFIX
    kept = Checkpoints(url, on=not watching())
    if kept.on:
        _sweep(url)
        if not resume:
            storage.remove(url)
        elif kept.resume(best_epoch):
            log().info("going on after round %d, from %s", kept.first, url)
    try:
        yield kept
    except HyperparameterError:  # it would come to the same again
        storage.remove(url)
        raise
    if kept.on:
        storage.remove(url)


def _sweep(url: str) -> None:
    """Remove what others left long ago."""
    if storage.is_local(url):
        for path in Path(url).parent.glob(f"*{SUFFIX}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > FORGOTTEN:
                    shutil.rmtree(path)

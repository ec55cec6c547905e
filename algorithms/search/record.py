"""The record of a sweep: its trials, kept by Optuna in a journal file or a database, so that it can be gone on with.

A journal is a text file that is only ever appended to. A process that is killed leaves at most half a line, which is
not read; the trials that it was running are found as running.
"""

import fcntl
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import optuna
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState, create_trial

from algorithms.search import axes
from algorithms.search.objectives import Objective
from algorithms.search.space import Parameters, Ranges
from algorithms.search.trials import Status, Trial
from data.errors import EmbertextError

STATES = {
    "completed": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "interrupted": TrialState.FAIL,
}
NAME = "sweep"  # of the only one in a file


class Opened(NamedTuple):
    """A place for sweeps. lock: held as long as this process may write to a file."""

    storage: BaseStorage
    where: str
    lock: IO[bytes] | None


def opened(where: str, *, alone: bool = True) -> Opened:
    """The place that a path or a URL of a database names; "" is this process's memory.

    alone: nobody else may write to a file meanwhile. Raises EmbertextError where there is no such place, where another
    process has it, and for a file that is no journal.
    """
    if not where:
        return Opened(InMemoryStorage(), where, None)
    if "://" in where:
        return Opened(_database(where), where, None)
    path = Path(where)
    lock = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if alone:
            lock = _locked(path)
            _mended(path)
        return Opened(JournalStorage(JournalFileBackend(str(path))), where, lock)
    except OSError as error:
        _release(lock)
        what = f"cannot be written: {error.strerror}"
        raise EmbertextError(what, where=f"storage={where!r}", remedy="choose another path") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _release(lock)
        if isinstance(error, EmbertextError):
            raise
        remedy = "choose another path: a new file is made where there is none"
        raise EmbertextError("not the journal of a sweep", where=f"storage={where!r}", remedy=remedy) from error


class Record:
    """The trials of one sweep. settings: what must be the same when it is gone on with, as JSON can hold it."""

    def __init__(
        self, storage: str, *, name: str, objectives: Sequence[Objective], settings: Mapping[str, object]
    ) -> None:
        self.name, self._place = name, opened(storage)
        place = self._place.storage
        try:
            if name in _names(place):
                self._study = optuna.load_study(study_name=name, storage=place)
                self._check(settings)
            else:
                directions = [each.direction for each in objectives]
                self._study = optuna.create_study(study_name=name, storage=place, directions=directions)
                self._study.set_user_attr("settings", settings)
        except BaseException:
            self.close()
            raise

    @property
    def study(self) -> optuna.Study:
        """What Optuna's pruners look at."""
        return self._study

    def begin(self, parameters: Parameters, ranges: Ranges, *, again: int | None = None) -> Trial:
        """Write down a trial that now runs. again: the interrupted one that it repeats."""
        trial = create_trial(
            state=TrialState.RUNNING,
            params=parameters,
            distributions={name: axes.recorded(ranges[name]) for name in parameters},
            user_attrs={} if again is None else {"again": again},
        )
        self._study.add_trial(trial)
        return Trial(len(self._study.get_trials(deepcopy=False)) - 1, parameters, "running")

    def round(self, number: int, step: int, value: float) -> None:
        """Write down the objective after a round."""
        self._place.storage.set_trial_intermediate_value(self._id(number), step, value)

    def finish(self, trial: Trial) -> None:
        """Write down what became of a trial."""
        told = {"status": trial.status, "values": trial.values, "metrics": trial.metrics, "seconds": trial.seconds}
        self._place.storage.set_trial_user_attr(self._id(trial.number), "told", told | {"reason": trial.reason[:1000]})
        values = trial.values if trial.status == "completed" else None
        self._study.tell(trial.number, values, state=STATES[trial.status])

    def trials(self) -> list[Trial]:
        """All of them, in the order they were begun."""
        return [_trial(frozen) for frozen in self._study.get_trials(deepcopy=False)]

    def repeats(self, number: int) -> int | None:
        """The interrupted trial that this one repeats."""
        again = self._study.get_trials(deepcopy=False)[number].user_attrs.get("again")
        return None if again is None else int(again)

    def close(self) -> None:
        """Let another process write."""
        _left(self._place)

    def _id(self, number: int) -> int:
        return self._study.get_trials(deepcopy=False)[number]._trial_id

    def _check(self, settings: Mapping[str, object]) -> None:
        before = self._study.user_attrs.get("settings", {})
        for name, value in settings.items():
            if before.get(name) != json.loads(json.dumps(value)):
                raise EmbertextError(
                    f"the sweep {self.name!r} there has other {name}",
                    where=f"storage={shown(self._place.where)!r}",
                    remedy="give the same to go on with it, or another storage, with warm_start to learn from it",
                )


def recorded(where: str, *, name: str = NAME) -> tuple[list[Trial], dict[str, Any]]:
    """The trials of a sweep that need not have ended, and its settings. Raises EmbertextError where there is none."""
    if "://" not in where and not Path(where).exists():
        raise EmbertextError("no such file", where=f"storage={where!r}", remedy="give the storage of an earlier sweep")
    place = opened(where, alone=False)
    try:
        return _recorded(place.storage, where, name)
    finally:
        _left(place)


def _recorded(storage: BaseStorage, where: str, name: str) -> tuple[list[Trial], dict[str, Any]]:
    if name not in (names := _names(storage)):
        remedy = f"it has {', '.join(names)}" if names else "give the storage of an earlier sweep"
        raise EmbertextError(f"no sweep {name!r} there", where=f"storage={shown(where)!r}", remedy=remedy)
    study = optuna.load_study(study_name=name, storage=storage)
    trials = [_trial(frozen) for frozen in study.get_trials(deepcopy=False)]
    return trials, cast(dict[str, Any], study.user_attrs.get("settings", {}))


def shown(where: str) -> str:
    """A place without its password."""
    scheme, separator, rest = where.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{user.partition(':')[0]}:***@{host}" if at and ":" in user else where


def _names(storage: BaseStorage) -> list[str]:
    return sorted(study.study_name for study in optuna.get_all_study_summaries(storage, include_best_trial=False))


def _trial(frozen: FrozenTrial) -> Trial:
    told = frozen.user_attrs.get("told", {})
    status: Status = "running" if not frozen.state.is_finished() else told.get("status", "interrupted")
    return Trial(
        number=frozen.number,
        parameters=dict(frozen.params),
        status=status,
        values=tuple(told.get("values", ())) if frozen.state.is_finished() else (),
        rounds=dict(frozen.intermediate_values),
        metrics=dict(told.get("metrics", {})),
        seconds=float(told.get("seconds", 0)),
        reason=str(told.get("reason", "")),
    )


def _database(url: str) -> RDBStorage:
    try:
        return RDBStorage(url)
    except ImportError as error:
        what = f"its driver is not installed: {error.__cause__ or error}"
        remedy = "install it, psycopg for PostgreSQL, or give a path: a journal file"
    except Exception as error:  # of SQLAlchemy or of the driver: there is no common class, and no partial success
        what = f"cannot be opened: {str(error).splitlines()[0]}"
        remedy = "give a path, or a URL such as sqlite:///sweep.db"
        raise EmbertextError(what, where=f"storage={shown(url)!r}", remedy=remedy) from error
    raise EmbertextError(what, where=f"storage={shown(url)!r}", remedy=remedy)


def _locked(path: Path) -> IO[bytes]:
    """The file open, and closed to others until this process closes it or ends."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        what, remedy = "another process runs this sweep", "wait for its end, or choose another storage"
        raise EmbertextError(what, where=f"storage={str(path)!r}", remedy=remedy) from None
    except OSError:
        pass  # a file system without locks
    return file


def _left(place: Opened) -> None:
    """No more is read or written there."""
    _release(place.lock)
    if isinstance(place.storage, RDBStorage):
        place.storage.remove_session()
        place.storage.engine.dispose()


def _release(lock: IO[bytes] | None) -> None:
    if lock:
        lock.close()


def _mended(path: Path) -> None:
    """Take away half a line at the end, which a process that was killed has left: the next would be added to it."""
    content = path.read_bytes()
    if content.startswith(b'{"op_code"') and not content.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)

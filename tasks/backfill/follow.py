"""The loop of a backfill: submit while there is room, look how they are, until all have ended."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import TerminationSignal

from tasks.backfill import runs
from tasks.backfill.plan import Cell, Plan
from tasks.backfill.runs import Attempt, patiently

Redo = Literal["none", "failed", "all"]

LOOK = 2.0  # seconds between looks
ENDS = (KeyboardInterrupt, SystemExit, TerminationSignal)  # Ctrl-C, SIGTERM to a command, and to a flow's run


@dataclass
class Standing:
    """How a cell stands. wanted: still to be submitted; before: it had ended when the backfill was begun."""

    cell: Cell
    attempt: Attempt | None = None
    wanted: bool = False
    before: bool = False
    outcome: dict[str, Any] = field(default_factory=dict)

    @property
    def run(self) -> FlowRun | None:
        """The latest."""
        return self.attempt.run if self.attempt else None

    @property
    def state(self) -> str:
        """In a word."""
        if self.wanted:
            return "to run"
        run = self.run
        if run is None or run.state is None:
            return "not run"
        return "Withdrawn" if is_withdrawn(run) else run.state.name or run.state.type.value.capitalize()

    @property
    def is_unfinished(self) -> bool:
        """It takes one of the places that the limit allows."""
        return not self.wanted and self.run is not None and not is_final(self.run)

    @property
    def is_completed(self) -> bool:
        """It has ended well."""
        return bool(not self.wanted and self.run and self.run.state and self.run.state.is_completed())

    @property
    def has_failed(self) -> bool:
        """It has ended, and not well; or somebody has deleted it."""
        return not (self.wanted or self.is_unfinished or self.is_completed or (self.run and is_withdrawn(self.run)))


def is_final(run: FlowRun) -> bool:
    """It will not go on by itself."""
    return run.state is not None and run.state.is_final()


def is_withdrawn(run: FlowRun) -> bool:
    """It was never begun, since its backfill was stopped."""
    return runs.WITHDRAWN in run.tags and bool(run.state and run.state.is_cancelled())


def is_wanted(run: FlowRun | None, redo: Redo) -> bool:
    """Whether another run is to be submitted for a cell whose latest is this."""
    if run is None or is_withdrawn(run):
        return True
    if not is_final(run) or redo == "none":
        return False
    assert run.state
    return redo == "all" or not run.state.is_completed()


def stand(client: SyncPrefectClient, plan: Plan, redo: Redo) -> list[Standing]:
    """Each cell with what there is of it already."""
    known = patiently(lambda: runs.latest(client, plan.cells))
    found = []
    for cell in plan.cells:
        attempt = known.get(cell.key)
        run = attempt.run if attempt else None
        wanted = is_wanted(run, redo)
        found.append(Standing(cell, attempt, wanted, before=bool(run and is_final(run) and not wanted)))
    learn(client, [each for each in found if each.before])
    return found


def follow(
    client: SyncPrefectClient,
    plan: Plan,
    standings: list[Standing],
    *,
    limit: int,
    cancel_running: bool,
    tell: Callable[[list[Standing]], None],
) -> BaseException | None:
    """Run what is wanted, never more than `limit` at a time, to the end of all.

    tell: hears after each look. Returns what has ended it before, a signal; by then what had not begun is withdrawn,
    and with cancel_running what had is being cancelled.
    """
    try:
        while True:
            look(client, standings)
            room = limit - sum(each.is_unfinished for each in standings)
            for each in _first(room, (each for each in standings if each.wanted)):
                number = each.attempt.number + 1 if each.attempt else 1
                each.attempt = patiently(partial(runs.submit, client, plan, each.cell, number))
                each.wanted = False
            tell(standings)
            if not any(each.wanted or each.is_unfinished for each in standings):
                return None
            time.sleep(LOOK)
    except ENDS as end:
        adopt(client, standings)
        for each in standings:
            if each.attempt and each.is_unfinished:
                run = runs.withdraw(client, each.attempt.run)
                if cancel_running and not is_final(run):
                    run = runs.cancel(client, run)
                each.attempt = Attempt(each.attempt.number, run)
        look(client, standings)
        tell(standings)
        return end


def adopt(client: SyncPrefectClient, standings: list[Standing]) -> None:
    """Take in runs that the server has made, and whose submission was cut short before we heard of it."""
    known = runs.latest(client, [each.cell for each in standings if each.wanted])
    for each in standings:
        found = known.get(each.cell.key) if each.wanted else None
        if found and (each.attempt is None or found.number > each.attempt.number):
            each.attempt, each.wanted = found, False


def look(client: SyncPrefectClient, standings: list[Standing]) -> None:
    """Read how those are that have not ended, and what came of those that have."""
    unfinished = [each for each in standings if each.is_unfinished]
    now = patiently(lambda: runs.read(client, [each.run.id for each in unfinished if each.run]))
    for each in unfinished:
        assert each.attempt
        run = now.get(each.attempt.run.id)
        each.attempt = Attempt(each.attempt.number, run) if run else None  # somebody has deleted it
    learn(client, [each for each in unfinished if not each.is_unfinished])


def learn(client: SyncPrefectClient, standings: list[Standing]) -> None:
    """What those have left that are completed."""
    done = [each for each in standings if each.is_completed]
    found = patiently(lambda: runs.outcomes(client, [each.run.id for each in done if each.run]))
    for each in done:
        assert each.run
        each.outcome = found.get(each.run.id, {})


def _first(count: int, standings: Iterable[Standing]) -> Iterator[Standing]:
    return (each for each, _ in zip(list(standings), range(max(0, count)), strict=False))

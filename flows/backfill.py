"""A deployment, run once for each of many partitions, and for each value of what is swept."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Literal

from prefect import State, flow
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from prefect.states import Cancelled, Failed
from pydantic import Field

from data.errors import EmbertextError
from data.partitions import Grain
from flows.form import titled
from tasks import stages
from tasks.backfill.artifacts import Shown
from tasks.backfill.follow import Standing, follow, stand
from tasks.backfill.matrix import Backfilled, outcome
from tasks.backfill.parameters import Given, lists, named
from tasks.backfill.plan import cells
from tasks.backfill.runs import find, patiently
from tasks.progress import log, progress

AGAIN = "the same backfill with redo=failed tries those again"
NAMED = 5  # failed runs, in the message of the state


class _Stopped(Exception):  # noqa: N818 - it is no error, and leaves the bar where it is
    """By a signal."""


@flow(
    name="backfill",
    description="Run a deployment for each partition of a stretch of time, once, and show what came of it.",
)
@titled
def backfill(
    deployment: str,
    first: str,
    last: str = "",
    every: Grain = "day",
    parameters: Given = "",
    sweep: Given = "",
    limit: Annotated[int, Field(ge=1)] = 2,
    redo: Literal["none", "failed", "all"] = "none",
    metric: str = "",
    cancel_running: bool = False,
    dry_run: bool = False,
) -> Backfilled | State[Backfilled]:
    """Plan, see what is there, submit and follow, show.

    Args:
        deployment: What to run: a deployment that takes a partition, such as word2vec/word2vec, or its name alone.
        first: The first partition, such as 2026-01-01 or 2026-01; or words such as "6 months ago".
        last: The last partition, such as 2026-06-30; or words such as "last month". Empty: the first alone.
        every: How long a partition is.
        parameters: What all runs are given, YAML or JSON, such as learning_rate: 0.05 with a line for each. Names are
            those of the deployment's form, such as seed, and of fields of its hyperparameters; word2vec.epochs where
            two forms have one. The others are as the deployment has them.
        sweep: What each partition is run with one by one: the same with a list of values, such as learning_rate:
            [0.025, 0.05].
        limit: Runs at a time, at most; fewer where the deployment, or its work pool, has a lower limit.
        redo: Which of those that have ended are run again; failed also means those that crashed or were cancelled.
            Those that never began, and those whose parameters or code are new, run in any case.
        metric: The metric to show of each run, such as mean_rho. Empty: the algorithm's own.
        cancel_running: When the backfill is stopped, also cancel runs that train. Those that have not begun always are.
        dry_run: Only show what would run, and what is there.

    """
    with get_client(sync_client=True) as client:
        target = patiently(lambda: find(client, deployment))
        if target.name.partition("/")[0] == "backfill":
            raise EmbertextError("is a backfill itself", where=target.name, remedy="name a deployment that trains")
        plan = cells(
            target,
            first=first,
            last=last,
            every=every,
            given=named(parameters, where="parameters"),
            sweep=lists(sweep),
            at=flow_run.scheduled_start_time,
            code=stages.code(),
        )
        standings = stand(client, plan, redo)
        show = Shown(client)
        show(outcome(plan, standings, metric=metric), now=True)
        if dry_run:
            return outcome(plan, standings, metric=metric)

        with suppress(_Stopped), progress("backfill", artifact="backfill-progress") as report:

            def tell(now: Sequence[Standing]) -> None:
                found = outcome(plan, now, metric=metric)
                done = sum(not (each.wanted or each.is_unfinished) for each in now)
                show(found)
                report(done / len(now), found.summary())

            # one more would look for its place every half a minute
            room = min(limit, target.limit or limit)
            end = follow(client, plan, standings, limit=room, cancel_running=cancel_running, tell=tell)
            if end:
                raise _Stopped
        found = outcome(plan, standings, metric=metric, ended=type(end).__name__ if end else "")
        show(found, now=True)
        log().info("%s", found.summary())
    if isinstance(end, KeyboardInterrupt):
        return Cancelled(message=f"Stopped. {found.summary()}", data=found)
    if end:
        raise end
    if found.failed:
        names = ", ".join(row.name for row in found.failed[:NAMED]) + (", ..." if len(found.failed) > NAMED else "")
        return Failed(message=f"{len(found.failed)} of {len(found.rows)} failed: {names}; {AGAIN}.", data=found)
    return found

"""The runs of a backfill on a Prefect server: found by their keys, submitted, withdrawn, and what came of them.

A cell's runs are attempts, 1, 2, ...; the key of each is the cell's with that number, and the server gives a key to one
run only. So however often, and by however many, a backfill is begun, each attempt is made once.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import httpx
import orjson
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterIdempotencyKey,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling
from prefect.utilities.urls import url_for

from data.errors import EmbertextError
from tasks.backfill.plan import Cell, Plan, Target
from tasks.progress import log

TAG = "backfill"
WITHDRAWN = "backfill:withdrawn"  # tag of a run that was cancelled before it began, since its backfill had ended
OUTCOME = "%-outcome"  # key of the artifact that says what came of a run
BATCH = 100  # runs asked for at a time
PATIENCE = 600.0  # seconds in which a server that does not answer may come back

T = TypeVar("T")


class Attempt(NamedTuple):
    """The latest run of a cell. number: from 1."""

    number: int
    run: FlowRun


def find(client: SyncPrefectClient, name: str) -> Target:
    """The deployment of that name, its own or with its flow's before it. Raises EmbertextError that says what is there.

    A name alone is enough where only one deployment has it.
    """
    there = list(_deployments(client))
    found = [each for each in there if name in (each.name, each.name.partition("/")[2])]
    if len(found) == 1:
        return found[0]
    if not there:
        remedy = "prefect deploy --all puts ours there"
        raise EmbertextError(f"no deployment {name}, and no other", where=str(client.api_url), remedy=remedy)
    names = ", ".join(sorted(each.name for each in found or there))
    what = f"{len(found)} deployments are called {name}" if found else f"no deployment {name}"
    raise EmbertextError(what, where=str(client.api_url), remedy=f"{'name one of' if found else 'there are'} {names}")


def latest(client: SyncPrefectClient, cells: Sequence[Cell]) -> dict[str, Attempt]:
    """The last attempt at each cell that has one, by the cell's key."""
    found: dict[str, Attempt] = {}
    number, asked = 1, [cell.key for cell in cells]
    while asked:
        keys = {_attempt(key, number): key for key in asked}
        runs = [
            run
            for batch in _batches(list(keys))
            for run in client.read_flow_runs(
                flow_run_filter=FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=batch)), limit=BATCH
            )
        ]
        told = {keys[str(run.idempotency_key)]: Attempt(number, run) for run in runs}
        found |= told
        number, asked = number + 1, list(told)
    return found


def submit(client: SyncPrefectClient, plan: Plan, cell: Cell, number: int) -> Attempt:
    """Ask for an attempt at a cell; where it was asked for before, it is that run."""
    try:
        run = client.create_flow_run_from_deployment(
            UUID(plan.target.id),
            parameters=cell.sent,
            name=cell.name if number == 1 else f"{cell.name} #{number}",
            tags=[TAG, f"{TAG}:{plan.id}"],
            idempotency_key=_attempt(cell.key, number),
        )
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in (httpx.codes.CONFLICT, httpx.codes.BAD_REQUEST):
            raise
        told = " ".join(str(error.response.json().get("detail", error)).split())
        remedy = "change that parameter, or the deployment's"
        raise EmbertextError(f"refused {cell.name}: {told}", where=plan.target.name, remedy=remedy) from error
    return Attempt(number, run)


def read(client: SyncPrefectClient, runs: Iterable[UUID]) -> dict[UUID, FlowRun]:
    """How runs are now."""
    return {
        run.id: run
        for batch in _batches(list(runs))
        for run in client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=batch)), limit=BATCH)
    }


def outcomes(client: SyncPrefectClient, runs: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """What runs have left for programs: model, report, metrics, by their names. Nothing of one that has not."""
    found: dict[UUID, dict[str, Any]] = {}
    for batch in _batches(list(runs)):
        about = ArtifactFilter(
            flow_run_id=ArtifactFilterFlowRunId(any_=batch), key=ArtifactFilterKey(like_=OUTCOME), operator="and_"
        )
        for artifact in client.read_artifacts(artifact_filter=about):
            rows = orjson.loads(artifact.data) if isinstance(artifact.data, str) else artifact.data
            if artifact.flow_run_id and isinstance(rows, list):
                found[artifact.flow_run_id] = {row["name"]: row["value"] for row in rows}
    return found


def has_begun(run: FlowRun) -> bool:
    """Whether the flow of one that has not ended was ever running."""
    return run.start_time is not None


def withdraw(client: SyncPrefectClient, run: FlowRun) -> FlowRun:
    """Cancel a run that has not begun, and mark it: the next backfill asks for it anew. Others are left alone."""
    run = client.read_flow_run(run.id)
    if has_begun(run) or not run.state or run.state.is_final():
        return run
    client.update_flow_run(run.id, tags=[*run.tags, WITHDRAWN])
    message = "Withdrawn before it began: its backfill was stopped."
    waiting = run.state.type == StateType.SCHEDULED
    client.set_flow_run_state(run.id, Cancelled(message=message) if waiting else Cancelling(message=message))
    return client.read_flow_run(run.id)


def cancel(client: SyncPrefectClient, run: FlowRun) -> FlowRun:
    """Ask the worker to end a run."""
    client.set_flow_run_state(run.id, Cancelling(message="Cancelled with its backfill."))
    return client.read_flow_run(run.id)


def link(run: FlowRun) -> str:
    """Its page in the Prefect UI."""
    return url_for("flow-run", obj_id=run.id) or str(run.id)


def patiently(ask: Callable[[], T]) -> T:
    """What the server answers; one that does not may be starting anew."""
    until, told = time.monotonic() + PATIENCE, False
    while True:
        try:
            return ask()
        except httpx.TransportError as error:
            if time.monotonic() > until:
                raise ConnectionError(f"the Prefect server has not answered for {PATIENCE / 60:.0f} minutes") from error
            if not told:
                log().warning("the Prefect server does not answer (%s); asking again", error)
                told = True
            time.sleep(5)


def _attempt(key: str, number: int) -> str:
    return f"backfill-{key}-{number}"


def _batches(values: Sequence[T]) -> list[list[T]]:
    return [list(values[start : start + BATCH]) for start in range(0, len(values), BATCH)]


def _deployments(client: SyncPrefectClient) -> Iterable[Target]:
    flows: Mapping[UUID, str] = {}
    offset = 0
    while found := client.read_deployments(limit=BATCH, offset=offset):
        for each in found:
            if each.flow_id not in flows:
                flows = {**flows, each.flow_id: client.read_flow(each.flow_id).name}
            schema = each.parameter_openapi_schema or {"properties": {}}
            own = each.global_concurrency_limit
            limit = own.limit if own and own.active else None
            yield Target(str(each.id), f"{flows[each.flow_id]}/{each.name}", each.parameters, schema, limit)
        offset += len(found)

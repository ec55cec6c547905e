"""A run of a flow, seen from outside: what it returned, and what the Prefect server knows of it."""

import time
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterId


def run(flow: Flow[..., Any], *given: object, **options: object) -> SimpleNamespace:
    """Run the flow; its id, its final state and what it returned or raised."""
    state = flow(*given, **options, return_state=True)
    identity = state.state_details.flow_run_id
    assert isinstance(identity, UUID)
    return SimpleNamespace(id=identity, state=state, result=state.result(raise_on_failure=False))


def states(run: SimpleNamespace, *, expected: int) -> dict[str, str]:
    """The final state of each task, by its name. Prefect records them a moment later."""
    for _ in range(100):
        with get_client(sync_client=True) as client:
            runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
        if len(runs) >= expected and all(each.state and each.state.is_final() for each in runs):
            break
        time.sleep(0.1)
    return {each.name.rsplit("-", 1)[0]: each.state_name or "" for each in runs}


def artifacts(run: SimpleNamespace) -> dict[str, Artifact]:
    """Its artifacts by their keys."""
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
        )
    return {each.key: each for each in found}

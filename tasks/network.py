"""When a task is tried again: only when the network failed, as nothing else changes by waiting."""

import socket
import sys
from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task


def try_again(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a task failed for want of a network, so that another attempt can help; says so on stderr.

    A name that cannot be resolved means that there is no network at all: one more attempt is enough.
    """
    error = state.result(raise_on_failure=False)
    again = network_failed(error) and (run.run_count <= 1 or not name_unknown(error))
    if again:
        print(f"{task.name}: {' '.join(str(error).split())}; trying again", file=sys.stderr)
    return again


def network_failed(error: BaseException | None) -> bool:
    """Whether the network is what an error comes from."""
    while error:
        library = type(error).__module__.partition(".")[0]
        if isinstance(error, ConnectionError | TimeoutError):
            return True
        if library in ("botocore", "aiobotocore", "aiohttp", "requests", "urllib3"):
            return "Credentials" not in type(error).__name__
        error = error.__cause__
    return False


def name_unknown(error: BaseException | None) -> bool:
    """Whether the address of a host was asked for in vain."""
    while error:
        if isinstance(error, socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False


NETWORK: dict[str, Any] = {
    "retries": 2,
    "retry_delay_seconds": [2, 8],
    "retry_condition_fn": try_again,
    "cache_policy": NO_CACHE,
}
"""What every task is told: try again when the network failed, and leave reuse to the folders of `tasks/stages.py`."""

"""How far along its line a pipeline has come: a progress artifact of the flow's run. Its stages draw their own bars."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

Done = Callable[[], None]
"""Say that the next stage is done."""


@contextmanager
def following(*names: str) -> Iterator[Done]:
    """Stages in their order, under the key pipeline-progress."""
    made = create_progress_artifact(progress=0.0, key="pipeline-progress", description=f"{names[0]} ...")
    identity = made if isinstance(made, UUID) else None
    over: list[str] = []

    def done() -> None:
        over.append(names[len(over)])
        left = names[len(over)]
        if identity:
            told = f"{', '.join(over)} done; {left} ..."
            update_progress_artifact(identity, progress=100 * len(over) / len(names), description=told)

    yield done
    if identity:
        update_progress_artifact(identity, progress=100.0, description=f"{', '.join(names)} done")

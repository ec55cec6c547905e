"""How far a long piece of work has come: a bar on a terminal, a progress artifact in the Prefect UI.

Without a terminal there is one line for each stage that is done; outside a flow run there is no artifact.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging import get_logger, get_run_logger
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from tasks.watch import still_wanted, watching

SECONDS_BETWEEN_UPDATES = 2.0  # each update of the artifact is a request to the server

Report = Callable[[float, str], None]
"""Say how far the work is, a fraction (0..1), and a few words; Markdown below them is for the artifact alone."""


def log() -> "logging.Logger | logging.LoggerAdapter[Any]":
    """The run's logger inside a run of a task or a flow, an ordinary one elsewhere."""
    return get_run_logger() if TaskRunContext.get() or FlowRunContext.get() else get_logger("embertext")


def tell(lines: Iterable[str]) -> None:
    """Log the lines, as they are."""
    for line in lines:
        log().info("%s", line)


@contextmanager
def progress(title: str, *, artifact: str = "") -> Iterator[Report]:
    """A bar named `title` for the length of the block, and an artifact under the key `artifact` when one is given.

    Neither where somebody watches: they draw their own, and hear here whether the work is still wanted.
    """
    if watching():
        yield lambda fraction, note: still_wanted()
        return
    identity: UUID | None = None
    if artifact and (TaskRunContext.get() or FlowRunContext.get()):
        made = create_progress_artifact(progress=0.0, key=artifact, description=title)
        identity = made if isinstance(made, UUID) else None
    start = told = time.monotonic()
    last = ""
    with Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    ) as bars:
        bar = bars.add_task(title, total=1.0, note="")

        def report(fraction: float, note: str) -> None:
            nonlocal told, last
            bars.update(bar, completed=fraction, note=note.partition("\n")[0])
            if identity and (fraction >= 1 or time.monotonic() - told >= SECONDS_BETWEEN_UPDATES):
                told = time.monotonic()
                update_progress_artifact(identity, progress=min(100.0, 100 * fraction), description=f"{title}: {note}")

            last = note

        yield report
        report(1.0, last)
    if not sys.stderr.isatty():
        print(f"{title:<9} {time.monotonic() - start:.1f} s", file=sys.stderr)

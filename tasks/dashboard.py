"""Where one can watch a cluster at work: Dask's own pages, in the log and as a link in the Prefect UI."""

from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from prefect.artifacts import create_link_artifact
from prefect.context import FlowRunContext, TaskRunContext

from tasks.progress import log
from tasks.watch import watching

PLAIN = "info/main/workers.html"  # tables: all that a scheduler without bokeh has


def address(client: Any) -> str:
    """Of the dashboard of the cluster that a `distributed.Client` is connected to; "" where it has none."""
    link = client.dashboard_link
    if not link:
        return ""
    drawn = True
    with suppress(Exception):  # one that will not say may draw
        drawn = client.run_on_scheduler(find_spec, "bokeh") is not None
    return str(link) if drawn else str(link).replace("status", PLAIN)


def show(where: str, *, workers: int, scheduler: str) -> None:
    """Say who works, and where one sees them; in a run, as the artifact dask-dashboard too."""
    log().info("%d workers of %s%s", workers, scheduler, f"; Dask's dashboard: {where}" if where else "")
    if where and (TaskRunContext.get() or FlowRunContext.get()) and not watching():
        create_link_artifact(
            where, link_text="Dask's dashboard", key="dask-dashboard", description="What the workers do; while they do."
        )

"""New partitions at a place, told of by an event each: what automations start a training by."""

from typing import Annotated, Literal

from prefect import flow
from pydantic import Field

from data.arrivals import MARKER
from data.storage import check_conditional
from flows.form import titled
from tasks.arrivals import Looked, look


@flow(
    name="arrivals",
    description="See whether there are new partitions at a place, and emit an event for each, once.",
)
@titled
def arrivals(
    place: str,
    every: Literal["as they are", "hour", "day", "week", "month", "quarter", "year"] = "as they are",
    since: str = "",
    settled: Annotated[float, Field(ge=0)] = 10.0,
    marker: str = MARKER,
    state: str = "artifacts/arrivals",
    adopt: bool = False,
    dry_run: bool = False,
) -> Looked:
    """Look, and tell.

    Args:
        place: Where data arrives: a place with {partition} in it, such as s3://bucket/news/{partition}.jsonl.gz; or a
            folder with folders such as dt=2026-01-31 in it.
        every: Put together partitions that are shorter than this, and tell of it when it is over; or tell of them as
            they are.
        since: The first partition to tell of, such as 2026-01; or words such as "last month". Empty: all that there
            are.
        settled: Minutes that a partition's files have not been written for, after which it is whole.
        marker: The name of a file that says that the partition whose folder it is in is whole. Empty: none does.
        state: The folder or URL where it is remembered which partitions were told of.
        adopt: Tell of none, and remember those that are there as known.
        dry_run: Tell of none, and remember none.

    """
    if not dry_run:
        check_conditional(state)
    return look(
        place,
        state=state,
        every=None if every == "as they are" else every,
        since=since,
        settled=60 * settled,
        marker=marker,
        adopt=adopt,
        dry_run=dry_run,
    )

"""What a backfill shows in the Prefect UI: artifacts that are written anew while it goes on."""

import time
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import ArtifactUpdate

from tasks.backfill.matrix import Backfilled
from tasks.backfill.runs import patiently

SECONDS_BETWEEN_UPDATES = 5.0


class Shown:
    """Artifacts under the keys backfill-matrix, a table, and backfill-summary, the same with links, as Markdown.

    backfill-runs has a row for each run, for programs.
    """

    def __init__(self, client: SyncPrefectClient) -> None:
        self.client = client
        self.made: dict[str, UUID] = {}
        self.last: Backfilled | None = None
        self.at = 0.0

    def __call__(self, found: Backfilled, *, now: bool = False) -> None:
        """Show how it stands, where that has changed and was not shown a moment ago; with `now` in any case."""
        if found == self.last or not (now or time.monotonic() - self.at > SECONDS_BETWEEN_UPDATES):
            return
        self.last, self.at = found, time.monotonic()
        about = f"{found.deployment}, backfill {found.id}"
        for name, data in (("summary", found.markdown()), ("matrix", _matrix(found)), ("runs", _runs(found))):
            if name in self.made:
                told = data if isinstance(data, str) else orjson.dumps(data).decode()
                patiently(partial(self.client.update_artifact, self.made[name], ArtifactUpdate(data=told)))
                continue
            key = f"backfill-{name}"
            made: Any = (
                create_markdown_artifact(data, key=key, description=about)
                if isinstance(data, str)
                else create_table_artifact(data, key=key, description=about)
            )
            self.made[name] = made


def _matrix(found: Backfilled) -> list[dict[str, Any]]:
    head = ["partition", *(column or "outcome" for column in found.columns)]
    return [dict(zip(head, line, strict=True)) for line in found.matrix()]


def _runs(found: Backfilled) -> list[dict[str, Any]]:
    return [
        {
            "partition": row.partition,
            **row.parameters,
            "state": row.state,
            "metric": row.metric,
            "value": row.value,
            "model": row.model,
            "run": row.run,
        }
        for row in found.rows
    ]

"""The platform whole, on real servers, and what a person can ask it: runs, artifacts, events, models."""

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from data import storage
from tests import planted
from tests.services.conftest import PrefectServer, dask_running, prefect_running, wait_for

MONTHS = [f"2026-{month:02}" for month in range(1, 7)]
NAME = "reviews"
MANIFEST = "manifest.json"
ENDS = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
TO_RUN: dict[str, Any] = {"seconds": 300, "what": "the end of a run"}
BEGAN = time.monotonic()


def say(text: str) -> None:
    """For whoever watches: pytest -s."""
    print(f"\n{time.monotonic() - BEGAN:5.0f} s  {text}", end="", flush=True)


class Platform(NamedTuple):
    """server: with all that is deployed; place: the bucket's URL."""

    server: PrefectServer
    place: str

    @property
    def models(self) -> str:
        """What EMBERTEXT_OUTPUT is."""
        return f"{self.place}/models"

    @property
    def registry(self) -> str:
        return f"{self.models}/registry"

    def get(self, path: str) -> Any:
        return self.server.client.get(path).raise_for_status().json()

    def filter(self, kind: str, **filters: Any) -> list[dict[str, Any]]:
        return self.server.client.post(f"/{kind}/filter", json=filters).raise_for_status().json()

    def deployment(self, flow: str) -> dict[str, Any]:
        return self.get(f"/deployments/name/{flow}/{flow}")

    def finished(self, run: str) -> dict[str, Any]:
        """A flow run when it is over, and well."""
        found = wait_for(lambda: (at := self.get(f"/flow_runs/{run}"))["state_type"] in ENDS and at, **TO_RUN)
        assert found["state_name"] == "Completed", f"{found['state']['message']}\n{self.server.log.read_text()}"
        say(f"{found['name']}: {found['state_name']}, {found['total_run_time']:.0f} seconds of its own")
        return found

    def artifacts(self, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {each["key"]: each for each in self.filter("artifacts", flow_runs={"id": {"any_": [run["id"]]}})}

    def events(self, run: dict[str, Any], name: str) -> list[dict[str, Any]]:
        """What a run has told under that name; the server may take a while to write it down."""
        about = {"event": {"name": [name]}, "related": {"id": [f"prefect.flow-run.{run['id']}"]}}
        asked = {"filter": {"occurred": {"since": run["created"]}, **about}}

        def heard() -> list[dict[str, Any]]:
            return self.server.client.post("/events/filter", json=asked).raise_for_status().json()["events"]

        return wait_for(heard, seconds=30, what=name)

    def published(self) -> dict[str, dict[str, Any]]:
        """The manifests of all models that there are, by their URLs."""
        names = [each for each in storage.names(self.models) if each != "registry"]
        urls = [storage.join(self.models, name, MANIFEST) for name in names]
        return {url: storage.read_json(url) for url in urls}


@contextmanager
def whole(bucket: str, folder: Path) -> Iterator[Platform]:
    """All of it, up: on an S3 server that is there."""
    place = f"s3://{bucket}"
    say(f"S3 is up; corpora on {place}")
    write_corpora(place)
    cache = {"EMBERTEXT_CACHE": f"{place}/cache"}
    with ExitStack() as stack:
        scheduler = stack.enter_context(dask_running(folder, workers=2, **cache))
        say(f"Dask is up at {scheduler}")
        where = {"EMBERTEXT_OUTPUT": f"{place}/models", "EMBERTEXT_SCHEDULER": scheduler}
        soon = {"PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2"}  # it looks at schedules once a minute
        server = stack.enter_context(prefect_running(folder, **cache, **where, **soon))
        say(f"Prefect's server and worker are up at {server.client.base_url}, all is deployed")
        yield Platform(server, place)
        say("all down")


def write_corpora(place: str) -> None:
    """Half a year of text of two kinds of words, two days a month; labelled lines of these days, and to judge by."""
    for number, (month, day) in enumerate(itertools.product(MONTHS, ("07", "21"))):
        text = planted.text(sentences=400, seed=number, kinds=(planted.ANIMALS, planted.MONEY))
        storage.write_bytes(f"{place}/news/dt={month}-{day}/part-0.txt", text.encode())
    today = datetime.now(UTC)
    for number, day in enumerate([today - timedelta(1), today, today + timedelta(1)]):
        lines = planted.labelled(lines=400, seed=number)
        storage.write_bytes(f"{place}/{NAME}/dt={day:%Y-%m-%d}/part-0.txt", lines.encode())
    storage.write_bytes(f"{place}/judged-by.txt", planted.labelled(lines=200, strays=0.1, seed=9).encode())

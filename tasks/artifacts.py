"""What every finished run shows in the Prefect UI, and tells its caller. Knows no algorithm."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from pydantic import BaseModel

from data import storage
from tasks import drift, stages
from tasks.drift import Drifted
from tasks.ingest import Ingested
from tasks.publish import Published, numbers
from tasks.train import Trained


class Summary(BaseModel, frozen=True):
    """A run in a few values. seconds: what each stage took in this run; reused: those an earlier run had done.

    rows: what a person wants to see of it first, ready to print, each with its name.
    """

    model: str
    report: str
    words_per_second: float
    metrics: dict[str, Any]
    rows: list[tuple[str, str]]
    seconds: dict[str, float]
    reused: list[str]

    @property
    def places(self) -> dict[str, str]:
        """Where things are, by what they are."""
        return {"model": self.model, "report": self.report}


class Table(NamedTuple):
    """Rows of an artifact, all with the same columns."""

    description: str
    rows: Sequence[Mapping[str, Any]]


def show(
    algorithm: str, published: Published, manifest: Mapping[str, Any], *, summary: str, tables: Mapping[str, Table]
) -> None:
    """Artifacts under the keys <algorithm>-summary, -outcome, -report, each table's name where it has rows, and,
    where the manifest tells of an earlier model, -drift.
    """
    create_markdown_artifact(summary, key=f"{algorithm}-summary", description="The run in a screen.")
    for name, table in {**tables, "outcome": outcome(published, manifest)}.items():
        if table.rows:
            rows = [dict(row) for row in table.rows]
            create_table_artifact(rows, key=f"{algorithm}-{name}", description=table.description)
    if changed := manifest.get("drift"):
        drifted = Drifted(**changed)
        described = f"What changed since {drifted.before.name}."
        create_table_artifact(drift.rows(drifted), key=f"{algorithm}-drift", description=described)
    address = link(published.report)
    create_link_artifact(address, link_text="report.html", key=f"{algorithm}-report", description="The whole report.")


def link(url: str) -> str:
    """What a browser opens."""
    return Path(url).as_uri() if storage.is_local(url) else url


def outcome(published: Published, manifest: Mapping[str, Any]) -> Table:
    """What came of a run for a program to read: names and values, places and partition first, then each metric."""
    places = {"model": published.model, "report": published.report, "partition": manifest.get("partition", "")}
    registered = {"version": published.version, "verdict": published.verdict} if published.version else {}
    values = places | registered | numbers(manifest["metrics"])
    rows = [{"name": name, "value": value} for name, value in values.items()]
    return Table("Where things are, and what the model is worth.", rows)


def summarise(
    *,
    ingested: Ingested,
    prepared: stages.Stage,
    trained: Trained,
    evaluated: stages.Stage,
    published: Published,
    metrics: dict[str, Any],
    rows: list[tuple[str, str]],
    start: float,
    own: Mapping[str, stages.Stage] | None = None,
) -> Summary:
    """The run's summary.

    start: when reporting began, by `time.perf_counter`; own: the algorithm's stages between training and evaluation.
    """
    done = {"prepare": prepared, "train": trained, **(own or {}), "evaluate": evaluated, "publish": published}
    return summary_of(
        done,
        ingested=ingested,
        published=published,
        words_per_second=trained.words_per_second,
        metrics=metrics,
        rows=rows,
        start=start,
    )


def summary_of(
    done: Mapping[str, stages.Stage],
    *,
    ingested: Ingested,
    published: Published,
    words_per_second: float,
    metrics: dict[str, Any],
    rows: list[tuple[str, str]],
    start: float,
) -> Summary:
    """The summary of a run of other stages: all of them by name, in their order."""
    seconds = {"ingest": ingested.seconds} | {name: 0.0 if each.reused else each.seconds for name, each in done.items()}
    return Summary(
        model=published.model,
        report=published.report,
        words_per_second=words_per_second,
        metrics=metrics,
        rows=[*rows, ("version", f"{published.version}, {published.verdict}")] if published.version else rows,
        seconds=seconds | {"report": time.perf_counter() - start},
        reused=[name for name, each in done.items() if each.reused],
    )

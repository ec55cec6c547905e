"""What a finished transform shows in the Prefect UI, and tells its caller."""

import time
from typing import Any

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from pydantic import BaseModel

from data import storage
from tasks.network import NETWORK
from tasks.transform.conclude import Concluded
from tasks.transform.plan import Plan
from tasks.transform.run import Ran

MOST_FILES = 1000  # rows of the table: the manifest has all


class Transformed(BaseModel, frozen=True):
    """A run in a few values. output: the folder; errors: the URL of errors.jsonl, "" where there were none.

    metrics: files, rows, errors: of all files; answered: rows of this run. seconds: what each stage took in it; reused:
    those that an earlier run had done. rows: what a person wants to see of it first, each with its name.
    """

    output: str
    manifest: str
    errors: str
    rows_per_second: float
    metrics: dict[str, int]
    rows: list[tuple[str, str]]
    seconds: dict[str, float]
    reused: list[str]

    @property
    def places(self) -> dict[str, str]:
        """Where things are, by what they are."""
        found = {"output": self.output, "errors": self.errors, "manifest": self.manifest}
        return {name: url for name, url in found.items() if url}


@task(name="report", description="Show the run in the UI.", **NETWORK)
def report(plan: Plan, ran: Ran, concluded: Concluded) -> Transformed:
    """Artifacts under the keys transform-summary, -files and -output."""
    start = time.perf_counter()
    table = [_row(target, each.model_dump()) for target, each in concluded.files.items()]
    rows, errors = sum(row["rows"] for row in table), sum(row["errors"] for row in table)
    told = [
        (
            "answers",
            f"{rows:,} rows in {len(table):,} file(s)" + (f", {rows - ran.rows:,} of them before" * (rows != ran.rows)),
        ),
        ("speed", f"{ran.rows_per_second:,.0f} rows/s" if ran.rows else "nothing was left to do"),
        ("bad records", f"{errors:,}" if errors else "none"),
    ]
    create_markdown_artifact(_summary(concluded, told), key="transform-summary", description="The run in a screen.")
    shown = sorted(table, key=lambda row: -int(row["errors"]))[:MOST_FILES]
    create_table_artifact(shown, key="transform-files", description="Answers by file; those with bad records first.")
    if storage.is_local(concluded.url):
        with storage.local_path(concluded.url) as path:
            address = path.as_uri()
    else:
        address = concluded.url
    create_link_artifact(address, link_text="the answers", key="transform-output", description="The output's folder.")
    seconds = {"plan": plan.seconds, "answer": ran.seconds, "publish": 0.0 if concluded.reused else concluded.seconds}
    return Transformed(
        output=concluded.url,
        manifest=concluded.manifest,
        errors=concluded.errors,
        rows_per_second=ran.rows_per_second,
        metrics={"files": len(table), "rows": rows, "errors": errors, "answered": ran.rows},
        rows=told,
        seconds=seconds | {"report": time.perf_counter() - start},
        reused=["answer"] * (not ran.seconds) + ["publish"] * concluded.reused,
    )


def _row(target: str, answered: dict[str, Any]) -> dict[str, Any]:
    return {
        "answers": target,
        "input": answered["input"],
        **{name: answered[name] for name in ("rows", "errors", "bytes")},
    }


def _summary(concluded: Concluded, told: list[tuple[str, str]]) -> str:
    lines = "\n".join(f"| {name} | {text} |" for name, text in told)
    places = "".join(f"\n* {name}: `{url}`" for name, url in {"errors": concluded.errors}.items() if url)
    return f"# Transform\n\n| | |\n| --- | --- |\n{lines}\n\n* output: `{concluded.url}`{places}\n"

"""What a finished sweep shows in the Prefect UI, and tells its caller."""

import time
from typing import Any

from prefect import task

from data import storage
from tasks import artifacts
from tasks.artifacts import Summary, Table
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.publish import MANIFEST, Published
from tasks.tune.sweep import Swept
from tasks.tune.table import Row, cost, rows, shortened
from tasks.tune.trial import Learned


class Tuned(Summary, frozen=True):
    """A sweep in a few values. model: the best; report: the sweep's; trials: of `tasks.tune.table.rows`.

    objective: the best's values by their metrics; parameters: what it was trained with, of those that were searched;
    cost: of `tasks.tune.table.cost`; ended: why the sweep did.
    """

    objective: dict[str, float]
    parameters: dict[str, Any]
    trials: list[Row]
    cost: dict[str, float]
    ended: str
    model_report: str


@task(
    name="report-sweep",
    description="Show the ranked table of trials, the pictures of the search and the addresses as artifacts.",
    **NETWORK,
)
def report(swept: Swept, ingested: Ingested, learned: Learned, best: Published, published: Published) -> Tuned:
    """Artifacts under the keys tune-<algorithm>-summary, with pictures, -trials, -outcome and -report."""
    from tasks.plots import data_uri, png  # matplotlib and jinja2, not needed before
    from tasks.tune import page

    start = time.perf_counter()
    verdict = {"version": best.version, "verdict": best.verdict}  # of now, also where the sweep was published before
    manifest = storage.read_json(storage.join(published.url, MANIFEST)) | verdict
    table = rows(swept)
    text = page.summary_markdown(swept, manifest=manifest, rows=table, model=best.model, report=published.report)
    for heading, (_, figure) in page.pictures(swept).items():
        text += f"\n### {heading.capitalize()}\n\n![{heading}]({data_uri(png(figure, dpi=72))})\n"
    name = f"tune-{swept.sweep.algorithm.replace('_', '-')}"
    tables = {"trials": Table("Trials, the best first.", shortened(table))}
    found = published.model_copy(update={"model": best.model, **verdict})
    artifacts.show(name, found, manifest | {"metrics": learned.evaluated.metrics}, summary=text, tables=tables)
    return Tuned(
        model=best.model,
        report=published.report,
        words_per_second=learned.trained.words_per_second,
        metrics=dict(learned.evaluated.metrics),
        rows=page.terminal_rows(swept, manifest, table),
        seconds={
            "ingest": ingested.seconds,
            "tune": swept.seconds,
            "publish": best.seconds + published.seconds,
            "report": time.perf_counter() - start,
        },
        reused=[
            *(["tune"] if swept.before == sum(not each.sweep for each in swept.trials) else []),
            *(["publish"] if best.reused and published.reused else []),
        ],
        objective={each.metric: value for each, value in zip(swept.objectives, swept.best.values, strict=True)},
        parameters=swept.best.parameters,
        trials=table,
        cost=cost(swept),
        ended=swept.ended,
        model_report=best.report,
    )

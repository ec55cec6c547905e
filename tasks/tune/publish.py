"""What a sweep is published as: its table, its report, and what a later sweep can start from.

    <output>/tune-<algorithm>-<key>/    trials.csv, sweep.json, report.html, manifest.json

The best model lies beside, published as its own flow would have, and a version of a registry where that is asked for.
"""

import time
from datetime import UTC, datetime
from typing import Any

from prefect import task

from data import storage
from tasks import publish as publishing
from tasks import stages
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.publish import FORMAT, MANIFEST, REPORT, Published
from tasks.tune import earlier
from tasks.tune.sweep import Swept
from tasks.tune.table import CSV, cost, rows, to_csv

FILES = (CSV, earlier.NAME, REPORT)


@task(
    name="publish-sweep",
    description="Write the table of trials and the report of the sweep; the manifest goes last.",
    **NETWORK,
)
def publish(swept: Swept, ingested: Ingested, best: Published, *, output: str) -> Published:
    """The folder <output>/tune-<algorithm>-<key>. best: the model's. One that holds all its files is left as it is."""
    from tasks.tune import page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    sweep = swept.sweep
    name = f"tune-{sweep.algorithm.replace('_', '-')}"
    ranges = {each: given.model_dump(mode="json") for each, given in sweep.space.ranges.items()}
    told = earlier.told(
        [each for each in swept.trials if not each.sweep],
        algorithm=sweep.algorithm,
        data=sweep.data,
        base=sweep.space.base,
        objectives=[f"{each.direction} {each.metric}" for each in swept.objectives],
        ranges=ranges,
    )
    place = publishing.place(
        name, output, names=FILES, sweep=sweep.key, told=told, model=best.model, version=best.version
    )
    if place.reused:
        return stages.reused(place)
    table = rows(swept)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "algorithm": name,
        "tuned": sweep.algorithm,
        "objectives": told["objectives"],
        "best": {"model": best.model, **swept.best.parameters},
        **({"version": best.version, "verdict": best.verdict} if best.version else {}),
        "hyperparameters": swept.form.model_dump(mode="json"),
        "tuning": sweep.tuning.model_dump(mode="json", exclude={"storage"}),
        "ranges": ranges,
        "importances": swept.importances,
        "cost": cost(swept),
        "ended": swept.ended,
        "seed": sweep.seed,
        "threads": swept.machines["threads"],
        **publishing.partition(ingested.source),
        "corpus": publishing.lineage(ingested.source),
        **publishing.software(),
        "seconds": {"tune": swept.seconds},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with progress("report") as report, stages.workbench(place.url, marker=MANIFEST) as scratch:
        storage.write_bytes(str(scratch / CSV), to_csv(table).encode())
        storage.write_json(str(scratch / earlier.NAME), told)
        report(0.1, "drawing")
        html = page.render(swept, manifest=manifest, rows=table)
        publishing.conclude(scratch, manifest, html=html, start=start, names=FILES)
    log().info("published %s", place.url)
    return place.model_copy(update={"seconds": time.perf_counter() - start})

"""What a finished pipeline shows in the Prefect UI, and tells its caller."""

import time

from prefect import task

from data import storage
from tasks import artifacts
from tasks.artifacts import Summary, Table
from tasks.network import NETWORK
from tasks.pipeline.boxes import Run, boxes, seconds
from tasks.publish import MANIFEST, Published


class Piped(Summary, frozen=True):
    """A pipeline in a few values. report: the page of the whole line; the others are the model's and the sweep's."""

    model_report: str
    sweep_report: str

    @property
    def places(self) -> dict[str, str]:
        """Where things are, by what they are."""
        return {"model": self.model, "its report": self.model_report, "sweep": self.sweep_report, "report": self.report}


@task(
    name="report-pipeline",
    description="Show the line with what each stage took, the evaluation and the addresses as artifacts.",
    **NETWORK,
)
def report(run: Run, published: Published) -> Piped:
    """Artifacts under the keys pipeline-summary, -stages, -outcome and -report."""
    from tasks.pipeline import page  # jinja2, not needed before

    start, line = time.perf_counter(), boxes(run)
    manifest = storage.read_json(storage.join(published.url, MANIFEST))
    text = page.summary_markdown(run, line, manifest=manifest, report=published.report)
    tables = {"stages": Table("What each stage took, and how much it was.", page.stage_rows(line))}
    artifacts.show("pipeline", published, manifest, summary=text, tables=tables)
    return Piped(
        model=published.model,
        report=published.report,
        words_per_second=run.trained.words_per_second,
        metrics=run.metrics,
        rows=page.terminal_rows(run, line),
        seconds={**seconds(line), "report": time.perf_counter() - start},
        reused=[box.name for box in line if box.reused],
        model_report=run.searched.model_report,
        sweep_report=run.searched.report,
    )

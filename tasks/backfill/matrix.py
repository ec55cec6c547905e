"""The outcome of a backfill, partition by parameters: as rows for people and programs, and as Markdown with links."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from prefect.client.schemas.objects import FlowRun
from pydantic import BaseModel

from tasks.backfill.follow import Standing
from tasks.backfill.plan import Plan, told
from tasks.backfill.runs import link
from tasks.page import plain, table

# the first of these that a run has is what the matrix shows of it; else its first metric
METRICS = ("mean_rho", "validation_accuracy", "train_accuracy", "npmi", "hits@10", "total_loss")
PLACES = ("model", "report", "partition")


class Row(BaseModel, frozen=True):
    """One cell. metric: its name, "" while there is none; run: its page in the Prefect UI."""

    partition: str
    parameters: dict[str, Any]
    state: str
    metric: str
    value: float | None
    model: str
    run: str
    message: str
    before: bool
    failed: bool

    @property
    def name(self) -> str:
        """As the plan's."""
        return " ".join([self.partition, *told(self.parameters)])

    @property
    def text(self) -> str:
        """State and metric: "Completed 0.512"."""
        return self.state if self.value is None else f"{self.state} {self.value:.4g}"


class Backfilled(BaseModel, frozen=True):
    """What has become of a backfill. columns: what is swept; ended: why it did before all had, or ""."""

    deployment: str
    id: str
    columns: list[str]
    rows: list[Row]
    ended: str = ""

    @property
    def failed(self) -> list[Row]:
        """Those that ended and not well."""
        return [row for row in self.rows if row.failed]

    @property
    def counts(self) -> dict[str, int]:
        """How many are in each state, the most first."""
        return dict(Counter(row.state for row in self.rows).most_common())

    @property
    def metric(self) -> str:
        """What the numbers are."""
        return next((row.metric for row in self.rows if row.metric), "")

    def matrix(self) -> list[list[str]]:
        """A line for each partition, with the texts of its cells behind its name."""
        return [[partition, *(row.text for row in rows)] for partition, rows in self._lines().items()]

    def summary(self) -> str:
        """In one line: "12 runs: 10 Completed, 2 Failed; 3 were there before"."""
        states = ", ".join(f"{count} {state}" for state, count in self.counts.items())
        before = sum(row.before for row in self.rows)
        return f"{len(self.rows)} runs: {states}" + (f"; {before} had ended before" if before else "")

    def markdown(self) -> str:
        """The matrix with a link to each run and the place of each model."""
        lines = [plain(self.summary() + (f". Numbers: {self.metric}." if self.metric else ".")), ""]
        head = [plain(name) for name in ("partition", *self.columns)]
        body = [
            [partition, *(f"[{plain(row.text)}]({row.run})" if row.run else plain(row.text) for row in rows)]
            for partition, rows in self._lines().items()
        ]
        lines += ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *body)]
        if models := [[row.name, row.model] for row in self.rows if row.model]:
            lines += ["", "### Models", "", *table(["run", "model"], models)]
        if self.failed:
            lines += ["", "### Failed", "", *table(["run", "why"], [[row.name, row.message] for row in self.failed])]
        return "\n".join(lines) + "\n"

    def _lines(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.partition, []).append(row)
        return found


def outcome(plan: Plan, standings: Sequence[Standing], *, metric: str = "", ended: str = "") -> Backfilled:
    """How the cells stand. metric: which of the runs' metrics to show; "" lets the algorithm's own decide."""
    return Backfilled(
        deployment=plan.target.name,
        id=plan.id,
        columns=plan.columns,
        rows=[_row(each, metric) for each in standings],
        ended=ended,
    )


def _row(standing: Standing, metric: str) -> Row:
    run, found = standing.run, standing.outcome
    metrics = {name: value for name, value in found.items() if name not in PLACES and isinstance(value, int | float)}
    chosen = metric or next((name for name in (*METRICS, *metrics) if name in metrics), "")
    return Row(
        partition=standing.cell.partition,
        parameters=standing.cell.swept,
        state=standing.state,
        metric=chosen if chosen in metrics else "",
        value=metrics.get(chosen),
        model=str(found.get("model", "")),
        run=link(run) if run and not standing.wanted else "",
        message=_reason(run) if run and standing.has_failed else "",
        before=standing.before,
        failed=standing.has_failed,
    )


def _reason(run: FlowRun) -> str:
    """Why it has failed, in a line: what was raised, without Prefect's words for that."""
    message = (run.state.message or "") if run.state else ""
    return message.removeprefix("Flow run encountered an exception: ").partition("\n")[0]

"""A finished sweep as a page, and the summary that Prefect shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from tasks import page
from tasks.page import duration, table
from tasks.plots import picture
from tasks.tune import plots
from tasks.tune.sweep import Swept
from tasks.tune.table import Row, model_name, shortened
from tasks.tune.trial import shown as own

SHOWN = 100  # trials in the page's table
IN_MARKDOWN = 20
ON_A_TERMINAL = 12
UNTOLD = ("model_name", "status", "reason")


def render(swept: Swept, *, manifest: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """The page as HTML. rows: of `tasks.tune.table`."""
    shown = shortened(rows)
    return page.render(
        "tune/tune.html.j2",
        title=title(manifest),
        manifest=manifest,
        figures=key_figures(swept, manifest),
        curves={},
        columns=list(shown[0]) if shown else [],
        rows=shown[:SHOWN],
        more=max(0, len(shown) - SHOWN),
        several=len(swept.objectives) > 1,
        front=[model_name(swept, each) for each in swept.front],
        best={name: own(value) for name, value in swept.best.parameters.items()},
        ended=swept.ended,
        idle=swept.idle,
        pictures={name: (wide, picture(figure)) for name, (wide, figure) in pictures(swept).items()},
    )


def pictures(swept: Swept) -> dict[str, tuple[bool, Figure]]:
    """What there is to draw of it, by what it shows, and whether it needs the page's width."""
    objective, ranges = swept.objectives[0], swept.sweep.space.ranges
    found = {"each trial, and the best so far": (False, plots.history(swept.trials, objective))}
    if swept.importances:
        found["which parameters matter"] = (False, plots.importances(swept.importances))
    if len(swept.objectives) > 1:
        found["the Pareto front"] = (False, plots.front(swept.trials, swept.front, swept.objectives))
    if any(len(each.rounds) > 1 for each in swept.trials):
        found["each trial after each epoch"] = (False, plots.rounds(swept.trials, objective))
    found["parameters and what came of them, the best trial marked"] = (
        True,
        plots.parallel(swept.trials, ranges, objective),
    )
    found["each parameter by itself"] = (True, plots.slices(swept.trials, ranges, objective))
    return found


def title(manifest: Mapping[str, Any]) -> str:
    """Algorithm and corpus: "word2vec tuned on text8"."""
    return f"{manifest['tuned'].replace('_', ' ')} tuned on {manifest.get('corpus', {}).get('name', 'text')}"


def key_figures(swept: Swept, manifest: Mapping[str, Any]) -> dict[str, str]:
    """What one looks at first, by name, ready to print."""
    cost = manifest["cost"]
    figures = {
        f"best {each.metric.replace('_', ' ')}": f"{value:.4g}"
        for each, value in zip(swept.objectives, swept.best.values, strict=True)
    }
    figures["trials"] = str(sum(each.status != "interrupted" for each in swept.trials))
    for status in ("stopped", "failed"):
        if number := sum(each.status == status for each in swept.trials):
            figures[status] = str(number)
    figures["machine time"] = duration(cost["machine_seconds"])
    if "euros" in cost:
        euros = cost["euros"]
        figures["cost"] = f"{euros:.2f} €" if euros >= 0.1 else f"{euros:.2g} €"
    return figures


def summary_markdown(swept: Swept, *, manifest: Mapping[str, Any], rows: Sequence[Row], model: str, report: str) -> str:
    """The sweep in a screen of Markdown; `model` and `report` are the addresses of what it published."""
    shown = shortened(rows)
    figures = [[name, value] for name, value in key_figures(swept, manifest).items()]
    sections = {
        "": table(["", ""], figures),
        "Trials": table(list(shown[0]), [list(row.values()) for row in shown[:IN_MARKDOWN]]) if shown else [],
        "Registry": [page.plain(registered)] if (registered := _registered(manifest)) else [],
        "Why it ended": [page.plain(swept.ended), *([page.plain(swept.idle)] if swept.idle else [])],
    }
    return page.markdown(title=title(manifest), sections=sections, model=model, report=report)


def terminal_rows(swept: Swept, manifest: Mapping[str, Any], rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What a person wants to see of it first: key figures, the first trials of the table, why it ended."""
    figures = ", ".join(f"{name} {value}" for name, value in key_figures(swept, manifest).items())
    table = [
        (
            str(row["model_name"]),
            ", ".join(
                f"{name}={own(value)}" for name, value in row.items() if name not in UNTOLD and value is not None
            ),
        )
        for row in rows[:ON_A_TERMINAL]
        if row["status"] != "failed"
    ]
    idle = [("note", swept.idle)] if swept.idle else []
    version = [("version", registered)] if (registered := _registered(manifest)) else []
    return [("sweep", figures), *table, ("ended", swept.ended), *idle, *version]


def _registered(manifest: Mapping[str, Any]) -> str:
    """What became of the best in a registry: "words@3, promoted: the first one"; "" where it has no version."""
    return f"{manifest['version']}, {manifest['verdict']}" if manifest.get("version") else ""

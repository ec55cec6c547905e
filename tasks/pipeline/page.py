"""A finished pipeline as a page, and the summary that Prefect shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks import page
from tasks.page import compact, duration, table
from tasks.pipeline.boxes import Box, Run, counted, shown

TRIALS = 20  # in the page's table
IN_MARKDOWN = 10
SIZES = ("documents", "examples", "pairs", "words")
NOT_RECORDS = "{} learns from {}, as SageMaker's does: there is no RecordIO on its way."
READS = {
    "word2vec": "word ids made of text",
    "text-classification": "examples made of labelled text",
    "object2vec": "pairs of ids, from JSON Lines or made of text",
}
RECORDS = (
    "What it learns from is RecordIO-protobuf, a document a record: written as the text is counted, read back, then"
)
RECORDS += " by each worker that trains."


def render(run: Run, line: Sequence[Box], *, manifest: Mapping[str, Any], base: str) -> str:
    """The page as HTML. base: the folder of it, from which links to others are told."""
    trials = _trials(run)
    return page.render(
        "pipeline/pipeline.html.j2",
        title=title(manifest),
        manifest=manifest,
        figures=key_figures(run, line),
        curves={},
        boxes=line,
        records=said_of_records(run),
        links={name: _relative(url, base) for name, url in links(run).items()},
        best={name: _own(value) for name, value in run.searched.parameters.items()},
        columns=list(trials[0]) if trials else [],
        trials=trials[:TRIALS],
        more=max(0, len(trials) - TRIALS),
        ended=run.searched.ended,
        both=both(run),
        metrics=shown(run.metrics),
        version=run.published.version,
        verdict=run.published.verdict,
        workers=manifest["workers"],
        rounds=run.trained.rounds,
    )


def title(manifest: Mapping[str, Any]) -> str:
    """As "topics of docs, from text to a published model"."""
    return f"{manifest['algorithm'].replace('-', ' ')} of {manifest['corpus']['name']}, from text to a published model"


def said_of_records(run: Run) -> str:
    """Whether RecordIO is on the way, and where."""
    return RECORDS if run.records else NOT_RECORDS.format(run.algorithm, READS[run.algorithm])


def both(run: Run) -> str:
    """The objective of the best trial, and of the model that was published: several workers merge what they learn."""
    told = [
        f"{name.replace('_', ' ')} was {value:.4g} in the best trial and is {run.metrics[name]:.4g} as published"
        for name, value in run.searched.objective.items()
        if name in run.metrics
    ]
    return ", ".join(told)


def links(run: Run) -> dict[str, str]:
    """The addresses of the other reports, and of the model, by what they are."""
    return {
        "The model's report": run.searched.model_report,
        "The sweep's report": run.searched.report,
        "The model": run.published.model,
    }


def key_figures(run: Run, line: Sequence[Box]) -> dict[str, str]:
    """What one looks at first, by name, ready to print."""
    figures = {f"best {name.replace('_', ' ')}": f"{value:.4g}" for name, value in run.searched.objective.items()}
    numbers = {name: value for name, value in counted(run.prepared).items() if name in SIZES}
    figures |= {name: compact(float(value.replace(",", ""))) or "0" for name, value in numbers.items()}
    figures["trials"] = str(len(run.searched.trials))
    if run.machines["workers"] or run.machines["scheduler"]:
        figures["workers"] = str(run.trained.workers)
    figures["total time"] = duration(sum(box.seconds for box in line))
    return figures


def mermaid(line: Sequence[Box]) -> list[str]:
    """The line as a diagram that Markdown draws."""
    nodes = []
    for number, box in enumerate(line):
        facts = [f"{name} {value}" for name, value in box.facts.items()]
        text = "<br/>".join(map(_plain, [box.took, *facts]))
        nodes.append(f'    s{number}["<b>{_plain(box.name)}</b><br/>{text}"]')
    arrows = [f"    s{number} --> s{number + 1}" for number in range(len(line) - 1)]
    reused = [f"    style s{number} stroke-dasharray: 4 3" for number, box in enumerate(line) if box.reused]
    wide = "%%{init: {'flowchart': {'wrappingWidth': 500}}}%%"  # a fact is a line
    return ["```mermaid", wide, "flowchart TD", *nodes, *arrows, *reused, "```"]


def summary_markdown(run: Run, line: Sequence[Box], *, manifest: Mapping[str, Any], report: str) -> str:
    """The run in a screen of Markdown."""
    trials = _trials(run)
    sections = {
        "": table(["", ""], [[name, value] for name, value in key_figures(run, line).items()]),
        "The line": mermaid(line),
        "Registry": [page.plain(f"{run.published.version}, {run.published.verdict}")] if run.published.version else [],
        "Evaluation": table(["metric", "value"], list(shown(run.metrics).items())),
        "Best hyperparameters": table(["", ""], [[name, _own(v)] for name, v in run.searched.parameters.items()]),
        "Trials": table(list(trials[0]), [list(row.values()) for row in trials[:IN_MARKDOWN]]) if trials else [],
        "Reports": [f"* {name}: {page.plain(url)}" for name, url in links(run).items()],
    }
    return page.markdown(title=title(manifest), sections=sections, report=report)


def stage_rows(line: Sequence[Box]) -> list[dict[str, str | float]]:
    """One row a stage."""
    return [
        {
            "stage": box.name,
            "seconds": round(box.seconds, 2),
            "reused": "yes" if box.reused else "no",
            "told": ", ".join(f"{name} {value}" for name, value in box.facts.items()),
        }
        for box in line
    ]


def terminal_rows(run: Run, line: Sequence[Box]) -> list[tuple[str, str]]:
    """What a person wants to see of it first."""
    told = [(box.name, ", ".join(f"{name} {value}" for name, value in box.facts.items())) for box in line]
    best = ", ".join(f"{name}={_own(value)}" for name, value in run.searched.parameters.items())
    verdict = [("registry", f"{run.published.version}, {run.published.verdict}")] if run.published.version else []
    return [*told, ("best", best), *verdict]


def _trials(run: Run) -> list[dict[str, str]]:
    """The sweep's table as a person reads it, what came of a trial first; reasons where something failed."""
    first = ["model_name", *run.searched.objective, "status"]
    last = ["seconds"] + ["reason"] * any(row["status"] == "failed" for row in run.searched.trials)
    return [
        {
            name.replace("_", " "): _own(row[name])
            for name in [*first, *(name for name in row if name not in (*first, "seconds", "reason")), *last]
        }
        for row in run.searched.trials
    ]


def _own(value: object) -> str:
    """A value as a person reads it."""
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _relative(url: str, base: str) -> str:
    """An address as seen from a page in the folder `base`, beside which it lies: the place may be moved whole."""
    root = f"{base.rpartition('/')[0]}/"
    return f"../{url.removeprefix(root)}" if url.startswith(root) else url


def _plain(text: str) -> str:
    """Text within a node."""
    return text.replace("&", "&amp;").replace('"', "#quot;").replace("<", "&lt;").replace(">", "&gt;")

"""A finished Object2Vec as a page, and the rows and summary that Prefect shows.

A judgement is what `tasks.object2vec.evaluate` leaves in eval.json: metrics of each of the `sets`; of the one that was
`judged` classes, chances or points, and mistakes; `retrieval`; `neighbours` of words; `map`, positions of some pairs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks import maps, page
from tasks.object2vec import plots as own
from tasks.page import compact, decimal, duration, number, table
from tasks.plots import picture

DECIMALS = 4
METRICS = {
    "accuracy": "accuracy",
    "cross_entropy": "cross-entropy",
    "mean_squared_error": "mean squared error",
    "pearson": "Pearson’s r",
    "spearman": "Spearman’s ρ",
}
RETRIEVAL = {"hits@1": "hits@1", "hits@10": "hits@10", "hits@20": "hits@20", "mean_rank": "mean rank"}
RETRIEVAL |= {"median_rank": "median rank", "queries": "queries", "pool": "pool"}
TEXT_SHOWN = 260  # characters


def render(*, manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> str:
    """The page as HTML; without a judgement it says that the run was not evaluated."""
    return page.render(
        "object2vec/object2vec.html.j2",
        title=page.title(manifest),
        manifest={
            **manifest,
            "hyperparameters": {**manifest.get("hyperparameters", {}), **manifest.get("pairing", {})},
        },
        figures=key_figures(manifest, judgement),
        curves=own.curves(manifest.get("history", [])),
        kept=kept_epoch(manifest),
        judgement=judgement,
        **(_judged(judgement) if judgement else {}),
    )


def _judged(judgement: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows of a judgement, pictures included."""
    sets, retrieval = judgement["sets"], judgement["retrieval"]
    drawn = None
    if judgement.get("chances"):
        drawn = own.chances(judgement["chances"])
    elif judgement.get("points"):
        drawn = own.graded(judgement["points"])
    classes = judgement.get("classes", [])
    return {
        "sets": sets,
        "names": {name: shown for name, shown in METRICS.items() if any(name in found for found in sets.values())},
        "told_apart": drawn and picture(drawn),
        "classes": classes if len(classes) > 2 else [],
        "retrieval": retrieval and {shown: _told(name, retrieval[name]) for name, shown in RETRIEVAL.items()},
        "hits": retrieval and picture(own.hits(retrieval)),
        "found": [_found(each) for each in (retrieval or {}).get("found", [])],
        "map": _map(judgement.get("map")),
        "mapped": len((judgement.get("map") or {}).get("labels", [])),
        "mistakes": [shortened(mistake) for mistake in judgement["mistakes"]],
        "neighbours": judgement["neighbours"],
    }


def _map(found: Mapping[str, Any] | None) -> str | None:
    """The picture of some pairs on a page."""
    if not found:
        return None
    in0, in1 = (np.asarray(found[side], np.float64) for side in ("in0", "in1"))
    return picture(maps.drawn(found["labels"], in0, partners=in1))


def _found(each: Mapping[str, Any]) -> dict[str, Any]:
    """One that was looked for, ready to print; its truth is told apart where it is not among the first."""
    first = [{**one, "text": _cut(one["text"]), "cosine": decimal(one["cosine"])} for one in each["first"]]
    truth = {**each["truth"], "text": _cut(each["truth"]["text"]), "cosine": decimal(each["truth"]["cosine"])}
    missed = not any(one["right"] for one in each["first"])
    return {
        "query": _cut(each["query"]),
        "rank": _rank(each["rank"]),
        "first": first,
        "truth": truth if missed else None,
    }


def kept_epoch(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The epoch whose weights were kept, the last that was trained, how many were allowed; which pairs judged."""
    epochs = [entry for entry in manifest.get("history", []) if entry.get("epoch") is not None]
    if not epochs or not manifest.get("epoch"):
        return None
    validated = any(name.startswith("validation_") for name in epochs[-1])
    return {
        "best": manifest["epoch"],
        "last": epochs[-1]["epoch"],
        "allowed": manifest.get("hyperparameters", {}).get("epochs", epochs[-1]["epoch"]),
        "by": "validation" if validated else "training",
    }


def key_figures(manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> dict[str, str]:
    """What one looks at first, by name, ready to print."""
    metrics, corpus = manifest.get("metrics", {}), manifest.get("corpus", {})
    which = (judgement or {}).get("judged", "test")
    retrieval = (judgement or {}).get("retrieval") or {}
    figures = {
        **{f"{which} {shown}": _told(name, metrics.get(f"{which}_{name}")) for name, shown in METRICS.items()},
        **{shown: _told(name, retrieval.get(name)) for name, shown in RETRIEVAL.items() if name in list(RETRIEVAL)[:4]},
        "looked for among": number(retrieval.get("pool")),
        "training pairs": number(corpus.get("train_pairs")),
        "words in the vocabulary": number(corpus.get("vocabulary") or None),
        "pairs per second": compact(manifest.get("pairs_per_second")),
        "total time": duration(sum(manifest.get("seconds", {}).values())),
    }
    return {name: value for name, value in figures.items() if value}


def metrics_rows(judgement: Mapping[str, Any] | None) -> list[dict[str, str | float]]:
    """One row a number: {"metric": "validation accuracy", "value": 0.9135}."""
    return [
        {"metric": f"{which} {METRICS.get(name, name)}", "value": round(value, DECIMALS)}
        for which, found in (judgement or {}).get("sets", {}).items()
        for name, value in found.items()
    ]


def retrieval_rows(judgement: Mapping[str, Any] | None) -> list[dict[str, str | float]]:
    """One row a number: {"metric": "hits@1", "value": 0.3512}; none where nothing was looked for."""
    retrieval = (judgement or {}).get("retrieval") or {}
    return [
        {"metric": shown, "value": round(retrieval[name], DECIMALS)}
        for name, shown in RETRIEVAL.items()
        if name in retrieval
    ]


def found_rows(judgement: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """One row for each that was looked for: the query, the rank of its truth, what was found first, and the truth."""
    retrieval = (judgement or {}).get("retrieval") or {}
    return [
        {
            "query": _cut(each["query"]),
            "rank": _rank(each["rank"]),
            "found first": _cut(each["first"][0]["text"]),
            "truth": _cut(each["truth"]["text"]),
        }
        for each in retrieval.get("found", [])
    ]


def summary_markdown(
    *, manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None, model: str = "", report: str = ""
) -> str:
    """The run in a screen of Markdown; `model` and `report` are the addresses of what it published."""
    sections = {"": table(["", ""], [[name, value] for name, value in key_figures(manifest, judgement).items()])}
    if judgement:
        sets = judgement["sets"]
        body = [
            [shown, *(_told(name, found.get(name)) or "" for found in sets.values())]
            for name, shown in METRICS.items()
            if any(name in found for found in sets.values())
        ]
        sections["Pairs told apart"] = table(["", *sets], body)
    if rows := found_rows(judgement):
        sections["Looked for"] = table(list(rows[0]), [list(row.values()) for row in rows])
    return page.markdown(title=page.title(manifest), sections=sections, model=model, report=report)


def terminal_rows(manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The run in a few lines of a terminal: what they are about, what they say."""
    corpus, metrics = manifest["corpus"], manifest["metrics"]
    retrieval = (judgement or {}).get("retrieval") or {}
    words = f", {corpus['vocabulary']:,} words" if corpus.get("vocabulary") else ""
    drawn = manifest["hyperparameters"]["negative_sampling_rate"]
    rows = {
        "corpus": f"{corpus['name']}: {corpus['train_pairs']:,} pairs{words}",
        "negatives": f"{drawn} drawn for each pair" if drawn else "",
        "pairs per second": f"{manifest['pairs_per_second']:,.0f}",
    }
    for which in ("train", "validation", "test"):
        told = [
            f"{shown} {_told(name, metrics[f'{which}_{name}'])}"
            for name, shown in METRICS.items()
            if f"{which}_{name}" in metrics
        ]
        rows[which] = ", ".join(told)
    if retrieval:
        found = ", ".join(f"{shown} {_told(name, retrieval[name])}" for name, shown in list(RETRIEVAL.items())[:4])
        rows["retrieval"] = f"{found} of {retrieval['pool']:,}"
    return [(name, text) for name, text in rows.items() if text]


def shortened(mistake: Mapping[str, Any]) -> dict[str, Any]:
    """A mistake, ready to print."""
    true = mistake["true"] if isinstance(mistake["true"], float) else ", ".join(mistake["true"])
    return {**mistake, "true": true, "in0": _cut(mistake["in0"]), "in1": _cut(mistake["in1"])}


def _told(name: str, value: float | None) -> str | None:
    """A metric as a person reads it."""
    if value is None:
        return None
    if name in ("queries", "pool"):
        return number(value)
    if name.endswith("_rank"):
        return f"{value:,.1f}"
    if name == "accuracy" or name.startswith("hits"):
        return f"{value:.2%}"
    return f"{value:.4f}".replace("-", "−")


def _rank(rank: float) -> str:
    return f"{rank:,.1f}".removesuffix(".0")


def _cut(text: str) -> str:
    """A text with no more of it than fits a page."""
    return text if len(text) <= TEXT_SHOWN else text[:TEXT_SHOWN].rsplit(" ", 1)[0].removesuffix(" …") + " …"

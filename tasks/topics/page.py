"""Finished topics as a page, and the rows and summary that Prefect shows.

A judgement is what `algorithms.coherence.judge` says, and with it what `tasks.topics.evaluate` adds: `losses` of the
training, validation and test documents, each topic's `share` of the text and its most `typical` documents, `mixtures`
of some documents, and the `reference` that coherence was judged on. Documents are told by their `openings`, or, where
these are unknown, by the words they have most.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks import page, plots
from tasks.page import compact, decimal, duration, number, table
from tasks.plots import picture
from tasks.topics import plots as own

TOPICS_SHOWN, WORDS_SHOWN = 100, 10
TYPICAL_SHOWN = 40  # topics whose documents are shown, the largest
DECIMALS = 4
COMPARED = {"decoder": "decoder", "total_loss": "total loss", "npmi": "NPMI", "tu": "TU", "diversity": "diversity"}
COMPARED |= {"wetc": "WETC", "epochs": "epochs", "seconds": "seconds"}
TOLD = ("topics", "total loss", "perplexity", "NPMI", "TU", "WETC", "diversity")  # key figures on a terminal
SCORES = {"npmi": "NPMI", "tu": "TU", "diversity": "diversity", "wetc": "WETC"}
LOSSES = {"total_loss": "total loss", "recons": "reconstruction", "kld": "KL divergence", "perplexity": "perplexity"}


def render(
    *, manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None, topic_word: NDArray[np.floating] | None = None
) -> str:
    """The page as HTML; without a judgement it says that the run was not evaluated.

    topic_word (K, V): rows that sum to 1, for the map of topics; without it there is none.
    """
    history = manifest.get("history", [])
    epochs = [entry for entry in history if entry.get("epoch") is not None]
    curves = {"losses after each epoch": own.losses(epochs)} if epochs else {}
    if history:
        curves["throughput over training"] = plots.throughput_curve(history)
    return page.render(
        "topics/topics.html.j2",
        title=title(manifest),
        manifest={
            **manifest,
            "hyperparameters": {**manifest.get("hyperparameters", {}), **manifest.get("counting", {})},
        },
        figures=key_figures(manifest, judgement),
        curves=curves,
        kept=kept_epoch(manifest),
        judgement=judgement,
        decoders=decoder_rows(manifest),
        **(_judged(judgement, topic_word) if judgement else {}),
    )


def _judged(judgement: Mapping[str, Any], topic_word: NDArray[np.floating] | None) -> dict[str, Any]:
    """What the template shows of a judgement, pictures included."""
    topics = judgement["topics"]
    largest = sorted(topics, key=lambda topic: -topic["share"])
    return {
        "losses": judgement["losses"],
        "loss_names": LOSSES,
        "topics": [{**topic, "words": topic["words"][:WORDS_SHOWN]} for topic in largest[:TOPICS_SHOWN]],
        "all_topics": len(topics),
        "pictures": {heading: picture(figure) for heading, figure in own.pictures(judgement, topic_word).items()},
        "typical": [topic for topic in largest[:TYPICAL_SHOWN] if topic["typical"]],
    }


def title(manifest: Mapping[str, Any]) -> str:
    """How many topics, and of what: "20 topics in docs"."""
    topics = manifest.get("hyperparameters", {}).get("num_topics")
    name = manifest.get("corpus", {}).get("name", "text")
    return f"{topics} topics in {name}" if topics else f"topics in {name}"


def kept_epoch(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """The epoch whose weights were kept, the last that was trained, how many were allowed; which documents judged."""
    epochs = [entry for entry in manifest.get("history", []) if entry.get("epoch") is not None]
    by = "validation_total_loss" if any("validation_total_loss" in entry for entry in epochs) else "total_loss"
    judged = [entry for entry in epochs if entry.get(by) is not None]
    if not judged:
        return None
    best = min(judged, key=lambda entry: float(entry[by]))
    return {
        "best": best["epoch"],
        "last": epochs[-1]["epoch"],
        "allowed": manifest.get("hyperparameters", {}).get("epochs", epochs[-1]["epoch"]),
        "by": "validation" if by.startswith("validation") else "training",
    }


def key_figures(manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> dict[str, str]:
    """What one looks at first, by name, ready to print."""
    metrics, corpus = manifest.get("metrics", {}), manifest.get("corpus", {})
    figures = {
        "total loss": _fixed(metrics.get("total_loss"), 3),
        "perplexity": number(metrics.get("perplexity")),
        **{shown: _fixed(metrics.get(name), 3) for name, shown in SCORES.items()},
        "topics": number(len(judgement["topics"])) if judgement else None,
        "documents": number(documents(corpus)),
        "words in the vocabulary": number(corpus.get("vocabulary")),
        "documents per second": compact(manifest.get("documents_per_second")),
        "total time": duration(sum(manifest.get("seconds", {}).values())),
    }
    return {name: value for name, value in figures.items() if value}


def metrics_rows(manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> list[dict[str, str | float]]:
    """One row a number: {"metric": "validation total loss", "value": 6.6543}."""
    found: dict[str, float | None] = {
        f"{which} {shown}": losses[name]
        for which, losses in (judgement or {}).get("losses", {}).items()
        for name, shown in LOSSES.items()
    }
    found |= {shown: manifest.get("metrics", {}).get(name) for name, shown in SCORES.items()}
    return [{"metric": name, "value": round(value, DECIMALS)} for name, value in found.items() if value is not None]


def topic_rows(judgement: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """One row a topic, the largest first: its number, share of the text, scores; its words last, which need space."""
    topics = sorted((judgement or {}).get("topics", []), key=lambda topic: -topic["share"])
    return [
        {"topic": topic["topic"]}
        | {name: round(topic[name], DECIMALS) for name in ("share", "npmi", "tu", "wetc") if topic[name] is not None}
        | {"words": " ".join(topic["words"][:WORDS_SHOWN])}
        for topic in topics
    ]


def decoder_rows(manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row a decoder, the most coherent first, where they were compared; the best is marked."""
    compared = manifest.get("compared") or {"rows": []}
    return [
        {
            shown: (f"{row[name]:.3f}".replace("-", "−") if name in ("total_loss", *SCORES) else str(row[name]))
            + (" (best)" if name == "decoder" and row[name] == compared["winner"] else "")
            for name, shown in COMPARED.items()
            if name in row
        }
        for row in compared["rows"]
    ]


def summary_markdown(
    *, manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None, model: str = "", report: str = ""
) -> str:
    """The run in a screen of Markdown; `model` and `report` are the addresses of what it published."""
    sections: dict[str, list[str]] = {
        "": table(["", ""], [[name, value] for name, value in key_figures(manifest, judgement).items()])
    }
    if rows := topic_rows(judgement)[:TOPICS_SHOWN]:
        scores = [name for name in ("npmi", "tu", "wetc") if name in rows[0]]
        body = [
            [row["topic"], f"{row['share']:.1%}", *(decimal(row[name]) for name in scores), row["words"]]
            for row in rows
        ]
        sections["Topics"] = table(["topic", "share of the text", *(SCORES[name] for name in scores), "words"], body)
    if rows := decoder_rows(manifest):
        said = page.plain(manifest["compared"]["said"])
        sections["Decoders"] = [said, "", *table(list(rows[0]), [list(row.values()) for row in rows])]
    return page.markdown(title=title(manifest), sections=sections, model=model, report=report)


def terminal_rows(manifest: Mapping[str, Any], judgement: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The run in a few lines of a terminal: what they are about, what they say, and each topic's first words."""
    corpus, figures = manifest["corpus"], key_figures(manifest, judgement)
    rows = {
        "corpus": f"{corpus['name']}: {documents(corpus):,} documents, {corpus['vocabulary']:,} words",
        "documents per second": f"{manifest['documents_per_second']:,.0f}",
        **{name: figures[name] for name in TOLD if name in figures},
    }
    if compared := manifest.get("compared"):
        rows["decoders"] = compared["said"]
    found = [(f"topic {row['topic']}", " ".join(row["words"].split()[:8])) for row in topic_rows(judgement)]
    return [(name, text) for name, text in rows.items() if text] + found[:30]


def documents(corpus: Mapping[str, Any]) -> int | None:
    """How many documents there were, but for those that were too short."""
    return corpus["documents"] - corpus.get("dropped", 0) if "documents" in corpus else None


def _fixed(value: float | None, places: int) -> str | None:
    """A number with that many places and a real minus sign."""
    return None if value is None else f"{value:.{places}f}".replace("-", "−")

"""A finished Word2Vec run as a page, and the rows and summary that Prefect shows."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks import maps, page
from tasks.page import compact, duration, number, table
from tasks.plots import picture
from tasks.word2vec import plots

Neighbours: TypeAlias = Mapping[str, Sequence[tuple[str, float]]]
"""For each query word its nearest words with their cosines, as `metrics.neighbours` gives them."""

SHORT_NAMES = {
    "EN-WS-353-ALL.txt": "WordSim-353",
    "EN-WS-353-REL.txt": "relatedness",
    "EN-WS-353-SIM.txt": "similarity",
    "EN-MEN-TR-3k.txt": "MEN",
    "EN-RW-STANFORD.txt": "Rare Words",
}


def render(
    *,
    manifest: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None,
    neighbours: Neighbours,
    words: Sequence[str],
    positions: NDArray[np.float64] | None,
    counts: NDArray[np.int64] | Sequence[int],
    gold_points: NDArray[np.float64] | Sequence[tuple[float, float]] | None = None,
    analogies: Mapping[str, Any] | None = None,
) -> str:
    """The page as HTML.

    `evaluation` is eval.json, `analogies` what `metrics.analogies` gives, `gold_points` (n, 2) human scores and
    cosines from `metrics.pair_scores`; each may be missing. `words` (V) and `counts` (V,) are in descending frequency;
    the first n of them stand on the map where `positions` (n, 2) of `maps.place` says.
    """
    curves = page.training_curves(manifest.get("history", []), per="pair")
    if len(counts):
        curves["word frequencies by rank"] = plots.frequencies(counts)
    metrics = metrics_rows(evaluation)
    bars = {str(row["set"]): float(row["spearmans_rho"]) for row in metrics}
    return page.render(
        "word2vec/word2vec.html.j2",
        title=page.title(manifest),
        manifest=manifest,
        figures=key_figures(manifest, evaluation),
        curves=curves,
        metrics=metrics,
        mean_rho=evaluation and evaluation["mean_rho"],
        bars=picture(plots.evaluation_bars(bars)) if bars else None,
        scatter=picture(plots.evaluation_scatter(gold_points)) if gold_points is not None else None,
        analogies=analogies,
        words_map=None if positions is None else picture(maps.drawn(words[: len(positions)], positions)),
        mapped=0 if positions is None else len(positions),
        neighbours=neighbours,
    )


def key_figures(manifest: Mapping[str, Any], evaluation: Mapping[str, Any] | None) -> dict[str, str]:
    """What one looks at first, by name, ready to print."""
    corpus = manifest.get("corpus", {})
    figures = {
        "words per second": compact(manifest.get("words_per_second")),
        "mean rho": f"{evaluation['mean_rho']:.3f}" if evaluation else None,
        "words in the vocabulary": number(corpus.get("vocabulary")),
        "tokens": compact(corpus.get("tokens")),
        "total time": duration(sum(manifest.get("seconds", {}).values())),
    }
    return {name: value for name, value in figures.items() if value}


def metrics_rows(evaluation: Mapping[str, Any] | None) -> list[dict[str, str | int | float]]:
    """One row a gold set: its name, Spearman's rho, pairs, and pairs with a word not found."""
    return [
        {
            "set": SHORT_NAMES.get(name, name),
            "spearmans_rho": round(result["spearmans_rho"], 4),
            "total_pairs": result["total_pairs"],
            "not_found": result["not_found"],
        }
        for name, result in (evaluation or {}).items()
        if name != "mean_rho"
    ]


def neighbour_rows(neighbours: Neighbours) -> list[dict[str, str]]:
    """One row a query word: {"word": "king", "nearest": "queen 0.91, son 0.80"}.

    Not a column for each rank: a browser sorts keys that look like numbers before all others.
    """
    return [
        {"word": word, "nearest": ", ".join(f"{near} {value:.2f}" for near, value in nearest)}
        for word, nearest in neighbours.items()
    ]


def summary_markdown(
    *,
    manifest: Mapping[str, Any],
    evaluation: Mapping[str, Any] | None,
    neighbours: Neighbours,
    model: str = "",
    report: str = "",
) -> str:
    """The run in a screen of Markdown; `model` and `report` are the addresses of what it published."""
    figures = [[name, value] for name, value in key_figures(manifest, evaluation).items()]
    judged = [
        [row["set"], row["spearmans_rho"], row["total_pairs"], row["not_found"]] for row in metrics_rows(evaluation)
    ]
    near = [[word, ", ".join(near for near, _ in nearest[:5])] for word, nearest in neighbours.items()]
    sections = {"": table(["", ""], figures)}
    if judged:
        sections["Human judgements of similarity"] = table(["set", "Spearman's rho", "pairs", "not found"], judged)
    if near:
        sections["Nearest words"] = table(["word", "nearest"], near)
    return page.markdown(title=page.title(manifest), sections=sections, model=model, report=report)

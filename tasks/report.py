"""A finished run as a page: one HTML file that needs nothing else, and the rows and summary that Prefect shows.

The page is made from the manifest, the evaluation and the words; it opens offline and may be mailed. Words and file
names come from anybody's text, so everything is escaped and the page forbids itself scripts and outside addresses.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, TypeAlias

import numpy as np
from jinja2 import Environment
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tasks import plots

Neighbours: TypeAlias = Mapping[str, Sequence[tuple[str, float]]]
"""For each query word its nearest words with their cosines, as `metrics.neighbours` gives them."""

SHORT_NAMES = {
    "EN-WS-353-ALL.txt": "WordSim-353",
    "EN-WS-353-REL.txt": "relatedness",
    "EN-WS-353-SIM.txt": "similarity",
    "EN-MEN-TR-3k.txt": "MEN",
    "EN-RW-STANFORD.txt": "Rare Words",
}
ADDRESSES_SHOWN = 12


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
    the first n of them stand on the map where `positions` (n, 2) of `plots.place` says.
    """
    words_map = None if positions is None else _picture(plots.word_map(words[: len(positions)], positions))
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "size": size, "duration": duration, "cosine": cosine}
    template = environment.from_string(files("tasks").joinpath("report.html.j2").read_text(encoding="utf-8"))
    metrics = metrics_rows(evaluation)
    bars = {str(row["set"]): float(row["spearmans_rho"]) for row in metrics}
    corpus = dict(manifest.get("corpus", {}))
    addresses = list(corpus.pop("urls", []))
    return template.render(
        title=f"{_title(manifest)} on {corpus.get('name', 'text')}",
        manifest=manifest,
        created=_moment(manifest.get("created", "")),
        corpus=corpus,
        addresses=addresses[:ADDRESSES_SHOWN],
        more_addresses=max(0, len(addresses) - ADDRESSES_SHOWN),
        key_figures=key_figures(manifest, evaluation),
        stages=_stages(manifest.get("seconds", {})),
        curves=_curves(manifest.get("history", []), counts),
        metrics=metrics,
        mean_rho=evaluation and evaluation["mean_rho"],
        bars=_picture(plots.evaluation_bars(bars)) if bars else None,
        scatter=_picture(plots.evaluation_scatter(gold_points)) if gold_points is not None else None,
        analogies=analogies,
        words_map=words_map,
        mapped=0 if positions is None else len(positions),
        neighbours=neighbours,
    )


def key_figures(manifest: Mapping[str, Any], evaluation: Mapping[str, Any] | None) -> dict[str, str]:
    """What one looks at first, by name, ready to print."""
    corpus = manifest.get("corpus", {})
    figures = {
        "words per second": _compact(manifest.get("words_per_second")),
        "mean rho": f"{evaluation['mean_rho']:.3f}" if evaluation else None,
        "words in the vocabulary": number(corpus.get("vocabulary")),
        "tokens": _compact(corpus.get("tokens")),
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
    corpus = manifest.get("corpus", {}).get("name", "text")
    lines = [f"## {_plain(_title(manifest))} on {_plain(str(corpus))}", ""]
    lines += _table(["", ""], [[name, value] for name, value in key_figures(manifest, evaluation).items()])
    if rows := metrics_rows(evaluation):
        lines += ["", "### Human judgements of similarity", ""]
        body = [[row["set"], row["spearmans_rho"], row["total_pairs"], row["not_found"]] for row in rows]
        lines += _table(["set", "Spearman's rho", "pairs", "not found"], body)
    if neighbours:
        lines += ["", "### Nearest words", ""]
        lines += _table(
            ["word", "nearest"],
            [[word, ", ".join(near for near, _ in nearest[:5])] for word, nearest in neighbours.items()],
        )
    published = [f"* {name}: {_plain(url)}" for name, url in [("model", model), ("report", report)] if url]
    return "\n".join([*lines, "", *published]).rstrip() + "\n"


def number(value: float | None) -> str:
    """12345 as 12,345; nothing for None."""
    return "" if value is None else f"{value:,.0f}"


def size(value: float | None) -> str:
    """Bytes as a person reads them: 512 bytes, 1.5 MB."""
    if value is None:
        return ""
    if value < 1000:
        return f"{value:.0f} bytes"
    unit = next((unit for unit in ("kB", "MB", "GB") if (value := value / 1000) < 999.5), None)
    return f"{value:.3g} {unit}" if unit else f"{value / 1000:,.3g} TB"


def duration(seconds: float) -> str:
    """Seconds as a person reads them: 3.2 s, 4 min 05 s, 2 h 10 min."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def cosine(value: float) -> str:
    """Two places and a real minus sign."""
    return f"{value:.2f}".replace("-", "−")


def _compact(value: float | None) -> str | None:
    """4221000 as 4.22 M."""
    if not value:
        return None
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * factor:
            digits = f"{value / factor:.3g}"
            return digits.replace("e+03", "000") + unit
    return f"{value:.0f}"


def _title(manifest: Mapping[str, Any]) -> str:
    parts = [manifest.get("algorithm", "model"), manifest.get("hyperparameters", {}).get("mode")]
    return ", ".join(str(part) for part in parts if part)


def _moment(created: str) -> str:
    """ISO-8601 to the minute, in UTC."""
    return f"{datetime.fromisoformat(created).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if created else ""


def _stages(seconds: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Each stage with its seconds and its share (0-100) of the longest."""
    longest = max(seconds.values(), default=0) or 1
    return [(name, value, 100 * value / longest) for name, value in seconds.items()]


def _curves(history: Sequence[plots.Round], counts: NDArray[np.int64] | Sequence[int]) -> dict[str, str]:
    """Pictures of training by what they show."""
    figures = {}
    if history:
        figures = {
            "loss over training": plots.loss_curve(history),
            "throughput over training": plots.throughput_curve(history),
            "learning rate over training": plots.learning_rate_curve(history),
        }
    if len(counts):
        figures["word frequencies by rank"] = plots.frequencies(counts)
    return {name: _picture(figure) for name, figure in figures.items()}


def _picture(figure: Figure) -> str:
    return plots.data_uri(plots.svg(figure))


def _table(head: Sequence[str], body: Sequence[Sequence[object]]) -> list[str]:
    rows = [head, ["---"] * len(head), *([_plain(str(cell)) for cell in row] for row in body)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one cell of a table."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_[]|~!$":
        text = text.replace(mark, f"&#{ord(mark)};")
    return " ".join(text.split())

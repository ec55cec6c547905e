"""A finished run as a page: one HTML file that needs nothing else; and the Markdown that Prefect shows.

The page is made from the manifest and from what an algorithm adds to it; it opens offline and may be mailed. Words and
file names come from anybody's text, so everything is escaped and the page forbids itself scripts and outside addresses.
`page.html.j2` is what every page has, and an algorithm's template extends it. Knows no algorithm.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure

from tasks import plots

ADDRESSES_SHOWN = 12
CORPORA = (
    "model",
    "corpus",
    "against",
    "validation",
    "test",
    "reference",
    "vectors",
)  # what the manifest may tell the origin of


def render(
    template: str,
    *,
    title: str,
    manifest: Mapping[str, Any],
    figures: Mapping[str, str],
    curves: Mapping[str, Figure],
    **own: Any,
) -> str:
    """The page as HTML.

    template: a file below tasks/, as "word2vec/word2vec.html.j2", and `own` what it shows beside what every page has.
    figures: what one looks at first, by name, ready to print; curves: pictures of the training by what they show.
    The manifest's "drift", a `tasks.drift.Drifted`, becomes the section "What changed since ...".
    """
    cluster, changed = manifest.get("cluster"), manifest.get("drift")
    if changed:
        from tasks import drift_page  # most runs have none
        from tasks.drift import Drifted

        own["drift"] = drift_page.section(Drifted(**changed))
    environment = Environment(loader=PackageLoader("tasks", ""), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "number": number,
        "size": size,
        "duration": duration,
        "decimal": decimal,
        "compact": compact,
    }
    return environment.get_template(template).render(
        title=title,
        manifest=manifest,
        created=_moment(manifest.get("created", "")),
        figures=figures,
        curves=_pictures(curves),
        cluster=cluster,
        together=_pictures(_cluster_curves(manifest["history"])) if cluster else {},
        stages=_stages(manifest.get("seconds", {})),
        corpora={name: _corpus(manifest[name]) for name in CORPORA if manifest.get(name)},
        **own,
    )


def training_curves(history: Sequence[plots.Round], *, per: str) -> dict[str, Figure]:
    """Loss, throughput and learning rate by what they show; nothing of a training without a round."""
    if not history:
        return {}
    return {
        "loss over training": plots.loss_curve(history, per=per),
        "throughput over training": plots.throughput_curve(history),
        "learning rate over training": plots.learning_rate_curve(history),
    }


def _pictures(figures: Mapping[str, Figure]) -> dict[str, str]:
    return {name: plots.picture(figure) for name, figure in figures.items()}


def _cluster_curves(history: Sequence[plots.Round]) -> dict[str, Figure]:
    """How workers did that trained together; a training that was gone on with may have had one alone before."""
    shared = [entry for entry in history if "merging" in entry]
    return {
        "words per second of each worker": plots.worker_curves(shared),
        "what the time of the workers went into": plots.time_shares(shared),
    }


def title(manifest: Mapping[str, Any]) -> str:
    """Algorithm, mode and corpus: "word2vec, skipgram on text8"."""
    parts = [manifest.get("algorithm", "model"), manifest.get("hyperparameters", {}).get("mode")]
    return f"{', '.join(str(part) for part in parts if part)} on {manifest.get('corpus', {}).get('name', 'text')}"


def markdown(*, title: str, sections: Mapping[str, Sequence[str]], model: str = "", report: str = "") -> str:
    """The run in a screen of Markdown: sections of lines by their headings, the first one's being "".

    model, report: the addresses of what was published. A section without lines is left out.
    """
    lines = [f"## {plain(title)}"]
    for heading, body in sections.items():
        if body:
            lines += ["", f"### {plain(heading)}", "", *body] if heading else ["", *body]
    published = [f"* {name}: {plain(url)}" for name, url in [("model", model), ("report", report)] if url]
    return "\n".join([*lines, "", *published]).rstrip() + "\n"


def table(head: Sequence[str], body: Sequence[Sequence[object]]) -> list[str]:
    """A table in Markdown, line by line; its cells are text."""
    rows = [head, ["---"] * len(head), *([plain(str(cell)) for cell in row] for row in body)]
    return ["| " + " | ".join(row) + " |" for row in rows]


def plain(text: str) -> str:
    """Text that Markdown shows as it is, in one cell of a table."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for mark in "\\`*_[]|~!$":
        text = text.replace(mark, f"&#{ord(mark)};")
    return " ".join(text.split())


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


def decimal(value: float) -> str:
    """Two places, and a real minus sign."""
    return f"{value:.2f}".replace("-", "−")


def compact(value: float | None) -> str | None:
    """4221000 as 4.22 M."""
    if not value:
        return None
    for factor, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * factor:
            digits = f"{value / factor:.3g}"
            return digits.replace("e+03", "000") + unit
    return f"{value:.0f}"


def _moment(created: str) -> str:
    """ISO-8601 to the minute, in UTC."""
    return f"{datetime.fromisoformat(created).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if created else ""


def _stages(seconds: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Each stage with its seconds and its share (0-100) of the longest."""
    longest = max(seconds.values(), default=0) or 1
    return [(name, value, 100 * value / longest) for name, value in seconds.items()]


def _corpus(corpus: Mapping[str, Any]) -> dict[str, Any]:
    """A corpus of the manifest, with no more addresses than one wants to read."""
    urls = corpus.get("urls", [])
    return {
        "values": {name: value for name, value in corpus.items() if name != "urls"},
        "addresses": urls[:ADDRESSES_SHOWN],
        "more": max(0, len(urls) - ADDRESSES_SHOWN),
    }

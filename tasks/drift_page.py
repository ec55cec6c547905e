"""What changed between two models, drawn: the section of a report, and a page of its own.

Words come from anybody's text: the templates escape them.
"""

from collections.abc import Mapping
from typing import Any

from algorithms.drift.neighbours import NeighbourDrift
from algorithms.drift.vocabulary import Word
from tasks import drift_plots as plots
from tasks.drift import Drifted, Side, rows
from tasks.page import number, render
from tasks.plots import picture

WORDS, CHANGED, TOPICS = 30, 20, 20  # of each list


def page(drifted: Drifted, *, manifest: Mapping[str, Any]) -> str:
    """A page that shows nothing else, as HTML. manifest: what computed it, and when."""
    found = drifted.found
    figures = {
        "words born": number(found.vocabulary.born_count) if found.vocabulary else "",
        "words gone": number(found.vocabulary.gone_count) if found.vocabulary else "",
        "distance of words": _number(found.vocabulary.distance) if found.vocabulary else "",
        "neighbours kept": f"{found.neighbours[0].overlap:.0%}" if found.neighbours else "",
        "topics born": number(len(found.topics.born)) if found.topics else "",
        "topics gone": number(len(found.topics.gone)) if found.topics else "",
        "classes born": number(len(found.classes.born)) if found.classes else "",
        "classes gone": number(len(found.classes.gone)) if found.classes else "",
    }
    return render(
        "page.html.j2",
        title=f"From {drifted.before.name} to {drifted.after.name}",
        manifest={**manifest, "drift": drifted.model_dump()},
        figures={name: value for name, value in figures.items() if value},
        curves={},
    )


def section(drifted: Drifted) -> dict[str, Any]:
    """What drift.html.j2 shows."""
    found = drifted.found
    topics, words, classes = found.topics, found.vocabulary, found.classes
    charts = {}
    if words and words.moved:
        names = [word.word for word in words.moved]
        shares = [[word.share_before or 0.0 for word in words.moved], [word.share_after or 0.0 for word in words.moved]]
        charts["words that are said more or less often"] = plots.dumbbells(
            names, *shares, unit="words that changed most, share of the text"
        )
    if classes and classes.distance > 0:
        names = [each.label.removeprefix("__label__") for each in classes.classes]
        shares = [[each.before for each in classes.classes], [each.after for each in classes.classes]]
        charts["classes"] = plots.dumbbells(names, *shares, unit="classes, share of the examples")
    for near in found.neighbours:
        charts[f"neighbours of {near.name} that stay"] = plots.kept_bars(near)
    lists = {} if not words else {"Words that are new": words.born, "Words that are gone": words.gone}
    ends = {} if not topics else {"Topics that were born": topics.born, "Topics that are gone": topics.gone}
    return {
        "since": drifted.before.name,
        "sides": f"From {_told(drifted.before)} to {_told(drifted.after)}.",
        "figures": [{**row, "value": _number(row["value"])} for row in rows(drifted)],
        "charts": {name: picture(figure) for name, figure in charts.items()},
        "words": {heading: [_word(word) for word in each[:WORDS]] for heading, each in lists.items() if each},
        "neighbours": [_near(near) for near in found.neighbours if near.changed],
        "matrix": picture(plots.topic_matrix(topics)) if topics and topics.matrix else None,
        "topics": {heading: each[:TOPICS] for heading, each in ends.items() if each},
        "pairs": topics.pairs[:TOPICS] if topics else [],
    }


def _near(near: NeighbourDrift) -> dict[str, Any]:
    of = "" if near.name == "words" else f", {near.name}"
    return {
        "heading": f"Whose neighbours changed most{of}",
        "what": "word",
        "changed": near.changed[:CHANGED],
    }


def _told(side: Side) -> str:
    """A side in a sentence."""
    parts = [side.name, f"on {side.corpus}" if side.corpus else ""]
    return " ".join(part for part in parts if part)


def _word(word: Word) -> Mapping[str, str]:
    share = word.share_after if word.share_before is None else word.share_before
    return {"word": word.word, "share": f"{100 * share:.2g} %" if share else ""}


def _number(value: float | int | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"

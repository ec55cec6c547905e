"""What changed between two models, as a report, a table and a terminal show it. Knows no algorithm.

It travels in the manifest under "drift": `tasks.page` draws the section "What changed since ..." of whoever has one.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from algorithms.drift.models import Drift, figures
from data import archives, storage

MODEL = "model.tar.gz"
DIGITS = 4  # of a number in a table


class Side(BaseModel, frozen=True):
    """One of the two models. model: its URL, or "" where it is not published yet; version: of a registry, or ""."""

    model: str = ""
    version: str = ""
    partition: str = ""
    corpus: str = ""
    created: str = ""

    @classmethod
    def of(cls, manifest: Mapping[str, Any], *, model: str = "", version: str = "") -> "Side":
        """As its manifest tells."""
        return cls(
            model=model,
            version=version,
            partition=manifest.get("partition") or "",
            corpus=manifest.get("corpus", {}).get("name") or "",
            created=manifest.get("created") or "",
        )

    @property
    def name(self) -> str:
        """In a few words: "version 3 (2026-01)", or of when it is, or where."""
        if self.version and self.partition:
            return f"{self.version} ({self.partition})"
        if told := self.version or self.partition:
            return told
        if self.created:
            return f"{datetime.fromisoformat(self.created).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return storage.name(self.model.removesuffix(f"/{MODEL}")) or "before"


class Drifted(BaseModel, frozen=True):
    """Two models and what changed from one to the other."""

    before: Side
    after: Side
    found: Drift


@contextmanager
def unpacked(url: str, *names: str) -> Iterator[Path]:
    """The files of a published model that are called so, those that it has, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="embertext-") as scratch:
        yield archives.unpacked(storage.join(url, MODEL), Path(scratch, "model"), names=names)


def rows(drifted: Drifted) -> list[dict[str, Any]]:
    """The artifact `<algorithm>-drift`: each number, and what it means."""
    return [
        {"what": name, "value": value if isinstance(value, int) else round(value or 0.0, DIGITS), "meaning": meaning}
        for name, value, meaning in figures(drifted.found)
    ]


def brief(drifted: Drifted) -> list[tuple[str, str]]:
    """A few lines for a terminal and for the artifact with the run in a screen."""
    found, lines = drifted.found, list[tuple[str, str]]()
    if words := found.vocabulary:
        text = f"{words.born_count:,} born, {words.gone_count:,} gone, {words.common:,} stay"
        lines.append(("words", text + (f"; distance {words.distance:.3f}" if words.distance is not None else "")))
    for near in found.neighbours:
        name = "neighbours" if near.name == "words" else f"neighbours, {near.name}"
        lines.append((name, f"{near.overlap:.0%} of the {near.k} nearest stay, of {near.words:,} words"))
    if topics := found.topics:
        text = f"{len(topics.born)} born, {len(topics.gone)} gone, {len(topics.pairs)} went on"
        lines.append(("topics", text + (f"; distance {topics.distance:.3f}" if topics.distance is not None else "")))
    if classes := found.classes:
        text = f"{len(classes.born)} born, {len(classes.gone)} gone; distance {classes.distance:.3f}"
        lines.append(("classes", text))
    return lines


def write(drifted: Drifted, output: str) -> str:
    """A page of its own, <output>/drift-<key>/report.html, and beside it drift.json for programs; the page's URL."""
    from tasks import drift_page, stages  # matplotlib and jinja2, not needed before
    from tasks.publish import software

    url = storage.join(storage.absolute(output), f"drift-{stages.digest(drifted.model_dump(mode='json'))}")
    manifest = {"created": datetime.now(UTC).isoformat(timespec="seconds"), **software()}
    html = drift_page.page(drifted, manifest=manifest)
    storage.write_json(storage.join(url, "drift.json"), drifted.model_dump(mode="json"))
    storage.write_bytes(storage.join(url, "report.html"), html.encode())
    return storage.join(url, "report.html")

"""Pictures that every run has, and what all pictures share: colours, letters, the empty chart, their bytes.

Functions that draw take plain numbers and return a `matplotlib.figure.Figure`; `svg` and `png` turn one into bytes.
Only the object interface is used, so figures can be drawn in several threads at once. Sizes are in points and texts in
their final size: a figure `inches * 72` pixels wide shows its letters as large as they say.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any, Literal

import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from tasks import workers

INK, QUIET, RULE, PAPER = "#1f2933", "#616e7c", "#dfe3e8", "#ffffff"
BLUE, AMBER, GREEN = "#2f6690", "#c8782a", "#4c8567"

HUES = (BLUE, AMBER, GREEN, "#8a5a83", "#b04a5a", "#5f7480", "#9a8b34", "#3d8f99")
SPENT = {"training": BLUE, "waiting for others": "#9db8ce", "merging": AMBER, "messages": RULE}

CHART = (5.6, 3.1)  # inches

Round = Mapping[str, Any]
"""One entry of the manifest's history; a loss that was not finite has become None on its way through JSON."""


def loss_curve(history: Sequence[Round], *, per: str) -> Figure:
    """Mean loss (nats) of a training example, which is called `per`, after each round."""
    figure, axes = chart(f"loss per {per} (nats)")
    curve(axes, history, "loss", BLUE)
    return figure


def learning_rate_curve(history: Sequence[Round]) -> Figure:
    """Learning rate at the end of each round."""
    figure, axes = chart("learning rate")
    curve(axes, history, "learning_rate", GREEN)
    axes.set_ylim(bottom=0)
    return figure


def throughput_curve(history: Sequence[Round]) -> Figure:
    """Corpus words per second of each round, and their mean over all the time."""
    figure, axes = chart("words per second")
    curve(axes, history, "words_per_second", AMBER)
    words, seconds = column(history, "words"), column(history, "seconds")
    if (total := float(np.nansum(seconds))) > 0:
        mean = float(np.nansum(words)) / total
        axes.axhline(mean, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.set_title(f"mean {EngFormatter(places=2)(mean)}", loc="right", color=QUIET, fontsize=10.5, pad=12)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    return figure


def worker_curves(history: Sequence[Round]) -> Figure:
    """Words per second of each worker in each round; a cross where one was lost, or left."""
    figure, axes = chart("words per second, each worker")
    rounds = [(entry["progress"], workers.of_round(entry)) for entry in history]
    addresses = list(dict.fromkeys(address for _, found in rounds for address in found))
    names = workers.short(addresses)
    few, lost = len(addresses) <= len(HUES), False
    for number, address in enumerate(addresses):
        color = HUES[number] if few else BLUE
        points = [(at, found[address][0] / found[address][1]) for at, found in rounds if _worked(found.get(address))]
        if not points:
            continue
        style: dict[str, Any] = {
            "linewidth": 1.6,
            "marker": "o" if len(rounds) <= 12 else "",
            "markersize": 4,
            "clip_on": False,
        }
        axes.plot(*zip(*points, strict=True), color=color, alpha=1 if few else 0.45, label=names[address], **style)
        if address not in rounds[-1][1]:
            lost = True
            axes.plot(*points[-1], color=INK, marker="X", markersize=9, markeredgecolor=PAPER, clip_on=False, zorder=5)
    _over_progress(axes)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    said = f"{len(addresses)} workers{', ✖ lost' if lost else ''}"
    axes.set_title(said, loc="right", color=QUIET, fontsize=10.5, pad=12)
    if few:
        _legend(axes)
    return figure


def time_shares(history: Sequence[Round]) -> Figure:
    """What workers spend each round on, on average: training, waiting, merging, and messages."""
    figure, axes = chart("share of the time")
    bars = []
    for entry in history:
        seconds = [spent for _, spent in workers.of_round(entry).values()] or [0.0]
        mean, slowest = sum(seconds) / len(seconds), max(seconds)
        whole, merging = entry["seconds"] or 1.0, entry.get("merging") or 0.0
        bars.append([mean, slowest - mean, merging, max(0.0, whole - slowest - merging)])
        bars[-1] = [each / max(whole, sum(bars[-1])) for each in bars[-1]]
    ends = column(history, "progress")
    begins = np.concatenate([[0.0], ends[:-1]])
    bottom = np.zeros(len(history))
    for (name, color), shares in zip(SPENT.items(), np.array(bars).T, strict=True):
        axes.bar(
            begins, shares, ends - begins, bottom, align="edge", color=color, edgecolor=color, label=name, linewidth=0.4
        )
        bottom += shares
    _over_progress(axes)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    _legend(axes)
    return figure


def chart(y: str, x: str = "progress") -> tuple[Figure, Axes]:
    """An empty chart: only the lines that help to read it."""
    figure = Figure(figsize=CHART, facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelcolor=QUIET, labelsize=10.5, pad=5)
    axes.tick_params(axis="x", pad=9)
    axes.set_xlabel(x, color=QUIET, fontsize=10.5)
    # the unit above the axis reads without turning one's head
    axes.set_title(y, loc="left", color=INK, fontsize=11.5, pad=12)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    return figure, axes


def curve(axes: Axes, history: Sequence[Round], name: str, color: str) -> None:
    """Draw a column of the history over the progress of the training."""
    progress, values = column(history, "progress"), column(history, name)
    few = len(history) <= 12
    axes.plot(progress, values, color=color, linewidth=1.8, marker="o" if few else "", markersize=4, clip_on=False)
    _over_progress(axes)


def column(history: Sequence[Round], name: str) -> NDArray[np.float64]:
    """A column of the history (rounds,), nan where there is no number."""
    return np.array([entry.get(name) for entry in history], dtype=np.float64)  # None becomes nan


def drawable(word: str, *, longest: int = 24) -> str:
    """A word as a label: shortened, and with a box for what no font at hand can draw."""
    shown = word if len(word) <= longest else word[: longest - 1] + "…"
    known = _characters()
    return "".join(char if char.isprintable() and ord(char) in known else "□" for char in shown)


@cache
def fonts() -> list[str]:
    """Matplotlib's own font, then those installed here that add other scripts."""
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    wanted = ["Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Noto Sans Devanagari", "Noto Sans Thai"]
    return ["DejaVu Sans", *(name for name in wanted if name in installed)]


@cache
def _characters() -> frozenset[int]:
    """Code points that `fonts` can draw."""
    paths = [font_manager.findfont(name) for name in fonts()]
    return frozenset(point for path in paths for point in FT2Font(path).get_charmap())


def svg(figure: Figure) -> bytes:
    """A picture that is sharp at every size. Letters are drawn as outlines, so it needs no font."""
    return _bytes(figure, "svg", metadata={"Date": None})  # the same run gives the same picture


def png(figure: Figure, *, dpi: int = 144) -> bytes:
    """A picture for places that show no SVG."""
    return _bytes(figure, "png", dpi=dpi)


def picture(figure: Figure) -> str:
    """A figure as the address of an SVG."""
    return data_uri(svg(figure))


def data_uri(content: bytes) -> str:
    """A picture as an address that holds it."""
    kind = "png" if content.startswith(b"\x89PNG") else "svg+xml"
    return f"data:image/{kind};base64,{b64encode(content).decode()}"


def _over_progress(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))


def _legend(axes: Axes) -> None:
    axes.legend(
        loc="lower center", bbox_to_anchor=(0.5, -0.42), ncols=4, frameon=False, fontsize=10, labelcolor=QUIET,
        handlelength=1, columnspacing=1.2,
    )  # fmt: skip


def _worked(done: tuple[int, float] | None) -> bool:
    """Whether there is a speed: a part may be empty."""
    return done is not None and done[1] > 0


def _bytes(figure: Figure, kind: Literal["svg", "png"], **options: Any) -> bytes:
    target = BytesIO()
    figure.savefig(target, format=kind, **options)
    return target.getvalue()

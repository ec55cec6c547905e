"""Pictures of a classifier: accuracy by epoch, what is taken for what, F1 by class, calibration.

They draw what `algorithms.accuracy.judge` returns. Names of classes come from anybody's text: they are shortened, and
drawn as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch
from matplotlib.textpath import text_to_path
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from tasks.plots import AMBER, BLUE, CHART, INK, PAPER, QUIET, RULE, Round, chart, column, drawable, fonts

PAGE = 11.3  # inches: the width of the report at the scale of its other charts
CELL = 36.0  # points
NUMBERED, NAMED = 40, 100  # classes; beyond, a cell is too small for its count, a row for its name
DIGIT = 0.64  # width in heights
BARS = 20
SHADES = ((0.01, "1% of the row"), (0.1, "10%"), (0.5, "50%"))

RIGHT = LinearSegmentedColormap.from_list("right", [PAPER, BLUE])
WRONG = LinearSegmentedColormap.from_list("wrong", [PAPER, AMBER])


def accuracy_curve(history: Sequence[Round]) -> Figure:
    """Validation accuracy after each epoch that was judged, the first of the best marked.

    Rounds carry `epoch` (from 1) and `validation_accuracy` (0-1; None or absent where it was not measured).
    """
    figure, axes = chart("validation accuracy", x="epoch")
    epochs, scores = column(history, "epoch"), column(history, "validation_accuracy")
    epochs, scores = epochs[np.isfinite(scores)], scores[np.isfinite(scores)]
    if not len(scores):
        return figure
    axes.plot(epochs, scores, color=BLUE, linewidth=1.8, marker="o" if len(scores) <= 12 else "", markersize=4)
    best = int(np.argmax(scores))
    axes.plot(epochs[best], scores[best], color=AMBER, marker="o", markersize=8)
    told = f"best: {scores[best]:.2%} after epoch {epochs[best]:.0f}"
    axes.set_title(told, loc="right", color=QUIET, fontsize=10.5, pad=12)
    axes.margins(y=0.15)
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(lambda score, _: f"{100 * score:.5g}%")
    return figure


def confusion_matrix(labels: Sequence[str], counts: Sequence[Sequence[int]] | NDArray[np.int64]) -> Figure:
    """Rows true, columns predicted: `counts` (L, L), shaded by their share of the row.

    Shades grow with the root of the share, so that one mistake in a hundred can be seen. The figure grows with L from
    the width of a chart to that of the page.
    """
    L = len(labels)
    side = float(np.clip(0.82 * 72 * PAGE / L, 3.4, CELL))  # of a cell, in points
    size = min(10.5, 0.85 * side)
    rows, columns = [_short(label, 24) for label in labels], [_short(label, 16) for label in labels]
    left, below = (max(_width(name, size) for name in names) if L <= NAMED else 20.0 for names in (rows, columns))
    across = max(side, (72 * CHART[0] - left - 30) / L)  # few classes get all the width there is
    if level := below < across - 6:
        below = size
    figure = Figure(figsize=((left + L * across + 30) / 72, (L * side + below + 80) / 72), facecolor=PAPER)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot(xlim=(0, L), ylim=(L, 0))
    axes.spines[:].set_color(RULE)
    axes.tick_params(length=0, labelsize=10.5, labelcolor=QUIET, pad=4)
    if L <= NAMED:
        axes.tick_params(labelsize=size, labelcolor=INK)
        style: dict[str, Any] = {"fontfamily": fonts(), "parse_math": False}
        axes.set_yticks(np.arange(L) + 0.5, rows, **style)
        axes.set_xticks(np.arange(L) + 0.5, columns, rotation=0 if level else 90, **style)
    _cells(axes, np.asarray(counts, dtype=np.int64), across)
    axes.set_xlabel("predicted", color=QUIET, fontsize=10.5)
    axes.set_title("true class", loc="left", color=INK, fontsize=11.5, pad=10)
    if L * across > 320:  # room for it beside the title
        keys = [Patch(color=_shade(WRONG, share), label=label) for share, label in SHADES]
        axes.legend(
            handles=[Patch(color=BLUE, label="right"), *keys], loc="lower right", bbox_to_anchor=(1, 1), ncols=4,
            borderaxespad=0.4, frameon=False, fontsize=10.5, labelcolor=QUIET, handlelength=1, handleheight=1,
            columnspacing=1.2,
        )  # fmt: skip
    return figure


def _cells(axes: Axes, counts: NDArray[np.int64], across: float) -> None:
    """A square for each cell that is not zero, and in it, if there are few, its number; a cell is `across` points."""
    L = len(counts)
    if L <= NAMED:  # lines to follow with the eye
        edges = np.arange(1, L)
        axes.hlines(edges, 0, L, color=RULE, linewidth=min(0.4, across / 40))
        axes.vlines(edges, 0, L, color=RULE, linewidth=min(0.4, across / 40))
    cells = np.argwhere(counts)
    shares = counts[tuple(cells.T)] / counts.sum(axis=1)[cells[:, 0]]
    corners = cells[:, None, ::-1] + np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    right = cells[:, 0] == cells[:, 1]
    colors = [_shade(RIGHT if hit else WRONG, share) for hit, share in zip(right, shares, strict=True)]
    axes.add_collection(PolyCollection(list(corners), facecolors=colors, edgecolors=PAPER, linewidths=across > 8))
    if L > NUMBERED:
        return
    numbers, brief = counts[tuple(cells.T)], EngFormatter(places=0, sep="")
    fitting = (across - 3) / DIGIT / 6.5  # digits that can still be read
    texts = [f"{number:,}" if len(f"{number:,}") <= fitting else brief(number) for number in numbers.tolist()]
    size = min(10.5, (across - 3) / DIGIT / max(map(len, texts), default=1))
    for (y, x), hit, share, text in zip(cells + 0.5, right, shares, texts, strict=True):
        color = PAPER if hit and share > 0.55 else INK
        axes.text(x, y, text, ha="center", va="center", fontsize=size, color=color)


def _shade(scale: LinearSegmentedColormap, share: float) -> tuple[float, float, float, float]:
    red, green, blue, alpha = scale(0.06 + 0.94 * share**0.5)
    return red, green, blue, alpha


def _short(label: str, longest: int) -> str:
    """A label without its middle: names in a hierarchy differ at their ends."""
    half = longest // 2
    shown = label if len(label) <= longest else f"{label[: half - 1]}…{label[-half:]}"
    return drawable(shown, longest=longest)


def _width(text: str, size: float) -> float:
    """Points that a label takes."""
    font = FontProperties(family=fonts(), size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def f1_bars(classes: Sequence[Mapping[str, Any]]) -> Figure:
    """F1 of the classes that occur, worst first, from `Class` rows; of many, the `BARS` worst."""
    occurring = [row for row in classes if row["support"] or row["predicted"]]
    shown = sorted(occurring, key=lambda row: float(row["f1"]))[:BARS]
    figure, axes = chart("F1", x="")
    figure.set_size_inches(CHART[0], 0.3 * max(len(shown), 2) + 0.9)
    rows, scores = np.arange(len(shown)), [row["f1"] for row in shown]
    bars = axes.barh(rows, scores, height=0.6, color=BLUE)
    axes.bar_label(bars, fmt="%.3f", padding=4, fontsize=10.5, color=INK)
    axes.set_yticks(rows, [_short(row["label"], 24) for row in shown], fontfamily=fonts(), parse_math=False)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set(visible=True, color=RULE)
    axes.set(xlim=(0, 1.12), xticks=np.linspace(0, 1, 6), ylim=(len(shown) - 0.4, -0.6))
    if len(shown) < len(occurring):
        told = f"the {len(shown)} worst of {len(occurring):,} classes"
        axes.set_title(told, loc="right", color=QUIET, fontsize=10.5, pad=12)
    return figure


def reliability(bins: Sequence[Mapping[str, Any]], ece: float) -> Figure:
    """Accuracy against confidence, on the diagonal where the two agree, over how often each confidence occurs.

    From the rows `Bin` and the expected calibration error `ece` (0-1). A whisker is Wilson's 95 % interval: a bin of
    few examples may lie anywhere.
    """
    from scipy.stats import binomtest  # half a second to import

    figure, axes = chart("accuracy", x="")
    figure.set_size_inches(CHART[0], 4.6)
    grid = figure.add_gridspec(2, 1, height_ratios=(3, 1))
    axes.set_subplotspec(grid[0])
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    for row in bins:
        if row["count"]:
            right = round(row["accuracy"] * row["count"])
            interval = binomtest(right, row["count"]).proportion_ci(method="wilson")
            axes.vlines(row["confidence"], *interval, color=BLUE, linewidth=1.8, alpha=0.45)
            axes.plot(row["confidence"], row["accuracy"], color=BLUE, marker="o", markersize=6, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1.04))
    axes.tick_params(axis="x", labelbottom=False)
    axes.set_title(f"expected calibration error {ece:.2%}", loc="right", color=QUIET, fontsize=10.5, pad=12)
    counted = figure.add_subplot(grid[1], sharex=axes, yticks=[])
    counted.spines[["top", "right", "left"]].set_visible(False)
    counted.spines["bottom"].set_color(RULE)
    counted.tick_params(length=0, labelcolor=QUIET, labelsize=10.5, pad=5)
    middles, counts = [(row["low"] + row["high"]) / 2 for row in bins], [row["count"] for row in bins]
    bars = counted.bar(middles, counts, width=0.9 / len(bins), color=BLUE, alpha=0.45)
    brief = EngFormatter(places=0, sep="")
    counted.bar_label(bars, [brief(count) if count else "" for count in counts], padding=2, fontsize=9, color=QUIET)
    counted.margins(y=0.25)
    counted.set_xlabel("confidence", color=QUIET, fontsize=10.5)
    counted.set_title("examples", loc="left", color=INK, fontsize=11.5, pad=8)
    for axis in (axes.yaxis, counted.xaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return figure

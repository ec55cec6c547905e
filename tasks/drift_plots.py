"""Pictures of what changed between two models: shares before and after, neighbours that stay, topics that went on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from algorithms.drift.neighbours import NeighbourDrift
from algorithms.drift.topics import Topic, TopicDrift
from tasks.plots import AMBER, BLUE, CHART, INK, PAPER, QUIET, RULE, chart, drawable, fonts

ROWS = 20  # dumbbells that one looks at
PAGE = 11.3  # inches: the width of the report at the scale of its other charts
FADED = "#9db8ce"
LIKENESS = LinearSegmentedColormap.from_list("likeness", [PAPER, "#e7eef4", "#7ba3c4", BLUE, "#16344d"])
LABEL: dict[str, Any] = {"fontfamily": fonts(), "parse_math": False}


def dumbbells(names: Sequence[str], before: Sequence[float], after: Sequence[float], *, unit: str) -> Figure:
    """Two dots a name, before and after, with a line between them; on a logarithmic scale where none is 0."""
    names, old, new = names[:ROWS], np.asarray(before[:ROWS], np.float64), np.asarray(after[:ROWS], np.float64)
    figure, axes = chart(unit, x="")
    figure.set_size_inches(CHART[0], 0.27 * max(len(names), 2) + 1.0)
    rows = np.arange(len(names))
    axes.hlines(rows, old, new, color=RULE, linewidth=2.5, zorder=1)
    axes.scatter(old, rows, s=42, color=FADED, label="before", zorder=2, clip_on=False)
    axes.scatter(new, rows, s=42, color=[BLUE if more else AMBER for more in new >= old], zorder=3, clip_on=False)
    axes.scatter([], [], s=42, color=BLUE, label="after: more")
    axes.scatter([], [], s=42, color=AMBER, label="after: less")
    axes.set_yticks(rows, [drawable(name, longest=22) for name in names], **LABEL)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.spines["bottom"].set_visible(False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    if np.concatenate([old, new]).min(initial=1.0) > 0:
        axes.set_xscale("log")
        axes.minorticks_off()
        low, high = min(old.min(), new.min()), max(old.max(), new.max())
        axes.set_xlim(low / 1.5, high * 1.5)
        axes.set_xticks(_ticks(low, high))
    else:
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.45, -0.45 / figure.get_size_inches()[1]), ncols=3, frameon=False,
        fontsize=10, labelcolor=QUIET, handletextpad=0.2, columnspacing=1.2,
    )  # fmt: skip
    return figure


def kept_bars(near: NeighbourDrift) -> Figure:
    """How many words keep none, one, two ... of their nearest words; a line where their mean is."""
    figure, axes = chart("share of the words", x=f"of the {near.k} nearest, how many stay the same")
    shares = np.array(near.kept) / max(near.words, 1)
    axes.bar(np.arange(near.k + 1), shares, width=0.72, color=BLUE)
    mean = near.overlap * near.k
    axes.axvline(mean, color=AMBER, linewidth=1.4, linestyle=(0, (4, 3)))
    axes.set_title(f"mean {mean:.1f}", loc="right", color=QUIET, fontsize=10.5, pad=12)
    axes.set_xticks(np.arange(near.k + 1))
    axes.set_xlim(-0.6, near.k + 0.6)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    return figure


def topic_matrix(topics: TopicDrift) -> Figure:
    """Topics before by topics after, darker the more alike: those that went on along the diagonal, the others last.

    A frame around each pair; born topics are columns, gone ones rows without one, behind a line each.
    """
    pairs = sorted(topics.pairs, key=lambda pair: (pair.distance, pair.before.topic))
    rows = [*(pair.before for pair in pairs), *topics.gone]
    columns = [*(pair.after for pair in pairs), *topics.born]
    likeness = 1 - np.array(topics.matrix)[np.ix_([row.topic for row in rows], [each.topic for each in columns])]
    figure, axes = chart("how alike topics are", x="")
    cell = min(0.3, 8.0 / max(len(columns), 1))
    height = cell * len(rows) + 2.3
    figure.set_size_inches(PAGE, max(height, 3.0))
    axes.imshow(likeness, cmap=LIKENESS, vmin=0, vmax=1, aspect="equal", interpolation="nearest")
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    letters = 9.5 if cell > 0.2 else 7.5
    axes.set_yticks(np.arange(len(rows)), [_called(row) for row in rows], **LABEL)
    axes.set_xticks(np.arange(len(columns)), [str(each.topic) for each in columns])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=letters)
    axes.tick_params(axis="x", labelcolor=INK, labelsize=letters, pad=4)
    for label in axes.get_yticklabels()[len(pairs) :]:
        label.set_color(AMBER)
    for label in axes.get_xticklabels()[len(pairs) :]:
        label.set_color(BLUE)
        label.set_fontweight("bold")
    for place in range(len(pairs)):
        axes.plot(*_frame(place), color=INK, linewidth=0.9, clip_on=False)
    if len(pairs) < len(rows):
        axes.axhline(len(pairs) - 0.5, color=AMBER, linewidth=1.2)
    if len(pairs) < len(columns):
        axes.axvline(len(pairs) - 0.5, color=BLUE, linewidth=1.2)
    axes.set(xlim=(-0.6, len(columns) - 0.4), ylim=(len(rows) - 0.4, -0.6))
    axes.set_xlabel("topic after", color=QUIET, fontsize=10.5)
    return figure


def _frame(place: int) -> tuple[list[float], list[float]]:
    low, high = place - 0.5, place + 0.5
    return [low, high, high, low, low], [low, low, high, high, low]


def _called(topic: Topic) -> str:
    return f"{topic.topic}  " + " ".join(drawable(word, longest=14) for word in topic.words[:4])


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers of a logarithmic scale, no more than fit."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = [step * 10.0**power for power in powers for step in steps]
        found = [each for each in found if low / 1.5 <= each <= high * 1.5]
        if len(found) <= 6:
            return found
    return found[:: -(-len(found) // 6)]

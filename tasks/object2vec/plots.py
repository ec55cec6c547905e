"""Pictures of an Object2Vec: losses by epoch, how surely pairs are told apart, how soon a text is found."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from tasks.plots import AMBER, BLUE, INK, QUIET, Round, chart, column, throughput_curve

NAMES = {"accuracy": "accuracy", "cross_entropy": "cross-entropy (nats)", "mean_squared_error": "mean squared error"}


def curves(history: Sequence[Round]) -> dict[str, Figure]:
    """Pictures of the training by what they show; nothing of one without a round."""
    ends = [entry for entry in history if entry.get("epoch") is not None]
    found = {
        f"{name.replace('_', ' ')} after each epoch": epochs(ends, name)
        for name in NAMES
        if any(name in entry for entry in ends)
    }
    return found | ({"throughput over training": throughput_curve(history)} if history else {})


def epochs(history: Sequence[Round], name: str) -> Figure:
    """A metric after each epoch, of the training and of the validation where there is one; its best marked.

    Rounds carry `epoch` (from 1), `name` and `validation_<name>`. accuracy is best where it is high, losses where low.
    """
    figure, axes = chart(NAMES[name], x="epoch")
    numbers = column(history, "epoch")
    best: tuple[float, float] | None = None
    for which, color in (("", BLUE), ("validation_", AMBER)):
        values = column(history, which + name)
        if not np.isfinite(values).any():
            continue
        marker = "o" if len(values) <= 12 else ""
        label = "validation" if which else "training"
        axes.plot(numbers, values, color=color, linewidth=1.8, marker=marker, markersize=4, label=label)
        place = int(np.nanargmax(values) if name == "accuracy" else np.nanargmin(values))
        best = float(numbers[place]), float(values[place])
    if best is None:
        return figure
    axes.plot(*best, marker="o", markersize=9, markerfacecolor="none", markeredgecolor=INK)
    axes.margins(y=0.15)
    axes.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    told = f"{best[1]:.2%}" if name == "accuracy" else f"{best[1]:.4g}"
    axes.set_title(f"best: {told} after epoch {best[0]:.0f}", loc="right", color=QUIET, fontsize=10.5, pad=12)
    if name == "accuracy":
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.5g}%")
    axes.legend(frameon=False, fontsize=10.5, labelcolor=QUIET, loc="best")
    return figure


def chances(counts: Sequence[Sequence[int]]) -> Figure:
    """Pairs of the labels 0 and 1 (2, bins) by the chance (0-1) to have the label 1 that they were given.

    As shares of those with their label: there are mostly more of one kind.
    """
    figure, axes = chart("share of the pairs", x="chance to belong together, as the model sees it")
    edges = np.linspace(0, 1, len(counts[0]) + 1)
    kinds = ((0, AMBER, "do not"), (1, BLUE, "belong together"))
    for label, color, name in kinds:
        shares = np.asarray(counts[label], np.float64) / max(sum(counts[label]), 1)
        axes.stairs(shares, edges, fill=True, color=color, alpha=0.3)
        axes.stairs(shares, edges, color=color, linewidth=1.6, label=name)
    axes.set(xlim=(0, 1))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], frameon=False, fontsize=10.5, labelcolor=QUIET, loc="upper center")
    return figure


def graded(points: NDArray[np.float64] | Sequence[Sequence[float]]) -> Figure:
    """The model's score against the label: one dot a pair."""
    labels, scores = np.asarray(points, np.float64).reshape(-1, 2).T
    figure, axes = chart("score of the model", x="label")
    axes.scatter(labels, scores, s=14, color=BLUE, alpha=0.45, linewidths=0)
    if len(labels):
        ends = [labels.min(), labels.max()]
        axes.plot(ends, ends, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    return figure


def hits(retrieval: dict[str, Any]) -> Figure:
    """The share of texts that are found among the first k, over k; and what chance would find."""
    figure, axes = chart("share found among the first k", x=f"k, of {retrieval['pool']:,}")
    ks, shares = np.asarray(retrieval["curve"], np.float64).T
    axes.semilogx(ks, shares, color=BLUE, linewidth=1.8)
    axes.semilogx(ks, ks / retrieval["pool"], color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), label="by chance")
    marked = [k for k in (1, 10, 20) if k <= retrieval["pool"]]
    axes.plot(marked, [retrieval[f"hits@{k}"] for k in marked], color=BLUE, marker="o", markersize=5, linestyle="")
    axes.set(ylim=(0, 1.04), xlim=(0.9, ks[-1] * 1.05))
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(lambda k, _: f"{k:,.0f}")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(frameon=False, fontsize=10.5, labelcolor=QUIET, loc="upper left")
    return figure

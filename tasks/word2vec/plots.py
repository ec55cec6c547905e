"""Pictures of word vectors: how they are judged, how often words occur."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from tasks.plots import BLUE, INK, chart


def evaluation_bars(scores: Mapping[str, float]) -> Figure:
    """Spearman's correlation of each gold set, by the name to show."""
    figure, axes = chart("Spearman’s ρ", x="")
    bars = axes.bar(list(scores), list(scores.values()), width=0.5, color=BLUE)
    axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=10.5, color=INK)
    axes.set_ylim(min(0.0, *scores.values()) * 1.2, max(1.0, *scores.values()))
    axes.margins(x=0.15)
    axes.tick_params(axis="x", labelcolor=INK)
    return figure


def evaluation_scatter(points: NDArray[np.float64] | Sequence[tuple[float, float]]) -> Figure:
    """Human score (0-10) against cosine: one dot a word pair, from `metrics.pair_scores`."""
    human, cosine = np.asarray(points, dtype=np.float64).reshape(-1, 2).T
    figure, axes = chart("cosine of the two words", x="human score")
    axes.scatter(human, cosine, s=14, color=BLUE, alpha=0.45, linewidths=0)
    return figure


def frequencies(counts: NDArray[np.int64] | Sequence[int]) -> Figure:
    """Zipf's plot: occurrences of a word by its rank, both logarithmic. `counts` (V,) descending."""
    occurrences = np.asarray(counts)
    # a few hundred points, evenly apart on the logarithmic axis, draw the same line as all of a large vocabulary
    ranks = np.unique(np.geomspace(1, len(occurrences), 300).astype(np.int64))
    figure, axes = chart("occurrences of a word", x="its rank")
    axes.loglog(ranks, occurrences[ranks - 1], color=BLUE, linewidth=1.8, marker="o" if len(ranks) < 3 else "")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(EngFormatter(sep=""))
    axes.minorticks_off()
    return figure

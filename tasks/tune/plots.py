"""Pictures of a sweep: how it went, which parameters matter, which values were good.

Trials are `algorithms.search.trials.Trial`s; those that completed have as many values as there are objectives.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from algorithms.search.objectives import Objective
from algorithms.search.ranges import Categorical, Continuous, Integer
from algorithms.search.trials import Trial, completed
from tasks.plots import AMBER, BLUE, CHART, INK, PAPER, QUIET, RULE, chart, drawable

PAGE = 11.3  # inches: the width of the report at the scale of its other charts
SHADES = LinearSegmentedColormap.from_list("good", [RULE, "#8fb0c9", BLUE])
SLICES_A_ROW = 3

Range = Integer | Continuous | Categorical


def history(trials: Sequence[Trial], objective: Objective) -> Figure:
    """The objective of each trial by its number, and the best so far; crosses were stopped early.

    Those of earlier sweeps are before 0.
    """
    earlier = sum(bool(each.sweep) for each in trials)
    figure, axes = chart(objective.metric, x="trial, those of earlier sweeps before 0" if earlier else "trial")
    trials = [each for each in trials if each.status != "interrupted"]  # another one repeats it
    if not completed(trials):
        return figure
    best, reached = -math.inf, []
    numbers = [place - earlier if each.sweep else each.number for place, each in enumerate(trials)]
    for number, each in zip(numbers, trials, strict=True):
        if each.status == "completed":
            best = max(best, objective.sign * each.values[0])
            axes.plot(number, each.values[0], color=BLUE, marker="o", markersize=5, zorder=3, clip_on=False)
        elif each.status == "stopped":
            axes.plot(number, each.values[0], color=QUIET, marker="x", markersize=5, zorder=3, clip_on=False)
        reached.append(objective.sign * best if math.isfinite(best) else math.nan)
    axes.step(numbers, reached, where="post", color=AMBER, linewidth=1.8, zorder=2)
    axes.set_title(f"best {objective.sign * best:.4g}", loc="right", color=QUIET, fontsize=10.5, pad=12)
    axes.set_xlim(min(numbers) - 0.5, max(numbers) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.margins(y=0.1)
    return figure


def importances(shares: Mapping[str, float]) -> Figure:
    """How much of the objective's variance each parameter explains (0-1, adding up to 1), the largest on top."""
    names = sorted(shares, key=lambda name: shares[name])
    figure, axes = chart("share of the objective’s variance", x="")
    figure.set_size_inches(CHART[0], max(CHART[1], 0.9 + 0.3 * len(names)))
    bars = axes.barh(range(len(names)), [shares[name] for name in names], height=0.55, color=BLUE)
    axes.set_yticks(range(len(names)), [drawable(name) for name in names])
    axes.bar_label(bars, fmt="%.2f", padding=4, fontsize=10.5, color=INK)
    axes.grid(visible=False)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_xticks([])
    axes.set_xlim(0, 1.15 * max(shares.values(), default=1) or 1)
    return figure


def rounds(trials: Sequence[Trial], objective: Objective) -> Figure:
    """The objective after each epoch, a line a trial; those that were stopped end in a mark."""
    figure, axes = chart(objective.metric, x="epoch")
    best = max((each for each in trials if each.values), key=lambda each: objective.sign * each.values[0], default=None)
    for each in trials:
        if each.rounds:
            epochs = sorted(each.rounds)
            values = [each.rounds[epoch] for epoch in epochs]
            color = AMBER if best is not None and each is best else BLUE
            axes.plot(
                epochs, values, color=color, linewidth=1.8 if each is best else 1.0, alpha=1 if each is best else 0.5
            )
            if each.status == "stopped":
                axes.plot(epochs[-1], values[-1], color=QUIET, marker="x", markersize=6)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    return figure


def front(trials: Sequence[Trial], best: Sequence[Trial], objectives: Sequence[Objective]) -> Figure:
    """Two objectives against each other, the Pareto front joined."""
    figure, axes = chart(objectives[0].metric, x=objectives[1].metric)
    values = np.array([each.values[:2] for each in completed(trials)]).reshape(-1, 2)
    axes.scatter(values[:, 1], values[:, 0], s=24, color=BLUE, alpha=0.5, linewidths=0)
    joined = np.array(sorted(each.values[:2][::-1] for each in best)).reshape(-1, 2)
    axes.plot(joined[:, 0], joined[:, 1], color=AMBER, linewidth=1.5, marker="o", markersize=5)
    axes.margins(0.08)
    return figure


def parallel(trials: Sequence[Trial], ranges: Mapping[str, Range], objective: Objective) -> Figure:
    """A line a trial through its values on an axis for each parameter, the better the darker; the objective last."""
    done = sorted(completed(trials), key=lambda each: objective.sign * each.values[0])
    names = [*ranges, objective.metric]
    figure = Figure(figsize=(PAGE, 4.4), facecolor=PAPER, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[:].set_visible(False)
    axes.set_xlim(-0.3, len(names) - 0.7)
    axes.set_ylim(-0.08, 1.12)
    axes.set_yticks([])
    axes.set_xticks(range(len(names)), [drawable(name, longest=18) for name in names])
    axes.tick_params(length=0, labelcolor=INK, labelsize=10.5 if len(names) < 9 else 8.5)
    ends = [*(_ends(each) for each in ranges.values()), _span([each.values[0] for each in done])]
    for place, (low, high) in enumerate(ends):
        axes.axvline(place, 0.067, 0.9, color=RULE, linewidth=1, zorder=1)
        axes.text(place, -0.03, low, ha="center", va="top", fontsize=9, color=QUIET)
        axes.text(place, 1.03, high, ha="center", va="bottom", fontsize=9, color=QUIET)
    for rank, each in enumerate(done):
        heights = [_height(of, each.parameters.get(name)) for name, of in ranges.items()]
        heights.append(_share(each.values[0], [other.values[0] for other in done]))
        best = rank == len(done) - 1
        color = AMBER if best else SHADES((rank + 1) / len(done))
        width = 2.2 if best else 1.2
        axes.plot(range(len(names)), heights, color=color, linewidth=width, zorder=2 + rank, marker="o", markersize=3)
        # past a parameter that did not count there the line is dotted
        counted = [place for place, height in enumerate(heights) if not math.isnan(height)]
        for start, end in itertools.pairwise(counted):
            if end > start + 1:
                gap = [heights[start], heights[end]]
                axes.plot([start, end], gap, color=color, linewidth=width, zorder=2 + rank, linestyle=":")
    return figure


def slices(trials: Sequence[Trial], ranges: Mapping[str, Range], objective: Objective) -> Figure:
    """The objective over the values of each parameter, one small chart each; later trials are darker."""
    done = completed(trials)
    lines = math.ceil(len(ranges) / SLICES_A_ROW)
    figure = Figure(figsize=(PAGE, 2.7 * lines), facecolor=PAPER, layout="constrained")
    grid = figure.subplots(lines, SLICES_A_ROW, squeeze=False, sharey=True).ravel()
    for axes, (name, of) in zip(grid, ranges.items(), strict=False):
        told = [
            (each.parameters[name], each.values[0], number)
            for number, each in enumerate(done)
            if name in each.parameters
        ]
        _slice(axes, name, of, told, len(done))
    for axes in grid[len(ranges) :]:
        axes.set_axis_off()
    for axes in grid[::SLICES_A_ROW]:
        axes.set_ylabel(objective.metric, color=QUIET, fontsize=10)
    return figure


def _slice(axes: Axes, name: str, of: Range, told: Sequence[tuple[object, float, int]], trials: int) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelcolor=QUIET, labelsize=9.5)
    axes.set_title(drawable(name), loc="left", color=INK, fontsize=10.5)
    colors = [SHADES(0.3 + 0.7 * (number + 1) / trials) for _, _, number in told]
    if isinstance(of, Categorical):
        names = [str(value) for value in of.values]
        xs = [float(names.index(str(value))) for value, _, _ in told]
        axes.set_xticks(range(len(names)), [drawable(each, longest=14) for each in names])
        axes.set_xlim(-0.5, len(names) - 0.5)
    else:
        xs = [float(value) for value, _, _ in told]  # type: ignore[arg-type]
        low, high = float(of.low), float(of.high)
        if of.logarithmic and 0 < low < high:
            axes.set_xscale("log")
            ticks = np.asarray(_logarithmic_ticks(low, high))
            beyond = (high / low) ** 0.04
            axes.set_xlim(low / beyond, high * beyond)
        else:
            beyond = 0.04 * (high - low) or 0.5
            axes.set_xlim(low - beyond, high + beyond)
            nice = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=isinstance(of, Integer))
            ticks = np.asarray(nice.tick_values(low, high))
        ticks = ticks[(ticks >= 0.999 * low) & (ticks <= 1.001 * high)]
        axes.set_xticks(ticks, [f"{tick:.2g}" if isinstance(of, Continuous) else f"{tick:.0f}" for tick in ticks])
        axes.minorticks_off()
    axes.scatter(xs, [value for _, value, _ in told], s=26, c=colors or None, linewidths=0)


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """A few of 1, 2, 5, 10, 20, ..., of a wide range powers of ten; where there are less than two, the ends."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1,) if high >= 1000 * low else (1, 2, 5)
    nice = [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= high]
    return nice[:: math.ceil(len(nice) / 4)] if len(nice) > 1 else [low, high]


def _height(of: Range, value: object) -> float:
    """Where a value is on its axis, 0-1; nan where there is none."""
    if value is None:
        return math.nan
    if isinstance(of, Categorical):
        names = [str(each) for each in of.values]
        return names.index(str(value)) / max(len(names) - 1, 1)
    assert isinstance(value, int | float)
    low, high, at = float(of.low), float(of.high), float(value)
    if of.logarithmic and low > 0:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return (at - low) / (high - low) if high > low else 0.5


def _ends(of: Range) -> tuple[str, str]:
    if isinstance(of, Categorical):
        return drawable(str(of.values[0]), longest=14), drawable(str(of.values[-1]), longest=14) if len(
            of.values
        ) > 1 else ""
    return f"{of.low:g}", f"{of.high:g}"


def _span(values: Sequence[float]) -> tuple[str, str]:
    return (f"{min(values):.4g}", f"{max(values):.4g}") if values else ("", "")


def _share(value: float, values: Sequence[float] | NDArray[np.float64]) -> float:
    low, high = min(values), max(values)
    return (value - low) / (high - low) if high > low else 0.5

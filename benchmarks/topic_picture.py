"""Topic models in a plane: how coherent their topics are, how different from one another."""

import statistics
from pathlib import Path
from typing import Any

from benchmarks.harness import Figures

OURS, THEIRS = "#c1440e", "#4a6572"
AROUND = [  # where a name may stand, best first: pixels from the middle of its points, and how it is aligned
    (far * right, far * up, {-1: "right", 0: "center", 1: "left"}[right], {-1: "top", 0: "center", 1: "bottom"}[up])
    for far in (10, 22, 36, 52)
    for right, up in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
]


def draw(scores: dict[str, list[Figures]], path: Path) -> None:
    """A point for each seed's run, `npmi` and `tu` of it, and each system's name beside its runs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.5), layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlabel("TU, of 20 words: topics share fewer words →")
    axes.set_ylabel("NPMI, of 10 words: words occur together →")
    axes.set_title("Topics of 20 Newsgroups, a point for each seed", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.margins(0.12)
    for system, of in scores.items():
        axes.scatter(*_points(of), s=36, color=_colour(system), alpha=0.75, linewidths=0)
        for point in zip(*_points(of), strict=True):
            axes.plot(*zip(point, _middle(of), strict=True), color=_colour(system), linewidth=0.8, alpha=0.5)
    canvas.draw()
    figure.set_layout_engine("none")  # names are placed in pixels: nothing may move now
    taken = [_around(axes, point) for of in scores.values() for point in zip(*_points(of), strict=True)]
    for system, of in scores.items():
        taken.append(_name(axes, canvas.get_renderer(), system, _middle(of), taken))
    figure.savefig(path, dpi=figure.dpi * 1.3)


def _points(of: list[Figures]) -> tuple[list[float], list[float]]:
    """TU and NPMI of each run."""
    return [run["tu"] for run in of], [run["npmi"] for run in of]


def _middle(of: list[Figures]) -> tuple[float, float]:
    unique, coherent = _points(of)
    return statistics.mean(unique), statistics.mean(coherent)


def _colour(system: str) -> str:
    return OURS if system.startswith("embertext") else THEIRS


def _around(axes: Any, point: Any) -> Any:
    """The box of a point, in pixels."""
    from matplotlib.transforms import Bbox

    x, y = axes.transData.transform(point)
    return Bbox.from_extents(x - 5, y - 5, x + 5, y + 5)


def _name(axes: Any, renderer: Any, system: str, middle: Any, taken: list[Any]) -> Any:
    """Write a name where it hides nothing, or as little as may be; returns its box."""
    text = axes.annotate(
        system, middle, xytext=(0, 0), textcoords="offset pixels", fontsize=9, color=_colour(system),
        fontweight="bold" if _colour(system) == OURS else "normal",
    )  # fmt: skip

    def hidden(place: tuple[float, float, str, str]) -> int:
        x, y, across, up = place
        text.set(position=(x, y), ha=across, va=up)
        box = text.get_window_extent(renderer)
        inside = axes.bbox.x0 < box.x0 and box.x1 < axes.figure.bbox.x1 and axes.bbox.y0 < box.y0
        return int(box.count_overlaps(taken)) + 10 * (not inside)

    hidden(min(AROUND, key=hidden))
    return text.get_window_extent(renderer)

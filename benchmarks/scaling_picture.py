"""How far training by many workers would go: their efficiency, and words a second, beside what others published."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

COLOURS = ("#c1440e", "#e3a587")
THEIRS = "#4a6572"


class Point(NamedTuple):
    """What somebody has published. efficiency: of each core; 0 where nothing is said of it."""

    name: str
    machines: int
    cores: int
    words_per_second: float
    efficiency: float = 0.0
    sure: bool = True


# AWS, text8 and "BlazingText: Parallelizing Word2Vec on Multiple CPUs or GPUs" (2018): vCPUs are threads of a core. The
# efficiency is ours to reckon, words a second of each vCPU over those of the smaller job, of other machines and
# perhaps another text. pWord2Vec: "near-linear" is in its abstract; the numbers are quoted often, and were not read in
# the paper by us
PUBLISHED = (
    Point("BlazingText, 2 × c4.2xlarge", 2, 16, 4.22e6),
    Point("BlazingText, 8 × c4.8xlarge", 8, 288, 50e6, (50 / 288) / (4.22 / 16)),
    Point("pWord2Vec, a node (as quoted)", 1, 36, 5.8e6, sure=False),
    Point("pWord2Vec, 32 nodes (as quoted)", 32, 32 * 36, 110e6, 110 / (32 * 5.8), sure=False),
)


class Curve(NamedTuple):
    """efficiencies, words_per_second: for each number of workers."""

    name: str
    workers: Sequence[int]
    efficiencies: Sequence[float]
    words_per_second: Sequence[float]
    dashed: bool
    colour: str


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Two pictures side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for axes, title in ((left, "Efficiency of each worker"), (right, "Million words a second, all together")):
        axes.set_title(title, loc="left", fontsize=11)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        axes.set_xscale("log", base=2)
    workers = curves[0].workers
    for curve in curves:
        style: Mapping[str, Any] = {"color": curve.colour, "linestyle": "--" if curve.dashed else "-", "marker": "o"}
        left.plot(workers, curve.efficiencies, markersize=3, label=curve.name, **style)
        right.plot(workers, [speed / 1e6 for speed in curve.words_per_second], markersize=3, **style)
    for point in PUBLISHED:
        filled: Mapping[str, Any] = {
            "color": THEIRS, "facecolors": THEIRS if point.sure else "none", "s": 34, "zorder": 3,
        }  # fmt: skip
        speed = point.words_per_second / 1e6
        right.scatter([point.cores], [speed], **filled)
        above = point.machines > 2
        right.annotate(
            point.name, (point.cores, speed), xytext=(0, 8 if above else -8), textcoords="offset points", fontsize=8,
            color=THEIRS, ha="center", va="bottom" if above else "top",
        )  # fmt: skip
        if point.efficiency:
            left.scatter([point.machines], [point.efficiency], **filled)
            left.annotate(
                point.name, (point.machines, point.efficiency), xytext=(-6, -6), textcoords="offset points",
                fontsize=8, color=THEIRS, ha="right", va="top",
            )  # fmt: skip
    left.set(ylim=(0, 1.05), xlabel="workers of one thread; theirs: machines", xticks=workers, xticklabels=workers)
    cores = [1, 4, 16, 64, 256, 1024]
    right.set(yscale="log", xlim=(0.8, 9000), xlabel="cores; theirs: vCPUs or cores", xticks=cores, xticklabels=cores)
    speeds = [1, 3, 10, 30, 100]
    right.set_yticks(speeds, [str(speed) for speed in speeds])
    right.minorticks_off()
    left.minorticks_off()
    left.legend(fontsize=8, frameon=False, loc="lower left")
    figure.savefig(path, dpi=figure.dpi * 1.3)

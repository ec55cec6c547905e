"""Pictures of a training run: loss, speed, evaluation, word frequencies, a map of the words.

Each function takes plain numbers and returns a `matplotlib.figure.Figure`; `svg` and `png` turn one into bytes. Only
the object interface is used, so figures can be drawn in several threads at once. Sizes are in points and texts in
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
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import text_to_path
from matplotlib.ticker import EngFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

INK, QUIET, RULE, PAPER = "#1f2933", "#616e7c", "#dfe3e8", "#ffffff"
BLUE, AMBER, GREEN = "#2f6690", "#c8782a", "#4c8567"

CHART = (5.6, 3.1)  # inches
MAP = (15.0, 12.0)
MAPPED_WORDS = 400
PERPLEXITY = 40

Round = Mapping[str, float | None]
"""One entry of the manifest's history; a loss that was not finite has become None on its way through JSON."""


def loss_curve(history: Sequence[Round]) -> Figure:
    """Mean loss of a training pair (nats) after each round."""
    figure, axes = _chart("loss per pair (nats)")
    _curve(axes, history, "loss", BLUE)
    return figure


def learning_rate_curve(history: Sequence[Round]) -> Figure:
    """Learning rate at the end of each round."""
    figure, axes = _chart("learning rate")
    _curve(axes, history, "learning_rate", GREEN)
    axes.set_ylim(bottom=0)
    return figure


def throughput_curve(history: Sequence[Round]) -> Figure:
    """Corpus words per second of each round, and their mean over all the time."""
    figure, axes = _chart("words per second")
    _curve(axes, history, "words_per_second", AMBER)
    words, seconds = _column(history, "words"), _column(history, "seconds")
    if (total := float(np.nansum(seconds))) > 0:
        mean = float(np.nansum(words)) / total
        axes.axhline(mean, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        axes.set_title(f"mean {EngFormatter(places=2)(mean)}", loc="right", color=QUIET, fontsize=10.5, pad=12)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    return figure


def evaluation_bars(scores: Mapping[str, float]) -> Figure:
    """Spearman's correlation of each gold set, by the name to show."""
    figure, axes = _chart("Spearman’s ρ", x="")
    bars = axes.bar(list(scores), list(scores.values()), width=0.5, color=BLUE)
    axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=10.5, color=INK)
    axes.set_ylim(min(0.0, *scores.values()) * 1.2, max(1.0, *scores.values()))
    axes.margins(x=0.15)
    axes.tick_params(axis="x", labelcolor=INK)
    return figure


def evaluation_scatter(points: NDArray[np.float64] | Sequence[tuple[float, float]]) -> Figure:
    """Human score (0-10) against cosine: one dot a word pair, from `metrics.pair_scores`."""
    human, cosine = np.asarray(points, dtype=np.float64).reshape(-1, 2).T
    figure, axes = _chart("cosine of the two words", x="human score")
    axes.scatter(human, cosine, s=14, color=BLUE, alpha=0.45, linewidths=0)
    return figure


def frequencies(counts: NDArray[np.int64] | Sequence[int]) -> Figure:
    """Zipf's plot: occurrences of a word by its rank, both logarithmic. `counts` (V,) descending."""
    occurrences = np.asarray(counts)
    # a few hundred points, evenly apart on the logarithmic axis, draw the same line as all of a large vocabulary
    ranks = np.unique(np.geomspace(1, len(occurrences), 300).astype(np.int64))
    figure, axes = _chart("occurrences of a word", x="its rank")
    axes.loglog(ranks, occurrences[ranks - 1], color=BLUE, linewidth=1.8, marker="o" if len(ranks) < 3 else "")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(EngFormatter(sep=""))
    axes.minorticks_off()
    return figure


def place(vectors: NDArray[np.float32], *, seed: int) -> NDArray[np.float64] | None:
    """t-SNE: (n, D) vectors to (n, 2) positions, by direction only as cosines are; None where there is no map to draw.

    That is with fewer than five words, or with vectors that are not finite or all alike. van der Maaten & Hinton 2008.
    """
    # half a second to import, and needed once a run
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import normalize

    points = np.asarray(vectors, dtype=np.float64)
    if len(points) < 5 or not np.isfinite(points).all() or not np.ptp(points, axis=0).any():
        return None
    points = normalize(points)
    if points.shape[1] == 1:  # two principal components start the map
        points = np.pad(points, ((0, 0), (0, 1)))
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    # "exact" is fast enough at this size, and its time does not suffer from OpenMP waiting for a busy core
    tsne = TSNE(perplexity=perplexity, init="pca", method="exact", random_state=seed)
    positions = tsne.fit_transform(points)
    return np.asarray(positions, dtype=np.float64) if np.isfinite(positions).all() else None


def word_map(words: Sequence[str], positions: NDArray[np.float64]) -> Figure:
    """The words (n) at their positions (n, 2), most frequent first and largest."""
    width, height = MAP
    height *= min(1.0, max(0.4, (len(words) / MAPPED_WORDS) ** 0.5))  # a few words need less of the page
    figure = Figure(figsize=(width, height), facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.scatter(positions[:, 0], positions[:, 1], s=9, color=BLUE, alpha=0.35, linewidths=0)
    low, high = positions.min(axis=0), positions.max(axis=0)
    span = high - low
    room = np.where(span > 0, span, 1) * (0.05, 0.03)  # for the labels of the outermost words
    axes.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]))
    labels = [drawable(word) for word in words]
    sizes = np.linspace(11.5, 8.5, len(labels))
    pixels = axes.transData.transform(positions) * 72 / figure.dpi  # in points, as text is
    offsets = _label_offsets(labels, pixels, sizes, page=np.array([[4, 4, width * 72 - 4, height * 72 - 4]]))
    for label, at, size, (dx, dy) in zip(labels, positions, sizes, offsets, strict=True):
        axes.annotate(
            label, (at[0], at[1]), (dx, dy), textcoords="offset points", ha="center", va="center", fontsize=size,
            color=INK, parse_math=False, fontfamily=_fonts(),
        )  # fmt: skip
    return figure


def _label_offsets(
    labels: Sequence[str], pixels: NDArray[np.float64], sizes: NDArray[np.float64], *, page: NDArray[np.float64]
) -> list[tuple[float, float]]:
    """Where each label's centre goes, in points from its dot: of all sides the one least covered by earlier labels.

    No side may leave the page (1, 4).
    """
    boxes = np.empty((0, 4))  # left, bottom, right, top of what is taken
    offsets = []
    dots = np.column_stack([pixels - 1.5, pixels + 1.5])
    for label, (x, y), size in zip(labels, pixels, sizes, strict=True):
        font = FontProperties(family=_fonts(), size=size)
        width, height = text_to_path.get_text_width_height_descent(label, font, ismath=False)[0], size
        right, up = width / 2 + 4, height / 2 + 3
        beside = [(right, 0), (-right, 0), (0, up), (0, -up)]
        beside += [(right - 2, up - 2), (2 - right, up - 2), (right - 2, 2 - up), (2 - right, 2 - up)]
        sides = beside + [(1.3 * dx, 1.9 * dy) for dx, dy in beside]  # farther off, where it is crowded
        frames = [
            (x + dx - width / 2, y + dy - height / 2, x + dx + width / 2, y + dy + height / 2) for dx, dy in sides
        ]
        costs = [
            _overlap(frame, boxes) + 0.3 * _overlap(frame, dots) + 9 * (width * height - _overlap(frame, page)) + far
            for frame, far in zip(frames, [0] * 8 + [12] * 8, strict=True)
        ]
        best = int(np.argmin(costs))
        boxes = np.vstack([boxes, frames[best]])
        offsets.append(sides[best])
    return offsets


def _overlap(frame: tuple[float, float, float, float], boxes: NDArray[np.float64]) -> float:
    """Area (square points) that a frame shares with boxes (n, 4)."""
    left, bottom, right, top = frame
    widths = np.minimum(right, boxes[:, 2]) - np.maximum(left, boxes[:, 0])
    heights = np.minimum(top, boxes[:, 3]) - np.maximum(bottom, boxes[:, 1])
    return float((np.clip(widths, 0, None) * np.clip(heights, 0, None)).sum())


def drawable(word: str, *, longest: int = 24) -> str:
    """A word as a label: shortened, and with a box for what no font at hand can draw."""
    shown = word if len(word) <= longest else word[: longest - 1] + "…"
    known = _characters()
    return "".join(char if char.isprintable() and ord(char) in known else "□" for char in shown)


@cache
def _fonts() -> list[str]:
    """Matplotlib's own font, then those installed here that add other scripts."""
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    wanted = ["Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Noto Sans Devanagari", "Noto Sans Thai"]
    return ["DejaVu Sans", *(name for name in wanted if name in installed)]


@cache
def _characters() -> frozenset[int]:
    """Code points that `_fonts` can draw."""
    paths = [font_manager.findfont(name) for name in _fonts()]
    return frozenset(point for path in paths for point in FT2Font(path).get_charmap())


def _chart(y: str, x: str = "progress") -> tuple[Figure, Axes]:
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


def _curve(axes: Axes, history: Sequence[Round], column: str, color: str) -> None:
    progress, values = _column(history, "progress"), _column(history, column)
    few = len(history) <= 12
    axes.plot(progress, values, color=color, linewidth=1.8, marker="o" if few else "", markersize=4, clip_on=False)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))


def _column(history: Sequence[Round], name: str) -> NDArray[np.float64]:
    return np.array([entry.get(name) for entry in history], dtype=np.float64)  # None becomes nan


def svg(figure: Figure) -> bytes:
    """A picture that is sharp at every size. Letters are drawn as outlines, so it needs no font."""
    return _bytes(figure, "svg", metadata={"Date": None})  # the same run gives the same picture


def png(figure: Figure, *, dpi: int = 144) -> bytes:
    """A picture for places that show no SVG."""
    return _bytes(figure, "png", dpi=dpi)


def data_uri(picture: bytes) -> str:
    """A picture as an address that holds it."""
    kind = "png" if picture.startswith(b"\x89PNG") else "svg+xml"
    return f"data:image/{kind};base64,{b64encode(picture).decode()}"


def _bytes(figure: Figure, kind: Literal["svg", "png"], **options: Any) -> bytes:
    target = BytesIO()
    figure.savefig(target, format=kind, **options)
    return target.getvalue()

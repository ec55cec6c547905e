"""Maps: vectors put on a page so that what is alike lies together, with as many labels as can be read."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from tasks.plots import AMBER, BLUE, INK, PAPER, drawable, fonts

MAP = (15.0, 12.0)  # inches
CHARACTERS = 2600  # of all labels, for which this is the size: 400 words
PERPLEXITY = 40


def place(vectors: NDArray[np.float32], *, seed: int) -> NDArray[np.float64] | None:
    """t-SNE: (n, D) vectors to (n, 2) positions, by direction only as cosines are; None where there is no map to draw.

    That is with fewer than five, or with vectors that are not finite or all alike. van der Maaten & Hinton 2008.
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


def drawn(
    labels: Sequence[str], positions: NDArray[np.float64], *, partners: NDArray[np.float64] | None = None
) -> Figure:
    """The labels (n) at their positions (n, 2), the first ones largest.

    partners (n, 2): the dots that they are tied to, which makes all labels equal.
    """
    width, height = MAP
    height *= min(1.0, max(0.4, (sum(map(len, labels)) / CHARACTERS) ** 0.5))  # a few words need less of the page
    figure = Figure(figsize=(width, height), facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.scatter(positions[:, 0], positions[:, 1], s=9, color=BLUE, alpha=0.35, linewidths=0)
    every = positions
    if partners is not None:
        every = np.concatenate([positions, partners])
        axes.add_collection(LineCollection([*np.stack([positions, partners], axis=1)], color=AMBER, alpha=0.5, lw=1))
        axes.scatter(partners[:, 0], partners[:, 1], s=14, color=AMBER, alpha=0.7, linewidths=0)
    low, high = every.min(axis=0), every.max(axis=0)
    span = high - low
    room = np.where(span > 0, span, 1) * (0.05, 0.03)  # for the labels of the outermost words
    axes.set(xlim=(low[0] - room[0], high[0] + room[0]), ylim=(low[1] - room[1], high[1] + room[1]))
    labels = [drawable(label) for label in labels]
    sizes = np.linspace(11.5, 8.5 if partners is None else 11.5, len(labels))
    pixels = axes.transData.transform(positions) * 72 / figure.dpi  # in points, as text is
    offsets = _label_offsets(labels, pixels, sizes, page=np.array([[4, 4, width * 72 - 4, height * 72 - 4]]))
    for label, at, size, (dx, dy) in zip(labels, positions, sizes, offsets, strict=True):
        axes.annotate(
            label, (at[0], at[1]), (dx, dy), textcoords="offset points", ha="center", va="center", fontsize=size,
            color=INK, parse_math=False, fontfamily=fonts(),
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
        font = FontProperties(family=fonts(), size=size)
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

"""Pictures of topics: their words and likeness, what documents are made of, losses by epoch.

They draw what `algorithms.coherence.judge` returns: `topics` are its rows. Words come from anybody's text: they are
shortened, and drawn as they are.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Circle, Patch
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from tasks.plots import AMBER, BLUE, CHART, GREEN, INK, PAPER, QUIET, RULE, Round, chart, column, drawable, fonts
from tasks.topics import layout

PAGE = 11.3  # inches: the width of the report at the scale of its other charts
CLOUDS, CIRCLES = 60, 120  # topics; more are a list, not a picture
LARGEST, SMALLEST = 34.0, 7.0  # points, of a cloud's letters
NEAR = 0.25  # a Jensen-Shannon distance: topics nearer than that do not fill a map
SLIVER = 0.015  # shares of a document below it are drawn together
HUES = (BLUE, AMBER, GREEN, "#8b5e9b", "#b4504f", "#4f97ab", "#b8962e", "#6d7a45")
WEIGHTS = LinearSegmentedColormap.from_list("weights", ["#7795ac", BLUE, "#16344d"])

LABEL: dict[str, Any] = {"fontfamily": fonts(), "parse_math": False}

Topic = Mapping[str, Any]


def pictures(judgement: Mapping[str, Any], topic_word: NDArray[np.floating] | None) -> dict[str, Figure]:
    """Pictures of topics by what they show; those that say nothing, as a map of one topic, are left out."""
    topics = judgement["topics"]
    sizes = np.array([topic["share"] for topic in topics])
    found = {"Words": word_clouds(topics)}
    if topic_word is not None and len(topics) > 1:
        found["Likeness"] = similarity_map(topics, topic_word, sizes)
    if mixed := judgement.get("mixtures"):
        found["Documents"] = mixtures(topics, np.array(mixed["weights"]), mixed["names"])
    return found


def losses(history: Sequence[Round]) -> Figure:
    """Loss per word (nats) after each epoch: above the total and its reconstruction, below its divergence (KL).

    Rounds carry `epoch` (from 1) and `total_loss`, `recons` and `kld` of the training; the same with `validation_`
    before them where there is a validation. The lowest total, of the validation if there is one, is marked.
    """
    figure, axes = chart("loss per word (nats)", x="")
    figure.set_size_inches(CHART[0], 4.6)
    grid = figure.add_gridspec(2, 1, height_ratios=(5, 2))
    axes.set_subplotspec(grid[0])
    axes.tick_params(axis="x", labelbottom=False)
    below = figure.add_subplot(grid[1], sharex=axes)
    below.spines[["top", "right", "left"]].set_visible(False)
    below.spines["bottom"].set_color(RULE)
    below.grid(axis="y", color=RULE, linewidth=0.8)
    below.tick_params(length=0, labelcolor=QUIET, labelsize=10.5, pad=5)
    below.set_xlabel("epoch", color=QUIET, fontsize=10.5)
    below.set_title("KL divergence", loc="left", color=INK, fontsize=11.5, pad=10)
    epochs = column(history, "epoch")
    for which, color in (("", BLUE), ("validation_", AMBER)):
        values = {name: column(history, which + name) for name in ("total_loss", "recons", "kld")}
        if not np.isfinite(values["total_loss"]).any():
            continue
        name = "validation" if which else "training"
        style: dict[str, Any] = {"color": color, "marker": "o" if len(history) <= 12 else "", "markersize": 4}
        axes.plot(epochs, values["total_loss"], linewidth=1.8, label=name, **style)
        faint = {**style, "marker": "", "linestyle": (0, (3, 2))}
        axes.plot(epochs, values["recons"], linewidth=1.1, label=f"{name}, reconstruction", **faint)
        below.plot(epochs, values["kld"], linewidth=1.8, **style)
        totals = values["total_loss"]
    if not axes.lines:
        return figure
    best = int(np.nanargmin(totals))
    axes.plot(epochs[best], totals[best], color=AMBER, marker="o", markersize=8)
    told = f"lowest: {totals[best]:.4g} after epoch {epochs[best]:.0f}"
    axes.set_title(told, loc="right", color=QUIET, fontsize=10.5, pad=12)
    axes.legend(loc="upper right", frameon=False, fontsize=10.5, labelcolor=QUIET, handlelength=1.6)
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    below.yaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    below.set_ylim(bottom=0)
    return figure


def mixtures(topics: Sequence[Topic], theta: NDArray[np.floating], names: Sequence[str]) -> Figure:
    """What documents are made of: a bar for each of the `names` (n), cut by its shares theta (n, K) of the topics.

    The topics that these documents have most of come first, each in its colour; the others are grey, those below
    `SLIVER` are one piece.
    """
    theta = np.asarray(theta, dtype=np.float64)
    leading = np.argsort(-theta.sum(axis=0), kind="stable")[: len(HUES)].tolist()
    figure, axes = chart("what documents are made of", x="")
    keys = [Patch(color=hue, label=_called(topics[topic], 4)) for topic, hue in zip(leading, HUES, strict=False)]
    if theta.shape[1] > len(HUES):
        keys.append(Patch(color=RULE, label="other topics"))
    lines = -(-len(keys) // 3)
    figure.set_size_inches(PAGE, 0.34 * max(len(names), 2) + 1.1 + 0.25 * lines)
    for row, shares in enumerate(theta):
        rest = [topic for topic in np.argsort(-shares, kind="stable").tolist() if topic not in leading]
        left = 0.0
        for topic in [*leading, *rest]:
            if shares[topic] < SLIVER and topic not in leading:
                break
            color = HUES[leading.index(topic)] if topic in leading else RULE
            axes.barh(row, shares[topic], left=left, height=0.72, color=color, edgecolor=PAPER, linewidth=0.6)
            if shares[topic] > 0.025:
                at, ink = left + shares[topic] / 2, PAPER if topic in leading else QUIET
                axes.text(at, row, topics[topic]["topic"], fontsize=9, color=ink, ha="center", va="center_baseline")
            left += shares[topic]
        axes.barh(row, max(1 - left, 0), left=left, height=0.72, color=RULE, edgecolor=PAPER, linewidth=0.6)
    shown = [drawable(name, longest=32) for name in names]
    axes.set_yticks(np.arange(len(shown)), shown, **LABEL)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set(xlim=(0, 1), ylim=(len(shown) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    figure.legend(
        handles=keys, loc="outside lower left", ncols=3, frameon=False, labelcolor=INK, handlelength=1, handleheight=1,
        prop=FontProperties(family=fonts(), size=10.5),
    )  # fmt: skip
    return figure


def word_clouds(topics: Sequence[Topic]) -> Figure:
    """A cloud of words for each topic, larger the more typical; its number and coherence above. The first `CLOUDS`."""
    shown = topics[:CLOUDS]
    columns = min(max(len(shown), 2), 3 if len(shown) <= 6 else 4)
    lines = -(-len(shown) // columns)
    width, height, head, gap = 72 * PAGE / columns, 72 * PAGE / columns * 0.62, 18.0, 14.0  # points
    figure, axes = _sheet(72 * PAGE, lines * (height + head + gap))
    if len(shown) < len(topics):
        told = f"the first {len(shown)} of {len(topics):,} topics"
        axes.text(72 * PAGE - gap, 4, told, fontsize=10.5, color=QUIET, ha="right")
    for place, topic in enumerate(shown):
        left, top = place % columns * width, (lines - place // columns) * (height + head + gap)
        axes.text(left + gap, top - head, f"{topic['topic']}", fontsize=11.5, color=INK, fontweight="bold")
        coherence = f"NPMI {topic['npmi']:.2f}".replace("-", "−")
        axes.text(left + width - gap, top - head, coherence, fontsize=9.5, color=QUIET, ha="right")
        axes.plot([left + gap, left + width - gap], [top - head - 5] * 2, color=RULE, linewidth=0.8)
        centre = (left + width / 2, top - head - 5 - height / 2)
        _cloud(axes, topic["words"], topic["weights"], centre=centre, room=(width - 2 * gap, height - 10))
    return figure


def _cloud(
    axes: Axes,
    words: Sequence[str],
    weights: Sequence[float],
    *,
    centre: tuple[float, float],
    room: tuple[float, float],
) -> None:
    """Draw words in a room (points) as large as all of them have space; those that never have are left out."""
    labels = [drawable(word, longest=20) for word in words]
    share = np.clip(weights, 0, None) / max([*weights, 1e-30])
    relative = np.clip(share**0.5, 0.4, 1)
    measures = np.array([_measure(label) for label in labels]).reshape(-1, 3)  # at a size of 1 point
    area = float((measures[:, 0] * measures[:, 1] * relative**2).sum()) or 1.0
    size = min((0.7 * room[0] * room[1] / area) ** 0.5, LARGEST)  # boxes never fill a room
    while True:
        sizes = np.maximum(size * relative, SMALLEST)
        centres = layout.pack(measures[:, :2] * sizes[:, None] + (6, 4), room)
        if np.isfinite(centres).all() or size <= SMALLEST:
            break
        size *= 0.93
    for label, letters, heavy, (x, y), (_, high, descent) in zip(
        labels, sizes, share, centres, measures * sizes[:, None], strict=True
    ):
        if np.isfinite(x):
            at = centre[0] + x, centre[1] + y - high / 2 + descent
            axes.text(*at, label, ha="center", fontsize=letters, color=WEIGHTS(heavy), **LABEL)


def similarity_map(topics: Sequence[Topic], topic_word: NDArray[np.floating], sizes: NDArray[np.floating]) -> Figure:
    """Topics as circles, near each other as their words are alike, as large as their share of the text `sizes` (K,).

    `topic_word` (K, V): rows that sum to 1. Each circle has its number, and its first words where there is room. The
    map is stretched to fill the page; circles that would lie over each other are pushed apart. Of many topics, it has
    the `CIRCLES` largest.
    """
    order = np.sort(np.argsort(-np.asarray(sizes), kind="stable")[:CIRCLES])
    every, topics = len(topics), [topics[topic] for topic in order]
    room = (72 * PAGE, 72 * PAGE * (0.45 if len(topics) <= 10 else 0.62 if len(topics) <= 25 else 0.75))
    shares = np.asarray(sizes, dtype=np.float64)[order] / max(float(np.sum(sizes)), 1e-30)
    radii = np.clip((0.11 * room[0] * room[1] * shares / np.pi) ** 0.5, 8.5, 60)
    positions = layout.place(topic_word[order])
    low, high = positions.min(axis=0), positions.max(axis=0)
    inner = np.array(room) - (190, 90)  # the labels of the outermost need space
    scale = inner / np.maximum(high - low, NEAR)
    centres = layout.apart((positions - (low + high) / 2) * scale, radii, room)
    figure, axes = _sheet(*room)
    if len(topics) < every:
        told = f"the {len(topics)} largest of {every:,} topics"
        axes.text(room[0] - 6, room[1] - 14, told, fontsize=10.5, color=QUIET, ha="right")
    labels = [" ".join(drawable(word, longest=16) for word in topic["words"][:3]) for topic in topics]
    letters = 10.0 if len(topics) <= 25 else 8.5
    measures = np.array([_measure(label) for label in labels]).reshape(-1, 3) * letters
    places = layout.beside(measures[:, :2] + (8, 4), centres, radii, (room[0] - 10, room[1] - 10))
    middle = np.array(room) / 2
    for topic, label, (x, y), radius, centre, (_, high, descent) in zip(
        topics, labels, centres + middle, radii, places + middle, measures, strict=True
    ):
        axes.add_patch(Circle((x, y), radius, facecolor=BLUE, alpha=0.22, edgecolor="none"))
        axes.add_patch(Circle((x, y), radius, facecolor="none", edgecolor=BLUE, linewidth=0.8))
        style: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontweight": "bold"}
        axes.text(x, y, topic["topic"], fontsize=min(13.0, 0.9 * radius), color="#16344d", **style)
        if np.isfinite(centre).all():
            at = centre[0], centre[1] - high / 2 + descent
            axes.text(*at, label, ha="center", fontsize=letters, color=INK, **LABEL)
    return figure


def _sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty picture whose coordinates are points from its lower left corner."""
    figure = Figure(figsize=(width / 72, height / 72), facecolor=PAPER)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def _measure(label: str) -> tuple[float, float, float]:
    """Width, height and descent of a label's ink at a size of 1 point."""
    font = FontProperties(family=fonts(), size=100)
    wide, high, descent = text_to_path.get_text_width_height_descent(label, font, ismath=False)
    return wide / 100, high / 100, descent / 100


def _called(topic: Topic, words: int) -> str:
    return f"{topic['topic']}  " + " ".join(drawable(word, longest=16) for word in topic["words"][:words])

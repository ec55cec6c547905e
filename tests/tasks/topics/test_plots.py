from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.patches import Circle, Rectangle
from PIL import Image

from tasks.plots import CHART, png, svg
from tasks.topics import plots

HOSTILE = ["<script>", "$\\frac{", "a\x00b", "--><b>", "\ud800", "", "‮abc", "x" * 500, "&amp;", "%s{0}", " ", "日本語"]
LONG = ["Donaudampfschifffahrtsgesellschaft", "ελληνικά", "физическая", "العربية", "straightforwardness"]

rng = np.random.default_rng(0)


def drawn(figure) -> None:
    """The figure comes out as an SVG that parses and a PNG with something on it."""
    assert ElementTree.fromstring(svg(figure)).tag.endswith("svg")
    image = Image.open(BytesIO(png(figure, dpi=72)))
    assert len(image.convert("L").getcolors(256) or []) > 2


def topics(count, *, words=None, weights=None):
    """Rows as `judge` returns them."""
    return [
        {
            "topic": index,
            "words": words or [f"word{index}{place}" for place in range(20)],
            "weights": weights or sorted(rng.dirichlet(np.full(len(words or range(20)), 0.5)).tolist(), reverse=True),
            "npmi": 0.31 - index / 10,
            "tu": 0.8,
            "wetc": None,
        }
        for index in range(count)
    ]


def overlapping(boxes) -> int:
    return sum(a.overlaps(b) for index, a in enumerate(boxes) for b in boxes[:index])


# --- losses


def history(totals, *, validation=None):
    rounds = [
        {"epoch": epoch, "total_loss": total, "recons": total and total - 0.1, "kld": total and 0.1}
        for epoch, total in enumerate(totals, start=1)
    ]
    for entry, total in zip(rounds, validation or [], strict=False):
        entry |= {"validation_total_loss": total, "validation_recons": total and total - 0.2, "validation_kld": 0.2}
    return rounds


@pytest.mark.parametrize(
    ("rounds", "told", "lines"),
    [
        (history([7.1, 7.0, 6.9], validation=[7.2, 6.9, 7.1]), "lowest: 6.9 after epoch 2", 4),
        (history([7.1, 7.0, 6.9]), "lowest: 6.9 after epoch 3", 2),
        (history([7.1, None, 7.1]), "lowest: 7.1 after epoch 1", 2),
        (history([7.1, 7.0], validation=[6.65724]), "lowest: 6.657 after epoch 1", 4),
        (history([7.1]), "lowest: 7.1 after epoch 1", 2),
        (history([None, None]), "", 0),
        ([], "", 0),
    ],
)
def test_losses_mark_the_lowest(rounds, told, lines):
    figure = plots.losses(rounds)
    drawn(figure)
    above, below = figure.axes
    assert above.get_title(loc="left") == "loss per word (nats)"
    assert above.get_title(loc="right") == told
    assert len(above.lines) == lines + bool(lines)
    assert len(below.lines) == lines // 2
    assert figure.get_figwidth() == CHART[0]


def test_losses_of_many_epochs():
    drawn(plots.losses(history([7 + 1 / epoch for epoch in range(1, 200)])))


# --- word clouds


@pytest.mark.parametrize("count", [1, 2, 5, 20, 61])
def test_clouds(count):
    figure = plots.word_clouds(topics(count))
    [axes] = figure.axes
    figure.draw_without_rendering()
    shown = min(count, plots.CLOUDS)
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("NPMI 0.31") == 1
    assert sum(text.startswith("NPMI") for text in texts) == shown
    assert {f"word{index}0" for index in range(shown)} <= set(texts)
    assert ("the first 60 of 61 topics" in texts) == (count == 61)
    assert len(texts) == 22 * shown + (count == 61)  # numbers, coherences, every word
    page = figure.bbox.expanded(1.001, 1.001)
    boxes = [text.get_window_extent() for text in axes.texts]
    assert all(page.contains(*corner) for box in boxes for corner in (box.min, box.max))


@pytest.mark.parametrize("words", [HOSTILE, LONG, ["one"], [*"abc"] * 8], ids=len)
@pytest.mark.parametrize("sign", [1, -1, 0])
def test_clouds_of_odd_words_and_weights(words, sign):
    weights = [sign / (place + 1) for place in range(len(words))]
    figure = plots.word_clouds(topics(3, words=words, weights=weights))
    drawn(figure)
    assert figure.axes[0].texts[1].get_text() == "NPMI 0.31"


def test_words_of_a_cloud_do_not_lie_over_each_other():
    figure = plots.word_clouds(topics(6))
    [axes] = figure.axes
    words = [text for text in axes.texts if text.get_text().startswith("word")]
    figure.draw_without_rendering()
    boxes = []
    for text in words:  # their ink: the box of a text has room for letters that it has not
        x, y = text.get_position()
        wide, high, descent = (size * text.get_fontsize() for size in plots._measure(text.get_text()))
        boxes.append((x - wide / 2, y - descent, x + wide / 2, y - descent + high))
    boxes = np.array(boxes)
    low = np.maximum(boxes[:, None, :2], boxes[:, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    assert np.triu((high > low).all(axis=2), k=1).sum() == 0


def test_typical_words_are_large():
    figure = plots.word_clouds(topics(1, words=[*"abcd"], weights=[0.4, 0.3, 0.2, 0.1]))
    sizes = {text.get_text(): text.get_fontsize() for text in figure.axes[0].texts}
    assert sizes["a"] > sizes["b"] > sizes["c"] > sizes["d"]


# --- mixtures


@pytest.mark.parametrize("count", [2, 8, 9, 50])
def test_mixtures_fill_their_bars(count):
    theta = rng.dirichlet(np.full(count, 0.3), 6)
    figure = plots.mixtures(topics(count), theta, [f"document {row}" for row in range(6)])
    drawn(figure)
    [axes] = figure.axes
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    for row in range(6):
        widths = [bar.get_width() for bar in bars if round(bar.get_y() + bar.get_height() / 2) == row]
        assert sum(widths) == pytest.approx(1)
        assert max(widths[: len(plots.HUES)]) <= theta[row].max() + 1e-9
    [legend] = figure.legends
    told = [text.get_text() for text in legend.get_texts()]
    leading = np.argsort(-theta.sum(axis=0))[: len(plots.HUES)]
    assert [text.split()[0] for text in told][: len(leading)] == [str(topic) for topic in leading]
    assert told[len(leading) :] == (["other topics"] if count > len(plots.HUES) else [])
    page = figure.bbox.expanded(1.001, 1.001)
    assert all(page.contains(*corner) for corner in (legend.get_window_extent().min, legend.get_window_extent().max))


def test_mixtures_of_documents_with_odd_names():
    figure = plots.mixtures(topics(3, words=HOSTILE), rng.dirichlet(np.ones(3), len(HOSTILE)), HOSTILE)
    drawn(figure)
    labels = figure.axes[0].get_yticklabels()
    assert not overlapping([text.get_window_extent() for text in labels if text.get_text().strip()])


# --- the map


@pytest.mark.parametrize("count", [1, 2, 5, 20, 130])
def test_map(count):
    sizes = rng.dirichlet(np.ones(count))
    figure = plots.similarity_map(topics(count), rng.dirichlet(np.full(60, 0.1), count), sizes)
    drawn(figure)
    [axes] = figure.axes
    circles = {(patch.center, patch.radius) for patch in axes.patches if isinstance(patch, Circle)}
    centres = np.array([centre for centre, _ in circles])
    radii = np.array([radius for _, radius in circles])
    assert len(circles) == min(count, plots.CIRCLES)
    apart = np.hypot(*(centres[:, None] - centres).transpose(2, 0, 1)) - (radii[:, None] + radii)
    assert np.triu(apart < 0, k=1).sum() == 0
    texts = [text.get_text() for text in axes.texts]
    assert {str(topic) for topic in np.argsort(-sizes)[: plots.CIRCLES]} <= set(texts)
    assert ("the 120 largest of 130 topics" in texts) == (count == 130)
    assert len(texts) > 1.3 * len(circles)
    page = figure.bbox.expanded(1.001, 1.001)
    boxes = [text.get_window_extent() for text in axes.texts]
    assert all(page.contains(*corner) for box in boxes for corner in (box.min, box.max))


def test_alike_topics_are_near():
    """Two kinds of topics: each is nearer to its own kind than to the other, whatever their order."""
    kinds = np.array([0, 1, 0, 1, 1, 0])
    words = np.repeat(np.eye(2), 20, axis=1)[kinds] + 0.05 + 0.3 * rng.random((6, 40))
    figure = plots.similarity_map(topics(6), words / words.sum(axis=1, keepdims=True), np.full(6, 1 / 6))
    numbers = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    places = np.array([numbers[str(topic)] for topic in range(6)])
    middles = np.array([places[kinds == kind].mean(axis=0) for kind in (0, 1)])
    nearest = np.hypot(*(places[:, None] - middles).transpose(2, 0, 1)).argmin(axis=1)
    assert nearest.tolist() == kinds.tolist()


@pytest.mark.parametrize("words", [HOSTILE, LONG])
def test_map_of_topics_all_alike(words):
    same = np.tile(rng.dirichlet(np.ones(30)), (9, 1))
    figure = plots.similarity_map(topics(9, words=words), same, np.eye(9)[0])
    drawn(figure)
    centres = np.array([patch.center for patch in figure.axes[0].patches])
    assert np.ptp(centres, axis=0).max() < 72 * plots.PAGE / 2  # they do not fill the page, as if they differed

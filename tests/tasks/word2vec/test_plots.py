from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tasks.plots import png, svg
from tasks.word2vec import plots

POINTS = np.random.default_rng(0).standard_normal((30, 2))
WORDS = [f"word{row}" for row in range(30)]


def drawn(figure) -> None:
    """The figure comes out as an SVG that parses and a PNG with something on it."""
    assert ElementTree.fromstring(svg(figure)).tag.endswith("svg")
    image = Image.open(BytesIO(png(figure, dpi=72)))
    assert len(image.convert("L").getcolors(256) or []) > 2


@pytest.mark.parametrize(
    "scores", [{"a": 0.7, "b": 0.66, "c": 0.72}, {"a": 0.0}, {"a": -0.4, "b": 0.2}, {"$x_{": 1.0}], ids=str
)
def test_bars(scores):
    figure = plots.evaluation_bars(scores)
    drawn(figure)
    low, high = figure.axes[0].get_ylim()
    assert low <= min(scores.values())
    assert high >= max(scores.values())


@pytest.mark.parametrize("points", [POINTS, POINTS[:1], [(7.5, 0.4), (1.0, -0.1)]], ids=["many", "one", "list"])
def test_scatter(points):
    drawn(plots.evaluation_scatter(points))


@pytest.mark.parametrize("counts", [[9], [5, 5], [900, 30, 2, 1], np.arange(50_000, 0, -1)], ids=len)
def test_frequencies(counts):
    drawn(plots.frequencies(counts))


def test_the_same_seed_places_words_at_the_same_spots():
    vectors = np.random.default_rng(3).standard_normal((25, 8)).astype(np.float32)
    first = plots.place(vectors, seed=7)
    assert first is not None
    assert first.shape == (25, 2)
    np.testing.assert_array_equal(plots.place(vectors, seed=7), first)


def test_words_used_alike_lie_together():
    rng = np.random.default_rng(4)
    centres = np.repeat(np.eye(3, 10), 20, axis=0)
    positions = plots.place((centres + 0.05 * rng.standard_normal((60, 10))).astype(np.float32), seed=1)
    groups = positions.reshape(3, 20, 2)
    spread = max(np.linalg.norm(group - group.mean(axis=0), axis=1).max() for group in groups)
    apart = min(np.linalg.norm(groups[i].mean(axis=0) - groups[j].mean(axis=0)) for i, j in [(0, 1), (0, 2), (1, 2)])
    assert apart > 2 * spread


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((4, 3)),
        np.empty((0, 3)),
        np.ones((30, 3)),
        np.full((30, 3), np.nan),
    ],
    ids=["few", "none", "alike", "diverged"],
)
def test_no_map_where_there_is_nothing_to_see(vectors):
    assert plots.place(vectors.astype(np.float32), seed=1) is None


@pytest.mark.parametrize("shape", [(5, 2), (12, 1), (40, 3)])
def test_small_maps(shape):
    vectors = np.random.default_rng(5).standard_normal(shape).astype(np.float32)
    vectors[0] = 0
    positions = plots.place(vectors, seed=1)
    assert positions is not None
    drawn(plots.word_map(WORDS[:1] * shape[0], positions))


def test_labels_stay_on_the_page_and_apart():
    figure = plots.word_map(["w" * 20] * 30, POINTS)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
    overlaps = sum(a.overlaps(b) for index, a in enumerate(boxes) for b in boxes[:index])
    assert overlaps <= 10  # of 435


def test_hostile_words_are_only_drawn():
    words = ["<script>", "$\\frac{", "a\x00b", "--><b>", "\ud800", "日本語", "‮abc", "x" * 500, "&amp;", "%s{0}"]
    drawn(plots.word_map(words, POINTS[: len(words)]))

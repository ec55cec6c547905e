from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tasks import maps
from tasks.plots import png, svg

POINTS = np.random.default_rng(0).standard_normal((30, 2))


def shown(figure) -> None:
    """The figure comes out as an SVG that parses and a PNG with something on it."""
    assert ElementTree.fromstring(svg(figure)).tag.endswith("svg")
    image = Image.open(BytesIO(png(figure, dpi=72)))
    assert len(image.convert("L").getcolors(256) or []) > 2


def test_the_same_seed_places_words_at_the_same_spots():
    vectors = np.random.default_rng(3).standard_normal((25, 8)).astype(np.float32)
    first = maps.place(vectors, seed=7)
    assert first is not None
    assert first.shape == (25, 2)
    np.testing.assert_array_equal(maps.place(vectors, seed=7), first)


def test_words_used_alike_lie_together():
    rng = np.random.default_rng(4)
    centres = np.repeat(np.eye(3, 10), 20, axis=0)
    positions = maps.place((centres + 0.05 * rng.standard_normal((60, 10))).astype(np.float32), seed=1)
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
    assert maps.place(vectors.astype(np.float32), seed=1) is None


@pytest.mark.parametrize("shape", [(5, 2), (12, 1), (40, 3)])
def test_small_maps(shape):
    vectors = np.random.default_rng(5).standard_normal(shape).astype(np.float32)
    vectors[0] = 0
    positions = maps.place(vectors, seed=1)
    assert positions is not None
    shown(maps.drawn(["word"] * shape[0], positions))


def test_labels_stay_on_the_page_and_apart():
    figure = maps.drawn(["w" * 20] * 30, POINTS)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
    overlaps = sum(a.overlaps(b) for index, a in enumerate(boxes) for b in boxes[:index])
    assert overlaps <= 10  # of 435


def test_hostile_words_are_only_drawn():
    words = ["<script>", "$\\frac{", "a\x00b", "--><b>", "\ud800", "日本語", "‮abc", "x" * 500, "&amp;", "%s{0}"]
    shown(maps.drawn(words, POINTS[: len(words)]))


def test_partners_are_on_the_page_and_tied():
    partners = 3 * POINTS[::-1]
    figure = maps.drawn([f"pair {row}" for row in range(30)], POINTS, partners=partners)
    shown(figure)
    [axes] = figure.axes
    assert axes.get_xlim()[0] < partners[:, 0].min()
    assert axes.get_ylim()[1] > partners[:, 1].max()
    [ties] = [each for each in axes.collections if hasattr(each, "get_segments")]
    np.testing.assert_allclose(ties.get_segments()[4], [POINTS[4], partners[4]])

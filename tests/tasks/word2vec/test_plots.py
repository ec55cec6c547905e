from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tasks.plots import png, svg
from tasks.word2vec import plots

POINTS = np.random.default_rng(0).standard_normal((30, 2))


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

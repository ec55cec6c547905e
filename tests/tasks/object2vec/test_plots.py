from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tasks.object2vec import plots
from tasks.plots import CHART, png, svg


def drawn(figure) -> None:
    """The figure comes out as an SVG that parses and a PNG with something on it."""
    assert ElementTree.fromstring(svg(figure)).tag.endswith("svg")
    image = Image.open(BytesIO(png(figure, dpi=72)))
    assert len(image.convert("L").getcolors(256) or []) > 2


def history(values, *, name="cross_entropy", validation=None):
    rounds = [{"epoch": epoch, name: value} for epoch, value in enumerate(values, start=1)]
    for entry, value in zip(rounds, validation or [], strict=False):
        entry[f"validation_{name}"] = value
    return rounds


@pytest.mark.parametrize(
    ("rounds", "name", "told", "lines"),
    [
        (history([0.3, 0.2, 0.1], validation=[0.3, 0.25, 0.4]), "cross_entropy", "best: 0.25 after epoch 2", 3),
        (history([0.3, 0.2, 0.1]), "cross_entropy", "best: 0.1 after epoch 3", 2),
        (history([0.8, 0.9], name="accuracy", validation=[0.7, 0.6]), "accuracy", "best: 70.00% after epoch 1", 3),
        (history([9.0, None], name="mean_squared_error"), "mean_squared_error", "best: 9 after epoch 1", 2),
        (history([None]), "cross_entropy", "", 0),
        ([], "cross_entropy", "", 0),
    ],
)
def test_epochs_mark_the_best(rounds, name, told, lines):
    figure = plots.epochs(rounds, name)
    drawn(figure)
    [axes] = figure.axes
    assert axes.get_title(loc="right") == told
    assert len(axes.lines) == lines
    assert figure.get_figwidth() == CHART[0]


def test_curves_are_those_that_there_are():
    rounds = [{**each, "progress": 0.5, "words": 5, "seconds": 1.0, "words_per_second": 5.0} for each in history([0.1])]
    assert list(plots.curves(rounds)) == ["cross entropy after each epoch", "throughput over training"]
    assert plots.curves([]) == {}


@pytest.mark.parametrize("counts", [[[5, 1, 0], [0, 1, 8]], [[0, 0], [3, 1]], [[0], [0]]])
def test_chances(counts):
    drawn(plots.chances(counts))


@pytest.mark.parametrize("points", [[[1.0, 0.5], [5.0, 4.5]], [[1.0, 1.0]], []])
def test_graded(points):
    drawn(plots.graded(points))


@pytest.mark.parametrize("pool", [2, 15, 10_000])
def test_hits(pool):
    shares = {f"hits@{k}": min(1.0, k / 20) for k in (1, 10, 20)}
    ks = np.unique(np.geomspace(1, pool, 20).round())
    figure = plots.hits({**shares, "pool": pool, "curve": [[k, min(1.0, k / 20)] for k in ks]})
    drawn(figure)
    assert figure.axes[0].get_xlabel() == f"k, of {pool:,}"

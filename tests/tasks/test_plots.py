import subprocess
import sys
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image

from tasks import plots

HISTORY = [
    {
        "round": index,
        "progress": (index + 1) / 8,
        "loss": 3.0 / (index + 1),
        "words": 100_000,
        "seconds": 0.05,
        "words_per_second": 2_000_000.0,
        "learning_rate": 0.05 * (1 - index / 8),
    }
    for index in range(8)
]
LOSS = partial(plots.loss_curve, per="pair")
CURVES = [LOSS, plots.learning_rate_curve, plots.throughput_curve]


def drawn(figure) -> None:
    """The figure comes out as an SVG that parses and a PNG with something on it."""
    assert ElementTree.fromstring(plots.svg(figure)).tag.endswith("svg")
    image = Image.open(BytesIO(plots.png(figure, dpi=72)))
    assert len(image.convert("L").getcolors(256) or []) > 2


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("rounds", [1, 2, 8])
def test_curves(curve, rounds):
    figure = curve(HISTORY[:rounds])
    drawn(figure)
    [axes] = figure.axes
    assert axes.get_title(loc="left")
    assert axes.get_xlabel() == "progress"


@pytest.mark.parametrize("curve", CURVES)
def test_curves_of_a_run_that_diverged(curve):
    drawn(curve([{**HISTORY[0], "loss": None, "words_per_second": 0.0, "seconds": 0.0}]))


def test_throughput_shows_the_mean_over_time_not_over_rounds():
    figure = plots.throughput_curve(
        [{**HISTORY[0], "words": 10, "seconds": 1.0}, {**HISTORY[1], "words": 10, "seconds": 9.0}]
    )
    assert figure.axes[0].get_title(loc="right") == "mean 2.00"


@pytest.mark.parametrize(
    ("word", "label"),
    [("king", "king"), ("naïve", "naïve"), ("a\nb\x07", "a□b□"), ("\U000f0000", "□"), ("x" * 30, "x" * 23 + "…")],
)
def test_labels(word, label):
    assert plots.drawable(word) == label


def test_pictures_are_the_same_from_thread_to_thread():
    with ThreadPoolExecutor(4) as pool:
        pictures = set(pool.map(lambda _: plots.png(LOSS(HISTORY), dpi=50), range(8)))
    assert len(pictures) == 1


def test_data_uris_hold_the_picture():
    figure = LOSS(HISTORY)
    for picture, head in [
        (plots.svg(figure), "data:image/svg+xml;base64,"),
        (plots.png(figure), "data:image/png;base64,"),
    ]:
        uri = plots.data_uri(picture)
        assert uri.startswith(head)
        assert b64decode(uri.removeprefix(head)) == picture


def test_pyplot_and_its_global_state_stay_out():
    code = "import sys, tasks.plots; sys.exit('matplotlib.pyplot' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

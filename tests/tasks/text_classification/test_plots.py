from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from algorithms import accuracy
from tasks.plots import CHART, png, svg
from tasks.text_classification import plots

LONG = ["Спорт и физическая культура страны", "ελληνικά", "日本語", "العربية", "comp.sys.ibm.pc.hardware.misc"]
HOSTILE = ["<script>", "$\\frac{", "a\x00b", "--><b>", "\ud800", "", "‮abc", "x" * 500, "&amp;", "%s{0}"]


def drawn(figure) -> None:
    """The figure comes out as an SVG that parses and a PNG with something on it."""
    assert ElementTree.fromstring(svg(figure)).tag.endswith("svg")
    image = Image.open(BytesIO(png(figure, dpi=72)))
    assert len(image.convert("L").getcolors(256) or []) > 2


def names(count: int) -> list[str]:
    return [f"class.number.{label}" for label in range(count)]


def judged(labels, *, examples=3000, seed=0):
    """What `judge` says of answers that are right three times in four."""
    rng, L = np.random.default_rng(seed), len(labels)
    truth = rng.integers(0, L, examples, dtype=np.int32)
    top = np.where(rng.random(examples) < 0.75, truth, rng.integers(0, L, examples)).astype(np.int32)
    return accuracy.judge(
        labels,
        starts=np.arange(examples + 1),
        truth=truth,
        predicted=top[:, None],
        probabilities=rng.beta(5, 1, (examples, 1)).astype(np.float32),
    )


def overlapping(boxes) -> int:
    return sum(a.overlaps(b) for index, a in enumerate(boxes) for b in boxes[:index])


# --- the matrix


@pytest.mark.parametrize("labels", [*map(names, [1, 2, 14, 50, 100]), LONG, LONG[:3], HOSTILE], ids=len)
def test_matrix(labels):
    counts = np.array(judged(labels)["confusion"])
    figure = plots.confusion_matrix(labels, counts)
    drawn(figure)
    [axes] = figure.axes
    assert CHART[0] - 0.01 <= figure.get_figwidth() <= plots.PAGE + 0.6
    assert len(axes.texts) == (np.count_nonzero(counts) if len(labels) <= plots.NUMBERED else 0)
    ticks = [[text for text in axis.get_ticklabels() if text.get_text()] for axis in (axes.xaxis, axes.yaxis)]
    page = figure.bbox.expanded(1.001, 1.001)
    for texts in ticks:
        boxes = [text.get_window_extent() for text in texts]
        assert len(boxes) == sum(bool(label) for label in labels)
        assert not overlapping(boxes)
        assert all(page.contains(*corner) for box in boxes for corner in (box.min, box.max))
    [title] = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_text() == "true class")
    assert not axes.get_legend() or not overlapping([axes.get_legend().get_window_extent(), title.get_window_extent()])


@pytest.mark.parametrize(("classes", "most"), [(2, 4_000_000_000), (14, 98_765), (40, 9_999), (40, 7_000_000)])
def test_numbers_stay_in_their_cells(classes, most):
    counts = np.random.default_rng(0).integers(0, most, (classes, classes))
    figure = plots.confusion_matrix(names(classes), counts)
    figure.draw_without_rendering()
    [axes] = figure.axes
    across = axes.get_window_extent().width / classes
    widths = [text.get_window_extent().width for text in axes.texts]
    assert max(widths) <= across
    assert all(text.get_fontsize() >= 5 for text in axes.texts)


def test_a_matrix_too_large_for_names():
    figure = plots.confusion_matrix(names(200), np.eye(200, dtype=int) * 9 + np.eye(200, k=3, dtype=int))
    drawn(figure)
    assert not any("class" in text.get_text() for text in figure.axes[0].get_yticklabels())


def test_a_matrix_of_nothing():
    drawn(plots.confusion_matrix(["a", "b"], [[0, 0], [0, 0]]))


def test_shades_are_shares_of_the_row():
    figure = plots.confusion_matrix(["a", "b", "c"], [[98, 1, 1], [0, 0, 4], [10, 10, 980]])
    [cells] = figure.axes[0].collections[-1:]
    first, mistake, same, all_wrong, small, again, right = [tuple(color) for color in cells.get_facecolors()]
    assert mistake == same == small == again
    assert first == right
    assert min(1 - np.array(mistake[:3])) >= 0.01  # one in a hundred can be seen
    assert sum(all_wrong) < sum(mistake)


def test_names_lose_their_middle():
    axes = plots.confusion_matrix(["comp.sys.ibm.pc.hardware", "x" * 16], np.eye(2)).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["comp.sy…hardware", "x" * 16]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["comp.sys.ibm.pc.hardware", "x" * 16]


# --- the other pictures


def history(*scores):
    return [{"epoch": epoch, "validation_accuracy": score} for epoch, score in enumerate(scores, start=1)]


@pytest.mark.parametrize(
    ("rounds", "told"),
    [
        (history(0.91, 0.95, 0.9721, 0.97, 0.9721), "best: 97.21% after epoch 3"),
        (history(None, None, 0.5), "best: 50.00% after epoch 3"),
        (history(*[0.5] * 3), "best: 50.00% after epoch 1"),
        ([{"epoch": 1, "loss": 3.0}, *history(None)], ""),
        ([], ""),
    ],
)
def test_accuracy_curve_marks_the_first_of_the_best(rounds, told):
    figure = plots.accuracy_curve(rounds)
    drawn(figure)
    [axes] = figure.axes
    assert axes.get_title(loc="left") == "validation accuracy"
    assert axes.get_title(loc="right") == told
    assert all(float(text.get_text()).is_integer() for text in axes.get_xticklabels() if told and text.get_text())


def test_accuracy_of_many_epochs():
    drawn(plots.accuracy_curve(history(*(1 - 1 / epoch for epoch in range(2, 102)))))


@pytest.mark.parametrize("labels", [*map(names, [1, 2, 14, 200]), LONG, HOSTILE], ids=len)
def test_bars(labels):
    classes = judged(labels)["classes"]
    figure = plots.f1_bars(classes)
    drawn(figure)
    [axes] = figure.axes
    scores = [bar.get_width() for bar in axes.patches]
    assert scores == sorted(row["f1"] for row in classes)[: plots.BARS]
    assert not overlapping([text.get_window_extent() for text in axes.get_yticklabels() if text.get_text()])
    assert axes.get_title(loc="right") == ("the 20 worst of 200 classes" if len(labels) == 200 else "")


def test_bars_leave_out_classes_that_do_not_occur():
    absent = {"label": "absent", "f1": 0.0, "support": 0, "predicted": 0}
    figure = plots.f1_bars([absent, {"label": "never right", "f1": 0.0, "support": 3, "predicted": 0}])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["never right"]
    drawn(plots.f1_bars([absent]))


def test_reliability_draws_each_bin_that_has_examples():
    answers = judged(names(4))
    figure = plots.reliability(answers["reliability"], answers["ece"])
    drawn(figure)
    above, below = figure.axes
    points = {
        (float(*line.get_xdata()), float(*line.get_ydata())) for line in above.lines if len(line.get_xdata()) == 1
    }
    assert points == {(row["confidence"], row["accuracy"]) for row in answers["reliability"] if row["count"]}
    assert [bar.get_height() for bar in below.patches] == [row["count"] for row in answers["reliability"]]
    assert above.get_title(loc="right") == f"expected calibration error {answers['ece']:.2%}"


@pytest.mark.parametrize("examples", [0, 1])
def test_reliability_of_next_to_nothing(examples):
    answers = judged(["a", "b"], examples=examples)
    figure = plots.reliability(answers["reliability"], answers["ece"])
    drawn(figure)
    assert len(figure.axes[0].lines) == 1 + examples

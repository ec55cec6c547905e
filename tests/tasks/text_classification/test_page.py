import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest

from algorithms.accuracy import judge
from tasks.text_classification import page
from tests.tasks.parsed import Page

LABELS = ["news", "<script>alert(1)</script>", "a|b", "$x$"]
MANIFEST = {
    "algorithm": "text-classification",
    "hyperparameters": {"mode": "supervised", "epochs": 20, "early_stopping": True, "min_epochs": 2},
    "seed": 3,
    "threads": 2,
    "corpus": {"name": "docs <b>", "bytes": 12_345_678, "tokens": 5_012_345, "vocabulary": 71_290},
    "validation": {"name": "held out", "bytes": 1500},
    "metrics": {"train_accuracy": 0.98765, "validation_accuracy": 0.91},
    "words_per_second": 4_221_000.0,
    "seconds": {"ingest": 0.4, "prepare": 3.0, "train": 120.0},
    "history": [
        {
            "round": number, "progress": number / 8, "epoch": (number + 1) // 2, "loss": 1 / number, "words": 10,
            "seconds": 1.0, "words_per_second": 10.0, "learning_rate": 0.01, "validation_accuracy": accuracy,
        }
        for number, accuracy in enumerate([None, 0.95, None, 0.9, None, 0.91, None, 0.905], start=1)
    ],
}  # fmt: skip
TRUTH = [0, 0, 0, 1, 1, 2]
PREDICTED = [[0, 1], [0, 1], [1, 0], [1, 2], [0, 1], [2, 0]]
SURE = [[0.9, 0.1], [0.8, 0.1], [0.7, 0.2], [0.6, 0.2], [0.995, 0.005], [0.5, 0.2]]


def judged(*, classes: int = len(LABELS), several: bool = False) -> dict:
    labels = LABELS + [f"class {number}" for number in range(len(LABELS), classes)]
    judgement = judge(
        labels,
        starts=np.array([0, 1, 2, 3, 4, 6, 7] if several else [0, 1, 2, 3, 4, 5, 6]),
        truth=np.array([*TRUTH[:5], 3, 2] if several else TRUTH, dtype=np.int32),
        predicted=np.array(PREDICTED, dtype=np.int32),
        probabilities=np.array(SURE, dtype=np.float32),
    )
    judgement["mistakes"][0]["text"] = "it <b>was</b>  said\nthat " + "long " * 100
    return judgement


@pytest.fixture(scope="module")
def html() -> str:
    return page.render(manifest=MANIFEST, judgement=judged())


def test_everything_is_on_the_page(html):
    text = " ".join(Page(html).text.split())
    for said in [
        "text classification on docs <b>", "seed 3 · 2 threads",  # head
        "91.00%", "98.77%", "0.722", "4.22 M", "71,290", "2 min 03 s",  # key figures
        "the weights after epoch 3, the best on the validation examples; training ended after epoch 4 of at most 20.",
        "6 validation examples", "1 0.6667 0.6667", "2 0.5000 1.0000", "macro-F1 0.7222",  # evaluation
        "news 0.667 0.667 0.667 3", "$x$ – – – 0",  # classes
        "news <script>alert(1)</script> 1",  # confusion
        "news 99.50% sure; it is <script>alert(1)</script>", "it <b>was</b> said that long", "example 3",  # mistakes
        "Validation", "name held out", "bytes 1.5 kB", "early_stopping True",  # lineage
    ]:  # fmt: skip
        assert said in text, said
    assert "several labels" not in text


def test_hostile_labels_stay_labels(html):
    assert "<script" not in html
    assert {tag for tag, _ in Page(html).tags}.isdisjoint({"script", "link", "iframe", "object", "a", "base", "form"})


def test_pictures_decode_and_say_what_they_are(html):
    images = [attributes for tag, attributes in Page(html).tags if tag == "img"]
    assert [image["alt"].removeprefix("Chart: ") for image in images] == [
        "validation accuracy after each epoch",
        "loss over training",
        "throughput over training",
        "learning rate over training",
        "accuracy against confidence",
        "F1 of the classes, the worst first",
        "examples of each class by the class that was predicted",
    ]
    for image in images:
        ElementTree.parse(BytesIO(b64decode(image["src"].removeprefix("data:image/svg+xml;base64,"))))


def test_many_classes_are_cut():
    text = Page(page.render(manifest=MANIFEST, judgement=judged(classes=150))).text
    assert "The 20 most frequent of 150 classes; eval.json has them all." in text
    assert "Most often confused" in text
    assert "class 20" not in text


def test_examples_with_several_labels():
    assert (
        "Some examples have several labels."
        in Page(page.render(manifest=MANIFEST, judgement=judged(several=True))).text
    )


def test_without_validation():
    history = [{**each, "validation_accuracy": None} for each in MANIFEST["history"]]
    manifest = {**MANIFEST, "metrics": {"train_accuracy": 1.0}, "validation": None, "history": history}
    html = page.render(manifest=manifest, judgement=judged())
    assert "6 training examples, which it has seen before" in Page(html).text
    assert "alidation" not in html
    assert "epoch " not in html


def test_the_barest_run():
    assert "This run was not evaluated." in Page(page.render(manifest={}, judgement=None)).text
    assert page.metrics_rows({}, None) == page.class_rows(None) == []


def test_nothing_is_kept_without_early_stopping():
    form = {**MANIFEST["hyperparameters"], "early_stopping": False}
    assert page.kept_epoch({**MANIFEST, "hyperparameters": form}) is None


def test_metrics_rows():
    rows = {row["metric"]: row["value"] for row in page.metrics_rows(MANIFEST, judged())}
    assert rows.keys() >= {"precision at 2", "recall at 1", "macro-F1", "weighted F1", "expected calibration error"}
    assert (rows["train accuracy"], rows["validation accuracy"], rows["recall at 2"]) == (0.9877, 0.91, 1.0)


def test_class_rows_begin_with_the_most_frequent():
    rows = page.class_rows(judged())
    assert rows[0] == {
        "class": "news", "precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "examples": 3, "predicted": 3,
    }  # fmt: skip
    assert [row["examples"] for row in rows] == [3, 2, 1, 0]


def test_summary():
    markdown = page.summary_markdown(
        manifest=MANIFEST, judgement=judged(), model="s3://bucket/model.tar.gz", report="r"
    )
    assert "| validation accuracy | 91.00% |" in markdown
    assert "### Judged on 6 validation examples" in markdown
    assert "| news | &lt;script&gt;alert(1)&lt;/script&gt; | 1 |" in markdown
    assert "* model: s3://bucket/model.tar.gz\n" in markdown
    assert "Judged" not in page.summary_markdown(manifest=MANIFEST, judgement=None)


def test_rows_for_a_terminal():
    assert page.terminal_rows(MANIFEST, judged()) == [
        ("corpus", "docs <b>: 5,012,345 words, 71,290 distinct"),
        ("words per second", "4,221,000"),
        ("classes", "4"),
        ("validation accuracy", "91.00%"),
        ("train accuracy", "98.77%"),
        ("macro-F1", "0.722"),
        ("mistaken", "news for <script>alert(1)</script> 1, <script>alert(1)</script> for news 1"),
    ]


def test_prefect_stays_out():
    code = "import sys, tasks.text_classification.page; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

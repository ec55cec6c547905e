import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

import pytest

from tasks.object2vec import page
from tests.tasks.parsed import Page

HOSTILE = "<script>alert(1)</script> a|b $x$"
MANIFEST = {
    "algorithm": "object2vec",
    "hyperparameters": {"enc_dim": 64, "epochs": 5, "negative_sampling_rate": 3},
    "pairing": {"min_count": 5},
    "seed": 3,
    "threads": 2,
    "epoch": 2,
    "corpus": {"name": "news <b>", "bytes": 12_345_678, "vocabulary": 2000, "train_pairs": 34_616},
    "metrics": {
        "train_accuracy": 0.99, "train_cross_entropy": 0.03, "test_accuracy": 0.9512, "test_cross_entropy": 0.1412,
    },
    "words_per_second": 420_000.0,
    "pairs_per_second": 8570.0,
    "seconds": {"ingest": 0.4, "prepare": 3.0, "train": 120.0},
    "history": [
        {
            "round": number, "progress": number / 5, "loss": 1 / number, "words": 10, "seconds": 1.0,
            "words_per_second": 10.0, "learning_rate": 0.01, "epoch": number, "accuracy": 0.8 + number / 100,
            "cross_entropy": 1 / number, "validation_accuracy": 0.8, "validation_cross_entropy": loss,
        }
        for number, loss in enumerate([0.3, 0.1455, 0.2], start=1)
    ],
}  # fmt: skip
PAIR = {"in0": HOSTILE, "in1": "y " * 500}
JUDGEMENT = {
    "judged": "test",
    "sets": {
        "train": {"accuracy": 0.99, "cross_entropy": 0.03, "examples": 1200},
        "test": {"accuracy": 0.9512, "cross_entropy": 0.1412, "examples": 25_848},
    },
    "classes": [{"label": str(label), "precision": 0.9, "recall": 0.8, "f1": 0.85, "support": 10} for label in (0, 1)],
    "confusion": [[9, 1], [2, 8]],
    "chances": [[8, 1, 1], [0, 2, 8]],
    "mistakes": [{"example": 4, "true": ["1"], "predicted": "0", "probability": 0.998, **PAIR}],
    "retrieval": {
        "hits@1": 0.2665, "hits@10": 0.5787, "hits@20": 0.6595, "mean_rank": 319.7, "median_rank": 6.0, "queries": 4308,
        "pool": 10_000, "curve": [[1, 0.2665], [10, 0.5787], [10_000, 1.0]],
        "found": [
            {
                "query": HOSTILE, "rank": 1.0, "truth": {"text": "right", "cosine": 0.9, "right": True},
                "first": [{"text": "right", "cosine": 0.9, "right": True}],
            },
            {
                "query": "lost", "rank": 423.5, "truth": {"text": "far away", "cosine": -0.1, "right": True},
                "first": [{"text": "wrong", "cosine": 0.5, "right": False}],
            },
        ],
    },
    "neighbours": {"cat": [["dog", 0.91], ["<i>", 0.5]]},
    "map": {"labels": [HOSTILE, "a …"], "in0": [[0.5, 1.0], [2.0, 3.0]], "in1": [[0.6, 1.0], [2.0, 2.5]]},
}  # fmt: skip
GRADED = {
    **JUDGEMENT,
    "sets": {"test": {"mean_squared_error": 0.25, "pearson": 0.8, "spearman": -0.5, "examples": 100}},
    "mistakes": [{"true": 5.0, "predicted": 1.25, **PAIR}],
    "points": [[5.0, 1.25], [1.0, 1.0]],
    "retrieval": None,
    "map": None,
}
for name in ("classes", "confusion", "chances"):
    del GRADED[name]


@pytest.fixture(scope="module")
def html() -> str:
    return page.render(manifest=MANIFEST, judgement=JUDGEMENT)


def shown(judgement, **changes) -> str:
    return " ".join(Page(page.render(manifest={**MANIFEST, **changes}, judgement=judgement)).text.split())


def test_everything_is_on_the_page(html):
    text = " ".join(Page(html).text.split())
    for said in [
        "object2vec on news <b>", "seed 3 · 2 threads",  # head
        "95.12%", "0.1412", "26.65%", "319.7", "34,616", "2,000", "8.57 k", "2 min 03 s",  # key figures
        "the weights after epoch 2, the best on the validation pairs; training stopped after epoch 3 of at most 5",
        "train test accuracy 0.9900 0.9512 cross-entropy 0.0300 0.1412 pairs 1,200 25,848",
        "by the cosine of their encodings", "would be 5,000 by chance",
        "hits@1 26.65%", "median rank 6.0", "queries 4,308",
        "its truth has the rank 1 ", "its truth has the rank 423.5 ", "0.50wrong", "−0.10far away",
        "99.80% sure that they do not belong together <script>alert(1)</script> a|b $x$",
        "cat dog 0.91", "<i> 0.50", "A map of 2 pairs",
        "enc_dim 64", "min_count 5", "bytes 12.3 MB",  # how it was made
    ]:  # fmt: skip
        assert said in text, said
    assert "Classes" not in text
    assert "y y …" in text


def test_hostile_words_stay_words(html):
    assert "<script" not in html
    assert {tag for tag, _ in Page(html).tags}.isdisjoint({"script", "link", "iframe", "object", "a", "base", "form"})


def test_pictures_decode_and_say_what_they_are(html):
    images = [attributes for tag, attributes in Page(html).tags if tag == "img"]
    assert [image["alt"].removeprefix("Chart: ") for image in images] == [
        "accuracy after each epoch",
        "cross entropy after each epoch",
        "throughput over training",
        "pairs by their chance to belong together",
        "share found among the first k",
        "Map of 2 pairs by t-SNE",
    ]
    for image in images:
        ElementTree.parse(BytesIO(b64decode(image["src"].removeprefix("data:image/svg+xml;base64,"))))


def test_many_classes():
    """They are shown one by one, and no chance to belong together is."""
    classes = [{**JUDGEMENT["classes"][0], "label": str(label)} for label in range(3)]
    judgement = {**JUDGEMENT, "classes": classes, "confusion": [[5, 0, 1], [0, 7, 0], [2, 0, 9]], "retrieval": None}
    text = shown({name: value for name, value in judgement.items() if name != "chances"})
    assert "class precision recall F1 pairs 0 0.900 0.800 0.850 10" in text
    assert "true, and predicted 0 1 2 0 5 0 1 1 0 7 0 2 2 0 9" in text
    assert "99.80% sure of 0; it is 1" in text
    assert "Retrieval" not in text


def test_graded_pairs():
    text = shown(GRADED)
    assert "mean squared error 0.2500 Pearson’s r 0.8000 Spearman’s ρ −0.5000" in text
    assert "Largest errors scored 1.25, and it is 5.00" in text
    assert "hits@1" not in text


def test_judged_by_what_was_trained_on():
    judgement = {**JUDGEMENT, "judged": "train", "sets": {"train": JUDGEMENT["sets"]["train"]}}
    text = shown(judgement, history=[])
    assert "of the train pairs, which it has seen before: of others it knows less." in text


def test_the_barest_run():
    assert "This run was not evaluated." in Page(page.render(manifest={}, judgement=None)).text
    assert page.metrics_rows(None) == page.retrieval_rows(None) == page.found_rows(None) == []
    assert page.kept_epoch({}) is None


def test_rows():
    rows = {row["metric"]: row["value"] for row in page.metrics_rows(JUDGEMENT)}
    assert rows["test accuracy"] == 0.9512
    assert rows["train cross-entropy"] == 0.03
    assert {row["metric"]: row["value"] for row in page.retrieval_rows(JUDGEMENT)}["mean rank"] == 319.7
    assert page.found_rows(JUDGEMENT)[1] == {
        "query": "lost", "rank": "423.5", "found first": "wrong", "truth": "far away",
    }  # fmt: skip


def test_summary():
    markdown = page.summary_markdown(
        manifest=MANIFEST, judgement=JUDGEMENT, model="s3://bucket/model.tar.gz", report="r"
    )
    assert "| test accuracy | 95.12% |" in markdown
    assert "### Looked for" in markdown
    assert "&lt;script&gt;" in markdown
    assert "* model: s3://bucket/model.tar.gz\n" in markdown
    assert "Looked for" not in page.summary_markdown(manifest=MANIFEST, judgement=GRADED)


def test_rows_for_a_terminal():
    assert page.terminal_rows(MANIFEST, JUDGEMENT) == [
        ("corpus", "news <b>: 34,616 pairs, 2,000 words"),
        ("negatives", "3 drawn for each pair"),
        ("pairs per second", "8,570"),
        ("train", "accuracy 99.00%, cross-entropy 0.0300"),
        ("test", "accuracy 95.12%, cross-entropy 0.1412"),
        ("retrieval", "hits@1 26.65%, hits@10 57.87%, hits@20 65.95%, mean rank 319.7 of 10,000"),
    ]


def test_prefect_stays_out():
    code = "import sys, tasks.object2vec.page; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

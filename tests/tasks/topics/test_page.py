import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from algorithms.coherence import judge
from tasks.topics import page
from tests.tasks.parsed import Page

MANIFEST = {
    "algorithm": "topics",
    "hyperparameters": {"num_topics": 3, "epochs": 20, "decoder": "ntm"},
    "seed": 3,
    "threads": 2,
    "corpus": {"name": "news <b>", "bytes": 12_345_678, "documents": 1300, "dropped": 100, "vocabulary": 2000},
    "metrics": {
        "total_loss": 6.6543, "perplexity": 776.1, "tu": 0.75, "npmi": -0.125, "diversity": 0.8, "topics": [["a"]],
    },
    "words_per_second": 420_000.0,
    "documents_per_second": 4221.0,
    "seconds": {"ingest": 0.4, "prepare": 3.0, "train": 120.0},
    "history": [
        {
            "round": number, "progress": number / 20, "loss": 7 / number, "words": 10, "seconds": 1.0,
            "words_per_second": 10.0, "learning_rate": 0.01,
        } | (
            {"epoch": number // 2, "total_loss": 7.1, "recons": 7.0, "kld": 0.1, "validation_total_loss": loss}
            if loss else {}
        )
        for number, loss in enumerate([None, 6.9, None, 6.7, None, 6.8], start=1)
    ],
}  # fmt: skip
HOSTILE = ["<script>alert(1)</script>", "a|b", "$x$"]
LOSSES = {
    "train": {"total_loss": 6.5, "recons": 6.4, "kld": 0.1, "perplexity": 665.1, "documents": 960},
    "validation": {"total_loss": 6.6543, "recons": 6.5, "kld": 0.1543, "perplexity": 776.1, "documents": 120},
}


def judged(*, topics: int = 3, vectors: bool = False) -> dict:
    rng = np.random.default_rng(1)
    words = HOSTILE + [f"word{number}" for number in range(97)]
    counts = csr_matrix(rng.poisson(0.3, (50, len(words))))
    given = rng.normal(size=(len(words), 5)).astype(np.float32) if vectors else None
    if given is not None:
        given[0] = 0
    judgement = judge(words, topic_word(topics), counts, vectors=given)
    shares = np.linspace(0.1, 0.9, topics)
    for topic, share in zip(judgement["topics"], shares / shares.sum(), strict=True):
        text = f"document of {topic['topic']}, it <b>was</b> said"
        topic |= {"share": float(share), "typical": [{"document": 4, "share": 0.876, "text": text}]}
    mixtures = {"names": ["a document", HOSTILE[0]], "weights": rng.dirichlet(np.ones(topics), 2).tolist()}
    return {**judgement, "losses": LOSSES, "reference": "its training text", "openings": True, "mixtures": mixtures}


def topic_word(topics: int) -> np.ndarray:
    ranks = np.random.default_rng(2).permuted(np.tile(np.arange(100.0), (topics, 1)), axis=1)
    ranks[:, 0] = 100  # hostile words are among those shown
    return ranks / ranks.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def html() -> str:
    return page.render(manifest=MANIFEST, judgement=judged(), topic_word=topic_word(3))


def test_everything_is_on_the_page(html):
    text = " ".join(Page(html).text.split())
    for said in [
        "3 topics in news <b>", "seed 3 · 2 threads",  # head
        "6.654", "776", "−0.125", "0.750", "0.800", "4.22 k", "1,200", "2,000", "2 min 03 s",  # key figures
        "the weights after epoch 2, the best on the validation documents; training stopped after epoch 3",
        "judged on 50 documents of its training text",
        "<script>alert(1)</script> word",  # words of a topic
        "train validation total loss 6.5000 6.6543", "perplexity 665 776 documents 960 120",
        "a topic has the largest share of, and how they begin.", "88 %document of 2, it <b>was</b> said",
        "num_topics 3", "bytes 12.3 MB",  # how it was made
    ]:  # fmt: skip
        assert said in text, said
    assert "WETC" not in text


def test_hostile_words_stay_words(html):
    assert "<script" not in html
    assert {tag for tag, _ in Page(html).tags}.isdisjoint({"script", "link", "iframe", "object", "a", "base", "form"})


def test_pictures_decode_and_say_what_they_are(html):
    images = [attributes for tag, attributes in Page(html).tags if tag == "img"]
    assert [image["alt"].removeprefix("Chart: ") for image in images] == [
        "losses after each epoch",
        "throughput over training",
        "the words of each topic, larger the more likely",
        "topics, near each other as they are alike",
        "what documents are made of",
    ]
    for image in images:
        ElementTree.parse(BytesIO(b64decode(image["src"].removeprefix("data:image/svg+xml;base64,"))))


def test_with_vectors():
    text = " ".join(Page(page.render(manifest=MANIFEST, judgement=judged(vectors=True))).text.split())
    assert "WETC, up to 1, how alike their vectors are." in text
    assert "1 of the topics’ words has no vector: unlike all others." in text


def test_decoders_that_were_compared():
    compared = {
        "rows": [
            {
                "decoder": "prodlda", "total_loss": 7.1, "npmi": 0.25, "tu": 0.9, "diversity": 0.8,
                "epochs": 5, "seconds": 6.1,
            },
            {
                "decoder": "ntm", "total_loss": 6.9, "npmi": -0.125, "tu": 0.8, "diversity": 0.7,
                "epochs": 9, "seconds": 7.0,
            },
        ],
        "winner": "prodlda",
        "said": "prodlda wins.",
    }  # fmt: skip
    manifest = {**MANIFEST, "compared": compared}
    text = " ".join(Page(page.render(manifest=manifest, judgement=judged(), topic_word=topic_word(3))).text.split())
    assert (
        "Decoders prodlda wins. decoder total loss NPMI TU diversity epochs seconds prodlda (best) 7.100 0.250" in text
    )
    assert "ntm 6.900 −0.125 0.800 0.700 9 7" in text
    markdown = page.summary_markdown(manifest=manifest, judgement=judged())
    assert "### Decoders\n\nprodlda wins.\n\n| decoder | total loss |" in markdown
    assert dict(page.terminal_rows(manifest, judged()))["decoders"] == "prodlda wins."
    assert "Decoders" not in page.render(manifest=MANIFEST, judgement=judged(), topic_word=topic_word(3))


def test_many_topics_are_cut():
    text = Page(page.render(manifest=MANIFEST, judgement=judged(topics=150), topic_word=topic_word(150))).text
    assert "The 100 largest of 150 topics; topics.txt has them all." in text


def test_without_validation():
    history = [
        {name: value for name, value in each.items() if name != "validation_total_loss"} for each in MANIFEST["history"]
    ]
    judgement = {**judged(), "losses": {"train": LOSSES["train"]}, "mixtures": None}
    html = page.render(manifest={**MANIFEST, "history": history}, judgement=judgement)
    assert "the best on the training documents" in Page(html).text
    assert "alidation" not in html
    assert "what documents are made of" not in html


def test_the_barest_run():
    assert "This run was not evaluated." in Page(page.render(manifest={}, judgement=None)).text
    assert page.metrics_rows({}, None) == page.topic_rows(None) == []
    assert page.kept_epoch({}) is None


def test_metrics_rows():
    rows = {row["metric"]: row["value"] for row in page.metrics_rows(MANIFEST, judged())}
    assert (rows["validation total loss"], rows["train perplexity"]) == (6.6543, 665.1)
    assert (rows["TU"], rows["NPMI"], rows["diversity"]) == (0.75, -0.125, 0.8)
    assert "WETC" not in rows


def test_topic_rows_begin_with_the_largest():
    rows = page.topic_rows(judged())
    assert [row["topic"] for row in rows] == [2, 1, 0]
    assert list(rows[0]) == ["topic", "share", "npmi", "tu", "words"], "a table may be cut off on the right"
    assert len(rows[0]["words"].split()) == 10
    assert page.topic_rows(judged(vectors=True))[0]["wetc"] is not None


def test_summary():
    markdown = page.summary_markdown(
        manifest=MANIFEST, judgement=judged(), model="s3://bucket/model.tar.gz", report="r"
    )
    assert "| total loss | 6.654 |" in markdown
    assert "### Topics\n\n| topic | share of the text | NPMI | TU | words |" in markdown
    assert "&lt;script&gt;" in markdown
    assert "* model: s3://bucket/model.tar.gz\n" in markdown
    assert "Topics" not in page.summary_markdown(manifest=MANIFEST, judgement=None)


def test_rows_for_a_terminal():
    rows = page.terminal_rows(MANIFEST, judged())
    assert rows[:7] == [
        ("corpus", "news <b>: 1,200 documents, 2,000 words"),
        ("documents per second", "4,221"),
        ("topics", "3"),
        ("total loss", "6.654"),
        ("perplexity", "776"),
        ("NPMI", "−0.125"),
        ("TU", "0.750"),
    ]
    assert [name for name, _ in rows[8:]] == ["topic 2", "topic 1", "topic 0"]


def test_prefect_stays_out():
    code = "import sys, tasks.topics.page; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

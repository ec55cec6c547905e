import re
import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest

from tasks.word2vec import page
from tests.tasks.parsed import Page

WORDS = ["<script>alert(1)</script>", 'a"onerror=x', "&lt;", "$x$", "king", "queen", "日本", "a|b"]
POSITIONS = np.random.default_rng(0).standard_normal((8, 2))
COUNTS = np.arange(80, 0, -10)
NEIGHBOURS = {"king": [("queen", 0.91), ("<script>alert(1)</script>", -0.25)], WORDS[1]: [("&lt;", 0.5)]}
EVALUATION = {
    "EN-WS-353-ALL.txt": {"not_found": 2, "spearmans_rho": 0.6971335304947863, "total_pairs": 353},
    "EN-WS-353-REL.txt": {"not_found": 1, "spearmans_rho": 0.6640851736083175, "total_pairs": 252},
    "EN-WS-353-SIM.txt": {"not_found": 1, "spearmans_rho": 0.7261972928706277, "total_pairs": 203},
    "mean_rho": 0.6958053323245772,
}
ANALOGIES = {
    "accuracy": 0.25, "correct": 1, "asked": 4, "skipped": 1200,
    "sections": {
        "family": {"accuracy": 0.25, "correct": 1, "asked": 4, "skipped": 0},
        "currency": {"accuracy": 0.0, "correct": 0, "asked": 0, "skipped": 1200},
    },
}  # fmt: skip
MANIFEST = {
    "format": "embertext/1",
    "algorithm": "word2vec",
    "hyperparameters": {"mode": "batch_skipgram", "vector_dim": 100, "sampling_threshold": 0.0001},
    "seed": 3,
    "threads": 2,
    "corpus": {
        "name": "docs <b>",
        "kind": "text",
        "checksum": "sha256:abc",
        "urls": [f"s3://bucket/{number:03}<i>.txt" for number in range(40)],
        "bytes": 12_345_678,
        "tokens": 5_012_345,
        "sentences": 45_000,
        "vocabulary": 71_290,
    },
    "code": {"version": "0.1.0", "revision": "deadbeef"},
    "libraries": {"numpy": "2.2.0"},
    "metrics": {"mean_rho": 0.6958},
    "words_per_second": 4_221_000.0,
    "seconds": {"ingest": 0.4, "prepare": 3.0, "train": 120.0},
    "history": [
        {
            "round": 0, "progress": 1.0, "loss": 2.5, "words": 10, "seconds": 1.0, "words_per_second": 10.0,
            "learning_rate": 0.01,
        }
    ],
    "created": "2024-05-06T07:08:09Z",
    "files": {"model.tar.gz": {"bytes": 4_000_000, "sha256": "0123456789abcdef" * 4}},
}  # fmt: skip


def render(**changes) -> str:
    given = {
        "manifest": MANIFEST, "evaluation": EVALUATION, "neighbours": NEIGHBOURS, "words": WORDS,
        "positions": POSITIONS, "counts": COUNTS, "gold_points": [(7.0, 0.5), (2.0, 0.1)], "analogies": ANALOGIES,
    }  # fmt: skip
    return page.render(**{**given, **changes})


@pytest.fixture(scope="module")
def html() -> str:
    return render()


def test_everything_is_on_the_page(html):
    text = " ".join(Page(html).text.split())
    for said in [
        "word2vec, batch_skipgram on docs <b>", "2024-05-06 07:08 UTC · seed 3 · 2 threads",  # head
        "4.22 M", "0.696", "71,290", "5.01 M", "2 min 03 s",  # key figures
        "WordSim-353 0.6971 353 2", "mean 0.6958",  # evaluation
        "family 1 4 0 25.0 %", "currency 0 0 1,200 –", "all 1 4 1,200 25.0 %",  # analogies
        "The 8 most frequent words", "queen0.91", "−0.25",  # words
        "prepare 3.0 s", "bytes 12.3 MB", "s3://bucket/011<i>.txt", "and 28 more",  # lineage
        "vector_dim 100", "sampling_threshold 0.0001", "embertext version 0.1.0", "deadbeef", "numpy 2.2.0",
        "model.tar.gz 0123456789abcdef… 4 MB",
    ]:  # fmt: skip
        assert said in text, said
    assert "s3://bucket/012" not in text


def test_the_page_loads_nothing(html):
    tags = Page(html).tags
    assert not re.search(r"""(src|href|action)\s*=\s*["']?\s*(https?:)?//""", html)
    assert "url(" not in html
    assert "@import" not in html
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "iframe", "object", "a", "base", "form"})
    [policy] = [attributes["content"] for _, attributes in tags if "http-equiv" in attributes]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_hostile_words_stay_words(html):
    page = Page(html)
    assert "<script>alert(1)</script>" in page.text
    assert 'a"onerror=x' in page.text
    assert "<script" not in html
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_pictures_decode_and_say_what_they_are(html):
    images = [attributes for tag, attributes in Page(html).tags if tag == "img"]
    assert [image["alt"].removeprefix("Chart: ") for image in images] == [
        "loss over training",
        "throughput over training",
        "learning rate over training",
        "word frequencies by rank",
        "rank correlation of each set",
        "human score against cosine",
        "Map of the 8 most frequent words by t-SNE",
    ]
    for image in images:
        ElementTree.parse(BytesIO(b64decode(image["src"].removeprefix("data:image/svg+xml;base64,"))))


def test_without_evaluation():
    page = Page(render(evaluation=None, gold_points=None, analogies=None))
    assert "This run was not evaluated." in page.text
    assert "mean rho" not in page.text


def test_with_wordsim_all_only():
    evaluation = {name: EVALUATION[name] for name in ("EN-WS-353-ALL.txt", "mean_rho")}
    text = Page(render(evaluation=evaluation, gold_points=None, analogies=None)).text
    assert "WordSim-353" in text
    assert "relatedness" not in text


def test_analogies_without_word_similarity():
    assert "family" in Page(render(evaluation=None, gold_points=None)).text


def test_the_barest_run():
    html = render(
        manifest={}, evaluation=None, neighbours={}, words=WORDS[:2], positions=None, counts=[], gold_points=None,
        analogies=None,
    )  # fmt: skip
    page = Page(html)
    assert "most frequent words" not in page.text
    assert "model on text" in page.text


def test_vectors_that_diverged_do_not_stop_the_report():
    history = [{**MANIFEST["history"][0], "loss": None}]
    html = render(manifest={**MANIFEST, "history": history}, positions=None)
    assert "most frequent words" not in html


def test_metrics_rows():
    rows = page.metrics_rows(EVALUATION)
    assert [row["set"] for row in rows] == ["WordSim-353", "relatedness", "similarity"]
    assert rows[0] == {"set": "WordSim-353", "spearmans_rho": 0.6971, "total_pairs": 353, "not_found": 2}
    assert page.metrics_rows(None) == []


def test_neighbour_rows():
    assert page.neighbour_rows({"king": [("queen", 0.914), ("son", 0.8)]}) == [
        {"word": "king", "nearest": "queen 0.91, son 0.80"}
    ]


def test_summary():
    markdown = page.summary_markdown(
        manifest=MANIFEST, evaluation=EVALUATION, neighbours={"a|b": [("<img src=x>", 0.4), ("*c*", 0.3)]},
        model="s3://bucket/run/model.tar.gz", report="/tmp/report.html",
    )  # fmt: skip
    assert "| words per second | 4.22 M |" in markdown
    assert "| WordSim-353 | 0.6971 | 353 | 2 |" in markdown
    assert "| a&#124;b | &lt;img src=x&gt;, &#42;c&#42; |" in markdown
    assert "* model: s3://bucket/run/model.tar.gz\n" in markdown
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
    assert "judgements" not in page.summary_markdown(manifest=MANIFEST, evaluation=None, neighbours={})


def test_prefect_stays_out():
    code = "import sys, tasks.word2vec.page; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

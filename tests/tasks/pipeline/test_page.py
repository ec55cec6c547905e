"""The page of a pipeline: each stage in a box, what was reused, links that can be followed, nothing unescaped."""

from types import SimpleNamespace

import pytest

from data.sources import Source
from tasks.ingest import Ingested
from tasks.pipeline import boxes, page
from tasks.pipeline.boxes import Run
from tasks.publish import Published
from tasks.stages import Stage
from tasks.train import Machines, Trained
from tests.tasks.parsed import Page


class Prepared(Stage, frozen=True):
    documents: int
    words: dict[str, int]
    vocabulary: int


class Records(Stage, frozen=True):
    records: int = 1500
    shards: int = 10
    bytes: int = 92_800


class Judged(Stage, frozen=True):
    metrics: dict[str, object]


SEARCHED = {
    "objective": {"total_loss": 2.389},
    "parameters": {"learning_rate": 0.01, "activation": "<b>relu</b>"},
    "trials": [
        {
            "model_name": "topics-1-000",
            "total_loss": 2.389,
            "learning_rate": 0.01,
            "seconds": 1.0,
            "status": "completed",
            "reason": "",
        },
        {
            "model_name": "topics-1-001",
            "total_loss": 2.7,
            "learning_rate": None,
            "seconds": 0.5,
            "status": "stopped",
            "reason": "",
        },
    ],
    "seconds": {"tune": 3.0},
    "cost": {"machine_seconds": 21.8},
    "reused": [],
    "ended": "2 jobs were trained",
    "report": "/out/tune-topics-1/report.html",
    "model_report": "/out/topics-1/report.html",
}


@pytest.fixture
def run(tmp_path):
    model = tmp_path / "model.tar.gz"
    model.write_bytes(b"0" * 8000)
    source = Source(name="p <b>", kind="text", urls=["/p.txt"], checksum="sha256:1", bytes=109_000)
    return Run(
        algorithm="topics",
        machines=Machines(threads=1, workers=2, scheduler=""),
        ingested=Ingested(source=source, seconds=0.01),
        prepared=Prepared(
            url="/work/counts-1",
            seconds=4.4,
            reused=True,
            documents=1500,
            words={"train": 14000, "test": 4000},
            vocabulary=16,
        ),
        records=Records(url="/work/recordio-1", seconds=0.4),
        searched=SimpleNamespace(**SEARCHED),
        trained=Trained(
            url="/t", seconds=2.4, words_per_second=283e3, loss=2.0, rounds=3, seed=1, threads=1, workers=2
        ),
        evaluated=Judged(
            url="/e", seconds=0.2, metrics={"total_loss": 2.794, "test_total_loss": 2.796, "topics": [["a"]]}
        ),
        published=Published(url="/out/topics-1", seconds=1.2, model=str(model), report="/out/topics-1/report.html"),
    )


def manifest(run):
    return {"algorithm": run.algorithm, "corpus": {"name": "p <b>"}, "workers": 2, "seconds": {"train": 2.4}}


def test_a_box_for_each_stage(run):
    line = boxes.boxes(run)
    names = ["ingest", "tokenise and count", "RecordIO", "sweep", "train", "evaluate", "publish"]
    assert [box.name for box in line] == names
    facts = {box.name: box.facts for box in line}
    assert facts["tokenise and count"] == {"documents": "1,500", "words": "18,000", "distinct words": "16"}
    assert facts["RecordIO"] == {"records": "1,500", "shards": "10", "size": "92.8 kB"}
    assert facts["sweep"] == {"trials": "2, 1 stopped", "best total loss": "2.389"}
    assert facts["train"] == {"rounds": "3", "workers": "2", "words per second": "283 k"}
    assert facts["evaluate"] == {"test total loss": "2.796", "total loss": "2.794"}
    assert [box.took for box in line[1:4]] == ["reused, 4.4 s then", "0.4 s", "3.0 s"]
    assert boxes.seconds(line)["tokenise and count"] == 0


def test_what_has_no_records_has_no_box_for_them(run):
    run = run._replace(records=None, algorithm="word2vec")
    assert "RecordIO" not in {box.name for box in boxes.boxes(run)}
    assert "there is no RecordIO on its way" in page.said_of_records(run)


def test_a_test_set_may_be_judged_by_itself(run):
    unseen = Judged(url="/j", seconds=1.0, metrics={"validation_accuracy": 0.9, "at_k": [1]})
    judged = run._replace(evaluated=Judged(url="/e", seconds=0.5, metrics={"train_accuracy": 1.0}), unseen=unseen)
    assert judged.metrics == {"test_accuracy": 0.9, "train_accuracy": 1.0}
    assert next(box.seconds for box in boxes.boxes(judged) if box.name == "evaluate") == 1.5


def test_a_version_has_a_box_that_says_what_became_of_it(run):
    published = run.published.model_copy(
        update={"version": "words@3", "verdict": "refused: npmi is 0.1, less than 0.3"}
    )
    run = run._replace(published=published)
    assert [(box.name, box.took, box.facts) for box in boxes.boxes(run)[-1:]] == [
        ("register", "refused", {"version": "words@3"})
    ]
    html = Page(page.render(run, boxes.boxes(run), manifest=manifest(run), base="/out/pipeline-1"))
    assert "In the registry it is words@3, refused: npmi is 0.1, less than 0.3." in html.text


def test_a_sweep_that_was_over_tells_what_it_took_then(run):
    run.searched.reused = ["tune"]
    assert next(box.took for box in boxes.boxes(run) if box.name == "sweep") == "reused, 21.8 s then"


def test_the_page_is_whole(run):
    html = Page(page.render(run, boxes.boxes(run), manifest=manifest(run), base="/out/pipeline-1"))
    assert "topics of p <b>, from text to a published model" in html.text
    links = [attributes["href"] for tag, attributes in html.tags if tag == "a"]
    assert links[:2] == ["../topics-1/report.html", "../tune-topics-1/report.html"]
    assert [attributes.get("class") for tag, attributes in html.tags if tag == "li"].count("reused") == 1
    assert "<b>relu</b>" in html.text
    assert "Total loss was 2.389 in the best trial and is 2.794 as published" in html.text
    assert all(tag != "script" for tag, _ in html.tags)


def test_the_summary_in_markdown(run):
    text = page.summary_markdown(run, boxes.boxes(run), manifest=manifest(run), report="/out/pipeline-1/report.html")
    assert "```mermaid\n%%{" in text
    assert 's2["<b>RecordIO</b><br/>0.4 s<br/>records 1,500<br/>shards 10<br/>size 92.8 kB"]' in text
    assert "s5 --> s6" in text
    assert "corpus p &lt;b&gt;" in text
    assert "| topics-1-001 | 2.7 | stopped |  | 0.5 |" in text

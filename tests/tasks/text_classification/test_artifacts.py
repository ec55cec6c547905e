import numpy as np
from prefect import flow

from algorithms.accuracy import judge
from data import storage
from data.sources import Source
from tasks.ingest import Ingested
from tasks.publish import MANIFEST, MODEL, REPORT, Published
from tasks.stages import Stage
from tasks.text_classification.artifacts import EVALUATION, report
from tasks.train import Trained
from tests.flows import runs

MANIFEST_JSON = {
    "corpus": {"name": "news", "tokens": 1200, "vocabulary": 300},
    "words_per_second": 1000.0,
    "metrics": {"train_accuracy": 1.0, "validation_accuracy": 0.5},
    "seconds": {"train": 2.0},
}


def test_what_a_run_shows_and_tells(prefect_api, tmp_path):
    judgement = judge(
        ["a", "b"],
        starts=np.array([0, 1, 2]),
        truth=np.array([0, 1], dtype=np.int32),
        predicted=np.array([[0], [0]], dtype=np.int32),
        probabilities=np.array([[0.9], [0.6]], dtype=np.float32),
    )
    storage.write_json(str(tmp_path / EVALUATION), judgement)
    storage.write_json(str(tmp_path / MANIFEST), MANIFEST_JSON)
    folder = str(tmp_path)
    source = Source(name="news", kind="text", urls=["news.txt"], checksum="sha256:abc", bytes=1)
    done = runs.run(
        flow(report.fn, name="reporting", validate_parameters=False),
        Ingested(source=source, seconds=0.5),
        Stage(url=folder, seconds=3.0, reused=True),
        Trained(url=folder, seconds=2.0, words_per_second=1000.0, loss=0.1, rounds=1, seed=1, threads=1, workers=1),
        Stage(url=folder, seconds=1.0),
        Published(url=folder, seconds=1.0, model=f"{folder}/{MODEL}", report=f"{folder}/{REPORT}"),
    )
    summary = done.result
    assert summary.metrics == MANIFEST_JSON["metrics"]
    assert summary.reused == ["prepare"]
    assert (summary.seconds["ingest"], summary.seconds["prepare"], summary.seconds["train"]) == (0.5, 0.0, 2.0)
    assert ("validation accuracy", "50.00%") in summary.rows
    found = {key: each.data for key, each in runs.artifacts(done).items()}
    keys = {f"text-classification-{name}" for name in ("summary", "metrics", "classes", "report")}
    assert found.keys() >= keys
    assert "b" in found["text-classification-classes"]
    assert "macro-F1" in found["text-classification-summary"]

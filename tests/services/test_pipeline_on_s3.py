"""The whole line with everything on S3, and workers that are somebody else's."""

from pathlib import Path

import pytest

from data import storage
from flows.pipeline import pipeline
from tasks import cluster
from tasks.registry.settings import Registration
from tasks.tune.settings import Tuning
from tests import planted
from tests.flows import runs
from tests.services.conftest import dask_running

pytestmark = [pytest.mark.services, pytest.mark.timeout(600)]

FORM = {"num_topics": 2, "epochs": 2, "mini_batch_size": 64, "encoder_layers": "8", "threshold": 2, "min_df": 1}


def test_topics_of_a_partition(bucket, prefect_api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = f"s3://{bucket}/pipeline"
    monkeypatch.setenv("EMBERTEXT_CACHE", f"{place}/cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 120)
    for day in ("2026-01-30", "2026-01-31"):
        storage.write_bytes(f"{place}/news/{day}.txt", planted.text(sentences=600).encode())
    with dask_running(tmp_path, workers=2) as scheduler:
        done = runs.run(
            pipeline,
            "topics",
            f"{place}/news/{{partition}}.txt",
            hyperparameters=FORM,
            ranges="learning_rate: {low: 0.001, high: 0.1}",
            tuning=Tuning(max_jobs=2, max_parallel_jobs=2, early_stopping_type="median"),
            output=f"{place}/models/{{partition}}",
            partition="2026-01-31",
            threads=1,
            workers=2,
            scheduler=scheduler,
            registration=Registration(model_name="planted"),
        )
    assert done.state.is_completed(), done.result
    told = storage.read_json(done.result.report.replace("report.html", "manifest.json"))
    assert told["partition"] == "2026-01-31"
    assert told["version"] == "planted@1"
    line = {box["name"]: box["facts"] for box in told["pipeline"]}
    assert line["tokenise and count"]["documents"] == line["RecordIO"]["records"] == "600"
    assert line["train"]["workers"] == "2"
    assert storage.exists(done.result.model)
    assert done.result.model.startswith(f"{place}/models/2026-01-31/topics-")
    page = storage.read_bytes(done.result.report).decode()
    assert f'href="../{done.result.model.removeprefix(f"{place}/models/2026-01-31/")}"' in page

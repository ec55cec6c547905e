"""Sweeps with real servers around them: published to S3 and gone on from there; deployed; in a database."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from algorithms.word2vec.algorithm import Word2Vec
from data import storage
from flows.tune.word2vec import tune_word2vec
from tasks.tune.settings import Tuning
from tasks.tune.table import frame
from tests.services.conftest import free_port
from tests.services.test_prefect_server import finish, read

pytestmark = pytest.mark.services

FORM = Word2Vec(vector_dim=8, epochs=1, min_count=1)
RANGES = {"window_size": {"low": 1, "high": 5}, "mode": ["cbow", "batch_skipgram"]}
POSTGRES = Path("/usr/lib/postgresql")
PUBLISHED = {"trials.csv", "sweep.json", "report.html", "manifest.json"}


def test_a_sweep_on_s3_and_one_that_starts_from_it(prefect_api, bucket, corpus, tmp_path, monkeypatch):
    """Corpus, ranges, cache, output and the earlier sweep: only the journal is on this disk."""
    place = f"s3://{bucket}/sweep"
    monkeypatch.setenv("EMBERTEXT_CACHE", f"{place}/cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    storage.put(corpus, f"{place}/corpus/planted.txt")
    storage.write_bytes(f"{place}/ranges.yaml", json.dumps(RANGES).encode())
    given = {"output": f"{place}/out", "threads": 1}
    tuning = Tuning(max_jobs=2, objective="loss")
    done = tune_word2vec(f"{place}/corpus", FORM, f"{place}/ranges.yaml", tuning, **given)
    folder = done.report.rpartition("/")[0]
    assert folder.startswith(f"{place}/out/tune-word2vec-")
    assert {storage.name(url) for url in storage.expand(folder)} == PUBLISHED
    assert storage.exists(done.model)
    assert storage.read_json(f"{folder}/manifest.json")["corpus"]["checksum"].startswith("etag:")
    assert list(frame(folder)["loss"]) == pytest.approx([row["loss"] for row in done.trials])

    warm = Tuning(max_jobs=1, objective="loss", warm_start=f"{folder}/")
    more = tune_word2vec(f"{place}/corpus", FORM, RANGES, warm, **given)
    assert len(more.trials) == 3
    earlier = [row["loss"] for row in more.trials if row["model_name"].startswith(storage.name(folder))]
    assert sorted(earlier) == pytest.approx(sorted(row["loss"] for row in done.trials))


def test_a_run_of_a_tuning_deployment(prefect_server, corpus, tmp_path):
    """Trials are task runs of the worker's flow run, named by their parameters."""
    run = finish(
        prefect_server,
        "tune-word2vec",
        train=str(corpus),
        output=str(tmp_path / "out"),
        word2vec=FORM.model_dump(),
        ranges=json.dumps(RANGES),
        tuning={"max_jobs": 3, "max_parallel_jobs": 2, "objective": "loss", "early_stopping_type": "median"},
    )
    assert run["state_name"] == "Completed", prefect_server.log.read_text()
    [published] = (tmp_path / "out").glob("tune-word2vec-*")
    assert {path.name for path in published.iterdir()} == PUBLISHED
    trials = json.loads((published / "sweep.json").read_bytes())["trials"]
    shown = {task["name"]: task["state_name"] for task in read(prefect_server, "task_runs", run)}
    expected = {
        f"trial {each['number']}: {', '.join(f'{name}={value}' for name, value in each['parameters'].items())}"
        for each in trials
    }
    assert len(expected) == 3
    assert {name for name in shown if name.startswith("trial ")} == expected
    assert {shown[name] for name in expected} == {"Completed"}
    keys = {artifact["key"] for artifact in read(prefect_server, "artifacts", run)}
    assert keys >= {"tune-word2vec-progress", "tune-word2vec-summary", "tune-word2vec-trials", "tune-word2vec-report"}


@pytest.mark.parametrize("flow", ["text-classification", "topics", "object2vec"])
def test_the_others_are_deployed_with_their_forms(prefect_server, flow):
    name = f"tune-{flow}"
    deployment = prefect_server.client.get(f"/deployments/name/{name}/{name}").raise_for_status().json()
    form = deployment["parameter_openapi_schema"]["properties"]
    assert form.keys() >= {"train", "ranges", "tuning", flow.replace("-", "_")}
    assert deployment["parameters"]["tuning"] == {"max_jobs": 12, "max_parallel_jobs": 2}


@pytest.fixture(scope="module")
def postgres(tmp_path_factory) -> Iterator[str]:
    """The URL of a PostgreSQL server of its own."""
    pytest.importorskip("psycopg", reason="needs psycopg")
    found = sorted(POSTGRES.glob("*/bin/initdb"))
    if not found:
        pytest.skip("needs PostgreSQL's binaries")
    folder, port = tmp_path_factory.mktemp("postgres"), free_port()
    user = []
    if os.geteuid() == 0:  # it refuses to run as root
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for each in (folder, *folder.parents):
            if each.stat().st_mode & 0o005 != 0o005:  # others may not enter
                each.chmod(0o755)
        folder = folder / "data"
        folder.mkdir()
        shutil.chown(folder, "postgres", "postgres")

    def call(name: str, *options: str) -> None:
        command = [*user, str(found[-1].with_name(name)), "-D", str(folder), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=120)

    call("initdb", "-A", "trust", "-U", "me")
    call("pg_ctl", "-w", "-l", f"{folder}/log", "-o", f"-p {port} -k {folder} -h 127.0.0.1 -c fsync=off", "start")
    try:
        yield f"postgresql+psycopg://me:secret@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-m", "immediate", "stop")


@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
def test_a_sweep_in_a_database_is_gone_on_with(prefect_api, cache, corpus, tmp_path, request, kind):
    url = request.getfixturevalue("postgres") if kind == "postgres" else f"sqlite:///{tmp_path}/sweeps.db"
    given = {"word2vec": FORM, "ranges": RANGES | {"learning_rate": {"low": 0.01, "high": 0.2}}, "threads": 1}
    for jobs in (2, 4):
        tuning = Tuning(max_jobs=jobs, max_parallel_jobs=2, objective="loss", storage=url)
        done = tune_word2vec(str(corpus), tuning=tuning, output=str(tmp_path / "out"), **given)
        assert [row["status"] for row in done.trials] == ["completed"] * jobs
    manifest = json.loads(Path(done.report).with_name("manifest.json").read_bytes())
    assert "secret" not in json.dumps(manifest)
    assert not list(cache.glob("sweeps/*")), "no journal beside"

"""A real Prefect server with our deployments and a process worker: the flows as a team runs them."""

import time

import pytest

from flows.object2vec import DEFAULT
from tests import planted, related

pytestmark = pytest.mark.services

FORM = {"vector_dim": 8, "epochs": 1, "min_count": 1}


def deployed(server, flow: str) -> dict:
    return server.client.get(f"/deployments/name/{flow}/{flow}").raise_for_status().json()


def start(server, flow: str, **parameters):
    identity = deployed(server, flow)["id"]
    return server.client.post(f"/deployments/{identity}/create_flow_run", json={"parameters": parameters})


def finish(server, flow: str, **parameters) -> dict:
    """The flow run, when it is over."""
    run = start(server, flow, **parameters).raise_for_status().json()
    for _ in range(600):
        run = server.client.get(f"/flow_runs/{run['id']}").raise_for_status().json()
        if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            return run
        time.sleep(0.2)
    pytest.fail(f"still {run['state_name']}: {server.log.read_text()}")


def read(server, kind: str, run: dict) -> list[dict]:
    body = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    return server.client.post(f"/{kind}/filter", json=body).raise_for_status().json()


def test_a_run_of_the_deployment_and_its_rerun(prefect_server, corpus, tmp_path):
    given = {"train": str(corpus), "output": str(tmp_path / "out"), "word2vec": FORM}
    run = finish(prefect_server, "word2vec", **given)
    assert run["state_name"] == "Completed", prefect_server.log.read_text()
    [folder] = (tmp_path / "out").iterdir()
    assert (folder / "manifest.json").is_file()
    keys = {artifact["key"] for artifact in read(prefect_server, "artifacts", run)}
    assert keys >= {"word2vec-training", "word2vec-summary", "word2vec-neighbours", "word2vec-report"}

    again = finish(prefect_server, "word2vec", **given)
    assert again["state_name"] == "Completed"
    names = {task["name"].rsplit("-", 1)[0]: task["state_name"] for task in read(prefect_server, "task_runs", again)}
    assert names["train"] == names["publish"] == "Cached"
    assert [each.name for each in (tmp_path / "out").iterdir()] == [folder.name]


def test_a_run_of_the_topics_deployment(prefect_server, corpus, tmp_path):
    form = {"num_topics": 4, "epochs": 2, "mini_batch_size": 64}
    given = {"train": str(corpus), "output": str(tmp_path / "out"), "topics": form, "counting": {"threshold": 5}}
    run = finish(prefect_server, "topics", **given)
    assert run["state_name"] == "Completed", prefect_server.log.read_text()
    [folder] = (tmp_path / "out").iterdir()
    assert (folder / "manifest.json").is_file()
    keys = {artifact["key"] for artifact in read(prefect_server, "artifacts", run)}
    assert keys >= {f"topics-{name}" for name in ("training", "summary", "metrics", "words", "report")}


def test_a_run_of_the_object2vec_deployment(prefect_server, tmp_path):
    (tmp_path / "documents.jsonl").write_text(related.documents())
    form = {**DEFAULT.model_dump(exclude_unset=True), "enc_dim": 16, "mini_batch_size": 32, "epochs": 2}
    given = {"train": str(tmp_path / "documents.jsonl"), "output": str(tmp_path / "out"), "pairing": {"min_count": 1}}
    run = finish(prefect_server, "object2vec", **given, object2vec=form)
    assert run["state_name"] == "Completed", prefect_server.log.read_text()
    [folder] = (tmp_path / "out").iterdir()
    assert (folder / "manifest.json").is_file()
    keys = {artifact["key"] for artifact in read(prefect_server, "artifacts", run)}
    assert keys >= {f"object2vec-{name}" for name in ("training", "summary", "metrics", "retrieval", "report")}


def test_a_run_of_the_classifiers_deployment(prefect_server, tmp_path):
    (tmp_path / "labelled.txt").write_text(planted.labelled())
    form = {**FORM, "learning_rate": 0.5, "buckets": 1000, "epochs": 3}
    given = {"train": str(tmp_path / "labelled.txt"), "output": str(tmp_path / "out"), "text_classification": form}
    run = finish(prefect_server, "text-classification", **given)
    assert run["state_name"] == "Completed", prefect_server.log.read_text()
    [folder] = (tmp_path / "out").iterdir()
    assert (folder / "manifest.json").is_file()
    found = {artifact["key"]: artifact["data"] for artifact in read(prefect_server, "artifacts", run)}
    names = ("training", "summary", "metrics", "classes", "report")
    assert found.keys() >= {f"text-classification-{name}" for name in names}
    assert "Judged on 100 validation examples" in found["text-classification-summary"], "a tenth, as it was deployed"


@pytest.mark.parametrize(
    ("flow", "form", "field"),
    [
        ("word2vec", {"vector_dim": 0}, "vector_dim"),
        ("word2vec", {"mode": "skip"}, "mode"),
        ("word2vec", {"speed": 1}, "speed"),
        ("text-classification", {"word_ngrams": 0}, "word_ngrams"),
        ("text-classification", {"loss": "hinge"}, "loss"),
        ("text-classification", {"learning_rate": -1}, "learning_rate"),
    ],
)
def test_a_bad_hyperparameter_is_refused_by_the_server(prefect_server, flow, form, field):
    answer = start(prefect_server, flow, **{flow.replace("-", "_"): form})
    assert answer.status_code in (409, 422)
    assert field in answer.text


def test_bad_input_is_a_failed_run_with_one_clear_line(prefect_server, tmp_path):
    run = finish(prefect_server, "word2vec", train=str(tmp_path / "nothing.txt"), output=str(tmp_path / "out"))
    assert run["state_type"] == "FAILED"
    assert f"{tmp_path}/nothing.txt: no such file" in run["state"]["message"]
    assert "\n" not in run["state"]["message"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flow", ["word2vec", "text-classification"])
def test_the_nightly_schedule_sleeps_until_somebody_wakes_it(prefect_server, flow):
    deployment = deployed(prefect_server, flow)
    [schedule] = deployment["schedules"]
    assert not schedule["active"]
    assert deployment["pull_steps"]

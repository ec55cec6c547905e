"""A real Prefect server with our deployments and a process worker: the flow as a team runs it."""

import time

import pytest

pytestmark = pytest.mark.services

FORM = {"vector_dim": 8, "epochs": 1, "min_count": 1}


def start(server, **parameters):
    deployment = server.client.get("/deployments/name/word2vec/word2vec").raise_for_status().json()
    return server.client.post(f"/deployments/{deployment['id']}/create_flow_run", json={"parameters": parameters})


def finish(server, **parameters) -> dict:
    """The flow run, when it is over."""
    run = start(server, **parameters).raise_for_status().json()
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
    run = finish(prefect_server, **given)
    assert run["state_name"] == "Completed", prefect_server.log.read_text()
    [folder] = (tmp_path / "out").iterdir()
    assert (folder / "manifest.json").is_file()
    keys = {artifact["key"] for artifact in read(prefect_server, "artifacts", run)}
    assert keys >= {"word2vec-training", "word2vec-summary", "word2vec-neighbours", "word2vec-report"}

    again = finish(prefect_server, **given)
    assert again["state_name"] == "Completed"
    names = {task["name"].rsplit("-", 1)[0]: task["state_name"] for task in read(prefect_server, "task_runs", again)}
    assert names["train"] == names["publish"] == "Cached"
    assert [each.name for each in (tmp_path / "out").iterdir()] == [folder.name]


@pytest.mark.parametrize(
    ("form", "field"), [({"vector_dim": 0}, "vector_dim"), ({"mode": "skip"}, "mode"), ({"speed": 1}, "speed")]
)
def test_a_bad_hyperparameter_is_refused_by_the_server(prefect_server, form, field):
    answer = start(prefect_server, word2vec=form)
    assert answer.status_code in (409, 422)
    assert field in answer.text


def test_bad_input_is_a_failed_run_with_one_clear_line(prefect_server, tmp_path):
    run = finish(prefect_server, train=str(tmp_path / "nothing.txt"), output=str(tmp_path / "out"))
    assert run["state_type"] == "FAILED"
    assert f"{tmp_path}/nothing.txt: no such file" in run["state"]["message"]
    assert "\n" not in run["state"]["message"]
    assert not (tmp_path / "out").exists()


def test_the_nightly_schedule_sleeps_until_somebody_wakes_it(prefect_server):
    deployment = prefect_server.client.get("/deployments/name/word2vec/word2vec").raise_for_status().json()
    [schedule] = deployment["schedules"]
    assert not schedule["active"]
    assert deployment["pull_steps"]

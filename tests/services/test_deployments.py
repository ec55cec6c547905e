"""prefect.yaml, and its like for containers, on a real server: all of it is there as it is written."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from importlib.resources import files

import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule

from tests.services.conftest import ROOT

pytestmark = pytest.mark.services

PLACES = ROOT / "docs" / "deployments"
BUNDLED = files("prefect.server.api.collections_data") / "views" / "aggregate-worker-metadata.json"
STEP = "prefect.deployments.steps.set_working_directory"
FREE = {"arrivals"}  # looks, and trains nothing


def written(path):
    return yaml.safe_load(path.read_text())["deployments"]


def deployed(server, pool):
    body = {"work_pools": {"name": {"any_": [pool]}}}
    found = server.client.post("/deployments/filter", json=body).raise_for_status().json()
    return {each["name"]: each for each in found}


def prefect(server, *arguments, **environment):
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    everything = {**os.environ, **server.environment, **environment}
    done = subprocess.run(command, cwd=ROOT, env=everything, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_flow_is_deployed(prefect_server):
    found = deployed(prefect_server, "local")
    assert {each["name"] for each in written(ROOT / "prefect.yaml")} == found.keys()
    entrypoints = {each["entrypoint"].rpartition(".")[0].replace(".", "/") + ".py" for each in found.values()}
    with_flows = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "flows").rglob("*.py") if "\n@flow(" in path.read_text()
    }
    assert entrypoints == with_flows
    for name, deployment in found.items():
        assert deployment["description"].endswith("."), name
        assert {"embertext"} < {*deployment["tags"]}
        assert deployment["pull_steps"] == [{STEP: {"directory": str(ROOT)}}]
        assert deployment["enforce_parameter_schema"]


def test_what_costs_is_limited_and_sleeps(prefect_server):
    for name, deployment in deployed(prefect_server, "local").items():
        for schedule in deployment["schedules"]:
            assert schedule["schedule"]["timezone"]
            assert schedule["slug"]
            assert not schedule["active"] or name in FREE
        if "training" in deployment["tags"] or "tuning" in deployment["tags"]:
            assert deployment["global_concurrency_limit"]["limit"] == 1
            assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
            assert len(deployment["schedules"]) == 1


def test_places_that_are_not_set_are_the_flows_own(prefect_server):
    """An empty string would publish into the folder that the run is in."""
    for deployment in deployed(prefect_server, "local").values():
        assert "" not in deployment["parameters"].values()
    prefect(
        prefect_server, "deploy", "-n", "word2vec", EMBERTEXT_OUTPUT="s3://b/models", EMBERTEXT_SCHEDULER="tcp://h:1"
    )
    try:
        given = deployed(prefect_server, "local")["word2vec"]["parameters"]
        assert (given["output"], given["scheduler"]) == ("s3://b/models", "tcp://h:1")
    finally:
        prefect(prefect_server, "deploy", "-n", "word2vec")
    assert "output" not in deployed(prefect_server, "local")["word2vec"]["parameters"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("docker", ()), ("kubernetes", ("--base-job-template", PLACES / "kubernetes-pool.json"))],
    ids=["docker", "kubernetes"],
)
def test_deployments_for_containers(prefect_server, kind, options):
    """Prefect has the templates of these pools with it; their workers are packages of their own."""
    prefect(prefect_server, "work-pool", "create", kind, "--type", kind, *map(str, options))
    keys = {"AWS_ACCESS_KEY_ID": "a key", "AWS_SECRET_ACCESS_KEY": "a secret"}
    prefect(prefect_server, "deploy", "--all", "--prefect-file", str(PLACES / f"{kind}.yaml"), **keys)
    found = deployed(prefect_server, kind)
    ours = {each["entrypoint"] for each in written(ROOT / "prefect.yaml")}
    for each in written(PLACES / f"{kind}.yaml"):
        deployment = found[each["name"]]
        assert deployment["entrypoint"] == each["entrypoint"] in ours
        assert deployment["parameters"] == each["parameters"]
        assert deployment["job_variables"]["env"]["EMBERTEXT_CACHE"].startswith("s3://")
        assert ("a secret" in deployment["job_variables"]["env"].values()) == (kind == "docker")
        assert deployment["pull_steps"] == [{STEP: {"directory": "/app"}}]
        assert not any(schedule["active"] for schedule in deployment["schedules"])
    assert "WORKDIR /app" in (ROOT / "Dockerfile").read_text()
    properties = prefect_server.client.get(f"/work_pools/{kind}").json()["base_job_template"]["variables"]["properties"]
    assert deployment["job_variables"].keys() <= properties.keys()


def test_the_pools_template_is_prefects_with_a_secret_and_disk():
    ours = json.loads((PLACES / "kubernetes-pool.json").read_text())
    pod = ours["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    assert pod.pop("volumes")[0]["name"] == pod["containers"][0].pop("volumeMounts")[0]["name"]
    assert pod.pop("securityContext")["runAsUser"] == 1000
    assert pod["containers"][0].pop("envFrom") == [{"secretRef": {"name": "{{ secret }}"}}]
    for name in ("secret", "scratch"):
        del ours["variables"]["properties"][name]
    bundled = json.loads(BUNDLED.read_bytes())["prefect-kubernetes"]["kubernetes"]
    assert ours == bundled["default_base_job_configuration"]


def test_what_the_page_for_teams_says_can_be_typed(prefect_server):
    text = (ROOT / "docs" / "platform.md").read_text()
    commands = re.findall(r"^    prefect (deployment schedule ls .*|flow-run ls .*)$", text, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        prefect(prefect_server, *shlex.split(command))
    shown = re.search(r"^    schedules:\n(?:      .*\n)+", text, re.MULTILINE)
    [schedule] = yaml.safe_load(textwrap.dedent(shown[0]))["schedules"]
    form = deployed(prefect_server, "local")["word2vec"]["parameter_openapi_schema"]
    assert schedule["parameters"].keys() <= form["properties"].keys()
    CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])

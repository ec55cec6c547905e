"""What compose.yaml starts, started here without containers: the same commands and environment, on ports of our own."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml

from data import storage
from tests.services.conftest import ROOT, Patient, free_port, process, wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

PORTS = ("4200", "7070", "8080", "8786", "8787", "8788")
HOSTS = ("prefect", "s3", "scheduler")
FORM = {"mode": "batch_skipgram", "vector_dim": 8, "epochs": 2, "min_count": 1}


def services() -> dict:
    """Those of compose.yaml, on this machine."""
    text = (ROOT / "compose.yaml").read_text()
    text = text.replace("deploy --all", "deploy --name word2vec")  # all are deployed in test_prefect_server.py
    for port in PORTS:
        text = text.replace(port, str(free_port()))
    for host in HOSTS:
        text = text.replace(f"//{host}:", "//127.0.0.1:")
    return yaml.safe_load(text)["services"]


def test_all_of_it(bucket, corpus, tmp_path: Path):
    """A flow run of a deployment: prepared by the runner, trained by two workers, everything on S3."""
    there = services()
    ours = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PREFECT_HOME": str(tmp_path / "home"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": os.environ["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": os.environ["AWS_SECRET_ACCESS_KEY"],
    }

    def environment(name: str) -> dict[str, str]:
        given = there[name]["environment"]
        return {**given, **{key: value for key, value in ours.items() if key in given or not key.startswith("AWS_")}}

    for _ in range(2):  # it is there already, the second time
        made = {**os.environ, **environment("bucket")}
        subprocess.run(there["bucket"]["command"], env=made, check=True, timeout=240)

    with ExitStack() as stack:

        def start(name: str, *, number: int = 0) -> None:
            command, given = there[name]["command"], environment(name)
            if name == "worker":  # the ports of a container are its own
                old, new = command[-1].removeprefix(":"), str(free_port())
                command = [*command[:-1], f":{new}"]
                given["HEALTH"] = given["HEALTH"].replace(old, new)
            stack.enter_context(process(*command, log=tmp_path / f"{name}-{number}.log", **given))
            health[f"{name}-{number}"] = given["HEALTH"]

        def well(url: str) -> bool:
            return httpx.get(url).is_success

        health: dict[str, str] = {}
        for together in (("prefect", "scheduler"), ("runner", *["worker"] * there["worker"]["deploy"]["replicas"])):
            for number, name in enumerate(together):
                start(name, number=number)
            for name, url in health.items():
                wait_for(partial(well, url), seconds=360, what=name)
        api = there["runner"]["environment"]["PREFECT_API_URL"]
        client = stack.enter_context(httpx.Client(base_url=api, timeout=60, transport=Patient()))
        deployment = client.get("/deployments/name/word2vec/word2vec").raise_for_status().json()
        assert deployment["parameters"]["scheduler"] == there["runner"]["environment"]["EMBERTEXT_SCHEDULER"]
        given = {"parameters": {"train": str(corpus), "word2vec": FORM, "threads": 1, "workers": 2}}
        run = client.post(f"/deployments/{deployment['id']}/create_flow_run", json=given).raise_for_status().json()
        for _ in range(1200):
            run = client.get(f"/flow_runs/{run['id']}").raise_for_status().json()
            if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED"):
                break
            time.sleep(0.3)
        assert run["state_name"] == "Completed", (tmp_path / "runner-0.log").read_text()
        output = there["runner"]["environment"]["EMBERTEXT_OUTPUT"]
        [url] = [url for url in storage.expand(output) if url.endswith("/manifest.json")]
        assert len(storage.read_json(url)["cluster"]["workers"]) == 2
        sought = {"artifacts": {"key": {"any_": ["dask-dashboard"]}}}
        [dashboard] = client.post("/artifacts/filter", json=sought).raise_for_status().json()
        assert there["runner"]["environment"]["DASK_DISTRIBUTED__DASHBOARD__LINK"] in dashboard["data"]

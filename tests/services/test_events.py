"""The automations of docs/ on a real server: a partition arrives, a training starts with it; a refusal is told of."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from data import storage
from tasks import arrivals, events
from tests import planted
from tests.services.conftest import ROOT, wait_for

pytestmark = pytest.mark.services

FORM = {"mode": "skipgram", "vector_dim": 8, "epochs": 1, "min_count": 1}
HOOK = "https://hooks.slack.com/services/..."


@pytest.fixture
def hook():
    """Where a webhook sends what it tells: its URL, and what has come."""
    heard: list[dict] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *given):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", heard
        server.shutdown()


def create(server, name: str, folder: Path, *, parameters: dict | None = None, hook: str = "") -> None:
    """Create an automation by the commands that its file says, run as they stand; `parameters` are added to it."""
    source = ROOT / "docs" / "automations" / name
    commands = [line[4:] for line in source.read_text().splitlines() if line.startswith("#   ")]
    assert len(commands) == 3
    *before, last = commands
    script = "\n".join(before).replace("docs/automations", str(source.parent)).replace(HOOK, hook)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def shell(text: str) -> None:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=folder, capture_output=True, text=True,
            env={**os.environ, **server.environment, "PATH": path, "NO_COLOR": "1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    shell(script)
    made = folder / last.rpartition(" ")[2]
    automation = yaml.safe_load(made.read_text())
    if parameters:
        automation["actions"][0]["parameters"] |= parameters
        made.write_text(yaml.safe_dump(automation))
    shell(last)


def runs_of(server, flow: str) -> list[dict]:
    body = {"flows": {"name": {"any_": [flow]}}}
    return server.client.post("/flow_runs/filter", json=body).raise_for_status().json()


def run(server, flow: str, **parameters) -> dict:
    """The run of a deployment, as it was asked for."""
    deployment = server.client.get(f"/deployments/name/{flow}/{flow}").raise_for_status().json()["id"]
    asked = server.client.post(f"/deployments/{deployment}/create_flow_run", json={"parameters": parameters})
    return asked.raise_for_status().json()


@pytest.mark.timeout(600)  # a server, a worker and three runs, on a machine that may be busy
def test_partitions_that_arrive_are_trained_on_and_a_refusal_is_told_of(prefect_server, hook, tmp_path):
    url, heard = hook
    client = prefect_server.client
    place, output = f"{tmp_path}/in/{{partition}}.txt", str(tmp_path / "out")
    (tmp_path / "in").mkdir()
    for number, partition in enumerate(("2026-01", "2026-02")):
        planted.write(tmp_path / "in" / f"{partition}.txt", sentences=500, seed=number)
    trained = {run["id"] for run in runs_of(prefect_server, "word2vec")}
    small = {"output": output, "word2vec": FORM, "threads": 1}
    try:
        with ThreadPoolExecutor() as both_at_once:  # each is a handful of commands that take seconds to begin
            made = [
                both_at_once.submit(create, prefect_server, name, tmp_path, **options)
                for name, options in (
                    ("retrain-on-a-new-partition.yaml", {"parameters": small}),
                    ("notify-on-a-refused-gate.yaml", {"hook": url}),
                )
            ]
        for each in made:
            each.result()
        watched = run(prefect_server, "arrivals", place=place, settled=0, state=str(tmp_path / "state"))

        def both() -> list[dict]:
            new = [each for each in runs_of(prefect_server, "word2vec") if each["id"] not in trained]
            return new if len(new) == 2 and all(each["state_type"] == "COMPLETED" for each in new) else []

        found = wait_for(both, seconds=180, what=f"two trainings: {prefect_server.log}")
        assert {each["parameters"]["partition"] for each in found} == {"2026-01", "2026-02"}
        assert {each["parameters"]["train"] for each in found} == {place}
        assert client.get(f"/flow_runs/{watched['id']}").json()["state_type"] == "COMPLETED"
        registry = tmp_path / "out" / "registry" / "news"
        assert json.loads((registry / "aliases" / "champion.json").read_text())["version"] == 1

        [told] = wait_for(lambda: list(heard), seconds=30, what="the webhook")
        assert told["text"].startswith("news@2 is not the champion, news@1 stays: ")
        assert "report.html" in told["text"]

        emitted = client.post("/events/filter", json={"filter": {"event": {"prefix": ["embertext."]}}}).json()["events"]
        ours = [each for each in emitted if str(tmp_path) in json.dumps(each["payload"])]
        names = sorted(each["event"].removeprefix("embertext.") for each in ours)
        assert names == ["model.promoted", *["model.published"] * 2, "model.refused", *["partition.arrived"] * 2]
        arrived = next(each for each in ours if each["event"] == "embertext.partition.arrived")
        roles = {related["prefect.resource.role"] for related in arrived["related"]}
        assert roles >= {"flow-run", "deployment", "flow"}
    finally:
        for automation in client.post("/automations/filter", json={}).json():
            client.delete(f"/automations/{automation['id']}")


def test_partitions_on_s3_are_told_of_once(bucket, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(events, "of_partition", lambda arrival: not told.append(arrival.partition))
    monkeypatch.setattr(arrivals, "create_table_artifact", lambda *given, **options: None)
    for name in ("2026-01/a.txt", "2026-01/_SUCCESS", "2026-02/a.txt"):
        storage.write_bytes(f"s3://{bucket}/arriving/{name}", b"text")

    def look(place: str) -> dict[str, str]:
        state = f"s3://{bucket}/state"
        given = {"every": None, "since": "", "marker": "_SUCCESS", "adopt": False, "dry_run": False}
        return arrivals.look.fn(place, state=state, settled=600, **given).partitions

    place = f"s3://{bucket}/arriving/{{partition}}"
    with ThreadPoolExecutor(3) as three:
        found = list(three.map(look, [place] * 3))
    assert told == ["2026-01"]
    assert sorted(each["2026-01"] for each in found).count("told") == 1
    assert {each["2026-02"] for each in found} == {"settling"}, "S3 says when it was written"
    assert look(place)["2026-01"] == "known"

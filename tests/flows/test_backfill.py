"""The flow and the command, with a thread for a worker that trains nothing."""

import json
import threading
import time
import uuid
from contextlib import contextmanager

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.states import Completed, Failed, Running

from flows.backfill import backfill
from flows.cli import run as embertext
from tasks.backfill import runs
from tests.flows import runs as seen
from tests.tasks.backfill.targets import SCHEMA
from tests.tasks.backfill.test_follow import leave_outcome


@pytest.fixture
def deployment(prefect_api, monkeypatch):
    monkeypatch.setattr("tasks.backfill.follow.LOOK", 0.1)
    name = f"train-{uuid.uuid4().hex[:8]}"
    with get_client(sync_client=True) as client:
        flow = client.create_flow_from_name(name)
        client.create_deployment(flow, "nightly", parameters={"train": "news/"}, parameter_openapi_schema=SCHEMA)
    return f"{name}/nightly"


@contextmanager
def worker(deployment, *, fails=()):
    """Runs what is scheduled of a deployment; partitions that fail do."""
    over = threading.Event()

    def work():
        with get_client(sync_client=True) as client:
            identity = runs.find(client, deployment).id
            while not over.is_set():
                for run in client.read_flow_runs(flow_run_filter=runs.FlowRunFilter(tags={"all_": ["backfill"]})):
                    if str(run.deployment_id) == identity and run.state_type == StateType.SCHEDULED:
                        failed = run.parameters["partition"] in fails
                        client.set_flow_run_state(run.id, Running(), force=True)
                        leave_outcome(client, run, rate=run.parameters["model"]["rate"])
                        end = Failed(message="nothing there") if failed else Completed()
                        client.set_flow_run_state(run.id, end, force=True)
                time.sleep(0.1)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


MONTHS = {"first": "2026-01", "last": "2026-02", "every": "month", "sweep": "rate: [0.025, 0.05]"}


def test_the_flow_leaves_a_matrix_that_programs_and_people_read(deployment):
    with worker(deployment, fails={"2026-02"}):
        done = seen.run(backfill, deployment, **MONTHS)
    assert done.state.is_failed()
    assert done.state.message.startswith(
        "2 of 4 failed: 2026-02 rate=0.025, 2026-02 rate=0.05; the same backfill with redo"
    )
    assert done.result.counts == {"Completed": 2, "Failed": 2}
    left = seen.artifacts(done)
    assert json.loads(left["backfill-matrix"].data) == [
        {"partition": "2026-01", "rate=0.025": "Completed 0.25", "rate=0.05": "Completed 0.5"},
        {"partition": "2026-02", "rate=0.025": "Failed", "rate=0.05": "Failed"},
    ]
    first = json.loads(left["backfill-runs"].data)[0]
    assert first.items() >= {"partition": "2026-01", "rate": 0.025, "state": "Completed", "metric": "mean_rho"}.items()
    assert first["model"].endswith("model.tar.gz")
    assert "/runs/flow-run/" in first["run"]
    assert "| 2026-02 rate&#61;0.025 | nothing there |" in left["backfill-summary"].data.replace("=", "&#61;")


def test_the_command(deployment, capsys):
    months = ["--from", "2026-01-01", "--to", "2026-02-28", "--every", "month", "--sweep", "rate=0.025,0.05"]
    command = ["backfill", deployment, *months, "--param", "epochs=2"]
    assert embertext([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out == (
        "partition   rate=0.025   rate=0.05\n"
        "2026-01     to run       to run\n"
        "2026-02     to run       to run\n"
        "\n"
        "4 runs: 4 to run\n"
    )
    with worker(deployment, fails={"2026-02"}), pytest.raises(SystemExit, match="1"):
        embertext(command)
    shown = capsys.readouterr()
    assert "2026-01     Completed 0.25   Completed 0.5\n2026-02     Failed           Failed\n" in shown.out
    assert "4 runs: 2 Completed, 2 Failed\nnumbers: mean_rho\n" in shown.out
    assert "failed: 2026-02 rate=0.05: nothing there  http" in shown.err
    assert shown.err.endswith("the same command with --redo failed tries those again\n")
    with worker(deployment):
        assert embertext([*command, "--redo", "failed", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(row["state"], row["before"]) for row in told["rows"]] == [("Completed", True)] * 2 + [
        ("Completed", False)
    ] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--from", "2026-01"], "no deployment nowhere; there are "),
        (["{}", "--from", "January"], "'January': is no partition; write it as"),
        (
            ["{}", "--from", "2026-01", "--sweep", "rates=1"],
            "has no parameter rates; did you mean rate?; it has train, epochs, rate",
        ),
        (["{}", "--from", "2026-01", "--param", "epochs=0"], "model.epochs=0: 0 is less than the minimum of 1; "),
        (["{}", "--from", "2026-01", "--param", "epochs"], "--param epochs: no name=value; write --param "),
        (["{}", "--from", "2026-01", "--sweep", "rate=[1"], "[1: no JSON list"),
        (["{}", "--from", "2026-01", "--every", "fortnight"], "fortnight"),
    ],
)
def test_mistakes_take_one_line(deployment, arguments, message, capsys):
    assert embertext(["backfill", *(each.format(deployment) for each in arguments)]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert (shown.err.count("\n"), shown.out) == (1, "")


def test_no_server(monkeypatch, capsys):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert embertext(["backfill", "word2vec", "--from", "2026-01"]) == 2
    assert "PREFECT_API_URL: no Prefect server is named; start one" in capsys.readouterr().err
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        assert embertext(["backfill", "word2vec", "--from", "2026-01"]) == 2
    assert "http://127.0.0.1:1/api: the Prefect server does not answer" in capsys.readouterr().err

"""A sweep from a shell that is killed in the middle: nothing of it lives on, and the same command goes on with it."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

JOBS = 4
OPTIONS = (
    "--epochs=20", "--min-count=1", "--vector-dim=8", "--strategy=random", "--objective=loss", "--threads=1",
    f"--max-jobs={JOBS}", "--max-parallel-jobs=2", "--ranges={window_size: {low: 1, high: 10}, mode: [cbow, skipgram]}",
)  # fmt: skip


@pytest.fixture
def embertext(corpus, tmp_path):
    """Start `embertext tune word2vec`, with a temporary Prefect server or at that of an address."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, api: str = "") -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "EMBERTEXT_CACHE": str(tmp_path / "cache"),
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_API_URL": api,
        }
        command = [sys.executable, "-m", "flows.cli", "tune", "word2vec", "--train", str(corpus), *OPTIONS, *options]
        command += ["--output", str(tmp_path / "out"), "--json"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def trials(error: str) -> dict[int, str]:
    """What was said of each trial, by its number: its parameters."""
    return {int(number): told for number, told in re.findall(r"^trial (\d+): .* in .* s: (.*)$", error, re.MULTILINE)}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2])
def test_a_sweep_that_is_killed_leaves_nothing_behind_and_goes_on(prefect_api, embertext, tmp_path, workers):
    killed = embertext(f"--workers={workers}")
    assert killed.stderr
    said = ""
    while len(trials(said)) < 2 and (line := killed.stderr.readline()):
        said += line
    children = psutil.Process(killed.pid).children(recursive=True)
    assert sum("uvicorn" in " ".join(each.cmdline()) for each in children) == 1
    assert sum("spawn_main" in " ".join(each.cmdline()) for each in children) == workers
    killed.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert [each.cmdline() for each in alive if each.status() != psutil.STATUS_ZOMBIE] == []
    before = trials(said + killed.communicate(timeout=30)[1])

    out, error = (again := embertext(f"--workers={workers}", api=prefect_api)).communicate(timeout=120)
    assert again.returncode == 0, error
    after = trials(error)
    assert before.keys().isdisjoint(after)
    assert len(before) + len(after) == JOBS
    assert not set(before.values()) & set(after.values()), "no finished trial is trained twice"
    told = json.loads(out.splitlines()[-1])
    assert [row["status"] for row in told["trials"]] == ["completed"] * JOBS
    assert told["ended"] == f"{JOBS} jobs were trained"
    found = json.loads(next((tmp_path / "out").glob("tune-*/sweep.json")).read_bytes())["trials"]
    interrupted = [each["parameters"] for each in found if each["status"] == "interrupted"]
    assert interrupted, "some ran when it was killed"
    completed = [each["parameters"] for each in found if each["status"] == "completed"]
    assert all(each in completed for each in interrupted), "and are trained again"

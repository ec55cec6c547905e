"""`embertext serve`: what it hosts, where, and how it is told that it cannot."""

import inspect
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx
import pytest
from prefect.exceptions import TerminationSignal

from flows import commands, hosting
from flows.cli import SUCCESS, USER_ERROR, run
from flows.serve import serve
from tests.small_models import publish_one, write_words

EMBERTEXT = [sys.executable, "-m", "flows.cli"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return publish_one(tmp_path_factory.mktemp("models") / "word2vec", "word2vec", write_words)


def test_the_command_and_the_flow_have_the_same_options():
    command = inspect.signature(commands.serve).parameters
    flow = inspect.signature(serve.fn).parameters
    assert command.keys() - {"debug"} == flow.keys()
    for name in ("port", "processes", "watch"):
        assert command[name].default == flow[name].default


def test_the_command_hosts_what_it_is_told_to(monkeypatch):
    seen = {}

    def host(models, **settings):
        seen.update(settings, models=models)
        return signal.SIGTERM

    monkeypatch.setattr(hosting, "host", host)
    options = ["--port", "9000", "--processes=2", "--watch", "0", "--max_payload", "20", "--host", "0.0.0.0"]
    assert run(["serve", "words=a/*", "s3://b/c.tar.gz", *options]) == SUCCESS
    del seen["tell"]
    assert seen == {
        "models": ("words=a/*", "s3://b/c.tar.gz"),
        "address": "0.0.0.0",
        "port": 9000,
        "processes": 2,
        "watch": 0.0,
        "most_bytes": 20 * 2**20,
    }
    run(["serve", "a"])
    assert (seen["address"], seen["port"], seen["most_bytes"]) == ("127.0.0.1", 8080, 6_291_456)


def test_in_a_container_it_needs_no_options(monkeypatch):
    seen = {}
    monkeypatch.setattr(hosting, "host", lambda models, **settings: seen.update(settings, models=models) or 15)
    monkeypatch.setenv("SAGEMAKER_BIND_TO_PORT", "8123")
    assert run(["serve"]) == SUCCESS
    assert (seen["models"], seen["address"], seen["port"]) == (("/opt/ml/model",), "0.0.0.0", 8123)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 6),
        ({"SAGEMAKER_BATCH": "true"}, 6),
        ({"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "50"}, 50),
        ({"SAGEMAKER_BATCH": "True", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "101"}, 6),
        ({"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "many"}, 6),
        ({"SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, 6),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "50"}, 6),
    ],
)
def test_batch_transform_says_how_much_it_sends(monkeypatch, environment, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert commands.payload() == expected


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["serve", "/nowhere/model.tar.gz"],
            "/nowhere/model.tar.gz: cannot read it: no such file or folder; check the",
        ),
        (["serve", "a=x", "a=y"], "two models would be named a; name them apart"),
        (["serve", "a", "--port", "65536"], "Must be <= 65535"),
        (["serve", "a", "--processes", "0"], "Must be >= 1"),
        (["serve", "a", "--host", "no.such.host.invalid"], "no.such.host.invalid:8080: no such host"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(capsys, monkeypatch, arguments, text):
    monkeypatch.delenv("SAGEMAKER_BIND_TO_PORT", raising=False)
    if "--port" not in arguments and "--host" not in arguments:
        arguments = [*arguments, "--port", "0"]
    assert run(arguments) == USER_ERROR
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert text in shown
    assert shown.count("\n") == 1


@contextmanager
def served(*arguments):
    """The process, and where it says that it is."""
    command = [*EMBERTEXT, "serve", *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = []
        while not lines or not lines[-1].startswith("http"):
            lines.append(process.stdout.readline().strip())
            assert process.poll() is None or lines[-1], lines
        yield process, lines
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("number", "last"), [(signal.SIGTERM, ""), (signal.SIGINT, "stopped\n")])
def test_from_a_shell(model, number, last):
    with served(f"words={model}") as (process, lines):
        assert lines[0] == f"words  {model}"
        assert httpx.get(f"{lines[-1]}/ping").status_code == 200
        answer = httpx.post(f"{lines[-1]}/invocations", json={"instances": ["dog"]})
        assert answer.json()[0]["word"] == "dog"
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
        assert (process.returncode, out) == (0, last)


def test_it_begins_without_prefect(model):
    script = (
        "import sys, flows.hosting, flows.commands, flows.cli; from flows.hosted import hosted;"
        f"hosted({model!r}); print(sorted({{'prefect', 'torch', 'numba', 'dask', 'matplotlib'}} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_flow_hosts_until_it_is_told_to_end(prefect_api, model, monkeypatch):
    """Its run is not completed then: Prefect hears of the signal as of any other."""
    statuses, passed_on = [], []

    def host(*arguments, tell, **settings):
        def hear(line):
            tell(line)
            if line.startswith("http"):
                threading.Thread(target=ask, args=(line,)).start()

        return hosting.host(*arguments, tell=hear, **settings)

    def ask(url):
        statuses.append(httpx.get(f"{url}/ping").status_code)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("flows.serve.serve_models", host)
    before = signal.signal(signal.SIGTERM, lambda *_: passed_on.append(1))
    try:
        with pytest.raises(TerminationSignal):
            serve(models=[f"words={model}"], port=0)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (statuses, passed_on) == ([200], [1])

"""What docs/operations.md shows can be run, or at least read."""

import re
import signal
from pathlib import Path

import dask.config
import yaml
from distributed.cli.dask_worker import main as dask_worker

before = signal.getsignal(signal.SIGINT)
from dask_jobqueue import SLURMCluster  # noqa: E402 - its import takes Ctrl-C for itself

signal.signal(signal.SIGINT, before)

TEXT = (Path(__file__).parent.parent / "docs" / "operations.md").read_text()


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return found


def test_the_script_for_slurm(monkeypatch, capsys):
    scaled = {}
    monkeypatch.setattr(SLURMCluster, "scale", lambda _, *__, **asked: scaled.update(asked))
    monkeypatch.setattr(signal, "pause", lambda: None)
    names: dict[str, SLURMCluster] = {}
    with dask.config.set({"jobqueue.slurm.scheduler-options": {"dashboard_address": "127.0.0.1:0"}}):
        exec(compile(block("python"), "cluster.py", "exec"), names)
    with names["cluster"] as cluster:
        address = capsys.readouterr().out.strip()
        assert re.fullmatch(r"tcp://\S+:\d+", address)
        assert scaled == {"jobs": 8}
        script = cluster.job_script()
    for line in ("#SBATCH -p compute", "#SBATCH --cpus-per-task=8", "#SBATCH -t 12:00:00"):
        assert line in script
    start = script.index("export EMBERTEXT_CACHE=/shared/embertext")
    command = script[start:].splitlines()[1]
    assert f" {address} " in command
    assert "--nthreads 1 " in command
    assert command.rindex("--memory-limit 0") > command.index("--memory-limit"), "the last one counts"


def test_the_resource_for_kubernetes():
    resource = yaml.safe_load(block("yaml"))
    [worker] = resource["spec"]["worker"]["spec"]["containers"]
    [scheduler] = resource["spec"]["scheduler"]["spec"]["containers"]
    assert worker["image"] == scheduler["image"]
    known = {option for parameter in dask_worker.params for option in parameter.opts}
    assert {word for word in worker["args"] if word.startswith("--")} <= known
    ports = {port["name"] for port in scheduler["ports"]}
    assert {port["targetPort"] for port in resource["spec"]["scheduler"]["service"]["ports"]} == ports

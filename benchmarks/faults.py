"""What a fault costs in the middle of a training that two workers share, each tried for real.

    python -m benchmarks.faults [--json] [--seeds 3] [--megabytes 20] [--epochs 5]

Word2Vec's batch_skipgram on the beginning of Wikipedia in text8's form: a worker is killed while it trains, one while
it merges, one is stopped and hangs; the scheduler is killed, and the process of the flow, and the same run is started
again, as Prefect's retry and people do. Beside the seconds that it took longer: finished rounds that were trained
again, and what came of it, which is what an undisturbed run comes to. Two minutes on two cores.
"""

import importlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import harness
from benchmarks.harness import Figures, Floor, spread

MODULE = "benchmarks.faults"
WORKERS = 2
AFTER = 2  # rounds, the fault comes
ROUNDING = 1e-3  # of a vector's largest number: many rounds of float32 that were added up in another order


class Fault(NamedTuple):
    """What happens to a training, and whether it has to be started again."""

    name: str
    harm: Callable[["Training"], None]
    again: bool = False
    scheduler: bool = False
    in_merge: bool = False


class Training:
    """A training in a process of its own, which tells of its rounds."""

    def __init__(self, **options: object) -> None:
        command = [sys.executable, "-m", MODULE, "--one", "train", "--options", json.dumps(options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.rounds: list[int] = []
        self.figures: Figures = {}

    def follow(self, until: int = 0) -> bool:
        """Up to the end of a round, or to the end; whether it ended well."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("round "):
                self.rounds.append(int(line.split()[1]))
                if self.rounds[-1] == until:
                    return True
            elif line.startswith("{"):
                self.figures = json.loads(line)
        return self.process.wait() == 0

    def worker(self) -> int:
        """The process of one of its workers."""
        psutil: Any = importlib.import_module("psutil")
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(int(child.pid) for child in children if "spawn_main" in " ".join(child.cmdline()))


def _to_worker(number: signal.Signals) -> Callable[[Training], None]:
    def harm(training: Training) -> None:
        time.sleep(0.3)  # into the next round
        os.kill(training.worker(), number)

    return harm


FAULTS = (
    Fault("a worker is killed in mid-round", _to_worker(signal.SIGKILL)),
    Fault("a worker is killed in the merge", lambda training: None, in_merge=True),
    Fault("a worker hangs", _to_worker(signal.SIGSTOP)),
    Fault("the scheduler is lost", lambda training: None, again=True, scheduler=True),
    Fault("the flow's process is killed", lambda training: training.process.kill(), again=True),
)


def main() -> None:
    parser = harness.arguments(__doc__ or "", seeds=3, threads=1)
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    figures = table(megabytes=options.megabytes, epochs=options.epochs, seeds=options.seeds)
    harness.conclude("faults", figures, floors(figures), as_json=options.json)


def table(*, megabytes: float = 20, epochs: int = 5, seeds: int = 3) -> Figures:
    """Try all of them, print the table, return its figures."""
    from benchmarks.tuning import beginning

    with tempfile.TemporaryDirectory(prefix="embertext-faults-") as folder:
        text = beginning(harness.plain_text("text8"), int(megabytes * 1e6), Path(folder) / "text.txt")
        harness.alone(MODULE, "prepare", folder=folder, text=str(text))
        calm = [_run(None, folder, epochs=epochs, seed=seed) for seed in range(1, seeds + 1)]
        undisturbed = statistics.median(run["seconds"] for run in calm)
        rows = {fault.name: _run(fault, folder, epochs=epochs, seed=1) for fault in FAULTS}
        for run in rows.values():
            run["apart"] = _apart(Path(folder, "vectors-1-calm.npy"), Path(run["vectors"]))
            run["recovery"] = run["seconds"] - undisturbed
    rho = spread([run["mean_rho"] for run in calm])
    harness.table(
        f"Faults after round {AFTER} of {calm[0]['rounds']}; undisturbed {undisturbed:.1f} s, mean_rho {rho}",
        ["fault", "finished rounds lost", "seconds more", "mean_rho", "loss", "vectors differ by"],
        [
            (name, str(run["lost"]), f"{run['recovery']:.1f}", f"{run['mean_rho']:.4f}", f"{run['loss']:.4f}",
             f"{run['apart']:.1e}")
            for name, run in rows.items()
        ],
    )  # fmt: skip
    return {"undisturbed": calm, "faults": rows}


def floors(figures: Mapping[str, Figures]) -> list[Floor]:
    """At most one round is lost, and the result is that of a run that nothing happened to."""
    runs = figures["faults"]
    return [
        *(Floor(f"{name}: rounds lost, at most one", -run["lost"], -1) for name, run in runs.items()),
        *(Floor(f"{name}: the same vectors", -run["apart"], -ROUNDING) for name, run in runs.items()),
    ]


def _run(fault: Fault | None, folder: str, *, epochs: int, seed: int) -> Figures:
    name = fault.name.replace(" ", "-") if fault else "calm"
    vectors = str(Path(folder, f"vectors-{seed}-{name}.npy"))
    given = {"folder": folder, "epochs": epochs, "seed": seed, "vectors": vectors, "stage": f"{folder}/{name}"}
    with ExitStack() as stack:
        port, scheduler = _free_port(), stack.enter_context(ExitStack())
        if fault and fault.scheduler:
            given["scheduler"] = scheduler.enter_context(_cluster(port))
        training = Training(**given, in_merge=bool(fault and fault.in_merge))
        training.follow(until=1)
        started = time.monotonic()
        lost = 0
        if fault:
            training.follow(until=AFTER)
            if fault.scheduler:
                scheduler.close()
            fault.harm(training)
        well = training.follow()
        if fault and fault.again:
            assert not well
            if fault.scheduler:
                scheduler.enter_context(_cluster(port))
            before, training = training, Training(**given)
            well = training.follow()
            lost = before.rounds[-1] + 1 - training.rounds[0]
        assert well, f"{name}: it failed"
    return {**training.figures, "seconds": time.monotonic() - started, "lost": lost, "vectors": vectors}


def _apart(one: Path, two: Path) -> float:
    """By how much vectors differ at most, against the largest number in them."""
    first, second = np.load(one), np.load(two)
    return float(np.abs(first - second).max() / np.abs(first).max())


@contextmanager
def _cluster(port: int) -> Iterator[str]:
    """A scheduler and workers as people start them; killed when the block ends."""
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    commands = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
    commands += [[*dask, "worker", address, "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]] * WORKERS
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        started = [
            subprocess.Popen(each, cwd=folder, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
            for each in commands
        ]
        try:
            from distributed import Client

            with Client(address, timeout=60) as client:
                client.wait_for_workers(WORKERS, timeout=60)
            yield address
        finally:
            for each in started:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _prepare(folder: str, text: str) -> Figures:
    from algorithms.counting import count_and_encode

    with Path(text).open("rb") as file:
        count_and_encode(iter(lambda: file.read(1 << 22), b""), Path(folder), min_count=5)
    return {}


def _train(
    folder: str, epochs: int, seed: int, vectors: str, stage: str, scheduler: str = "", in_merge: bool = False
) -> Figures:
    """Train, going on from a checkpoint where there is one."""
    from algorithms.training import train
    from algorithms.word2vec.algorithm import Word2Vec
    from data.corpus import Corpus
    from tasks import cluster
    from tasks.checkpoints import checkpoints
    from tasks.train import follow, history_entry
    from tasks.word2vec.evaluate import similarity

    form, corpus = Word2Vec(mode="batch_skipgram", epochs=epochs), Corpus.load(folder)
    workers = 0 if scheduler else WORKERS
    with checkpoints(stage) as kept, cluster.connect(threads=1, workers=workers, scheduler=scheduler) as where:
        rounds = train(form, corpus, cluster=where, state=kept.state, seed=seed, first=kept.first)
        for each in follow(rounds, lambda *_: None, learning_rate=form.learning_rate, kept=kept):
            kept.history.append(history_entry(each))
            print(f"round {each.number}", flush=True)
            if in_merge and each.number == AFTER and isinstance(where, cluster.Dask):
                where.client.run(_dies_in_the_merge, workers=[each.shares[1].worker])
            if each.number == each.rounds:
                state = each.state
    np.save(vectors, form.vectors(state))
    judged = similarity(form, state, corpus.vocabulary)
    return {"mean_rho": judged["mean_rho"], "loss": each.loss, "rounds": each.rounds}


def _dies_in_the_merge() -> None:
    """Runs in a worker: the second time that it adds something up is its end."""
    from tasks import circle

    real = circle.totals

    def totals(within: object) -> Callable[[np.ndarray], Callable[[], object]]:
        total, left = real(within), [1]

        def last(array: np.ndarray) -> Callable[[], object]:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return total(array)

        return last

    circle.totals = totals


SYSTEMS: dict[str, Callable[..., Figures]] = {"prepare": _prepare, "train": _train}

if __name__ == "__main__" and not harness.answer(SYSTEMS):
    main()

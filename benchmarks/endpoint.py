"""The endpoint beside a plain FastAPI handler around gensim, fastText or torch; its memory, its start; batch transform.

    python -m benchmarks.endpoint [--json] [--quick] [--rounds 5] [--seconds 1] [--requests 100000]
                                  [--only answers memory start transform]

    answers    requests a second and their latency at 1, 8 and 64 clients, ours (`embertext serve`) and the plain
               handler's (`benchmarks/plain_endpoint.py`), both uvicorn in one process, with the same model: in turns,
               so that noise hits both. Before that, each answers the same requests, and the answers have to agree
    memory     all four models in one server, every kind of request in turn; each answer has to be the first one's
    start      from the shell's command, and a model.tar.gz that it has to unpack, to the first answer
    transform  rows a second of batch transform's stages, and of one client that asks the endpoint row by row

Servers have one core, who asks (`benchmarks/load.py`) has another. `benchmarks/hosted_models.py` says what is hosted.
`--quick` is for tests: small models, no time to measure anything. About five minutes on two cores.
"""

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from algorithms.answers import JSON_LINES
from benchmarks import harness, hosted_models
from benchmarks.harness import Figures, Floor, alone
from benchmarks.hosted_models import ALGORITHMS, ARCHIVE, Case, Sizes
from benchmarks.load import Load, ask, load, request

OURS, PEER = "embertext", "plain handler"
PARTS = ("answers", "memory", "start", "transform")
CLIENTS = (1, 8, 64)
FASTER = {"word2vec": 2.0}  # times the plain handler; all else: no slower
COMPARED = 20  # requests of each kind whose answers are compared
WARM = 0.2  # seconds of a load before it is measured
RELATIVE, ABSOLUTE = 1e-3, 2e-5  # how far numbers may differ: both compute in float32
COLD, COLD_RUNS = 3.0, 5  # seconds
GROWTH = 1.02  # times the memory after the first tenth of the requests
FILE = 10_000  # rows of a file that batch transform reads
TRANSFORM = 20.0  # times the rows of who asks row by row
IMPORTED = "import flows.cli, flows.hosting, flows.hosted, algorithms.word2vec.answers"
PAUSE, PATIENCE = 0.002, 120.0  # seconds between looks for a server, and until it must be there


class Server(NamedTuple):
    """A process that answers. seconds: from its start to its first answer."""

    port: int
    process: int
    seconds: float


class Row(NamedTuple):
    """What came of one kind of request at so many clients: by system, a load each round.

    computed: seconds of the processor that each server took, for all of them.
    """

    case: str
    algorithm: str
    clients: int
    loads: dict[str, list[Load]]
    computed: dict[str, float]

    @property
    def faster(self) -> float:
        """How many times the plain handler's rate: the median of the rounds."""
        pairs = zip(self.loads[OURS], self.loads[PEER], strict=True)
        return statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)

    def figures(self, system: str) -> Figures:
        """Requests a second, the median of the rounds; milliseconds of all of them; computed: microseconds of each."""
        loads = self.loads[system]
        milliseconds = 1000 * np.array([latency for each in loads for latency in each.latencies])
        p50, p99 = np.percentile(milliseconds, [50, 99]).tolist()
        rate = statistics.median(each.rate for each in loads)
        errors, computed = sum(each.errors for each in loads), 1e6 * self.computed[system] / milliseconds.size
        return {"rate": rate, "p50": p50, "p99": p99, "errors": errors, "computed": computed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON: the figures and falls_short")
    parser.add_argument("--quick", action="store_true", help="small models and hardly any requests, for tests")
    parser.add_argument("--rounds", type=int, default=5, help="loads of each system")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each load")
    parser.add_argument("--requests", type=int, default=100_000, help="that memory has to be flat over")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts, instead of all")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.requests = 1, 0.05, 200
    sizes = hosted_models.SMALL if options.quick else hosted_models.SIZES
    root = hosted_models.made(sizes)
    cases = hosted_models.cases(root, sizes)
    figures, reached = Figures(), list[Floor]()
    if "answers" in options.only:
        rows = answers(root, cases, rounds=options.rounds, seconds=options.seconds)
        _table(rows)
        figures["answers"] = [
            {"case": row.case, "clients": row.clients, "faster": row.faster}
            | {system: row.figures(system) for system in row.loads}
            for row in rows
        ]
        reached += answers_floors(rows)
    if "memory" in options.only:
        figures["memory"] = found = memory(root, cases, requests=options.requests)
        reached += memory_floors(found)
    if "start" in options.only:
        figures["start"] = found = start(root, runs=1 if options.quick else COLD_RUNS)
        reached.append(Floor(f"start: {COLD:.0f} s over seconds to the first answer", COLD / found["seconds"], 1.0))
    if "transform" in options.only:
        figures["transform"] = {
            name: transform(model, lines, rounds=options.rounds, seconds=options.seconds)
            for name, (model, lines) in batches(root, sizes).items()
        }
        for name, found in figures["transform"].items():
            faster = found["batch"] / found["row_by_row"]
            reached.append(Floor(f"transform, {name}: rows/s over row by row", faster, TRANSFORM))
    _tell(figures)
    harness.conclude("endpoint", figures, reached, as_json=options.json)


# Servers --------------------------------------------------------------------------------------------------------------


def ours(*models: str) -> list[str]:
    """The command that hosts models."""
    return [sys.executable, "-m", "flows.cli", "serve", *models, "--watch", "0", "--port"]


def plain(algorithm: str, folder: Path) -> list[str]:
    """The command of the plain handler."""
    return [sys.executable, "-m", "benchmarks.plain_endpoint", algorithm, str(folder)]


@contextmanager
def serving(command: Sequence[str], first: bytes, *, cores: Sequence[int]) -> Iterator[Server]:
    """A server, started by a command that ends with its port, once it has answered a first request."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, str(port)],
            stdout=said, stderr=said, preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )  # fmt: skip
        try:
            while True:
                try:
                    next(ask(port, [first]))
                    break
                except ConnectionRefusedError:
                    if process.poll() is not None or time.perf_counter() - begun > PATIENCE:
                        said.seek(0)
                        raise SystemExit(f"{' '.join(command)} failed:\n{said.read().decode()[-2000:]}") from None
                    time.sleep(PAUSE)
            yield Server(port, process.pid, time.perf_counter() - begun)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def places() -> tuple[list[int], list[int], list[int]]:
    """The cores of servers, of who asks, and all of them; where there is but one, it is everyone's."""
    every = sorted(os.sched_getaffinity(0))
    return every[:1], every[1:2] or every, every


@contextmanager
def asking() -> Iterator[list[int]]:
    """Keep to the core of who asks; the servers' is returned."""
    servers, client, every = places()
    os.sched_setaffinity(0, client)
    try:
        yield servers
    finally:
        os.sched_setaffinity(0, every)


# Answers --------------------------------------------------------------------------------------------------------------


def answers(root: Path, cases: Sequence[Case], *, rounds: int, seconds: float) -> list[Row]:
    """The loads of every kind of request, at each number of clients."""
    rows: list[Row] = []
    for algorithm in ALGORITHMS:
        of = [case for case in cases if case.algorithm == algorithm]
        requests = {case.name: [request("/invocations", body) for body in case.bodies] for case in of}
        first, folder = requests[of[0].name][0], root / algorithm
        with (
            asking() as cores,
            serving(ours(str(folder / ARCHIVE)), first, cores=cores) as mine,
            serving(plain(algorithm, folder), first, cores=cores) as theirs,
        ):
            servers = {OURS: mine, PEER: theirs}
            for case in of:
                compare(servers, requests[case.name][:COMPARED], case.name)
                rows += _loads(servers, case, requests[case.name], rounds=rounds, seconds=seconds)
    return rows


def _loads(
    servers: dict[str, Server], case: Case, requests: Sequence[bytes], *, rounds: int, seconds: float
) -> Iterator[Row]:
    for clients in CLIENTS:
        row = Row(case.name, case.algorithm, clients, {name: [] for name in servers}, dict.fromkeys(servers, 0.0))
        for server in servers.values():
            load(server.port, requests, clients=clients, seconds=min(WARM, seconds))
        for turn in range(rounds):
            for name in list(servers)[:: -1 if turn % 2 else 1]:
                before = computed(servers[name].process)
                row.loads[name].append(load(servers[name].port, requests, clients=clients, seconds=seconds))
                row.computed[name] += computed(servers[name].process) - before
        yield row


def computed(process: int) -> float:
    """Seconds that a process has had of a processor."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compare(servers: dict[str, Server], requests: Sequence[bytes], name: str) -> None:
    """Raise SystemExit where the answers differ by more than rounding."""
    for mine, theirs in zip(*(ask(servers[each].port, requests) for each in (OURS, PEER)), strict=True):
        if not same(orjson.loads(mine), orjson.loads(theirs)):
            raise SystemExit(f"{name}: the answers differ:\n{mine[:500]!r}\n{theirs[:500]!r}")


def same(mine: Any, theirs: Any) -> bool:
    """Whether two values of JSON have the same shape, the same texts, and numbers that are close."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(same(mine[key], theirs[key]) for key in mine)
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(same, mine, theirs))
    if isinstance(mine, float) and isinstance(theirs, float):
        return bool(np.isclose(mine, theirs, rtol=RELATIVE, atol=ABSOLUTE))
    return bool(mine == theirs)


# Memory, start, transform ---------------------------------------------------------------------------------------------


def memory(root: Path, cases: Sequence[Case], *, requests: int) -> Figures:
    """Megabytes of a server of all models: at its start, after a tenth of the requests, after all; and wrong answers.

    Before the first reading every request has been answered once, and what is kept of words has been made.
    """
    models = [f"{algorithm}={root / algorithm / ARCHIVE}" for algorithm in ALGORITHMS]
    size = min(500, min(len(case.bodies) for case in cases))
    mixed = [
        request(f"/models/{case.algorithm}/invocations", body)
        for bodies in zip(*(case.bodies[:size] for case in cases), strict=True)
        for case, body in zip(cases, bodies, strict=True)
    ]
    known: dict[int, bytes] = {}

    def right(number: int, answer: bytes) -> bool:
        body = answer.partition(b"\r\n\r\n")[2]
        return body == known.setdefault(number, body)

    with asking() as cores, serving(ours(*models), mixed[0], cores=cores) as server:
        found, errors, begun = [resident(server.process)], 0, time.perf_counter()
        for share in (requests // 10, requests - requests // 10):
            errors += load(server.port, mixed, clients=8, most=share, right=right).errors
            found.append(resident(server.process))
        seconds = time.perf_counter() - begun
    return dict(zip(("at_start", "after_a_tenth", "after_all"), found, strict=True)) | {
        "requests": requests, "errors": errors, "seconds": seconds,
    }  # fmt: skip


def resident(process: int) -> float:
    """Megabytes that a process has in memory."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS"))


def start(root: Path, *, runs: int) -> Figures:
    """Seconds from the command to the first answer, and those that Python and importing take in processes of their own.

    The archive has been read before: no disk is measured.
    """
    every = places()[2]
    archive = root / "word2vec" / ARCHIVE
    archive.read_bytes()
    first = request("/invocations", b'{"instances": ["the", "of"]}')
    found: dict[str, list[float]] = {"seconds": [], "python": [], "imports": []}
    for _ in range(runs):
        with serving(ours(str(archive)), first, cores=every) as server:
            found["seconds"].append(server.seconds)
        for name, code in (("python", "pass"), ("imports", IMPORTED)):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            found[name].append(time.perf_counter() - begun)
    return {name: statistics.median(seconds) for name, seconds in found.items()} | {"runs": found["seconds"]}


def batches(root: Path, sizes: Sizes) -> dict[str, tuple[str, list[bytes]]]:
    """By name, which model and which lines batch transform is to answer: any rows, over and over."""
    kinds = {"text_classification": hosted_models.sentences(), "word2vec": hosted_models.vocabulary(root)}
    return {
        algorithm: (
            str(root / algorithm / ARCHIVE),
            [orjson.dumps({"source": texts[number % len(texts)]}) + b"\n" for number in range(sizes.rows)],
        )
        for algorithm, texts in kinds.items()
    }


def transform(model: str, lines: Sequence[bytes], *, rounds: int, seconds: float) -> Figures:
    """Rows a second by batch transform, and by a client that sends one, and waits; in turns.

    rounds: both, of each; batch, row_by_row: their medians.
    """
    requests = [request("/invocations", line, content_type=JSON_LINES) for line in lines[:5000]]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        data, output = Path(folder, "in"), Path(folder, "out")
        data.mkdir()
        for number in range(0, len(lines), FILE):
            (data / f"{number:07}.jsonl").write_bytes(b"".join(lines[number : number + FILE]))
        for _ in range(rounds):
            with asking() as cores, serving(ours(model), requests[0], cores=cores) as server:
                load(server.port, requests, clients=1, seconds=min(WARM, seconds))
                by_row = load(server.port, requests, clients=1, seconds=seconds)
                expected = list(ask(server.port, requests[:100]))
            batch = alone(__spec__.name, "transform", model=model, data=str(data), output=str(output))
            told = (output / "0000000.jsonl.out").read_bytes().splitlines(keepends=True)
            if batch["rows"] != len(lines) or told[: len(expected)] != expected or by_row.errors:
                raise SystemExit("batch transform has other answers than the endpoint")
            found.append((len(lines) / batch["seconds"], by_row.rate))
            shutil.rmtree(output)
    medians = [statistics.median(rates) for rates in zip(*found, strict=True)]
    return {"rows": len(lines), "batch": medians[0], "row_by_row": medians[1], "rounds": found}


def _transformed(model: str, data: str, output: str) -> Figures:
    """The stages of the flow, as this process computes them, without the Prefect server around them."""
    import logging

    from flows.hosted import hosted
    from tasks.train import machines
    from tasks.transform.answer import Model
    from tasks.transform.conclude import conclude
    from tasks.transform.plan import how, plan
    from tasks.transform.run import run

    logging.disable()
    settings = how(output=output, accept="", strategy="MultiRecord", max_payload=6, max_errors=0)
    begun = time.perf_counter()
    planned = plan.fn(model, data, settings, content_type="", reuse=False)
    hosting = Model(model, planned.model, hosted)
    ran = run.fn(planned, hosting, settings, machines=machines(threads=0, workers=0, scheduler=""))
    conclude.fn(planned, ran, hosting, settings)
    return {"seconds": time.perf_counter() - begun, "rows": ran.rows}


SYSTEMS = {"transform": _transformed}


# What is told ---------------------------------------------------------------------------------------------------------


def answers_floors(rows: Sequence[Row]) -> list[Floor]:
    """How many times the plain handler's rate, and that nothing went wrong."""
    errors = sum(row.figures(system)["errors"] for row in rows for system in row.loads)
    faster = [
        Floor(
            f"{row.case}, {row.clients} clients: requests/s over the {PEER}", row.faster, FASTER.get(row.algorithm, 1.0)
        )
        for row in rows
    ]
    return [*faster, Floor("answers: all of them without an error", float(not errors), 1.0)]


def memory_floors(found: Figures) -> list[Floor]:
    """That it stays, and that nothing went wrong."""
    flat = GROWTH * found["after_a_tenth"] / found["after_all"]
    return [
        Floor(f"memory: all {found['requests']:,} answers right", float(not found["errors"]), 1.0),
        Floor(f"memory: {GROWTH} times that after a tenth, over that after all", flat, 1.0),
    ]


def _table(rows: Sequence[Row]) -> None:
    shown = []
    for row in rows:
        mine, theirs = row.figures(OURS), row.figures(PEER)
        times = [f"{figures[name]:.2f}" for name in ("p50", "p99") for figures in (mine, theirs)]
        rates = [f"{figures['rate']:,.0f}" for figures in (mine, theirs)]
        costs = [f"{figures['computed']:.0f}" for figures in (mine, theirs)]
        shown.append([row.case, str(row.clients), *rates, f"{row.faster:.1f}x", *times, *costs])
    columns = ["", "clients", "req/s", "plain", "faster", "p50", "plain", "p99", "plain", "CPU", "plain"]
    harness.table(
        "Answers, median over rounds; latencies in ms, CPU time of the server in microseconds a request", columns, shown
    )


def _tell(figures: Figures) -> None:
    if memory := figures.get("memory"):
        print(
            f"memory: {memory['at_start']:,.0f} MB at the start, {memory['after_a_tenth']:,.0f} after a tenth of"
            f" {memory['requests']:,} requests, {memory['after_all']:,.0f} after all; {memory['errors']} errors"
        )
    if start := figures.get("start"):
        print(
            f"start: {start['seconds']:.2f} s, of which Python {start['python']:.2f}, imports"
            f" {start['imports'] - start['python']:.2f}, the archive and all else"
            f" {start['seconds'] - start['imports']:.2f}; runs {', '.join(f'{each:.2f}' for each in start['runs'])}"
        )
    for name, batch in figures.get("transform", {}).items():
        rounds = ", ".join(f"{each:,.0f}/{by_row:,.0f}" for each, by_row in batch["rounds"])
        print(
            f"transform, {name}, {batch['rows']:,} rows: {batch['batch']:,.0f} rows/s, row by row"
            f" {batch['row_by_row']:,.0f}; rounds {rounds}"
        )
    print()


if __name__ == "__main__":
    if not harness.answer(SYSTEMS):
        main()

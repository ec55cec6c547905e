"""Requests a second and their latency, ours and the plain handler's, in turns; and that both answer alike."""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from benchmarks import harness
from benchmarks.harness import Figures, Floor
from benchmarks.hosted_models import ALGORITHMS, ARCHIVE, Case
from benchmarks.load import Load, ask, load, request
from benchmarks.servers import WARM, Server, asking, computed, ours, plain, serving

OURS, PEER = "embertext", "plain handler"
CLIENTS = (1, 8, 64)
FASTER = {"word2vec": 2.0}  # times the plain handler; all else: no slower
COMPARED = 20  # requests of each kind whose answers are compared
RELATIVE, ABSOLUTE = 1e-3, 2e-5  # how far numbers may differ: both compute in float32


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


def floors(rows: Sequence[Row]) -> list[Floor]:
    """How many times the plain handler's rate, and that nothing went wrong."""
    errors = sum(row.figures(system)["errors"] for row in rows for system in row.loads)
    faster = [
        Floor(
            f"{row.case}, {row.clients} clients: requests/s over the {PEER}", row.faster, FASTER.get(row.algorithm, 1.0)
        )
        for row in rows
    ]
    return [*faster, Floor("answers: all of them without an error", float(not errors), 1.0)]


def table(rows: Sequence[Row]) -> None:
    """Print them."""
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

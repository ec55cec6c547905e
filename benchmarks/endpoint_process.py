"""The memory of a server that answers everything in turn, and the seconds until one answers."""

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Figures, Floor
from benchmarks.hosted_models import ALGORITHMS, ARCHIVE, Case
from benchmarks.load import load, request
from benchmarks.servers import asking, ours, places, resident, serving

GROWTH = 1.02  # times the memory after the first tenth of the requests
COLD, COLD_RUNS = 3.0, 5  # seconds
IMPORTED = "import flows.cli, flows.hosting, flows.hosted, algorithms.word2vec.answers"


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


def memory_floors(found: Figures) -> list[Floor]:
    """That it stays, and that nothing went wrong."""
    flat = GROWTH * found["after_a_tenth"] / found["after_all"]
    return [
        Floor(f"memory: all {found['requests']:,} answers right", float(not found["errors"]), 1.0),
        Floor(f"memory: {GROWTH} times that after a tenth, over that after all", flat, 1.0),
    ]


def start_floor(found: Figures) -> Floor:
    """How soon the first answer is there."""
    return Floor(f"start: {COLD:.0f} s over seconds to the first answer", COLD / found["seconds"], 1.0)

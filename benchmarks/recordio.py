"""RecordIO-protobuf against a plain loop with the protobuf package: reading and writing, sparse and dense rows.

    python -m benchmarks.recordio [--json] [--rounds 7] [--sets counts ...]

Everyone reads the same file, which the system has in memory, as a matrix, and writes the same matrix to memory, so that
no disk is measured; kernels are compiled before. The loop is the one that comes to mind: record by record its header,
ParseFromString, values and keys to the end of lists, a matrix of these when all are read; to write, the `tolist` of a
row's values and keys, SerializeToString, a header. Beside it, for orientation: an array a row in place of the lists,
parsing alone, and rows written as the SageMaker SDK does, which takes them from scipy.

All of it computes on one thread. Seconds are the processor's: waiting for it does not count. About a minute.
"""

import argparse
import io
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import __version__ as protobuf_version  # type: ignore[import-untyped]
from google.protobuf.internal import api_implementation  # type: ignore[import-untyped]
from scipy import sparse

from algorithms import records
from benchmarks import harness
from benchmarks.harness import Figures, Floor
from benchmarks.recordio_loops import parse, read_as_arrays, read_in_a_loop, write_as_the_sdk, write_in_a_loop

OURS, LOOP = "embertext", "protobuf loop"
LEAST = {"read": 50.0, "write": 20.0}  # how many times the loop's speed ours must reach
OFTEN = 5  # runs of ours for each of another's, which takes as long as many of them

Runs = dict[tuple[str, str], dict[str, list[float]]]  # task (read or write) and set, then system -> seconds


def read_ours(path: Path) -> Any:
    return records.read_matrix(np.memmap(path, mode="r"), path=str(path)).features


def write_ours(features: Any) -> io.BytesIO:
    file = io.BytesIO()
    records.write_matrix(file, features)
    return file


SYSTEMS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "read": {OURS: read_ours, LOOP: read_in_a_loop, "with arrays": read_as_arrays, "parsing alone": parse},
    "write": {OURS: write_ours, LOOP: write_in_a_loop, "as the SDK": write_as_the_sdk},
}


def counts(rows: int, columns: int, mean: int) -> sparse.csr_matrix:
    """Counts as texts have them: few words often, lengths over two powers of ten; words in alphabetical order."""
    random = np.random.default_rng(1)
    shares = random.permutation(1 / np.arange(5, columns + 5))
    lengths = np.clip(random.lognormal(np.log(mean), 0.8, rows), 5, 10 * mean).astype(int)
    words = [np.unique(draw) for draw in np.split(_draw(shares, int(lengths.sum()), random), np.cumsum(lengths)[:-1])]
    keys = np.concatenate(words).astype(np.int32)
    values = random.geometric(0.6, len(keys)).astype(np.float32)
    return sparse.csr_matrix((values, keys, np.cumsum([0, *map(len, words)])), shape=(rows, columns))


def _draw(shares: Any, count: int, random: np.random.Generator) -> Any:
    ends = np.cumsum(shares)
    return np.searchsorted(ends, random.random(count) * ends[-1], side="right")


def nips() -> sparse.csr_matrix | None:
    """The rows of SageMaker's own example, eight times; None without it."""
    path = Path(os.environ.get("EMBERTEXT_DATA", "")) / "sagemaker" / "nips-train_1.pbr"
    return sparse.vstack([read_ours(path)] * 8, format="csr") if path.exists() else None


SETS: dict[str, Callable[[], Any]] = {
    "counts": lambda: counts(11_000, 2_000, 60),  # 20 Newsgroups' size
    "wide": lambda: counts(11_000, 200_000, 60),
    "nips": nips,
    "dense": lambda: np.random.default_rng(1).random((11_000, 100), np.float32),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON: the figures and falls_short")
    parser.add_argument("--rounds", type=int, default=7, help="runs of each system")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    options = parser.parse_args()
    sets = {name: SETS[name]() for name in options.sets}
    if sets.get("nips", 0) is None:
        del sets["nips"]
        print("without nips: EMBERTEXT_DATA does not name a folder with sagemaker/nips-train_1.pbr")
    with tempfile.TemporaryDirectory() as folder:
        runs = measure(sets, Path(folder), options.rounds)
    protobuf = f"protobuf {protobuf_version} ({api_implementation.Type()})"
    for (task, name), seconds in runs.items():
        _table(f"{task} {name}, {_size(sets[name])}; {protobuf}", sets[name], seconds)
    figures: Figures = {"protobuf": protobuf, "seconds": {" ".join(task): of for task, of in runs.items()}}
    harness.conclude("recordio", figures, floors(runs), as_json=options.json)


def measure(sets: dict[str, Any], folder: Path, rounds: int) -> Runs:
    """The seconds of every run. A first one of each is not counted; all must come to the same in it."""
    given: dict[tuple[str, str], Any] = {}
    for name, features in sets.items():
        path = folder / f"{name}.pbr"
        path.write_bytes(write_ours(features).getvalue())
        given |= {("read", name): path, ("write", name): features}
        for read in SYSTEMS["read"].values():
            again = read(path)
            assert again is None or write_ours(again).getvalue() == path.read_bytes()
        for write in SYSTEMS["write"].values():
            assert write(features).getvalue() == path.read_bytes()
    runs: Runs = {task: {system: [] for system in SYSTEMS[task[0]]} for task in given}
    # rounds outside, systems inside: a machine that slows down does so for everyone
    for _, task in itertools.product(range(rounds), given):
        for system, run in SYSTEMS[task[0]].items():
            for _ in range(OFTEN if system == OURS else 1):
                begun = time.thread_time()
                made = run(given[task])
                runs[task][system].append(time.thread_time() - begun)
                del made  # not while another is measured
    return runs


def floors(runs: Runs) -> list[Floor]:
    """How many times the loop's speed ours is."""
    return [
        Floor(f"{task} {name}: rows/s over the {LOOP}", _faster(seconds, LOOP), LEAST[task])
        for (task, name), seconds in runs.items()
    ]


def _faster(seconds: dict[str, list[float]], than: str) -> float:
    return statistics.median(seconds[than]) / statistics.median(seconds[OURS])


def _size(features: Any) -> str:
    rows, columns = features.shape
    return f"{rows:,} x {columns:,}" + (f", {features.nnz / rows:.0f} a row" if sparse.issparse(features) else "")


def _table(title: str, features: Any, seconds: dict[str, list[float]]) -> None:
    rows = []
    for system, of in seconds.items():
        faster = "" if system == OURS else f"{_faster(seconds, system):.1f}x"
        spread = harness.spread([1000 * run for run in of])
        rows.append((system, f"{features.shape[0] / statistics.median(of):,.0f}", faster, spread))
    harness.table(title, ["", "rows/s", "ours is faster", "ms, median (range)"], rows)


if __name__ == "__main__":
    main()

"""Searches against each other on a tabulated surface: what twelve trials find, and what stopping early saves.

    python -m benchmarks.surfaces [--json] [--seeds 50] [--first-seed 0] [--jobs 12] [--parallel-jobs 2]

The surface is of real trainings (`benchmarks/tabulated.py`): five hyperparameters of text classifiers on 20 Newsgroups,
the accuracy after each of ten epochs, the seconds. Trials run beside each other as long as their trainings took, and
whoever is free asks. Everyone is told the same: from where to where, that the learning rate is logarithmic, and no
more. The peers are as they come; random search and Optuna's GP sampler also with the scales that ours finds by itself,
to tell what these are worth. Ours begins where nobody tunes: at the algorithm's defaults, moved into the ranges.

With stopping the same jobs take less of the machine; `share` is of the seconds that ours takes without.
Needs scikit-optimize to compare with it. Four minutes of one core.
"""

import argparse
import heapq
import statistics
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import optuna
from rich.progress import track

from benchmarks import harness
from benchmarks.harness import Figures, Floor
from benchmarks.tabulated import EPOCHS, Surface
from benchmarks.tuners import GP, OURS, RANDOM, SEARCHES, SKOPT, STOPPING, TPE, Tuner

SHARE = 0.6  # of the machine time, at most, with stopping


class Sweep(NamedTuple):
    """bests: the highest accuracy of trials that were not stopped, after each; seconds: of the machine, of all."""

    bests: list[float]
    seconds: float
    asking: float
    stopped: int


def sweep(tuner: Tuner, surface: Surface, *, jobs: int, parallel: int) -> Sweep:
    """Let a search run: trials take as long as on the surface, and each is told when it ends."""
    bests: list[float] = []
    ends: list[tuple[float, int]] = []  # of epochs, by the clock
    running: dict[int, tuple[Any, int]] = {}
    begun, seconds, asking, stopped, best = 0, 0.0, 0.0, 0, 0.0

    def begin(now: float) -> None:
        nonlocal begun, asking
        started = time.perf_counter()
        number, parameters = tuner.ask()
        asking += time.perf_counter() - started
        result = surface.at(parameters)
        running[number] = (result, 0)
        heapq.heappush(ends, (now + result.seconds / EPOCHS, number))
        begun += 1

    for _ in range(min(parallel, jobs)):
        begin(0.0)
    while ends:
        now, number = heapq.heappop(ends)
        result, epoch = running[number]
        value = float(result.accuracies[epoch])
        seconds += result.seconds / EPOCHS
        loses = tuner.report(number, epoch + 1, value) and epoch + 1 < EPOCHS
        if not loses and epoch + 1 < EPOCHS:
            running[number] = (result, epoch + 1)
            heapq.heappush(ends, (now + result.seconds / EPOCHS, number))
            continue
        best, stopped = (best, stopped + 1) if loses else (max(best, value), stopped)
        bests.append(best)
        tuner.tell(number, value)
        if begun < jobs:
            begin(now)
    return Sweep(bests, seconds, asking, stopped)


def main() -> None:
    parser = harness.arguments(__doc__ or "", seeds=50)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--parallel-jobs", type=int, default=2)
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    surface = Surface()
    runs = {name: _repeated(name, surface, options) for name in options.searches}
    print()
    _table(runs, surface, options)
    harness.conclude(
        "surfaces", {"best": surface.best, "searches": _figures(runs)}, _floors(runs), as_json=options.json
    )


def _repeated(name: str, surface: Surface, options: argparse.Namespace) -> list[Sweep]:
    seeds = track(range(options.first_seed, options.first_seed + options.seeds), description=f"{name:<28}")
    return [sweep(SEARCHES[name](seed), surface, jobs=options.jobs, parallel=options.parallel_jobs) for seed in seeds]


def last(sweeps: Sequence[Sweep]) -> list[float]:
    """What each sweep found."""
    return [each.bests[-1] for each in sweeps]


def error(values: Sequence[float]) -> float:
    """The standard error of a median, as that of normal values."""
    return 1.2533 * statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0


def _table(runs: dict[str, list[Sweep]], surface: Surface, options: argparse.Namespace) -> None:
    whole = statistics.median(each.seconds for each in runs[OURS]) if OURS in runs else None
    rows = []
    for name, sweeps in runs.items():
        found, seconds = last(sweeps), statistics.median(each.seconds for each in sweeps)
        low, middle, high = np.quantile(found, [0.25, 0.5, 0.75])
        early = (statistics.median(each.bests[len(each.bests) * part // 3 - 1] for each in sweeps) for part in (1, 2))
        rows.append([
            name, *(f"{value:.3f}" for value in early), f"{middle:.3f} ({low:.3f}-{high:.3f})",
            f"{statistics.fmean(found):.3f}", f"{statistics.fmean(each.stopped for each in sweeps):.1f}",
            f"{seconds:.1f}", f"{seconds / whole:.0%}" if whole else "",
            f"{1e3 * statistics.fmean(each.asking for each in sweeps) / options.jobs:.0f}",
        ])  # fmt: skip
    jobs = options.jobs
    columns = [
        "search", f"of {jobs // 3}", f"of {2 * jobs // 3}", f"of {jobs}: median (quartiles)", "mean", "stopped",
        "seconds", "share", "ms an ask",
    ]  # fmt: skip
    title = f"Best accuracy, {options.seeds} sweeps of {jobs} jobs, {options.parallel_jobs} at a time; "
    harness.table(title + f"the table's best of {surface.rows} is {surface.best:.3f}", columns, rows)


def _figures(runs: dict[str, list[Sweep]]) -> dict[str, Figures]:
    return {
        name: {
            "best": last(sweeps),
            "seconds": [each.seconds for each in sweeps],
            "stopped": [each.stopped for each in sweeps],
        }
        for name, sweeps in runs.items()
    }


def _floors(runs: dict[str, list[Sweep]]) -> list[Floor]:
    if OURS not in runs:
        return []
    ours = statistics.median(last(runs[OURS]))
    floors = [
        Floor(f"median of {OURS}, that of {peer}", ours, statistics.median(last(runs[peer])))
        for peer in (RANDOM, TPE)
        if peer in runs
    ]
    for peer in (each for each in (GP, SKOPT) if each in runs):
        found = last(runs[peer])
        what = f"median of {OURS}, that of {peer} less its standard error"
        floors.append(Floor(what, ours, statistics.median(found) - error(found)))
    if STOPPING in runs:
        found = last(runs[OURS])
        what = f"median of {STOPPING}, that without less its standard error"
        floors.append(Floor(what, statistics.median(last(runs[STOPPING])), ours - error(found)))
        seconds = [statistics.median(each.seconds for each in runs[name]) for name in (STOPPING, OURS)]
        floors.append(Floor("share of machine time saved by stopping", 1 - seconds[0] / seconds[1], 1 - SHARE))
    return floors


if __name__ == "__main__":
    main()

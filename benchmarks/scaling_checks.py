"""The model of a round against real ones: its figures measured first, then rounds of one, two and four workers.

Workers are processes here, which share this machine's cores; or each has a machine of its own, whose link is as wide
and as slow as one likes (`benchmarks.links`): there the model is told of the links what they were made to be, nothing
that was measured over them. Those share the cores, too.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import links, round_costs, scaling
from benchmarks.harness import Figures, alone
from benchmarks.scaling import Burden, Costs, Forecast, Link

MODULE = "benchmarks.round_costs"
LOOPBACK = Link(float("inf"), 0.0)
WORKERS = (1, 2, 4)
TASKS = (1, 2, 4, 8, 16, 32)
STRETCHES = (1, 3, 10, 30, 100, 300)  # of an epoch: from 17 million words of text8 down to 56,000
CHECKED = (3, 30)  # of these with workers here
OVER_LINKS = ((1000, 0.0002), (1000, 0.001), (100, 0.0002), (100, 0.001))  # Mbit/s and seconds
LINKED = 30  # stretches of an epoch that rounds over links are
PORT = 8786


class Measured(NamedTuple):
    """What the model needs to know."""

    costs: Costs
    burdens: dict[int, Burden]  # by the stretches of an epoch

    def burden(self, words: float) -> Burden:
        """A round of so many words."""
        return scaling.between(words, list(self.burdens.values()))


class Check(NamedTuple):
    """Median seconds of real rounds of some words, and what the model says of them."""

    where: str
    workers: int
    words: float
    seconds: float
    merging: float
    forecast: Forecast


def measured(folder: str, *, quick: bool, seed: int = 1) -> Measured:
    """Costs of a worker, and what rounds of several lengths move."""
    stretches = STRETCHES[1::2] if quick else STRETCHES
    found = alone(MODULE, "burden", folder=folder, stretches=stretches, seed=seed)["rounds"]
    burdens = {int(of): Burden(each["words"], each["journeys"], each["size"]) for of, each in found.items()}
    # the quickest: what slows single ones down belongs to the spread
    own = {of: parts(folder, of, quick=quick, seed=seed) for of in (3, LINKED, 300)}
    start, a_word = round_costs.fitted({burdens[of].words: min(own[of]) for of in own})
    journeys = alone(MODULE, "journeys", workers=2)
    waves = alone(MODULE, "waves", tasks=TASKS)["waves"]
    wave, task = round_costs.fitted({int(tasks): seconds for tasks, seconds in waves.items()})
    costs = Costs(
        start=start,
        speed=1 / a_word,
        spread=tuple(seconds / statistics.mean(own[LINKED]) for seconds in own[LINKED]),
        arithmetic=statistics.median(each["arithmetic"] for each in found.values()),
        handling=journeys["handling"],
        step=journeys["step"],
        wave=wave,
        task=task,
    )
    return Measured(costs, burdens)


def parts(folder: str, stretches: int, *, quick: bool, seed: int) -> list[float]:
    """Seconds of a single worker's parts, 1 / `stretches` of the corpus each."""
    count = min(stretches, 6 if quick else 30) + 1
    rounds = alone(MODULE, "rounds", folder=folder, workers=1, stretches=stretches, count=count, seed=seed)["rounds"]
    return [seconds for each in rounds[1:] for seconds in each["shares"]]


def here(folder: str, found: Measured, *, quick: bool, seed: int = 1) -> Iterator[Check]:
    """Rounds of local workers, which share the cores."""
    for stretches in CHECKED[1:] if quick else CHECKED:
        for workers in WORKERS:
            settings = {"workers": workers, "stretches": stretches, "count": 3 if stretches < LINKED else 6}
            rounds = alone(MODULE, "rounds", folder=folder, seed=seed, **settings)["rounds"]
            yield _check("here", workers, rounds, LOOPBACK, found)


def far(folder: str, found: Measured, *, quick: bool, seed: int = 1) -> Iterator[Check]:
    """Rounds of workers on machines of their own, one thread each."""
    for megabits, delay in OVER_LINKS[1:3] if quick else OVER_LINKS:
        for workers in WORKERS[1:2] if quick else WORKERS[1:]:
            settings = {"folder": folder, "workers": workers, "stretches": LINKED, "count": 4, "seed": seed}
            rounds = over_links("rounds", settings, machines=workers, megabits=megabits, delay=delay)["rounds"]
            link = Link(megabits * 1e6, delay)
            yield _check(f"{megabits:,} Mbit/s, {1000 * delay:g} ms", workers, rounds, link, found)


def _check(where: str, workers: int, rounds: Sequence[Figures], link: Link, found: Measured) -> Check:
    """Of all rounds but the first, in which memory is asked for and connections find their speed."""
    words, seconds, merging = (
        statistics.median(each[figure] for each in rounds[1:]) for figure in ("words", "seconds", "merging")
    )
    said = scaling.forecast(found.burden(words), workers, link, found.costs, cores=os.cpu_count() or 1)
    return Check(where, workers, words, seconds, merging, said)


def over_links(system: str, options: dict[str, Any], *, machines: int, megabits: float, delay: float) -> Figures:
    """A system of `round_costs` beside a scheduler on one machine, each worker on another.

    Raises SystemExit with what the worst of them said, where one fails.
    """
    with links.linked(machines + 1, megabits=megabits, delay=delay) as names, tempfile.TemporaryDirectory() as scratch:
        scheduler = f"tcp://{links.address(0)}:{PORT}"
        dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", scheduler]
        with contextlib.ExitStack() as stack:
            stack.enter_context(_started(names[0], [*dask, "--host", links.address(0), "--no-dashboard"], scratch))
            for number, name in enumerate(names[1:], 1):
                limits = ["--nthreads", "1", "--memory-limit", "0", "--no-dashboard"]
                own = ["--host", links.address(number), "--local-directory", scratch]
                stack.enter_context(_started(name, [*worker, *limits, *own], scratch))
            command = [sys.executable, "-m", MODULE, "--one", system]
            told = json.dumps({**options, "scheduler": scheduler})
            done = subprocess.run(
                [*links.within(names[0]), *command, "--options", told], capture_output=True, text=True, check=False
            )
        if done.returncode:
            said = "".join(path.read_text()[-1000:] for path in sorted(Path(scratch).glob("*.log")))
            raise SystemExit(f"{system} over links failed:\n{done.stderr[-2000:]}\n{said}")
        figures: Figures = json.loads(done.stdout.splitlines()[-1])
        return figures


@contextlib.contextmanager
def _started(name: str, command: Sequence[str], scratch: str) -> Iterator[None]:
    """A process in a machine, for as long as it is needed; what it says is in a file of the folder."""
    log = Path(scratch) / f"{name}.log"
    with log.open("w") as said:
        process = subprocess.Popen([*links.within(name), *command], stdout=said, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()

"""The part of `benchmarks.distributed` that looks beyond this machine: a model of a round, checked, and what it says.

python -m benchmarks.scaled --kept FOLDER [--picture docs/distributed-scaling.png] [--quick]
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import harness, links, scaling, scaling_checks, scaling_picture
from benchmarks.harness import Figures, Floor, alone
from benchmarks.scaling import Forecast, Link
from benchmarks.scaling_checks import Check, Measured
from benchmarks.scaling_picture import COLOURS, Curve

WORKERS = (1, 2, 4, 8, 16, 32)
LATENCY = 1e-4  # seconds, between two machines of a rack
LINKS = {"1 Gbit/s": Link(1e9, LATENCY), "10 Gbit/s": Link(1e10, LATENCY)}
CORPORA = {"text8": "text8, 17 million words", "large": "a large corpus"}
NEAR = {"here": 0.6, "links": 0.8}  # the lesser of forecast and measured over the greater, of each check


class Found(NamedTuple):
    """words: of a round as training makes them, by the number of workers, of text8 and of a corpus that is `large`.

    missing: why there were no links.
    """

    measured: Measured
    words: dict[int, dict[str, float]]
    checks: list[Check]
    missing: str


def run(folder: str, *, quick: bool) -> Found:
    """Measure, check. folder: of text8, as `shared_training` prepares it."""
    found = scaling_checks.measured(folder, quick=quick)
    missing = links.missing()
    words = alone(scaling_checks.MODULE, "round_words", folder=folder, workers=WORKERS)["words"]
    checks = []
    for kind in ("here", "far"):
        if kind == "far" and missing:
            continue
        for check in getattr(scaling_checks, kind)(folder, found, quick=quick):
            checks.append(check)
            print(f"{check.where}, {check.workers} workers: merging {check.merging:.3f} s", flush=True)
    return Found(found, {int(workers): each for workers, each in words.items()}, checks, missing)


class Expected(NamedTuple):
    """A round of so many workers. efficiency: words a second of each, over those of one who is alone."""

    words: float
    workers: int
    round: Forecast
    efficiency: float

    @property
    def words_per_second(self) -> float:
        """Of all together."""
        return self.words / self.round.seconds


def expected(found: Found, link: Link, words: float, workers: int) -> Expected:
    """What a round of so many words would take."""
    alone = found.words[1]["large"]
    one, many = (
        scaling.forecast(found.measured.burden(size), number, link, found.measured.costs)
        for size, number in ((alone, 1), (words, workers))
    )
    efficient = words / many.seconds / workers / (alone / one.seconds)
    return Expected(words, workers, many, efficient)


def rare(found: Found, link: Link, workers: int) -> float:
    """Words of a round of which merging takes a tenth."""
    return scaling.interval(found.measured.burden, workers, link, found.measured.costs)


def tables(found: Found) -> None:
    costs = found.measured.costs
    harness.table(
        "What a worker of one thread takes, measured",
        ["", ""],
        [
            ["words/s", f"{costs.speed:,.0f}"],
            ["to begin a part, ms", f"{1e3 * costs.start:.0f}"],
            ["the slowest of 2, 8, 32 parts over their mean", ", ".join(f"{each:.3f}" for each in _slowest(costs))],
            ["arithmetic on what is merged, ms a MB", f"{1e9 * costs.arithmetic:.2f}"],
            ["sending, receiving, adding up, ms a MB", f"{1e9 * costs.handling:.2f}"],
            ["a step of a journey, microseconds", f"{costs.step * 1e6:.0f}"],
            ["a task each for 2, 32 workers, ms", ", ".join(f"{1e3 * each:.1f}" for each in _waves(costs))],
        ],
    )
    rows = [
        [f"{burden.words / 1e6:.2f}", f"{burden.journeys:.0f}", f"{burden.size / 1e6:.1f}"]
        for burden in found.measured.burdens.values()
    ]
    harness.table("What merging moves: batch_skipgram on text8", ["million words of a round", "journeys", "MB"], rows)
    harness.table(*_checks(found.checks))
    if found.missing:
        print(f"no links were tried: {found.missing}\n")
    for name, link in LINKS.items():
        harness.table(*_forecasts(found, name, link))


def _slowest(costs: scaling.Costs) -> list[float]:
    return [scaling.slowest(costs.spread, workers) for workers in (2, 8, 32)]


def _waves(costs: scaling.Costs) -> list[float]:
    return [costs.wave + costs.task * workers for workers in (2, 32)]


def _checks(checks: Sequence[Check]) -> tuple[str, list[str], list[list[str]]]:
    rows = [
        [
            check.where, str(check.workers), f"{check.words / 1e6:.2f}",
            f"{check.merging:.3f}", f"{check.forecast.merging:.3f}", f"{check.forecast.merging / check.merging:.2f}",
            f"{check.seconds:.3f}", f"{check.forecast.seconds:.3f}", f"{check.forecast.seconds / check.seconds:.2f}",
        ]
        for check in checks
    ]  # fmt: skip
    columns = ["where", "workers", "M words", "merging, s", "forecast", "ratio", "round, s", "forecast", "ratio"]
    return "The model against real rounds, medians", columns, rows


def _forecasts(found: Found, name: str, link: Link) -> tuple[str, list[str], list[list[str]]]:
    rows = []
    for workers in WORKERS:
        row = [str(workers)]
        for corpus in CORPORA:
            of = expected(found, link, found.words[workers][corpus], workers)
            row += [f"{of.words / workers / 1e6:.1f}", f"{of.round.merging_share:.0%}", f"{of.efficiency:.2f}"]
        if workers > 1:
            of = expected(found, link, rare(found, link, workers), workers)
            row += [f"{of.words / workers / 1e6:.1f}", f"{of.efficiency:.2f}"]
        rows.append(row + [""] * (9 - len(row)))
    each = ["M words", "merging", "efficiency"]
    title = f"{name}: text8's rounds, a large corpus's, and those of which merging takes a tenth; M words of a worker"
    return title, ["workers", *each, *each, "M words", "efficiency"], rows


def curves(found: Found) -> list[Curve]:
    """What is drawn: each link, text8 and a large corpus."""
    drawn = []
    for (name, link), colour in zip(LINKS.items(), COLOURS, strict=True):
        for corpus, said in CORPORA.items():
            of = [expected(found, link, found.words[workers][corpus], workers) for workers in WORKERS]
            efficiencies, speeds = zip(*((each.efficiency, each.words_per_second) for each in of), strict=True)
            dashed = corpus == "text8"
            drawn.append(Curve(f"{name}, {said}", WORKERS, efficiencies, speeds, dashed=dashed, colour=colour))
    return drawn


def figures(found: Found) -> Figures:
    """What --json tells of it."""
    return {
        "costs": found.measured.costs._asdict(),
        "burdens": {of: burden._asdict() for of, burden in found.measured.burdens.items()},
        "checks": [{**check._asdict(), "forecast": check.forecast._asdict()} for check in found.checks],
        "links": found.missing or "tried",
        "efficiency": {
            f"{name}, {corpus}": {
                workers: expected(found, link, found.words[workers][corpus], workers).efficiency for workers in WORKERS
            }
            for name, link in LINKS.items()
            for corpus in CORPORA
        },
    }


def floors(checks: Sequence[Check]) -> list[Floor]:
    """The model is believed as far as it was right."""
    found = []
    for where, least in NEAR.items():
        ratios = [
            each.forecast.merging / each.merging
            for each in checks
            if each.workers > 1 and (each.where == "here") == (where == "here")
        ]
        if ratios:
            worst = min(min(ratio, 1 / ratio) for ratio in ratios)
            found.append(Floor(f"the model, {where}: forecast of merging, how near", worst, least))
    return found


def draw(found: Found, path: Path) -> None:
    """The picture of docs/distributed.md."""
    scaling_picture.draw(curves(found), path)

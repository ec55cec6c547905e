"""Training that is shared out: two workers against one, how it would go on with more, and what is lost with a worker.

    python -m benchmarks.distributed [--json] [--seeds 3] [--only throughput scaling faults] [--kept FOLDER] [--quick]

    throughput   workers of one thread each, two against one, in turns: words a second of batch_skipgram
                 on Wikipedia in text8's form, documents a second of topics of 20 Newsgroups, pairs a second of articles
    scaling      a model of a round, its figures measured here; checked against runs of one, two and four workers, also
                 over links that are shaped, where this machine allows it; then 32 workers on 1 and 10 Gbit/s
    faults       what a worker that is killed or hangs costs, and a lost scheduler, and a killed flow

Every worker is a process of a local Dask cluster; so is the single one. `--kept` keeps what is prepared, for the next
time. The data lie in EMBERTEXT_DATA, nltk's wordnet and punkt_tab in NLTK_DATA. `--quick` is a look at whether all of
it runs: fewer epochs, fewer articles, one seed; its qualities say nothing. About half an hour on two cores.
"""

import argparse
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import harness, scaled
from benchmarks.harness import Figures, Floor, alone, less_the_spread, spread

PARTS = ("throughput", "scaling", "faults")
FASTER = 1.7  # times the speed of one worker
MERGING = 0.1  # share of the time, at most
MODULE = "benchmarks.shared_training"
FEW_FAULTS: dict[str, Any] = {"megabytes": 5, "epochs": 2, "seeds": 1}


class Counted(NamedTuple):
    """What a training is measured in. sign: of a quality that should be high, or low."""

    training: str
    unit: str
    quality: str
    sign: int


TRAININGS = {
    "text8": Counted("word2vec, batch_skipgram", "words", "mean_rho", 1),
    "topics": Counted("topics, 20 Newsgroups", "documents", "total_loss", -1),
    "articles": Counted("object2vec, articles", "pairs", "hits@10", 1),
}

Runs = dict[str, list[Figures]]  # by training; of each seed, by the number of workers


def main() -> None:
    parser = harness.arguments(__doc__ or "", seeds=3, threads=1)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts, instead of all")
    parser.add_argument("--trainings", nargs="+", choices=TRAININGS, default=list(TRAININGS), help="instead of all")
    parser.add_argument("--workers", nargs=2, type=int, default=[1, 2], help="0: this process, without Dask")
    parser.add_argument("--kept", default="", help="a folder for what is prepared, found there the next time")
    parser.add_argument("--quick", action="store_true", help="a look at whether it runs")
    parser.add_argument("--picture", type=Path, help="draw how it would scale into this file")
    options = parser.parse_args()
    if options.quick:
        options.seeds = 1
    figures: Figures = {"quick": options.quick}
    floors: list[Floor] = []
    with tempfile.TemporaryDirectory() as folder:
        if "throughput" in options.only:
            runs = throughput(options, Path(options.kept or folder))
            print()
            throughput_table(runs)
            figures["throughput"] = {name: [short(name, run) for run in of] for name, of in runs.items()}
            floors += throughput_floors(runs)
        if "scaling" in options.only:
            found = scaled.run(prepared("text8", options, Path(options.kept or folder)), quick=options.quick)
            print()
            scaled.tables(found)
            if options.picture:
                scaled.draw(found, options.picture)
            figures["scaling"] = scaled.figures(found)
            floors += scaled.floors(found.checks)
    if "faults" in options.only:
        from benchmarks import faults  # it starts machinery that the others do without

        figures["faults"] = faults.table(**FEW_FAULTS if options.quick else {"seeds": options.seeds})
        floors += faults.floors(figures["faults"])
    harness.conclude("distributed", figures, floors, as_json=options.json)


def throughput(options: argparse.Namespace, folder: Path) -> Runs:
    """Train everything with both numbers of workers, once a seed."""
    runs: Runs = {}
    where = {name: prepared(name, options, folder) for name in options.trainings}
    # seeds outside, trainings inside: a machine that slows down does so for everyone
    for seed in range(1, options.seeds + 1):
        for name in options.trainings:
            settings = {"workers": options.workers, "threads": options.threads, "seed": seed, "quick": options.quick}
            run = alone(MODULE, name, folder=where[name], **settings)["workers"]
            runs.setdefault(name, []).append(run)
            print(f"seed {seed}  {told(name, run)}", flush=True)
    return runs


def prepared(name: str, options: argparse.Namespace, folder: Path) -> str:
    """The folder of what a training reads."""
    url = str(folder / (f"{name}-quick" if options.quick else name))
    alone(MODULE, f"prepare {name}", folder=url, threads=2, quick=options.quick)
    return url


def told(name: str, run: Figures) -> str:
    """A run in a line."""
    few, many = run.values()
    of = TRAININGS[name]
    qualities = " and ".join(f"{quality(name, each):.4f}" for each in (few, many))
    return (
        f"{of.training:<26} {times(few, many):.2f}x {speed(few):,.0f} {of.unit}/s, {merging(many):.1%} merging,"
        f" {of.quality} {qualities}"
    )


def speed(found: Figures) -> float:
    """Units a second over all rounds."""
    return float(_sum(found, "units") / _sum(found, "seconds"))


def merging(found: Figures) -> float:
    """Its share of the time."""
    return float(_sum(found, "merging") / _sum(found, "seconds"))


def _sum(found: Figures, figure: str) -> float:
    return float(sum(each[figure] for each in found["rounds"]))


def times(few: Figures, many: Figures) -> float:
    """How many times as fast, by the median over epochs that were trained in turns."""
    pairs = zip(_epochs(few), _epochs(many), strict=False)  # one may have ended sooner
    return _median(one / other for one, other in pairs)


def _epochs(found: Figures) -> list[float]:
    """The seconds of each."""
    seconds: dict[int, float] = {}
    for each in found["rounds"]:
        seconds[each["epoch"]] = seconds.get(each["epoch"], 0.0) + each["seconds"]
    return list(seconds.values())


def training_alone(few: Figures, many: Figures) -> float:
    """How many times as fast the workers themselves trained, all together: without merging, waiting and scheduling."""

    def together(found: Figures) -> float:
        return _median(each["units"] * len(each["shares"]) / sum(each["shares"]) for each in found["rounds"])

    return together(many) / together(few)


def waiting(found: Figures) -> float:
    """The share of the time that workers wait for the slowest one."""
    idle = sum(max(each["shares"]) - statistics.mean(each["shares"]) for each in found["rounds"])
    return float(idle / _sum(found, "seconds"))


def scheduling(found: Figures) -> float:
    """The share of the time that is neither training nor merging."""
    rest = sum(each["seconds"] - max(each["shares"]) - each["merging"] for each in found["rounds"])
    return float(rest / _sum(found, "seconds"))


def quality(name: str, found: Figures) -> float:
    """The best of what was judged."""
    sign = TRAININGS[name].sign
    return float(sign * max(sign * each for each in found["judged"]))


def throughput_table(runs: Runs) -> None:
    rows = []
    for name, of in runs.items():
        few, many = ([[*run.values()][which] for run in of] for which in (0, 1))
        rows.append(
            [
                TRAININGS[name].training, f"{TRAININGS[name].unit}/s",
                *(f"{statistics.median(map(speed, each)):,.0f}" for each in (few, many)),
                spread([times(*run.values()) for run in of]), spread([training_alone(*run.values()) for run in of]),
                *(f"{statistics.median(map(share, many)):.1%}" for share in (merging, waiting, scheduling)),
            ]
        )  # fmt: skip
    first, second = next(iter(runs.values()))[0]
    columns = ["", "", f"{first} worker", f"{second} workers", "times", "training alone", "merging", "waiting", "rest"]
    harness.table("Throughput, median (range) over seeds; in turns", columns, rows)
    rows = [
        [TRAININGS[name].training, TRAININGS[name].quality,
         *(spread([quality(name, [*run.values()][which]) for run in of]) for which in (0, 1)),
         *(f"{statistics.median(len([*run.values()][which]['rounds']) for run in of):.0f}" for which in (0, 1))]
        for name, of in runs.items()
    ]  # fmt: skip
    columns = ["", "", f"{first} worker", f"{second} workers", "rounds", "rounds"]
    harness.table("Quality, median (range) over seeds", columns, rows)


def throughput_floors(runs: Runs) -> list[Floor]:
    floors = []
    for name, of in runs.items():
        _, unit, measure, sign = TRAININGS[name]
        few, many = ([[*run.values()][which] for run in of] for which in (0, 1))
        floors.append(
            Floor(f"{name}: {unit}/s of 2 workers over 1", _median([times(*run.values()) for run in of]), FASTER)
        )
        one, two = ([sign * quality(name, each) for each in found] for found in (few, many))
        less = f"{name}: {'' if sign > 0 else '-'}{measure}, 1 worker's less the spread"
        floors.append(Floor(less, statistics.mean(two), less_the_spread(two, one)))
        floors.append(
            Floor(f"{name}: share of the time not spent merging", 1 - _median(map(merging, many)), 1 - MERGING)
        )
    return floors


def short(name: str, run: Figures) -> Figures:
    """A run without its rounds."""
    told: Figures = {"times": times(*run.values()), "training_alone": training_alone(*run.values())}
    for workers, found in run.items():
        told[workers] = {share.__name__: share(found) for share in (merging, waiting, scheduling)}
        told[workers] |= {"units_per_second": speed(found), "rounds": len(found["rounds"])}
        told[workers][TRAININGS[name].quality] = quality(name, found)
    return told


def _median(values: Iterable[float]) -> float:
    return float(statistics.median(values))


if __name__ == "__main__":
    main()

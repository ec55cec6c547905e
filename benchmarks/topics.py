"""Topics against NMF, LDA and neural models of others: how good they are, how soon they are there.

    python -m benchmarks.topics [--json] [--seeds 3] [--threads 2] [--picture topics.png] [--quick]

20 Newsgroups, train and test joined, counted as SageMaker's NTM notebook does: headers, quotes and footers off,
WordNet's lemmas, 2,000 words, documents under 25 words dropped; 20 topics; 80 % to train on, 10 % for validation. Every
model learns from the same rows, in a process of its own, and one scorer judges all by the training text: NPMI of ten
words a topic, TU of twenty. Words are ranked as each model publishes them; beside that, everyone's topics are read
by the words' chances alone and by their relevance, as our prodlda and etm read theirs.

Speed is that of training epochs, beside ProdLDA as one writes it in PyTorch, of the same layers, in turns. Totals run
from the archive of raw messages: ours is the whole command, start of its server, report and all; others' is the
notebook's recipe and then their own seconds from counts to judged topics, imports not counted. A quarter of an hour on
two cores. It needs nltk's data packages wordnet and punkt_tab (NLTK_DATA); a peer whose package is not there is left
out, and named.
"""

import argparse
import itertools
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import harness, plain_prodlda, topic_models
from benchmarks.harness import Figures, Floor, alone, spread
from benchmarks.topic_totals import TOPICS, prepared, raw
from data import lemmatizer
from data.errors import CorpusError

NTM, BEST = "embertext ntm", "embertext prodlda"  # SageMaker's job; the best of our choices
LOSS, UNIQUE = 6.65, 0.74  # what the real job reached
FASTER = 3.0  # times the documents a second of plain PyTorch
BATCH, EPOCHS = 200, 7  # where speed is measured
UNITS = (100, 200)  # of the encoder's layers: as in ProdLDA's paper, as in TopMost and much that follows it
READINGS = ("published", "chances", "relevance")
QUICK = {"seeds": 1, "effort": 0.05, "every": 10}

Runs = dict[str, list[Figures]]  # by system, a run for each seed
Said = Callable[[str, str], None]  # what comes next, and what was found before


def main() -> None:
    parser = harness.arguments(__doc__ or "", seeds=3)
    parser.add_argument("--picture", type=Path, help="draw NPMI against TU into this file")
    parser.add_argument("--quick", action="store_true", help="a look at whether it runs: the figures say nothing")
    parser.add_argument("--speed", action="store_true", help="only how many documents a second are trained on")
    parser.set_defaults(effort=1.0, every=1)
    options = parser.parse_args()
    if options.quick:
        vars(options).update(QUICK)
    # where others use the cores too, threads that spin while they wait cost torch and OpenMP many times the work
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        lemmatizer.check("wordnet")
    except CorpusError as error:
        raise SystemExit(f"{error}") from error
    missing = topic_models.missing()
    for system, how in missing.items():
        print(f"without {system}: {how}")
    systems = [system for system in topic_models.SYSTEMS if system not in missing and not options.speed]
    with tempfile.TemporaryDirectory() as folder, _progress(2 + 2 * len(UNITS) + options.seeds * len(systems)) as say:
        say("counting", "")
        counts = prepared(Path(folder) / "counts", every=options.every, threads=options.threads)
        speeds: dict[str, Figures] = {}
        found = ""
        for units, threads in itertools.product(UNITS, (1, 2)):
            case = f"{units} units, {threads} thread{'s' * (threads > 1)}"
            say(f"speed, {case}", found)
            speeds[case] = alone(
                "benchmarks.plain_prodlda", "speeds", counts=counts, num_topics=TOPICS, units=units, batch=BATCH,
                threads=threads, epochs=EPOCHS,
            )  # fmt: skip
            found = f"{case}: {spread(_ratios(speeds[case], plain_prodlda.OURS))} times plain PyTorch's speed"
        say("from raw messages", found)
        totals = {} if options.quick or options.speed else raw(Path(folder), options.threads)
        if totals:
            print(f"recipe {totals['recipe']:.1f} s, our whole command {totals['command']:.1f} s", flush=True)
        runs = compared(systems, counts, options, say)
    print()
    for table in (_quality, _read_alike) if runs else ():
        harness.table(*table(runs))
    for case, of in speeds.items():
        harness.table(*_speeds(case, of))
    if totals:
        harness.table(*_totals(runs, totals))
    if options.picture and runs:
        from benchmarks.topic_picture import draw

        draw({system: [run["published"] for run in of] for system, of in runs.items()}, options.picture)
    figures = {
        "runs": {system: [_short(run) for run in of] for system, of in runs.items()},
        "speeds": {case: _short(of) for case, of in speeds.items()},
        "totals": totals,
    }
    harness.conclude("topics", figures, floors(runs, speeds, totals), as_json=options.json)


def compared(systems: list[str], counts: str, options: argparse.Namespace, say: Said) -> Runs:
    """Train each system once a seed."""
    runs: Runs = {}
    found = ""
    # seeds outside, systems inside: a machine that slows down does so for everyone
    for seed in range(1, options.seeds + 1):
        for system in systems:
            say(f"{system}, seed {seed}", found)
            run = alone(
                "benchmarks.topic_models", system, counts=counts, num_topics=TOPICS, threads=options.threads,
                seed=seed, effort=options.effort,
            )  # fmt: skip
            runs.setdefault(system, []).append(run)
            scores = run["published"]
            found = f"seed {seed}  {system:<20} NPMI {scores['npmi']:6.3f}  TU {scores['tu']:.3f}"
            found += f"  {run['seconds']:7.1f} s" + (f"  loss {run['total_loss']:.4f}" if "total_loss" in run else "")
    say("", found)
    return runs


@contextmanager
def _progress(steps: int) -> Iterator[Said]:
    """A bar on standard error, above it what was found."""
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=steps)
        begun = False

        def say(next_one: str, found: str) -> None:
            nonlocal begun
            progress.update(task, description=next_one, advance=int(begun))
            begun = True
            if found:
                print(found, flush=True)

        yield say


def _short(run: Figures) -> Figures:
    return {name: value for name, value in run.items() if name not in ("stderr", "seconds_to")}


def _values(of: list[Figures], score: str, reading: str = "published") -> list[float]:
    return [run[reading][score] for run in of]


def _median(of: list[Figures], figure: str) -> float:
    return float(statistics.median(run[figure] for run in of))


def _quality(runs: Runs) -> tuple[str, list[str], list[list[str]]]:
    rows = []
    for system, of in runs.items():
        loss = spread([run["total_loss"] for run in of]) if "total_loss" in of[0] else ""
        scores = [spread(_values(of, score)) for score in ("npmi", "tu")]
        rows.append([system, *scores, f"{_median(of, 'training_seconds'):.1f}", f"{_median(of, 'seconds'):.1f}", loss])
    columns = ["", "NPMI", "TU", "training, s", "to topics, s", "validation loss"]
    return "Topics as each publishes them, median (range) over seeds", columns, rows


def _read_alike(runs: Runs) -> tuple[str, list[str], list[list[str]]]:
    ways = [(way, score) for way in READINGS for score in ("npmi", "tu")]
    rows = [
        [system, *(f"{statistics.mean(_values(of, score, way)):.3f}" for way, score in ways)]
        for system, of in runs.items()
    ]
    columns = ["", *(f"{way if score == 'npmi' else ''} {score.upper()}".strip() for way, score in ways)]
    return "The same topics read alike: as published, by chances, by relevance; means", columns, rows


def _ratios(speeds: Figures, system: str) -> list[float]:
    """How many times plain PyTorch's speed, epoch by epoch: what slows the machine down, slows both."""
    pairs = zip(speeds["seconds"][plain_prodlda.PLAIN], speeds["seconds"][system], strict=True)
    return [theirs / ours for theirs, ours in pairs]


def _speeds(case: str, speeds: Figures) -> tuple[str, list[str], list[list[str]]]:
    rows = [
        [system, f"{speeds['documents'] / statistics.median(of):,.0f}", spread(_ratios(speeds, system))]
        for system, of in speeds["seconds"].items()
    ]
    title = f"Training, {case}: {EPOCHS} epochs in turns"
    return title, ["system", "documents/s", "over plain PyTorch, median (range)"], rows


def _totals(runs: Runs, totals: Figures) -> tuple[str, list[str], list[list[str]]]:
    ours = totals["command"]
    counting = totals["stages"]["prepare"]
    rows = [["embertext topics, the whole command", f"{counting:.1f}", f"{ours - counting:.1f}", f"{ours:.1f}", ""]]
    for system, seconds in _from_raw(runs, totals).items():
        parts = [totals["recipe"], seconds - totals["recipe"], seconds]
        rows.append([f"recipe, {system}", *(f"{part:.1f}" for part in parts), f"{seconds / ours:.1f}x"])
    columns = ["from raw messages to judged topics", "counting, s", "the rest, s", "total, s", "over ours"]
    return "Totals; ours with Prefect's server, publishing and the report", columns, rows


def _from_raw(runs: Runs, totals: Figures) -> dict[str, float]:
    return {
        system: totals["recipe"] + _median(of, "seconds") for system, of in runs.items() if system in topic_models.PEERS
    }


def floors(runs: Runs, speeds: dict[str, Figures], totals: Figures) -> list[Floor]:
    """Seeds count by their worst where they are ours, by their best where they are another's."""
    found = []
    if NTM in runs:
        loss = max(run["total_loss"] for run in runs[NTM])
        found.append(Floor(f"ntm, every seed: validation total_loss, {LOSS} less", LOSS - loss, 0.0))
        found.append(Floor("ntm, every seed: TU", min(_values(runs[NTM], "tu")), UNIQUE))
    for score, system in (
        (score, system) for score in ("npmi", "tu") for system in runs if system in topic_models.PEERS
    ):
        for reading in ("published", "relevance"):
            ours, theirs = (_values(runs[name], score, reading) for name in (BEST, system))
            name = f"prodlda's lowest {score.upper()} over {system}'s highest"
            found.append(Floor(name + (", both by relevance" * (reading == "relevance")), min(ours), max(theirs)))
    for case, of in speeds.items():
        name = f"documents/s over plain PyTorch's, {case}"
        found.append(Floor(name, statistics.median(_ratios(of, plain_prodlda.OURS)), FASTER))
    for system, seconds in _from_raw(runs, totals).items() if totals else ():
        found.append(
            Floor(f"from raw messages: recipe and {system}'s time over ours", seconds / totals["command"], 1.0)
        )
    return found


if __name__ == "__main__":
    main()

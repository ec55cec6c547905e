"""A sweep as in a well-known tutorial of SageMaker's tuner: its six ranges, twelve jobs, two at a time; what it gains.

    python -m benchmarks.tuning [--json] [--corpus text8] [--megabytes 0] [--epochs 5] [--jobs 12] [--parallel-jobs 2]

The flow itself runs, on Wikipedia in text8's form: the ranked table, the seconds of each job, and the best mean_rho
against that of the algorithm's defaults, which nobody tuned. The best of twelve is chosen by the number that it is
judged by, so it is trained again with other seeds, as many as the defaults are. What strategies are worth beside
others is told by `python -m benchmarks.surfaces`. About half an hour on two cores.
"""

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from algorithms.word2vec.algorithm import Word2Vec
from benchmarks import harness
from benchmarks.harness import Figures, Floor, spread
from flows.runtime import configure, start_prefect

RANGES: dict[str, Any] = {
    "mode": {"values": ["batch_skipgram", "cbow"]},
    "learning_rate": {"low": 0.005, "high": 0.05, "scaling": "Logarithmic"},
    "window_size": {"low": 5, "high": 30},
    "vector_dim": {"low": 50, "high": 100},
    "min_count": {"low": 20, "high": 50},
    "negative_samples": {"low": 5, "high": 25},
}
METRIC = "mean_rho"


def main() -> None:
    parser = harness.arguments(__doc__ or "", seeds=3)
    parser.add_argument("--corpus", default="text8", help="a named corpus")
    parser.add_argument("--megabytes", type=float, default=0, help="of its beginning; 0: all of it")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=12)
    parser.add_argument("--parallel-jobs", type=int, default=2)
    parser.add_argument("--strategy", default="bayesian")
    parser.add_argument("--rate", type=float, default=0.0, help="euros an hour")
    options = parser.parse_args()
    configure(debug=False)
    text = harness.plain_text(options.corpus)
    with tempfile.TemporaryDirectory(prefix="embertext-tuning-") as folder:
        os.environ["EMBERTEXT_CACHE"] = f"{folder}/cache"  # nothing of before is reused
        if options.megabytes:
            text = beginning(text, int(options.megabytes * 1e6), Path(folder) / "text.txt")
        start_prefect()
        figures = swept(str(text), folder, options)
    tables(figures)
    harness.conclude("tuning", figures, floors(figures), as_json=options.json)


def beginning(text: Path, size: int, target: Path) -> Path:
    """The first bytes of a text, up to the end of a word."""
    with text.open("rb") as file:
        part = file.read(size)
    target.write_bytes(part[: part.rfind(b" ")] + b"\n")
    return target


def swept(text: str, folder: str, options: Any) -> Figures:
    """The sweep, and what its best and the defaults come to with several seeds."""
    from flows.tune.word2vec import tune_word2vec
    from tasks.tune.settings import Tuning

    threads = max(1, options.threads // options.parallel_jobs)
    tuning = Tuning(
        max_jobs=options.jobs,
        max_parallel_jobs=options.parallel_jobs,
        strategy=options.strategy,
        rate=options.rate,
    )
    default = Word2Vec(epochs=options.epochs)
    found = tune_word2vec(text, default, RANGES, tuning, output=f"{folder}/out", threads=threads)
    best = Word2Vec(**{**default.model_dump(), **found.parameters})
    return {
        "trials": found.trials,
        "seconds": found.seconds["tune"],
        "cost": found.cost,
        "best": found.objective[METRIC],
        "parameters": found.parameters,
        "untuned": [trained(text, default, folder, threads=threads, seed=seed) for seed in seeds(options.seeds)],
        "tuned": [trained(text, best, folder, threads=threads, seed=seed) for seed in seeds(options.seeds)],
    }


def seeds(number: int) -> range:
    """Others than the sweep's."""
    return range(2, 2 + number)


def trained(text: str, form: Word2Vec, folder: str, *, threads: int, seed: int) -> Figures:
    """What one training comes to, by its own flow."""
    from flows.word2vec import word2vec

    done = word2vec(text, form, output=f"{folder}/out", threads=threads, seed=seed)
    return {METRIC: done.metrics[METRIC], "seconds": done.seconds["train"]}


def tables(figures: Figures) -> None:
    """The ranked table, then tuned against untuned."""
    rows = figures["trials"]
    columns = [METRIC, *RANGES, "seconds"]
    named = [[row["model_name"].rpartition("-")[2], *(shown(row[name]) for name in columns)] for row in rows]
    # short, so that a line of a terminal holds them
    heads = [{"negative_samples": "negatives", "learning_rate": "rate"}.get(name, name) for name in columns]
    harness.table("Jobs, the best first", ["job", *heads], named)
    harness.table(
        f"Trained again with {len(figures['tuned'])} other seeds",
        ["", METRIC, "seconds"],
        [
            (name, spread([run[METRIC] for run in figures[name]]), spread([run["seconds"] for run in figures[name]]))
            for name in ("untuned", "tuned")
        ],
    )
    seconds = [row["seconds"] for row in rows]
    print(f"seconds a job {spread(seconds)}, of the sweep by the clock {figures['seconds']:.0f}; {figures['cost']}\n")


def shown(value: object) -> str:
    """A value of the table."""
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def floors(figures: Figures) -> list[Floor]:
    """Tuning must be worth it, in the sweep and with seeds that it was not chosen by."""
    untuned = statistics.mean(run[METRIC] for run in figures["untuned"])
    return [
        Floor(f"best {METRIC} of the sweep, against the defaults'", figures["best"], untuned),
        Floor(
            f"{METRIC} of the best with other seeds, against the defaults'",
            statistics.mean(run[METRIC] for run in figures["tuned"]),
            untuned,
        ),
    ]


if __name__ == "__main__":
    main()

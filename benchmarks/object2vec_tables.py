"""What came of `object2vec`, beside what was published and what peers reach: a table and floors for each part."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks import harness, judging
from benchmarks.embedders import WORDS
from benchmarks.harness import Figures, Floor
from benchmarks.row_sparse import ARTICLES, CLOCKS, EXPONENT, ZIPF

ZIPFS = "row_sparse, zipf"
FASTER = {270_000: 2.8, 3_000_000: 20.0}  # times dense, by vocabulary
FLAT = 1.3  # times slower, at most, that the largest vocabulary may be than the smallest
ACCURACY = 0.94  # of all features together
OURS = "ours"
BOUND = """\
The same pairs of sentences and articles for every vocabulary. The smallest has no room for all of their words, in the
others they are spread over the whole table. A step is bound by the layers' products, the same for every vocabulary, and
by the memory's bandwidth for the rows of different words: 7 KB a row, a vector and its two slots, read and written.
Dense: the same for every row there is."""


class Row(NamedTuple):
    """One of the notebook's table, and what it says of test accuracy and cross-entropy."""

    negatives: int
    shared: bool
    comparators: str
    accuracy: float
    cross_entropy: float


EVERY, HADAMARD = "hadamard, concat, abs_diff", "hadamard"
PUBLISHED = (
    Row(0, False, EVERY, 0.167, 23), Row(3, False, EVERY, 0.92, 0.21), Row(5, False, EVERY, 0.92, 0.19),
    Row(0, True, EVERY, 0.167, 23), Row(3, True, EVERY, 0.93, 0.18), Row(5, True, EVERY, 0.936, 0.17),
    Row(0, True, HADAMARD, 0.17, 23), Row(3, True, HADAMARD, 0.93, 0.18), Row(5, True, HADAMARD, 0.94, 0.17),
)  # fmt: skip

Runs = dict[str, Figures]  # by system


def _steps_table(runs: Runs) -> None:
    title = "Steps, samples/s, median (range): 512 pairs of at most 2 x 50 words, dimension 300, adam, one thread"
    rows = []
    for vocabulary, of in runs.items():
        dense, sparse = (of["samples_per_second"][way]["wall"] for way in ("dense", "row_sparse"))
        times = [f"{_speed(of, 'row_sparse', clock) / _speed(of, 'dense', clock):.1f}x" for clock in CLOCKS]
        rows.append(
            [f"{int(vocabulary):,}", _whole(dense), _whole(sparse), *times,
             f"{_speed(of, 'row_sparse', 'processor'):,.0f}", f"{of['different_words'][ARTICLES]:,.0f}",
             f"{of['gigabytes']:.1f}"]
        )  # fmt: skip
    columns = ["vocabulary", "dense", "row_sparse", "times", "CPU: times", "row_sparse", "different words", "GB"]
    harness.table(f"{title}; CPU: by processor time", columns, rows)
    print(BOUND, end="\n\n")
    rows = [
        [f"{int(vocabulary):,}", _whole(of["samples_per_second"][ZIPFS]["wall"]),
         f"{_speed(of, ZIPFS, 'processor'):,.0f}", f"{of['different_words'][ZIPF]:,.0f}"]
        for vocabulary, of in runs.items()
    ]  # fmt: skip
    columns = ["vocabulary", "row_sparse", "CPU: row_sparse", "different words"]
    harness.table(f"The same with words by Zipf's law, exponent {EXPONENT}: more different ones in each", columns, rows)


def _whole(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"


def _speed(of: Figures, way: str, clock: str) -> float:
    speeds: list[float] = of["samples_per_second"][way][clock]
    return statistics.median(speeds)


def steps_floors(runs: Runs) -> list[Floor]:
    """By processor time, the clock that other work on the machine does not reach."""
    ways = "dense", "row_sparse"
    speed = {int(size): {way: _speed(of, way, "processor") for way in ways} for size, of in runs.items()}
    floors = [
        Floor(
            f"{size:,} words: row_sparse over dense, samples a second of the processor",
            speed[size]["row_sparse"] / speed[size]["dense"], least,
        )
        for size, least in FASTER.items()
        if size in speed
    ]  # fmt: skip
    sparse = [each["row_sparse"] for each in speed.values()]
    what = f"row_sparse: samples a second of the processor, {max(speed):,} words over {min(speed):,}"
    return [*floors, Floor(what, sparse[-1] / sparse[0], 1 / FLAT)]


def _ablation_table(runs: Runs) -> None:
    columns = ["negatives", "shared", "comparators", "accuracy", "published", "cross-entropy", "published"]
    rows = [
        [
            str(row.negatives or "off"), "on" if row.shared else "off",
            "hadamard" if row.comparators == HADAMARD else "default",
            _mean(of["accuracy"]), f"{row.accuracy:g}", _mean(of["cross_entropy"]), f"{row.cross_entropy:g}",
            f"{of['seconds']:.0f}", f"{of['samples_per_second']:,.0f}",
        ]
        for row, of in zip(PUBLISHED, runs.values(), strict=True)
    ]  # fmt: skip
    title = "The notebook's table, test sets with 5 negatives per positive; published: on 250,000 articles"
    harness.table(title, [*columns, "seconds", "samples/s"], rows)


def ablation_floors(runs: Runs) -> list[Floor]:
    """Negatives, sharing and hadamard together: with five negatives, and the better of that and three."""
    accuracies = [statistics.mean(of["accuracy"]) for of in runs.values()]
    costs = [statistics.mean(of["cross_entropy"]) for of in runs.values()]
    together = [i for i, row in enumerate(PUBLISHED) if row.negatives and row.shared and row.comparators == HADAMARD]
    others = [i for i in range(len(PUBLISHED)) if i not in together]
    best, cheapest = max(accuracies[i] for i in together), min(costs[i] for i in together)
    return [
        Floor("all features together: test accuracy", accuracies[-1], ACCURACY),
        Floor("all features together: test accuracy, the best other's", best, max(accuracies[i] for i in others)),
        Floor(
            "all features together: the best other's cross-entropy over it", min(costs[i] for i in others) / cheapest, 1
        ),
        Floor("all features together: test accuracy with 5 negatives, with 3", accuracies[-1], accuracies[-2]),
    ]


def _mean(values: Sequence[float]) -> str:
    """The mean over seeds, and how far these lie apart."""
    apart = f" ({min(values):.4f}-{max(values):.4f})" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{apart}"


def _articles_table(runs: Runs) -> None:
    rows = []
    for name, of in runs.items():
        rows.append([name])
        for judged in of["pools"].values():
            rows[-1] += [*(f"{judged[figure]:.3f}" for figure in judging.FIGURES), f"{judged['mean_rank']:.1f}"]
        begun = f"{runs[WORDS]['seconds']:.0f} + " if name == OURS and WORDS in runs else ""  # with these vectors
        rows[-1] += [f"{begun}{of['seconds']:.0f}", f"{of['samples_per_second']:,.0f}"]
    pools = [f"{int(pool):,}" for pool in next(iter(runs.values()))["pools"]]
    columns = ["system"] + [name for pool in pools for name in (f"of {pool}: @1", "hits@10", "hits@20", "mean rank")]
    harness.table("Articles found by a sentence of theirs", [*columns, "seconds", "samples/s"], rows)


def _articles_floors(runs: Runs) -> list[Floor]:
    floors = []
    for pool in next(iter(runs.values()))["pools"]:
        judged = {name: of["pools"][pool] for name, of in runs.items()}
        floors += ahead(f"articles, {int(pool):,}", judged)
    return floors


def ahead(where: str, judged: Runs) -> list[Floor]:
    """Ours is ahead of the best peer in each figure."""
    others = [of for name, of in judged.items() if name != OURS]
    ours = judged[OURS]
    floors = [
        Floor(f"{where}: {figure}, the best peer's", ours[figure], max(of[figure] for of in others))
        for figure in judging.FIGURES
    ]
    best = min(of["mean_rank"] for of in others)
    return [*floors, Floor(f"{where}: the best peer's mean rank over ours", best / ours["mean_rank"], 1)]


def _captions_table(runs: Runs) -> None:
    rows = [
        [name, *(f"{of[figure]:.3f}" for figure in judging.FIGURES), f"{of['mean_rank']:.1f}", f"{of['seconds']:.0f}"]
        for name, of in runs.items()
    ]
    columns = ["system", *judging.FIGURES, "mean rank", "seconds"]
    harness.table("Captions found by another of the same picture, Multi30k's test_2016", columns, rows)


def _sts_table(runs: Runs) -> None:
    rows = [[name, *(f"{of[figure]:.3f}" for figure in ("pearson", "spearman"))] for name, of in runs.items()]
    harness.table("STS benchmark, test: ours told, peers by cosine", ["system", "Pearson", "Spearman"], rows)


def _sts_floors(runs: Runs) -> list[Floor]:
    ours = max(of["pearson"] for name, of in runs.items() if name.startswith(OURS))
    best = max(of["pearson"] for name, of in runs.items() if not name.startswith(OURS))
    return [Floor("sts: Pearson, the best peer's", ours, best)]


TABLES = {
    "steps": _steps_table, "ablation": _ablation_table, "articles": _articles_table, "captions": _captions_table,
    "sts": _sts_table,
}  # fmt: skip
FLOORS = {
    "steps": steps_floors, "ablation": ablation_floors, "articles": _articles_floors,
    "captions": lambda runs: ahead("captions", runs), "sts": _sts_floors,
}  # fmt: skip

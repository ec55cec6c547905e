"""Object2Vec: sparse gradients, the published ablation, retrieval, captions and graded pairs, beside its peers.

    python -m benchmarks.object2vec [--json] [--threads 2] [--only steps ablation articles captions sts] [--small]

    steps      samples a second with row_sparse over dense, for vocabularies of 10,000 to 3,000,000 words
    ablation   the nine rows of SageMaker's notebook of document embeddings, on other and fewer articles
    articles   a sentence of an article that was kept from training finds the rest of it, among 2,000 or 10,000
    captions   Multi30k: a caption finds another one of the same picture, among 1,000
    sts        the STS benchmark's test set: how far what is told of pairs agrees with the scores that people gave

Peers: gensim's Doc2Vec, TF-IDF with SVD, averaged vectors of our own Word2Vec; the same tokens, words and dimension for
everyone (`benchmarks/documents.py` says how each set is made). Cosines rank, ties counted as chance would have them.
Each runs in a process of its own. The data lie in EMBERTEXT_DATA; `steps` needs 17 GB of memory. `--small` takes a
twentieth of everything and measures nothing: it is for tests. About 25 minutes on two cores.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks import documents, harness
from benchmarks.embedders import PEERS, WORDS
from benchmarks.harness import Figures, alone
from benchmarks.object2vec_tables import FLOORS, OURS, PUBLISHED, TABLES, Runs

PARTS = ("steps", "ablation", "articles", "captions", "sts")
VOCABULARIES = (10_000, 270_000, 3_000_000)
POOLS = (2_000, 10_000)
SMALL_STEPS: Figures = {"repetitions": 1, "seconds": 0.01, "dim": 8}


class Job(NamedTuple):
    """One process: the `system` of a module, what its figures are kept under, its options."""

    part: str
    name: str
    module: str
    system: str
    options: Figures


def main() -> None:
    parser = harness.arguments(__doc__ or "", seeds=3)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts, instead of all")
    parser.add_argument("--small", action="store_true", help="a twentieth of everything, for tests")
    options = parser.parse_args()
    documents.folder()
    with tempfile.TemporaryDirectory() as folder:
        found = run([*jobs(options, folder)])
    found = {part: found[part] for part in PARTS if part in options.only}  # peers of sts are judged on articles too
    print()
    for part, runs in found.items():
        TABLES[part](runs)
    floors = [floor for part, runs in found.items() for floor in FLOORS[part](runs)]
    harness.conclude("object2vec", {"small": options.small, **found}, floors, as_json=options.json)


def jobs(options: argparse.Namespace, folder: str) -> Iterator[Job]:
    """In order: word vectors are trained before anyone begins with them. folder: for those."""
    common = {"threads": options.threads, "seed": 1}
    sized = common | {"small": options.small}
    begun = {"words": folder}
    pools = {"pools": [pool // documents.SMALL for pool in POOLS] if options.small else POOLS}
    if {"ablation", "articles", "sts"} & {*options.only}:
        yield Job("articles", WORDS, "benchmarks.embedders", f"articles: {WORDS}", sized | pools | {"folder": folder})
    if {"articles", "sts"} & {*options.only}:
        for name in PEERS:
            if name != WORDS:
                yield Job("articles", name, "benchmarks.embedders", f"articles: {name}", sized | pools)
    if "articles" in options.only:
        yield Job("articles", OURS, "benchmarks.towers", f"articles: {OURS}", sized | pools | begun)
    if "ablation" in options.only:
        for number, row in enumerate(PUBLISHED):
            features = {"negatives": row.negatives, "shared": row.shared, "comparators": row.comparators}
            seeds = range(1, 1 + (options.seeds if row.negatives else 1))
            each = {"threads": options.threads, "small": options.small, "seeds": [*seeds]}
            yield Job("ablation", str(number), "benchmarks.towers", "notebook", each | features | begun)
    if "captions" in options.only:
        for name in PEERS:
            yield Job("captions", name, "benchmarks.embedders", f"captions: {name}", sized)
        yield Job("captions", OURS, "benchmarks.towers", f"captions: {OURS}", sized)
    if "sts" in options.only:
        yield Job("sts", OURS, "benchmarks.towers", "sts: ours", common)
        yield Job("sts", f"{OURS}, from word2vec", "benchmarks.towers", "sts: ours", common | begun)
    if "steps" in options.only:
        settings = SMALL_STEPS if options.small else {"repetitions": 5, "seconds": 1}
        sizes = VOCABULARIES[: 1 if options.small else None]
        steps = settings | {"vocabularies": sizes, "threads": 1, "seed": 1, "small": options.small}
        yield Job("steps", "every vocabulary", "benchmarks.row_sparse", "steps", steps)


def run(todo: Sequence[Job]) -> dict[str, Runs]:
    """Do them one by one; figures by part and name."""
    found: dict[str, Runs] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(todo))
        for job in todo:
            progress.update(bar, description=f"{job.part}: {job.name}")
            figures = alone(job.module, job.system, **job.options)
            figures = {name: value for name, value in figures.items() if name not in ("stderr", "seconds_to")}
            if (sizes := figures.pop("vocabularies", None)) is not None:
                found["steps"] = sizes
                continue
            if (likeness := figures.pop("sts", None)) is not None:
                found.setdefault("sts", {})[job.name] = likeness
            found.setdefault(job.part, {})[job.name] = figures
            progress.advance(bar)
    return found


if __name__ == "__main__":
    main()

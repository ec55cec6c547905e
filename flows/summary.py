"""The end of a run on a terminal: a short table for a person, or one line of JSON for a program."""

import orjson
from rich.console import Console
from rich.table import Table

from tasks.artifacts import Summary


def print_json(summary: Summary) -> None:
    """One object on one line, the last of stdout."""
    wanted = {"model", "report", "metrics", "words_per_second", "seconds", "reused"}
    print(orjson.dumps(summary.model_dump(include=wanted)).decode(), flush=True)


def print_summary(summary: Summary) -> None:
    """Corpus, speed, metrics, neighbours of a few words, and where the model and the report are."""
    table = Table.grid(padding=(0, 3))
    table.add_column(style="bold")
    table.add_row("corpus", f"{summary.corpus}: {summary.tokens:,} words, {summary.vocabulary:,} distinct")
    table.add_row("words per second", f"{summary.words_per_second:,.0f}")
    for name, value in summary.metrics.items():
        if name == "analogies":
            table.add_row(name, f"{value['accuracy']:.1%} of {value['asked']:,} questions")
        elif name == "mean_rho":
            table.add_row(name, f"{value:.3f}")
        else:
            pairs = value["total_pairs"] - value["not_found"]
            table.add_row(name.removesuffix(".txt"), f"{value['spearmans_rho']:.3f} over {pairs} word pairs")
    for word, nearest in summary.neighbours.items():
        table.add_row(word, ", ".join(nearest[:5]))
    seconds = ", ".join(
        f"{name} reused" if name in summary.reused else f"{name} {value:.1f}" for name, value in summary.seconds.items()
    )
    table.add_row("seconds", seconds)
    console = Console(highlight=False, markup=False)
    console.print(table)
    print(f"\nmodel   {summary.model}\nreport  {summary.report}")

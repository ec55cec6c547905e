"""The end of a run on a terminal: a short table for a person, or one line of JSON for a program."""

import orjson
from rich.console import Console
from rich.table import Table

from tasks.artifacts import Summary
from tasks.transform.artifacts import Transformed


def print_json(summary: Summary | Transformed) -> None:
    """One object on one line, the last of stdout."""
    print(orjson.dumps(summary.model_dump(exclude={"rows"})).decode(), flush=True)


def print_summary(summary: Summary | Transformed) -> None:
    """What the run wants seen of it, the time that each stage took, and where the model and the report are."""
    table = Table.grid(padding=(0, 3))
    table.add_column(style="bold")
    for name, text in summary.rows:
        table.add_row(name, text)
    seconds = ", ".join(
        f"{name} reused" if name in summary.reused else f"{name} {value:.1f}" for name, value in summary.seconds.items()
    )
    table.add_row("seconds", seconds)
    console = Console(highlight=False, markup=False)
    console.print(table)
    width = max(map(len, summary.places)) + 2
    print("\n" + "\n".join(f"{name:<{width}}{url}" for name, url in summary.places.items()))

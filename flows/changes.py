"""What changed between two models, on a terminal."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from tasks.drift import Drifted, rows

SHOWN = 10  # of each list


def print_drift(drifted: Drifted) -> None:
    """Numbers, and the first of each list, in columns."""
    found = drifted.found
    console = Console(highlight=False, markup=False)
    console.print(f"from {drifted.before.name} to {drifted.after.name}\n", style="bold")
    _table(console, ["", ""], [[str(row["what"]), f"{row['value']:,}"] for row in rows(drifted)])
    if (words := found.vocabulary) is not None:
        told = {
            "born": [word.word for word in words.born],
            "gone": [word.word for word in words.gone],
            "said more": [each.word for each in words.moved if (each.share_after or 0) > (each.share_before or 0)],
            "said less": [each.word for each in words.moved if (each.share_after or 0) < (each.share_before or 0)],
        }
        _table(console, ["words", ""], [[name, ", ".join(each[:SHOWN])] for name, each in told.items() if each])
    for near in found.neighbours:
        body = [
            [each.word, str(each.kept), " ".join(each.before[:5]), " ".join(each.after[:5])]
            for each in near.changed[:SHOWN]
        ]
        _table(console, [near.name, "stay", "nearest before", "nearest after"], body)
    if (topics := found.topics) is not None:
        ends = {"born": topics.born, "gone": topics.gone}
        body = [
            [name, str(topic.topic), " ".join(topic.words)] for name, each in ends.items() for topic in each[:SHOWN]
        ]
        _table(console, ["topics", "", "words"], body)
    if (classes := found.classes) is not None:
        body = [[each.label, f"{each.before:.1%}", f"{each.after:.1%}"] for each in classes.classes[:SHOWN]]
        _table(console, ["class", "before", "after"], body)


def _table(console: Console, head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """Aligned columns under a head; nothing where there is no body."""
    if not body:
        return
    table = Table(box=None, padding=(0, 3, 0, 0), show_header=any(head), header_style="bold")
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if _numbers(row[number] for row in body) else "left")
    for row in body:
        table.add_row(*row)
    console.print(table)
    console.print()


def _numbers(cells: Iterable[str]) -> bool:
    return all(cell.replace(",", "").replace(".", "").rstrip("%").isdigit() for cell in cells)

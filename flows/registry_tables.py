"""What a registry holds, on a terminal: aligned columns for a person, or one line of JSON for a program."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson
from rich.console import Console
from rich.table import Table

from data.registry.comparison import Row
from data.registry.records import Alias, Move, Version

if TYPE_CHECKING:
    from tasks.drift import Drifted

OTHERS, METRIC = 64, 22  # characters of a line that is not metrics; of a metric


def print_models(place: str, models: Sequence[tuple[str, list[int], Alias | None]], *, json: bool) -> None:
    """A line for each model."""
    if json:
        values = [
            {"name": name, "versions": numbers, "champion": alias and alias.version} for name, numbers, alias in models
        ]
        return _json({"models": values})
    if not models:
        return print(f"nothing is registered in {place}")
    body = [
        [
            name,
            str(len(numbers)),
            str(alias.version) if alias else "–",
            _moment(alias.when) if alias else "",
            alias.how if alias else "",
        ]
        for name, numbers, alias in models
    ]
    return _table(["model", "versions", "champion", "since", ""], body, right=(1, 2))


def print_versions(versions: Sequence[Version], alias: Alias | None, *, json: bool) -> None:
    """A line for each version, the last first."""
    if json:
        return _json(
            {"versions": [each.model_dump(mode="json") for each in versions], "champion": alias and alias.version}
        )
    metrics = list(dict.fromkeys(name for each in reversed(versions) for name in _foremost(each)))
    metrics = metrics[: max(1, (Console().width - OTHERS) // METRIC)]
    head = ["version", "", "registered", "partition", "corpus", *metrics, "run"]
    partitions = any(each.partition for each in versions)
    body = [
        [
            str(each.version),
            "champion" if alias and alias.version == each.version else "",
            _moment(each.registered),
            each.partition,
            str(each.corpus.get("name", "")),
            *(_value(each.metrics.get(name)) for name in metrics),
            each.run.name,
        ]
        for each in reversed(versions)
    ]
    kept = [number for number in range(len(head)) if number != 3 or partitions]
    return _table(
        [head[i] for i in kept],
        [[row[i] for i in kept] for row in body],
        right=(0, *(place for place, i in enumerate(kept) if 5 <= i < 5 + len(metrics))),
        whole=3,
    )


def print_version(version: Version, alias: Alias | None, *, json: bool) -> None:
    """All of one version, and the moves of the champion that it was part of."""
    moves = [
        move
        for move in [*(alias.history if alias else []), *([alias] if alias else [])]
        if move.version == version.version
    ]
    if json:
        return _json(
            {
                **version.model_dump(mode="json"),
                "moves": [move.model_dump(mode="json", exclude={"history"}) for move in moves],
            }
        )
    judged = version.judged or {}
    rows = {
        "version": version.label + (", the champion" if alias and alias.version == version.version else ""),
        "algorithm": version.algorithm,
        "model": version.model,
        "manifest": f"sha256:{version.manifest}",
        "registered": f"{_moment(version.registered)} by {version.by}",
        "partition": version.partition,
        "corpus": " ".join(str(version.corpus[name]) for name in ("name", "checksum") if version.corpus.get(name)),
        "run": " ".join(each for each in (version.run.flow, version.run.name, version.run.id) if each),
        "deployment": version.run.deployment,
        "code": str(version.code.get("revision") or version.code.get("version") or ""),
        "gate": f"{judged['verdict']}: {judged['why']}" if judged else "",
    }
    told = [[_moment(move.when), f"{move.how} by {move.by}: {move.why}"] for move in moves]
    _table([], [[name, value] for name, value in rows.items() if value] + told)
    print()
    return _table(["metric", ""], [[name, _value(value)] for name, value in version.metrics.items()], right=(1,))


def print_comparison(
    first: Version, second: Version, rows: Sequence[Row], *, changed: "Drifted | None" = None, json: bool
) -> None:
    """What differs, all metrics, and what changed between the models, where somebody has looked."""
    if json:
        told = {"drift": changed.model_dump(mode="json")} if changed else {}
        return _json({"first": first.version, "second": second.version, "rows": rows, **told})
    head = ["", first.label, second.label, "difference"]
    for section in ("origin", "metrics", "hyperparameters"):
        body = [
            [row["name"], _value(row["first"]), _value(row["second"]), _difference(row)]
            for row in rows
            if row["section"] == section and (row["first"], row["second"]) != (None, None)
        ]
        if body and section == "origin":
            _table(head[:3], [row[:3] for row in body])
        elif body:
            print()
            _table([section, *head[1:]], body, right=(1, 2, 3))
    if changed:
        from flows.changes import print_drift

        print()
        print_drift(changed)
    return None


def print_move(name: str, move: Move, *, json: bool) -> None:
    """Who is the champion now."""
    if json:
        return _json({"name": name, **move.model_dump(mode="json")})
    before = f" in the place of {name}@{move.previous}" if move.previous and move.how == "promoted" else ""
    return print(f"{name}@{move.version} is the champion{before}: {move.why}")


def _foremost(version: Version) -> list[str]:
    """Its metrics, the one that the gate has judged by first, where it is among them."""
    metric = (version.judged or {}).get("judged_by", "")
    return sorted(version.metrics, key=lambda name: name not in (metric, f"validation_{metric}"))


def _difference(row: Row) -> str:
    return "" if row["difference"] is None else _value(row["difference"], sign="+")


def _value(value: Any, *, sign: str = "") -> str:
    if value is None:
        return "–"
    told = f"{value:{sign}.4f}" if isinstance(value, float) else f"{value:{sign}}" if sign else str(value)
    return told.rstrip("0").rstrip(".") if "." in told and isinstance(value, float) else told


def _moment(when: str) -> str:
    """To the minute, in UTC as the records have it."""
    return when[:16].replace("T", " ")


def _json(value: Any) -> None:
    print(orjson.dumps(value).decode(), flush=True)


def _table(head: Sequence[str], body: Sequence[Sequence[str]], *, right: Sequence[int] = (), whole: int = 1) -> None:
    """Aligned columns; the first ones, `whole` of them, and those of numbers stay whole on a narrow terminal."""
    table = Table(box=None, padding=(0, 3, 0, 0), show_header=any(head), header_style="bold")
    for number in range(len(body[0]) if body else len(head)):
        cells = [*head[number : number + 1], *(row[number] for row in body)]
        kept = number in right or number < whole
        table.add_column(
            head[number] if head else "",
            justify="right" if number in right else "left",
            min_width=max(map(len, cells)) if kept else None,
            overflow="fold",
        )
    for row in body:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)

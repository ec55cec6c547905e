"""A sweep's trials as a table, the best first: for Prefect, as CSV, as a DataFrame; and what they cost."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from algorithms.search.trials import Trial
from data import storage
from tasks.tune.sweep import Swept
from tasks.tune.trial import shown

if TYPE_CHECKING:
    from pandas import DataFrame

CSV = "trials.csv"
Row = dict[str, Any]


def rows(swept: Swept) -> list[Row]:
    """One a trial: model_name, the objectives, all hyperparameters that were searched, seconds, status, reason.

    Behind those that were searched are others in which trials of earlier sweeps differ. Ranked as the search ranks
    them; behind them those that failed, in their order. A parameter that did not count there is None, and so is a value
    that there is none of.
    """
    objectives = [each.metric for each in swept.objectives]
    searched = dict.fromkeys([*swept.sweep.space.ranges, *(name for each in swept.trials for name in each.parameters)])
    ordered = [*swept.ranked, *(each for each in swept.trials if each.status == "failed")]
    return [
        {
            "model_name": model_name(swept, each),
            **dict.fromkeys(objectives),
            **dict(zip(objectives, each.values, strict=False)),
            **searched,
            **each.parameters,
            "seconds": round(each.seconds, 1),
            "status": each.status,
            "reason": each.reason,
        }
        for each in ordered
    ]


def model_name(swept: Swept, each: Trial) -> str:
    """The sweep that a trial is of, and its number there."""
    return f"{storage.name(each.sweep) if each.sweep else swept.name}-{each.number:03}"


def to_csv(table: Sequence[Mapping[str, Any]]) -> str:
    """The table with a line of names first; None is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table[0]) if table else ["model_name"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def frame(url: str) -> "DataFrame":
    """The table of a published sweep, by the address of its folder, as a DataFrame."""
    import pandas

    return pandas.read_csv(io.BytesIO(storage.read_bytes(storage.join(url, CSV))))


def shortened(table: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The table as a person reads it: numbers with four digits; reasons where something failed."""
    told = any(row["status"] == "failed" for row in table)
    return [
        {
            name: "" if value is None else value if name == "seconds" else shown(value)
            for name, value in row.items()
            if told or name != "reason"
        }
        for row in table
    ]


def cost(swept: Swept) -> dict[str, float]:
    """Of all of the sweep's own trials, those of earlier runs too, and those that failed or were stopped.

    job_seconds: added up; machine_seconds: the same where trials that run side by side share a machine; euros at the
    sweep's rate, where there is one.
    """
    jobs = sum(each.seconds for each in swept.trials if not each.sweep)
    machine = jobs / swept.sharing
    rate = swept.sweep.tuning.rate
    euros = {"euros": round(machine / 3600 * rate, 4)} if rate else {}
    return {"job_seconds": round(jobs, 1), "machine_seconds": round(machine, 1), **euros}

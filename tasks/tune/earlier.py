"""A sweep as a file: what a published one tells to those that come after it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from algorithms.search.earlier import Earlier, Kind
from algorithms.search.trials import Trial, completed
from data import storage
from data.errors import EmbertextError

FORMAT = "embertext-sweep/1"
NAME = "sweep.json"


def told(
    trials: list[Trial],
    *,
    algorithm: str,
    data: Mapping[str, Any],
    base: Mapping[str, Any],
    objectives: list[str],
    ranges: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of sweep.json. base: hyperparameters that were not searched; data: what trials are trained on."""
    return {
        "format": FORMAT,
        "algorithm": algorithm,
        "objectives": objectives,
        "data": dict(data),
        "base": dict(base),
        "ranges": dict(ranges),
        "trials": [
            asdict(each) | {"rounds": {str(epoch): value for epoch, value in each.rounds.items()}} for each in trials
        ],
    }


def read(url: str, *, data: Mapping[str, Any]) -> Earlier:
    """A published sweep by its folder, or by its sweep.json; identical where it was of the same data.

    Raises EmbertextError where there is none, and where no trial of it has completed.
    """
    where = f"warm_start={url!r}"
    path = url if url.endswith(".json") else storage.join(url, NAME)
    if not storage.exists(path):
        raise EmbertextError(f"no {NAME} there", where=where, remedy="give the folder of a published sweep")
    found = storage.read_json(path)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise EmbertextError("not the file of a sweep", where=where, remedy="give the folder of a published sweep")
    trials = tuple(_trial(each) for each in found["trials"])
    if not completed(trials):
        raise EmbertextError("no trial of it has completed", where=where, remedy="leave it out")
    kind: Kind = "identical" if found["data"] == dict(data) else "transfer"
    return Earlier(url, kind, trials, found["base"], tuple(found["objectives"]))


def _trial(found: Mapping[str, Any]) -> Trial:
    rounds = {int(epoch): value for epoch, value in found["rounds"].items()}
    return Trial(**{**found, "values": tuple(found["values"]), "rounds": rounds})

"""Warm start: what earlier sweeps know, for a new one. Pure but for `read`."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from algorithms.search.objectives import Objective
from algorithms.search.proposals import Known
from algorithms.search.ranges import spelled
from algorithms.search.record import NAME, recorded, shown
from algorithms.search.space import Parameters, Space
from algorithms.search.trials import Trial, completed, ranked
from data.errors import EmbertextError

Kind = Literal["identical", "transfer"]

BEST = 3  # points of earlier sweeps on other data that are tried first


class Earlier(NamedTuple):
    """A sweep that has been. identical: on the same data, so that its trials count as ours; transfer: on other data.

    base: the hyperparameters that it did not search. objectives: as written down, "maximize npmi".
    """

    name: str
    kind: Kind
    trials: tuple[Trial, ...]
    base: Mapping[str, Any]
    objectives: tuple[str, ...]

    @classmethod
    def read(cls, storage: str, *, kind: Kind, name: str = NAME) -> "Earlier":
        """From its storage. Raises EmbertextError where there is none, and where no trial of it has completed."""
        trials, settings = recorded(storage, name=name)
        if not completed(trials):
            raise EmbertextError(
                "no trial of it has completed", where=f"warm_start={shown(storage)!r}", remedy="leave it out"
            )
        return cls(storage, kind, tuple(trials), settings.get("base", {}), tuple(settings.get("objectives", ())))

    def check(self, objectives: Sequence[Objective], space: Space) -> None:
        """Refuse one that was after something else, or searched none of our parameters. Raises EmbertextError."""
        where = f"warm_start={shown(self.name)!r}"
        wanted = tuple(map(str, objectives))
        if self.objectives != wanted:
            what = f"its objective was {', '.join(self.objectives)}, ours is {', '.join(wanted)}"
            raise EmbertextError(what, where=where, remedy="choose the same objective, or leave it out")
        if not any(space.ranges.keys() & trial.parameters.keys() for trial in self.trials):
            raise EmbertextError("it searched none of our parameters", where=where, remedy="leave it out")

    def counted(self, space: Space) -> list[Trial]:
        """Its completed trials, said to be from it, each with all that makes it other than our form.

        What we search and it did not is among their parameters, and so is what neither searched and we have otherwise.
        """
        return [
            dataclasses.replace(trial, sweep=self.name, parameters=self._told(trial, space))
            for trial in completed(self.trials)
        ]

    def known(self, space: Space, objectives: Sequence[Objective]) -> list[Known]:
        """What its completed trials tell about our space, the best first; those that lie outside tell nothing."""
        found = []
        for trial in ranked(completed(self.trials), objectives):
            point = {**self.base, **trial.parameters}
            if not space.contains(point) or self._elsewhere(point, space):
                continue
            values = tuple(each.sign * value for each, value in zip(objectives, trial.values, strict=True))
            found.append(Known(space.active({**space.base, **point}), values))
        return found

    def _told(self, trial: Trial, space: Space) -> Parameters:
        point = {**self.base, **trial.parameters}
        active = space.active(space.canonical(point))
        others = {
            name: value
            for name, value in point.items()
            if name not in space.ranges and (name not in space.base or spelled(value) != spelled(space.base[name]))
        }
        return {name: point[name] for name in active if name in point} | others

    def _elsewhere(self, point: Parameters, space: Space) -> bool:
        """Whether it differs in what we do not search: then its value is not what we would get."""
        if self.kind == "transfer":
            return False
        return any(
            name in space.base and spelled(value) != spelled(space.base[name])
            for name, value in point.items()
            if name not in space.ranges
        )


def informed(
    own: Sequence[Known], sweeps: Sequence[Earlier], space: Space, objectives: Sequence[Objective]
) -> tuple[list[Known], list[Parameters]]:
    """What is known with earlier sweeps, and points to begin with.

    Trials on identical data are known as our own are. Values on other data are not ours, though what was best there is
    where to look first.
    """
    known, first = list(own), []
    for each in sweeps:
        if each.kind == "identical":
            known += each.known(space, objectives)
        else:
            first += [found.parameters for found in each.known(space, objectives)[:BEST]]
    return known, first

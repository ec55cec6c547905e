"""What came of judging a model beside the one that is the champion: a value that publishing and pages read.

Who judges is an algorithm's `champion.py`, who decides is `tasks/registry`; this knows neither.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel

from tasks.drift import Drifted

Better: TypeAlias = Literal["higher", "lower"]


class Comparison(NamedTuple):
    """Both on the same evaluation. values: by metric, of the champion and of this one, None where there is none.

    on: what they were judged on; note: what is to be known of it; flaw: why this one is worse whatever its numbers.
    """

    values: Mapping[str, tuple[float | None, float | None]]
    on: str = ""
    note: str = ""
    flaw: str = ""


class Judge(NamedTuple):
    """Judges the model that is published in a folder, by its URL, beside this one; "" for this one alone.

    how: of an algorithm; given: what it is told beside the URL. Not a closure: only what tasks are given as it is does
    Prefect unwrap, where a stage has ended as Cached.
    """

    how: Callable[..., Comparison]
    given: Mapping[str, Any]

    def __call__(self, champion: str) -> Comparison:
        """Both on the same evaluation."""
        return self.how(champion, **self.given)


class Row(BaseModel, frozen=True):
    """A metric of both; None where it could not be had. better: which values are."""

    metric: str
    better: Better
    champion: float | None
    this: float | None


class Against(BaseModel, frozen=True):
    """A model beside the champion, `champion` being that one's label, words@3, or "" where there is none yet.

    judged_by: the metric that decides, whose row is the first; margin: how much worse still passes; promoted: whether
    it passes; why: in a sentence. drift: what changed since the champion, or, where there is none, the latest version.
    """

    name: str
    champion: str
    url: str
    judged_by: str
    margin: float
    rows: list[Row]
    promoted: bool
    why: str
    on: str = ""
    note: str = ""
    drift: Drifted | None = None

    @property
    def verdict(self) -> str:
        """promoted, or not promoted."""
        return "promoted" if self.promoted else "not promoted"

    def told(self) -> dict[str, Any]:
        """As the manifest has it, beside what changed."""
        return {**self.model_dump(mode="json", exclude={"drift"}), "verdict": self.verdict}


def known(value: float | None) -> bool:
    """Whether a metric says something."""
    return value is not None and math.isfinite(value)

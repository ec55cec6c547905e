"""The form of a sweep, whatever algorithm it is of; and its ranges, as people give them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from algorithms.search import forms, spaces
from algorithms.search.limits import Limits
from algorithms.search.objectives import Objective, objectives
from algorithms.search.ranges import Integer
from algorithms.search.reading import ranges as checked
from algorithms.search.reading import read
from algorithms.search.rule import Stopping
from algorithms.search.search import Strategy
from algorithms.search.space import Space
from data import storage
from data.errors import EmbertextError

Ranges = Annotated[str | dict[str, Any], WithJsonSchema({"type": "string"})]
"""YAML or JSON as text, the path or URL of such a file, or what it would hold; nothing for those recommended.

To a form it is text: Prefect's page has no better field for what any key may be in.
"""

FILES = (".yaml", ".yml", ".json")


class Tuning(Limits, title="Tuning"):
    """How to search, and until when."""

    objective: Annotated[
        str,
        Field(
            title="Objective",
            description="A metric that the algorithm reports, or several with commas between for a Pareto front, such "
            "as 'mean_rho, seconds'; 'maximize x' where the name does not tell; empty: the algorithm's own.",
        ),
    ] = ""
    strategy: Annotated[Strategy, Field(title="Strategy", description="How points are chosen.")] = "bayesian"
    early_stopping_type: Annotated[
        Stopping,
        Field(
            title="Early stopping of trials",
            description="median: a trial ends after an epoch in which it is worse than the median of the others' "
            "running averages.",
        ),
    ] = "off"
    warm_start: Annotated[
        str,
        Field(
            title="Warm start",
            description="Folders or URLs of published sweeps to learn from, with commas between, five at most.",
        ),
    ] = ""
    resume: Annotated[
        bool,
        Field(title="Resume a sweep", description="Go on with a sweep of the same that was begun, or ended, before."),
    ] = True
    storage: Annotated[
        str,
        Field(
            title="Storage",
            description="Where trials are written down: a file, or a database's URL such as sqlite:///sweeps.db; empty:"
            " a file in the cache.",
        ),
    ] = ""
    rate: Annotated[
        float,
        Field(
            title="Euros per hour",
            description="What an hour of the machine costs, in euros.",
            ge=0,
            allow_inf_nan=False,
        ),
    ] = 0.0

    def objectives(self, default: str) -> tuple[Objective, ...]:
        """What the sweep is after. Raises HyperparameterError for a metric whose direction is not known."""
        return objectives(each.strip() for each in (self.objective or default).split(",") if each.strip())

    @property
    def limits(self) -> Limits:
        """When it ends: a grid, unless told otherwise, when all of it has been tried."""
        whole = self.strategy == "grid" and "max_jobs" not in self.model_fields_set
        fields = self.model_dump(include=set(Limits.model_fields))
        return Limits(**(fields | {"max_jobs": 0} if whole else fields))

    @property
    def earlier(self) -> tuple[str, ...]:
        """The sweeps to learn from."""
        return tuple(each.strip() for each in self.warm_start.split(",") if each.strip())


def space(algorithm: str, form: BaseModel, given: Ranges) -> Space:
    """Where to search around a form. Raises EmbertextError, in one line, for ranges that are none or do not fit it."""
    if isinstance(given, Mapping) and given:
        return forms.space(form, checked(given))
    text = str(given or "").strip()
    if not text:
        return forms.space(form, forms.fitting(form, spaces.recommended(algorithm)))
    if "\n" not in text and (text.lower().endswith(FILES) or storage.exists(text)):
        return forms.space(form, read(_text(text), where=text))
    return forms.space(form, read(text))


def _text(url: str) -> str:
    try:
        return storage.read_bytes(url).decode()
    except UnicodeDecodeError as error:
        raise EmbertextError("not UTF-8", where=f"ranges={url!r}", remedy="save it as UTF-8 text") from error


def rounds(form: BaseModel, searched: Space) -> int:
    """Epochs of a trial that nothing stops, at most."""
    epochs = searched.ranges.get("epochs")
    if isinstance(epochs, Integer):
        return epochs.high
    values = [value for value in getattr(epochs, "values", ()) if isinstance(value, int)]
    return max(values, default=int(getattr(form, "epochs", 0)))


def formed(form: BaseModel, parameters: Mapping[str, Any]) -> BaseModel:
    """The form with a trial's parameters. Raises pydantic's ValidationError for what it does not take together."""
    return type(form)(**{**form.model_dump(), **parameters})

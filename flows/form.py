"""The form of a flow: what Prefect's page shows of a function's parameters, and which of those are forms themselves."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, Field

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Number = Annotated[int, Field(ge=0)]

Function = TypeVar("Function", bound=Callable[..., Any])

TITLES = {
    "train": "Training data",
    "validation": "Validation data",
    "test": "Test data",
    "against": "Lines that belong to those",
    "reference": "Reference for coherence",
    "vectors": "Word vectors",
    "compare": "Compare decoders",
    "old": "Earlier model",
    "new": "Later model",
    "every": "Length of a partition",
    "since": "First partition",
    "settled": "Minutes without a change",
    "marker": "Marker of what is whole",
    "state": "Where it is remembered",
    "adopt": "Adopt what is there",
    "auxiliary": "Auxiliary files",
    "workers": "Dask workers",
    "scheduler": "Dask scheduler",
    "reuse": "Reuse what is done",
    "resume": "Resume from a checkpoint",
    "watch": "Seconds between looks",
    "max_payload": "Largest payload in MB",
    "max_errors": "Bad records, at most",
}


def titled(function: Function) -> Function:
    """In place: titles for people on a flow's parameters, for which Prefect takes the names that they have in the code.

    Names that read badly by themselves are in TITLES; a form has that of its class. What is extra comes last in
    pydantic's schema, behind Prefect's.
    """
    for name, kind in function.__annotations__.items():
        if name != "return":
            form = form_of(kind)
            title = (form and form.model_config.get("title")) or TITLES.get(name) or name.replace("_", " ").capitalize()
            function.__annotations__[name] = Annotated[kind, Field(json_schema_extra={"title": title})]
    return function


def form_of(kind: Any) -> type[BaseModel] | None:
    """The form that a parameter's annotation stands for, if it does."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return bare if inspect.isclass(bare) and issubclass(bare, BaseModel) else None

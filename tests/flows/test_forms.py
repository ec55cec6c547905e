"""The form of every flow that is deployed, as the Prefect UI and the command line show it.

A change of a form is a change for its users. Look at it, then write it down:
EMBERTEXT_UPDATE_SNAPSHOTS=1 pytest tests/flows/test_forms.py
"""

import json
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Annotated

import pytest
import yaml
from prefect import Task
from pydantic import BaseModel, Field

from algorithms.forms import in_order
from flows.evaluate_classifier import evaluate_classifier
from flows.form import form_of, titled
from flows.object2vec import object2vec
from flows.text_classification import text_classification
from flows.topics import topics
from flows.word2vec import word2vec

ROOT = Path(__file__).parent.parent.parent
SNAPSHOTS = Path(__file__).parent / "snapshots"
STAGED = [word2vec, text_classification, evaluate_classifier, topics, object2vec]
DEPLOYED = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
MODULES = sorted({deployment["entrypoint"].rpartition(".")[::2] for deployment in DEPLOYED})
FLOWS = [getattr(import_module(module), name) for module, name in MODULES]
every_flow = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)

SCALARS = {"string", "integer", "number", "boolean"}
BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
ANY_NUMBER = {"target"}  # a metric's value


def groups(schema):
    """The fields of the form, and of each form in it."""
    return [schema["properties"], *(form.get("properties", {}) for form in schema.get("definitions", {}).values())]


def fields(schema):
    return [(name, field) for group in groups(schema) for name, field in group.items()]


def title(field, schema):
    """As the page shows it: a form without a title of its own here has that of its definition."""
    return field.get("title") or schema["definitions"][field["$ref"].rpartition("/")[2]]["title"]


def typed(field):
    """Whether a page can show a field that only takes what it may be. None is something that a value may be beside."""
    kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]
    kind = kinds[0].get("type")
    return len(kinds) == 1 and ("$ref" in kinds[0] or kind in SCALARS or (kind == "array" and typed(kinds[0]["items"])))


@every_flow
def test_the_form_is_the_one_that_was_agreed(flow):
    path = SNAPSHOTS / f"{flow.name}.json"
    schema = json.dumps(flow.parameters.model_dump_for_openapi(), indent=2, sort_keys=True) + "\n"
    if os.environ.get("EMBERTEXT_UPDATE_SNAPSHOTS"):
        path.write_text(schema, encoding="utf-8")
    assert schema == path.read_text(encoding="utf-8")


@every_flow
def test_every_field_explains_itself(flow):
    schema = flow.parameters.model_dump_for_openapi()
    assert [name for name, field in fields(schema) if not field.get("description")] == []


@every_flow
def test_every_field_is_titled_in_words(flow):
    schema = flow.parameters.model_dump_for_openapi()
    titles = {name: title(field, schema) for name, field in fields(schema)}
    assert [name for name, each in titles.items() if not re.fullmatch(r"(in[01]: [a-z]|[A-Z])[^_]*", each)] == []
    for group in groups(schema):
        shown = [title(field, schema) for field in group.values()]
        assert len(shown) == len(set(shown)), "two fields that look alike"


@every_flow
def test_every_field_has_a_type_and_numbers_have_bounds(flow):
    schema = flow.parameters.model_dump_for_openapi()
    assert [name for name, field in fields(schema) if not typed(field)] == []
    free = [
        name
        for name, field in fields(schema)
        if field.get("type") in ("integer", "number") and not BOUNDS & field.keys() and name not in ANY_NUMBER
    ]
    assert free == []
    assert [
        name for name, form in schema.get("definitions", {}).items() if form.get("additionalProperties", True)
    ] == []


@every_flow
def test_every_field_has_a_default_or_must_be_given(flow):
    schema = flow.parameters.model_dump_for_openapi()
    for properties in (schema, *schema.get("definitions", {}).values()):
        given = {name for name, field in properties.get("properties", {}).items() if "default" in field}
        assert given | {*properties.get("required", [])} == properties.get("properties", {}).keys()


@every_flow
def test_fields_know_their_places(flow):
    """Which the page sorts by; a server with PostgreSQL keeps no other order."""
    for group in groups(flow.parameters.model_dump_for_openapi()):
        assert [field["position"] for field in group.values()] == list(range(len(group)))


@every_flow
def test_what_a_deployment_begins_with_is_in_its_form(flow):
    for deployment in DEPLOYED:
        module, name = deployment["entrypoint"].rpartition(".")[::2]
        if getattr(import_module(module), name) is flow:
            assert deployment.get("parameters", {}).keys() <= flow.parameters.properties.keys()
            for schedule in deployment.get("schedules", []):
                given = {**deployment.get("parameters", {}), **schedule.get("parameters", {})}
                assert given.keys() >= {*flow.parameters.required}, "nobody is there to fill it in"


@pytest.mark.parametrize("flow", STAGED, ids=lambda flow: flow.name)
def test_every_task_can_be_told_apart(flow):
    tasks = [each for each in flow.fn.__globals__.values() if isinstance(each, Task)]
    assert len(tasks) >= 5
    for each in (flow, *tasks):
        assert each.description.endswith(".")
        assert each.name == each.name.lower()
    assert len({each.name for each in tasks}) == len({each.description for each in tasks}) == len(tasks)


class Small(BaseModel, title="A form", json_schema_extra=in_order):
    first: int = 1
    second: Annotated[int, Field(ge=0)] = 2


def test_titles_are_those_of_the_form_or_made_of_the_name():
    @titled
    def function(train: str, max_number: Annotated[int, Field(ge=1)] = 1, small: Small = Small()) -> None: ...  # noqa: B008

    kinds = function.__annotations__
    titles = {
        name: kind.__metadata__[-1].json_schema_extra["title"] for name, kind in kinds.items() if name != "return"
    }
    assert titles == {"train": "Training data", "max_number": "Max number", "small": "A form"}
    assert [form_of(kinds[name]) for name in ("train", "max_number", "small", "return")] == [None, None, Small, None]
    assert [field["position"] for field in Small.model_json_schema()["properties"].values()] == [0, 1]

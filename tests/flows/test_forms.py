"""The form of every flow, as the Prefect UI and the command line show it.

A change of a form is a change for its users. Look at it, then write it down:
EMBERTEXT_UPDATE_SNAPSHOTS=1 pytest tests/flows/test_forms.py
"""

import json
import os
from pathlib import Path

import pytest
from prefect import Task

from flows.evaluate_classifier import evaluate_classifier
from flows.object2vec import object2vec
from flows.serve import serve
from flows.text_classification import text_classification
from flows.topics import topics
from flows.transform import transform
from flows.tune import tune_object2vec, tune_text_classification, tune_topics, tune_word2vec
from flows.word2vec import word2vec

FLOWS = [word2vec, text_classification, evaluate_classifier, topics, object2vec]
TUNING = [tune_word2vec, tune_text_classification, tune_topics, tune_object2vec]
OTHERS = [serve, transform]
SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize("flow", FLOWS + TUNING + OTHERS, ids=lambda flow: flow.name)
def test_the_form_is_the_one_that_was_agreed(flow):
    path = SNAPSHOTS / f"{flow.name}.json"
    schema = json.dumps(flow.parameters.model_dump_for_openapi(), indent=2, sort_keys=True) + "\n"
    if os.environ.get("EMBERTEXT_UPDATE_SNAPSHOTS"):
        path.write_text(schema, encoding="utf-8")
    assert schema == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("flow", FLOWS + TUNING + OTHERS, ids=lambda flow: flow.name)
def test_every_field_explains_itself(flow):
    schema = flow.parameters.model_dump_for_openapi()
    fields = {**schema["properties"]}
    for form in schema["definitions"].values():
        fields |= form["properties"]
    assert [name for name, field in fields.items() if "$ref" not in field and not field.get("description")] == []


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_task_can_be_told_apart(flow):
    tasks = [each for each in flow.fn.__globals__.values() if isinstance(each, Task)]
    assert len(tasks) >= 5
    for each in (flow, *tasks):
        assert each.description.endswith(".")
        assert each.name == each.name.lower()
    assert len({each.name for each in tasks}) == len({each.description for each in tasks}) == len(tasks)

import json
import tarfile
from pathlib import Path

import pytest

from algorithms.model import load_state
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from tasks.topics.evaluate import evaluate
from tasks.topics.publish import MEMBERS, publish
from tasks.topics.text import ingest, prepare
from tasks.topics.train import learn
from tasks.train import machines
from tests.packed import unpack

FORM = Topics(num_topics=2, epochs=1, mini_batch_size=64)
COUNTING = Counting(threshold=5)
HERE = machines(threads=1, workers=0, scheduler="")


@pytest.fixture
def published(corpus, cache, tmp_path):
    ingested = ingest.fn(str(corpus))
    prepared = prepare.fn(ingested, {}, COUNTING, seed=1, machines=HERE, work=f"{cache}/work")
    trained = learn.fn(prepared, FORM, machines=HERE, seed=1)
    evaluated = evaluate.fn(prepared, trained, FORM, COUNTING)
    given = {"evaluated": evaluated, "form": FORM, "counting": COUNTING, "output": str(tmp_path / "out")}
    first = publish.fn(ingested, {"reference": ingested}, prepared, trained, **given)
    assert publish.fn(ingested, {"reference": ingested}, prepared, trained, **given).name == "Cached"
    assert publish.fn(ingested, {}, prepared, trained, **given).url != first.url, "its manifest says something else"
    return first


def test_members(published, tmp_path):
    with tarfile.open(published.model) as archive:
        members = archive.getmembers()
    assert tuple(member.name for member in members) == MEMBERS
    assert {(member.mtime, member.uid, member.uname, member.mode) for member in members} == {(0, 0, "", 0o644)}
    unpacked = unpack(published.model, tmp_path / "unpacked")
    form = Topics.model_validate_json((unpacked / "algorithm.json").read_bytes())
    assert form == FORM
    words = (unpacked / "vocab.txt").read_text(encoding="utf-8").splitlines()
    topic_word = form.topic_word(load_state(unpacked / "state.safetensors"))
    assert topic_word.shape == (2, len(words)) == (2, 16)
    first = (unpacked / "topics.txt").read_text(encoding="utf-8").splitlines()[0].split()
    assert first == [words[column] for column in (-topic_word[0]).argsort(kind="stable")]


def test_manifest(published):
    manifest = json.loads(Path(published.model).with_name("manifest.json").read_bytes())
    assert manifest["algorithm"] == "topics"
    assert manifest["hyperparameters"] == FORM.model_dump(mode="json")
    corpus = manifest["corpus"]
    assert (corpus["documents"], corpus["dropped"], corpus["vocabulary"]) == (4000, 0, 16)
    assert (corpus["train_documents"], corpus["validation_documents"], corpus["test_documents"]) == (3200, 400, 400)
    assert corpus["train_words"] == 3200 * 12
    assert manifest["reference"]["name"] == "planted"
    assert manifest["documents_per_second"] > 0
    html = Path(published.report).read_text(encoding="utf-8")
    assert "2 topics in planted" in html
    assert "Reference" in html
    assert manifest["counting"] == COUNTING.model_dump()
    assert "threshold" in html
    assert "compared" not in manifest

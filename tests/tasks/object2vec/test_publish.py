import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from algorithms.model import load_state
from algorithms.object2vec.algorithm import Object2Vec
from data.vectors import read_vectors
from tasks.object2vec.channel import Auxiliary
from tasks.object2vec.evaluate import evaluate
from tasks.object2vec.publish import MEMBERS, publish, write_tables
from tasks.object2vec.train import learn
from tests.packed import unpack
from tests.tasks.object2vec.conftest import FORM, HERE, PAIRING

QUICK = FORM.model_copy(update={"epochs": 1})


@pytest.fixture
def published(ingested, prepared, tmp_path):
    trained = learn.fn(prepared, Auxiliary(), QUICK, machines=HERE, seed=1)
    evaluated = evaluate.fn(prepared, trained, QUICK, PAIRING)
    assert evaluate.fn(prepared, trained, QUICK, PAIRING).name == "Cached"
    assert evaluate.fn(prepared, trained, QUICK, PAIRING.model_copy(update={"negatives": 1})).url != evaluated.url
    given = {"evaluated": evaluated, "form": QUICK, "pairing": PAIRING, "output": str(tmp_path / "out")}
    first = publish.fn(ingested, {"against": ingested}, Auxiliary(), prepared, trained, **given)
    again = publish.fn(ingested, {"against": ingested}, Auxiliary(), prepared, trained, **given)
    assert again.name == "Cached"
    other = publish.fn(ingested, {}, Auxiliary(), prepared, trained, **given)
    assert other.url != first.url, "its manifest says something else"
    return first


def test_members(published, tmp_path):
    with tarfile.open(published.model) as archive:
        members = archive.getmembers()
    present = tuple(name for name in MEMBERS if name not in ("vocab_in1.json", "vectors_in1.txt"))
    assert tuple(member.name for member in members) == present
    unpacked = unpack(published.model, tmp_path / "unpacked")
    assert Object2Vec.model_validate_json((unpacked / "algorithm.json").read_bytes()) == QUICK
    vectors = read_vectors(unpacked / "vectors.txt")
    state = load_state(unpacked / "state.safetensors")
    np.testing.assert_allclose(vectors.vectors, state["tokens_0"], rtol=1e-6)
    assert {word: row for row, word in enumerate(vectors.words)} == json.loads((unpacked / "vocab.json").read_bytes())


def test_manifest(published):
    manifest = json.loads(Path(published.model).with_name("manifest.json").read_bytes())
    assert manifest["algorithm"] == "object2vec"
    assert manifest["epoch"] == 1
    assert manifest["pairs_per_second"] > 0
    assert manifest["against"]["name"] == "subjects"
    assert "auxiliary" not in manifest
    corpus = manifest["corpus"]
    assert (corpus["kind"], corpus["train_pairs"]) == ("documents", 160)
    assert corpus["in0_vocab_size"] == corpus["in1_vocab_size"] == corpus["vocabulary"] + 1
    html = Path(published.report).read_text(encoding="utf-8")
    assert "object2vec on subjects" in html
    assert "Against" in html
    assert "min_count" in html


def test_tables_of_two_sides(tmp_path):
    state = {"tokens_0": np.eye(3, dtype=np.float32), "tokens_1": 2 * np.eye(2, dtype=np.float32)}
    write_tables(state, ({"b": 2, "two words": 1, "a": 0, "far": 7}, {"b": 1}), tmp_path)
    assert read_vectors(tmp_path / "vectors.txt").words == ["a", "b"]
    assert read_vectors(tmp_path / "vectors_in1.txt").vectors.tolist() == [[0, 2]]
    write_tables(state, ({}, {}), tmp_path / "nowhere")

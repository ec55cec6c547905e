import json

import pytest

from algorithms.drift.models import figures
from data import storage
from data.errors import EmbertextError
from data.registry import versions
from data.registry.records import Model
from flows.cli import run
from flows.matter import compared, matter
from tests import small_models


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return small_models.publish(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("algorithm", ["word2vec", "text_classification", "topics", "object2vec"])
def test_a_model_has_not_changed_against_itself(models, algorithm):
    found = compared(models[algorithm], f"{models[algorithm]}/model.tar.gz")
    assert found.found.algorithm == algorithm
    assert found.before.name == found.after.name
    told = {figure.name: figure.value for figure in figures(found.found)}
    assert told["words born"] == told["words gone"] == 0
    assert all(value == 1 for name, value in told.items() if "neighbours kept" in name)
    assert all(value < 1e-3 for name, value in told.items() if name.startswith("distance"))


def test_what_each_algorithm_has_to_compare(models):
    found = {algorithm: matter(url)[0] for algorithm, url in models.items()}
    assert [space.name for space in found["word2vec"].spaces] == ["words"]
    assert found["text_classification"].classes == {"__label__animal": 9, "__label__food": 9}
    assert found["topics"].topics.weights.shape == (3, 12)
    assert [space.name for space in found["object2vec"].spaces] == ["tokens of in0", "tokens of in1"]
    assert found["object2vec"].words == small_models.WORDS[1:]


def test_vectors_that_point_elsewhere_have_other_neighbours(models, tmp_path):
    def turned(folder):
        small_models.write_words(folder, turn=5.0)

    [near] = compared(models["word2vec"], small_models.publish_one(tmp_path, "word2vec", turned)).found.neighbours
    assert near.overlap < 1
    assert near.changed


def test_models_of_two_algorithms_are_not_compared(models):
    with pytest.raises(EmbertextError, match=r"a model of topics, and .* is one of word2vec; give two models of one"):
        compared(models["word2vec"], models["topics"])


def test_the_command_prints_what_changed_and_writes_a_page(models, tmp_path, capsys):
    def turned(folder):
        small_models.write_words(folder, turn=5.0)

    later = small_models.publish_one(tmp_path / "later", "word2vec", turned)
    assert run(["drift", models["word2vec"], later, "--output", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "from word2vec to later"
    assert "neighbours kept" in "\n".join(lines)
    report = lines[-1].removeprefix("report").strip()
    assert "What changed since" in storage.read_bytes(report).decode()

    assert run(["drift", models["word2vec"], str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}: there is no model; ")


def test_two_versions_of_a_registry_are_opened_where_one_asks(models, tmp_path, capsys):
    for number, name in enumerate(("one", "two"), start=1):
        url = small_models.publish_one(tmp_path / name, "word2vec", small_models.write_words)
        told = {"url": url, "model": f"{url}/model.tar.gz", "manifest": f"{number:064}", "created": ""}
        versions.register(str(tmp_path / "registry"), "words", Model(algorithm="word2vec", **told))
    given = ["registry", "compare", str(tmp_path / "registry"), "words", "1", "2", "--drift"]
    assert run(given) == 0
    assert "from words@1 to words@2" in capsys.readouterr().out
    assert run([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["drift"]["found"]["neighbours"][0]["overlap"] == 1

"""The best model of a sweep becomes a version, beside a champion that is judged on the same data."""

import json
from pathlib import Path

import pytest

from algorithms.text_classification.algorithm import TextClassification
from data import storage
from data.errors import HyperparameterError
from data.registry import aliases, versions
from flows.text_classification import text_classification
from flows.tune.object2vec import tune_object2vec
from flows.tune.text_classification import tune_text_classification
from flows.tune.topics import tune_topics
from flows.tune.word2vec import tune_word2vec
from tasks.registry.settings import Registration
from tasks.tune.settings import Tuning
from tests import planted
from tests.flows.runs import artifacts, run, states

FORM = TextClassification(vector_dim=8, min_count=2, buckets=1000, epochs=2, word_ngrams=1)
RATES = {"learning_rate": {"low": 0.05, "high": 0.1}}


def test_the_best_is_promoted_and_a_worse_successor_refused(prefect_api, cache, tmp_path):
    """After a model of the algorithm's own flow; the same sweep again has the same version."""
    texts = {"clear": {"lines": 300}, "noise": {"lines": 300, "strays": 0.5}, "unseen": {"lines": 100, "seed": 8}}
    for name, options in texts.items():
        (tmp_path / name).with_suffix(".txt").write_text(planted.labelled(**options))
    clear, noise, unseen = (str(tmp_path / f"{name}.txt") for name in texts)
    given = {"validation": unseen, "text_classification": FORM, "output": str(tmp_path / "out"), "threads": 1}
    given |= {"registration": Registration(model_name="c")}
    first = run(text_classification, noise, **given)
    assert first.result.rows[-1] == ("version", "c@1, promoted: the first one")

    given |= {"ranges": RATES, "tuning": Tuning(max_jobs=2)}
    best, again, worse = (run(tune_text_classification, train, **given) for train in (clear, clear, noise))
    assert [each.state.name for each in (best, again, worse)] == ["Completed"] * 3, worse.result
    found = [states(each, expected=number) for each, number in ((best, 12), (again, 10), (worse, 12))]
    assert [each["register"] for each in found] == ["Promoted", "Promoted", "Refused"]
    assert not any(name.startswith("trial") for name in found[1])
    assert [dict(each.result.rows)["version"].partition(":")[0] for each in (best, again, worse)] == [
        "c@2, promoted",
        "c@2, promoted",
        "c@3, refused",
    ]
    assert (again.result.model, again.result.report) == (best.result.model, best.result.report)

    registry = str(tmp_path / "out" / "registry")
    champion, _ = aliases.champion(registry, "c")
    assert champion is not None
    assert champion.version == 2
    assert len(versions.all_of(registry, "c")) == 3
    version = versions.read(registry, "c", 3)
    assert (version.model, version.run.flow) == (worse.result.model, "tune-text-classification")
    assert version.judged is not None
    assert (version.judged["champion"], version.judged["promoted"]) == ("c@2", False)

    assert "Against the champion" in Path(worse.result.model_report).read_text()
    assert "What changed since <bdi>c@2</bdi>" in Path(worse.result.model_report).read_text()
    sweep = storage.read_json(str(Path(worse.result.report).with_name("manifest.json")))
    assert sweep["version"] == "c@3"
    assert sweep["verdict"].startswith("refused: worse: accuracy ")
    assert "<bdi>c@3</bdi>, refused: worse: accuracy " in Path(worse.result.report).read_text()
    shown = artifacts(worse)
    outcome = {row["name"]: row["value"] for row in json.loads(shown["tune-text-classification-outcome"].data)}
    assert (outcome["version"], outcome["verdict"]) == (sweep["version"], sweep["verdict"])
    assert "c@3, refused: worse" in shown["tune-text-classification-summary"].data
    assert shown["text-classification-champion"].description.startswith("c@3 is refused: worse: accuracy ")


@pytest.mark.parametrize(
    "tune", [tune_word2vec, tune_text_classification, tune_topics, tune_object2vec], ids=lambda tune: tune.name
)
def test_an_unknown_metric_is_refused_before_any_trial(prefect_api, cache, tmp_path, tune):
    registration = Registration(model_name="c", judged_by="bleu")
    given = {"ranges": RATES, "output": str(tmp_path / "out"), "registration": registration}
    failed = run(tune, str(tmp_path / "nowhere.txt"), **given)
    assert isinstance(failed.result, HyperparameterError)
    assert str(failed.result).startswith(f"judged_by='bleu': no metric of {tune.name.removeprefix('tune-')}; choose")
    assert states(failed, expected=0) == {}

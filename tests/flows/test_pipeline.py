"""The whole line in one run, on tiny corpora, with workers: what it publishes, shows, reuses and refuses."""

import json
from pathlib import Path

import pytest

from data.errors import EmbertextError
from flows.pipeline import pipeline
from tasks.registry.settings import Registration
from tasks.tune.settings import Tuning
from tests import planted
from tests.flows import runs

TOPICS = "{num_topics: 2, epochs: 3, mini_batch_size: 64, encoder_layers: '8', threshold: 2, min_df: 1}"
RATES = "learning_rate: {low: 0.001, high: 0.1}"
SEARCH = Tuning(max_jobs=2, max_parallel_jobs=2, early_stopping_type="median")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def topics(prefect_api, place):
    path = planted.write(place / "planted.txt", sentences=1500)
    given = {"train": str(path), "hyperparameters": TOPICS, "ranges": RATES, "tuning": SEARCH, "threads": 1}
    given |= {"registration": Registration(model_name="planted")}
    return given, runs.run(pipeline, "topics", **given, output=str(place / "out"))


def test_topics_from_text_to_a_model(topics, place):
    done = topics[1].result
    assert topics[1].state.is_completed(), done
    assert {path.name.rpartition("-")[0] for path in (place / "out").iterdir()} >= {"topics", "tune-topics", "pipeline"}
    assert Path(done.model).exists()
    told = json.loads(Path(done.report).with_name("manifest.json").read_bytes())
    line = {box["name"]: box["facts"] for box in told["pipeline"]}
    assert line["RecordIO"]["records"] == line["tokenise and count"]["documents"] == "1,500"
    assert line["train"]["workers"] == "2"
    assert told["metrics"].keys() >= {"test_total_loss", "npmi"}
    assert line["register"] == {"version": "planted@1"}
    assert dict(done.rows)["registry"].startswith("planted@1, promoted: ")
    assert told["searched"].keys() == {"learning_rate"}
    assert "tune-topics-" in Path(done.report).read_text()


def test_each_stage_is_a_task_and_an_artifact_tells_of_it(topics):
    states = runs.states(topics[1], expected=16)
    assert {state for name, state in states.items() if "trial" not in name} <= {"Completed", "Cached", "Promoted"}
    assert states.keys() >= {"ingest", "prepare", "recordio", "publish", "publish-sweep", "publish-pipeline"}
    found = runs.artifacts(topics[1])
    names = ("summary", "stages", "outcome", "report", "progress")
    assert found.keys() >= {f"pipeline-{name}" for name in names}
    assert "```mermaid" in found["pipeline-summary"].data
    outcome = {row["name"]: row["value"] for row in json.loads(found["pipeline-outcome"].data)}
    assert outcome["model"] == topics[1].result.model
    assert outcome["test_total_loss"] == pytest.approx(topics[1].result.metrics["test_total_loss"])


def test_the_same_again_does_nothing_again(topics, place):
    given, before = topics
    again = runs.run(pipeline, "topics", **given, output=str(place / "out"))
    stages = ["tokenise and count", "RecordIO", "sweep", "train", "evaluate", "publish"]
    assert again.result.reused == stages
    assert (again.result.model, again.result.report) == (before.result.model, before.result.report)
    states = runs.states(again, expected=10)
    assert not any(name.startswith("trial") for name in states)
    made = {"prepare", "recordio", "train", "evaluate", "publish", "publish-sweep", "publish-pipeline"}
    assert {states[name] for name in made & states.keys()} == {"Cached"}


def test_word_vectors_have_no_records(prefect_api, corpus, place):
    ranges, tuning = {"window_size": [2, 4]}, Tuning(max_jobs=2, max_parallel_jobs=2, objective="loss")
    form = {"vector_dim": 8, "epochs": 1, "min_count": 1}
    done = runs.run(
        pipeline, "word2vec", str(corpus), hyperparameters=form, ranges=ranges, tuning=tuning, threads=1,
        output=str(place / "out"),
    )  # fmt: skip
    assert done.state.is_completed(), done.result
    assert [name for name, _ in done.result.rows][:3] == ["ingest", "tokenise and count", "sweep"]
    assert "there is no RecordIO on its way" in Path(done.result.report).read_text()


def test_a_classifier_is_judged_by_a_test_set_too(prefect_api, place):
    for name, seed in (("labelled", 7), ("unseen", 8)):
        (place / f"{name}.txt").write_text(planted.labelled(lines=400, seed=seed))
    form = "{vector_dim: 4, epochs: 3, min_count: 1, buckets: 100, word_ngrams: 1, learning_rate: 0.5}"
    done = runs.run(
        pipeline, "text-classification", str(place / "labelled.txt"), test=str(place / "unseen.txt"), threads=1,
        hyperparameters=form, ranges={"vector_dim": [4, 8]}, tuning=Tuning(max_jobs=1), workers=0,
        output=str(place / "out"),
    )  # fmt: skip
    assert done.state.is_completed(), done.result
    assert done.result.metrics["test_accuracy"] > 0.9


@pytest.mark.parametrize(
    ("algorithm", "options", "expected"),
    [
        ("topics", {"hyperparameters": "num_topic: 3"}, "Topics has no such parameter; did you mean num_topics?"),
        ("topics", {"hyperparameters": "min_df: none"}, "hyperparameters.min_df='none': not taken; input should be"),
        ("topics", {"hyperparameters": "{"}, "hyperparameters: line 1, column 2: no YAML"),
        ("topics", {"hyperparameters": "[1]"}, "hyperparameters: list, where names and their values are expected"),
        ("topics", {"ranges": "rate: [1, 2]"}, "ranges.rate"),
        ("topics", {"train": "/nowhere.txt"}, "/nowhere.txt"),
        ("word2vec", {"test": "docs"}, "test='docs': word2vec is judged by what people say of words"),
        ("word2vec", {"hyperparameters": "mode: cbow"}, "mode='cbow': cbow trains on one worker, not on"),
        ("word2vec", {"ranges": "mode: [cbow, skipgram]"}, "mode='cbow': cbow trains on one worker, not on"),
        ("object2vec", {"hyperparameters": "enc0_vocab_file: x"}, "there is no auxiliary channel"),
        ("text-classification", {"validation": "100%"}, "no share of the examples"),
    ],
)
def test_what_is_refused(prefect_api, place, algorithm, options, expected):
    failed = runs.run(pipeline, algorithm, output=str(place / "none"), **options)
    assert isinstance(failed.result, EmbertextError)
    assert expected in str(failed.result)
    assert "\n" not in str(failed.result)

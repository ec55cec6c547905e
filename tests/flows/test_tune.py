"""Whole sweeps on tiny corpora: what they publish, what they show, what they reuse, how they fail."""

import json
from pathlib import Path
from types import SimpleNamespace

import orjson
import pandas
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

from algorithms.object2vec.pairing import Pairing
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from algorithms.word2vec.algorithm import Word2Vec
from data.errors import CorpusError, EmbertextError, HyperparameterError
from flows.object2vec import DEFAULT
from flows.tune.object2vec import tune_object2vec
from flows.tune.text_classification import tune_text_classification
from flows.tune.topics import tune_topics
from flows.tune.word2vec import tune_word2vec
from flows.word2vec import word2vec
from tasks.tune.settings import Tuning
from tasks.tune.table import frame
from tests import planted, related
from tests.flows import runs

FORM = Word2Vec(vector_dim=8, epochs=1, min_count=1)
RANGES = {"window_size": {"low": 1, "high": 5}, "mode": ["cbow", "batch_skipgram"]}


def run(flow, *given: object, **options: object) -> SimpleNamespace:
    return runs.run(flow, *given, **{"threads": 1, **options})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def finished(prefect_api, corpus, place):
    tuning = Tuning(max_jobs=3, rate=3.6, objective="loss")
    return run(tune_word2vec, str(corpus), FORM, RANGES, tuning, output=str(place / "out"))


def names(run: SimpleNamespace) -> dict[str, str]:
    """The state of each task run by its whole name."""
    with get_client(sync_client=True) as client:
        found = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
    return {each.name: each.state_name or "" for each in found}


def test_each_trial_is_a_task_run_named_by_its_parameters(finished):
    runs.states(finished, expected=9)
    shown = names(finished)
    trials = {name: state for name, state in shown.items() if name.startswith("trial ")}
    assert trials.keys() == {
        f"trial {number}: " + ", ".join(f"{name}={row[name]}" for name in RANGES)
        for row in finished.result.trials
        for number in [int(row["model_name"][-3:])]
    }
    assert set(trials.values()) == {"Completed"}
    after = {name.rsplit("-", 1)[0]: state for name, state in shown.items() if not name.startswith("trial ")}
    assert after["train"] == "Cached"
    assert after["evaluate"] == "Completed", "with a map and neighbours, which trials have not"


def test_the_table_is_ranked_and_written(finished):
    rows = finished.result.trials
    assert [row["loss"] for row in rows] == sorted(row["loss"] for row in rows)
    folder = Path(finished.result.report).parent
    assert {path.name for path in folder.iterdir()} == {"trials.csv", "sweep.json", "report.html", "manifest.json"}
    table = frame(str(folder))
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == ["model_name", "loss", *RANGES, "seconds", "status", "reason"]
    assert list(table["loss"]) == pytest.approx([row["loss"] for row in rows])
    assert finished.result.objective == {"loss": rows[0]["loss"]}
    assert finished.result.cost["euros"] == pytest.approx(finished.result.cost["machine_seconds"] / 1000, abs=1e-3)


def test_the_best_is_published_as_its_own_flow_would(finished, corpus, place):
    best = Word2Vec(**{**FORM.model_dump(), **finished.result.parameters})
    own = run(word2vec, str(corpus), best, output=str(place / "out"))
    assert own.result.model == finished.result.model
    assert own.result.reused == ["prepare", "train", "evaluate", "publish"]
    assert own.result.metrics == finished.result.metrics
    assert finished.result.model_report == own.result.report


def test_artifacts(finished):
    found = runs.artifacts(finished)
    names = ("progress", "summary", "trials", "outcome", "report")
    assert found.keys() >= {f"tune-word2vec-{name}" for name in names}
    told = {row["name"]: row["value"] for row in json.loads(found["tune-word2vec-outcome"].data)}
    assert (told["model"], told["mean_rho"]) == (finished.result.model, finished.result.metrics["mean_rho"])
    assert len(json.loads(found["tune-word2vec-trials"].data)) == 3
    assert "data:image/png;base64," in found["tune-word2vec-summary"].data


def test_the_result_is_json(finished):
    told = orjson.loads(orjson.dumps(finished.result.model_dump(exclude={"rows"})))
    assert len(told["trials"]) == 3


def test_a_sweep_that_ended_is_gone_on_with(finished, corpus, place):
    tuning = Tuning(max_jobs=4, max_parallel_jobs=2, objective="loss")
    more = run(tune_word2vec, str(corpus), FORM, RANGES, tuning, output=str(place / "out"))
    runs.states(more, expected=7)
    assert sum(name.startswith("trial ") for name in names(more)) == 1
    before = {row["model_name"]: row for row in finished.result.trials}
    after = {row["model_name"]: row for row in more.result.trials}
    assert {name: after[name] for name in before} == before
    assert len(after) == 4


def test_a_sweep_starts_from_an_earlier_one(finished, corpus, place):
    tuning = Tuning(max_jobs=1, warm_start=str(Path(finished.result.report).parent), objective="loss")
    warm = run(tune_word2vec, str(corpus), FORM, RANGES, tuning, output=str(place / "out"))
    assert len(warm.result.trials) == 4
    assert sum(row["model_name"].startswith("tune-word2vec-") for row in warm.result.trials) == 3


def test_a_classifier_is_judged_after_each_epoch(prefect_api, place):
    path = place / "labelled.txt"
    path.write_text(planted.labelled(lines=600, strays=0.3))
    form = TextClassification(vector_dim=4, epochs=3, min_count=1, buckets=100, word_ngrams=1)
    tuning = Tuning(max_jobs=5, strategy="random", early_stopping_type="median")
    ranges = "learning_rate: {low: 0.00001, high: 1.0}"
    done = run(tune_text_classification, str(path), "20%", form, ranges, tuning, output=str(place / "out"))
    assert done.state.is_completed(), done.result
    told = json.loads(Path(done.result.report).with_name("sweep.json").read_bytes())["trials"]
    assert len(told) == 5
    assert all(each["rounds"].keys() == {"1", "2", "3"} for each in told if each["status"] == "completed")
    assert done.result.objective["validation_accuracy"] > 0.6
    assert Path(done.result.model).exists()


def test_topics_and_object2vec(prefect_api, corpus, place):
    where = {"output": str(place / "out"), "threads": 1}
    tuning = Tuning(max_jobs=2, objective="total_loss, seconds")
    done = tune_topics(
        str(corpus),
        counting=Counting(threshold=2, min_df=1),
        topics=Topics(num_topics=2, epochs=2, mini_batch_size=64, encoder_layers="8"),
        ranges="learning_rate: {low: 0.001, high: 0.1}",
        tuning=tuning,
        **where,
    )
    assert done.objective.keys() == {"total_loss", "seconds"}
    form = DEFAULT.model_dump(exclude_unset=True) | {"epochs": 1, "enc_dim": 8, "mini_batch_size": 64}
    done = tune_object2vec(
        str(related.write(place / "subjects.jsonl", related.documents(count=200))),
        pairing=Pairing(min_count=1),
        object2vec=type(DEFAULT)(**form),
        ranges="learning_rate: {low: 0.001, high: 0.1}",
        tuning=Tuning(max_jobs=1),
        **where,
    )
    assert done.objective.keys() == {"validation_cross_entropy"}
    assert Path(done.model).exists()


@pytest.mark.parametrize(
    ("ranges", "options", "expected"),
    [
        ({"window_size": {"low": 5, "high": 1}}, {}, "ranges.window_size.low=5: above high=1; exchange the two"),
        ({"windows": [1, 2]}, {}, "Word2Vec has no such parameter; did you mean window_size?"),
        ({"learning_rate": {"low": 0.1, "high": 0.2}}, {"strategy": "grid"}, "a grid cannot have a continuous range"),
        ("nowhere.yaml", {}, "nowhere.yaml: cannot read it"),
        (RANGES, {"objective": "accuracy", "max_jobs": 2}, "objective='accuracy': no trial reports it; choose from"),
    ],
)
def test_what_is_refused(prefect_api, corpus, place, ranges, options, expected):
    failed = run(tune_word2vec, str(corpus), FORM, ranges, Tuning(**options), output=str(place / "out"))
    assert isinstance(failed.result, EmbertextError)
    assert expected in str(failed.result)
    assert "\n" not in str(failed.result)


def test_what_is_wrong_with_the_data_is_told_once(prefect_api, place):
    empty = place / "empty.txt"
    empty.write_text("\n")
    failed = run(tune_word2vec, str(empty), FORM, RANGES, output=str(place / "out"))
    assert isinstance(failed.result, CorpusError | HyperparameterError)
    assert not any(name.startswith("trial ") for name in names(failed))


def test_trials_on_dask(prefect_api, corpus, place):
    tuning = Tuning(max_jobs=2, max_parallel_jobs=2, early_stopping_type="median")
    done = run(tune_word2vec, str(corpus), FORM, RANGES, tuning, output=str(place / "out"), workers=2)
    assert done.state.is_completed(), done.result
    assert [row["status"] for row in done.result.trials] == ["completed"] * 2

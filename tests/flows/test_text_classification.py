"""The whole flow on a tiny labelled corpus: what it publishes, what it reuses, when it stops, how it fails."""

import hashlib
import json
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from distributed import LocalCluster

from algorithms.model import load_state
from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from data.vocabulary import Vocabulary
from flows.text_classification import text_classification
from tasks import stages
from tasks.artifacts import Summary
from tests import planted
from tests.flows import runs
from tests.packed import unpack

FORM = TextClassification(
    vector_dim=8, min_count=1, buckets=1000, learning_rate=0.5, epochs=20, early_stopping=True, min_epochs=2, patience=2
)
QUICK = FORM.model_copy(update={"epochs": 2, "early_stopping": False})
STAGES = {"ingest", "prepare", "train", "evaluate", "publish", "report"}


def run(train: object, validation: object = "10%", form: object = QUICK, **options) -> SimpleNamespace:
    return runs.run(text_classification, str(train), str(validation), form, **{"threads": 1, **options})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def news(place) -> Path:
    """2,000 lines; a word in four is not of its class."""
    return write(place / "news.txt", planted.labelled(lines=2000, strays=0.25))


@pytest.fixture(scope="module")
def unseen(place) -> Path:
    return write(place / "unseen.txt", planted.labelled(lines=500, strays=0.25, seed=8))


@pytest.fixture
def fruit(tmp_path) -> Path:
    return write(tmp_path / "fruit.txt", planted.labelled())


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(prefect_api, news, unseen, place):
    """A run with a corpus to judge by, and early stopping."""
    return run(news, unseen, FORM, output=str(place / "out"))


@pytest.fixture(scope="module")
def manifest(finished) -> dict:
    return json.loads(Path(finished.result.model).with_name("manifest.json").read_bytes())


@pytest.fixture(scope="module")
def unpacked(finished, place) -> Path:
    return unpack(finished.result.model, place / "unpacked")


def test_every_stage_completes(finished):
    assert finished.state.is_completed()
    assert runs.states(finished, expected=len(STAGES)) == dict.fromkeys(STAGES, "Completed")
    assert isinstance(finished.result, Summary)
    assert finished.result.seconds.keys() == STAGES
    assert finished.result.reused == []
    assert finished.result.metrics.keys() >= {"train_accuracy", "validation_accuracy", "macro_f1"}
    assert dict(finished.result.rows)["corpus"] == "news: 16,000 words, 17 distinct"


def test_the_published_folder_is_whole(finished, manifest):
    folder = Path(finished.result.model).parent
    assert folder.name.startswith("text-classification-")
    assert {path.name for path in folder.iterdir()} == {"model.tar.gz", "report.html", "manifest.json"}
    for name in ("model.tar.gz", "report.html"):
        assert manifest["files"][name]["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "text classification on news" in page
    assert "validation accuracy" in page


def test_the_manifest_tells_where_the_model_comes_from(finished, manifest, news, unseen):
    assert manifest["format"] == "embertext/1"
    assert manifest["algorithm"] == "text-classification"
    assert manifest["hyperparameters"] == FORM.model_dump()
    assert (manifest["seed"], manifest["threads"], manifest["workers"]) == (1, 1, 1)
    for name, path in (("corpus", news), ("validation", unseen)):
        described = manifest[name]
        assert (described["name"], described["kind"], described["urls"]) == (path.stem, "text", [str(path)])
        assert described["checksum"] == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
        assert described["bytes"] == path.stat().st_size
    corpus = manifest["corpus"]
    assert (corpus["examples"], corpus["validation_examples"], corpus["classes"]) == (2000, 500, 2)
    assert (corpus["tokens"], corpus["vocabulary"]) == (2000 * 8, 17), "a label, six words, an end"
    assert manifest["seconds"].keys() == STAGES - {"report"}
    assert manifest["metrics"] == finished.result.metrics
    assert [each["round"] for each in manifest["history"]] == list(range(1, len(manifest["history"]) + 1))


def test_members_of_the_archive(finished):
    with tarfile.open(finished.result.model) as archive:
        members = archive.getmembers()
    names = [member.name for member in members]
    assert names[0] == "model.bin"
    expected = {"eval.json", "algorithm.json", "state.safetensors", "vocabulary.txt", "labels.txt", "manifest.json"}
    assert set(names[1:]) == expected
    assert {(member.mtime, member.uid, member.uname, member.mode) for member in members} == {(0, 0, "", 0o644)}


def test_early_stopping_publishes_the_best_epoch(manifest):
    judged = {each["epoch"]: each["validation_accuracy"] for each in manifest["history"] if "epoch" in each}
    assert list(judged) == list(range(1, len(judged) + 1)), "every epoch has its accuracy"
    eligible = {epoch: score for epoch, score in judged.items() if epoch >= FORM.min_epochs}
    best = max(eligible, key=eligible.__getitem__)
    assert len(judged) == best + FORM.patience < FORM.epochs, "the first of equals is the best; then it waits"
    assert manifest["metrics"]["validation_accuracy"] == eligible[best]
    assert judged[len(judged)] != eligible[best], "else this test would not see whose weights were kept"


def test_fasttext_loads_the_model_and_is_as_accurate(unpacked, news, unseen):
    fasttext = pytest.importorskip("fasttext", reason="fasttext-wheel is built for Python below 3.12 only")
    theirs = fasttext.load_model(str(unpacked / "model.bin"))
    evaluation = json.loads((unpacked / "eval.json").read_bytes())
    assert sorted(theirs.get_labels()) == ["__label__fruit", "__label__tool"]
    for path, metric in ((news, "train_accuracy"), (unseen, "validation_accuracy")):
        lines = [line.split(" ", 1) for line in path.read_text(encoding="utf-8").splitlines()]
        # not model.predict, which numpy 2 breaks
        right = [theirs.f.predict(text + "\n", 1, 0.0, "strict")[0][1] == label for label, text in lines]
        assert np.mean(right) == pytest.approx(evaluation[metric], abs=1e-9)
        assert evaluation[metric] > 0.8


def test_our_own_members_read_back(unpacked, unseen):
    form = TextClassification.model_validate_json((unpacked / "algorithm.json").read_bytes())
    assert form == FORM
    words, labels = (Vocabulary.load(str(unpacked / name)) for name in ("vocabulary.txt", "labels.txt"))
    ours = Classifier.of(form, load_state(unpacked / "state.safetensors"), vocabulary=words, labels=labels)
    lines = [line.split(" ", 1) for line in unseen.read_text(encoding="utf-8").splitlines()]
    found = ours.predict([text for _, text in lines])
    right = [ours.labels[number] == label for (number,), (label, _) in zip(found.labels, lines, strict=True)]
    accuracy = json.loads((unpacked / "eval.json").read_bytes())["validation_accuracy"]
    assert np.mean(right) == pytest.approx(accuracy, abs=1e-9)


def test_artifacts(finished):
    found = runs.artifacts(finished)
    keys = {f"text-classification-{name}" for name in ("training", "summary", "metrics", "classes", "report")}
    assert found.keys() >= keys
    assert found["text-classification-training"].data == 100
    assert "Judged on 500 validation examples" in found["text-classification-summary"].data
    assert finished.result.report in found["text-classification-report"].data


def test_a_rerun_takes_finished_stages_as_they_are(finished, news, unseen, place):
    again = run(news, unseen, FORM, output=str(place / "out"))
    assert again.result.model == finished.result.model
    assert again.result.metrics == finished.result.metrics
    assert again.result.reused == ["prepare", "train", "evaluate", "publish"]
    cached = dict.fromkeys(again.result.reused, "Cached")
    assert runs.states(again, expected=len(STAGES)) == {"ingest": "Completed", **cached, "report": "Completed"}


@pytest.mark.parametrize(
    ("change", "reused"), [({"learning_rate": 0.4}, ["prepare"]), ({"word_ngrams": 3}, []), ({"buckets": 999}, [])]
)
def test_another_hyperparameter_costs_what_depends_on_it(finished, news, unseen, place, change, reused):
    other = run(news, unseen, FORM.model_copy(update=change), output=str(place / "out"))
    assert other.result.reused == reused
    assert other.result.model != finished.result.model


def test_one_thread_and_one_seed_give_the_same_bits(finished, news, unseen, place, unpacked):
    kept = sorted((place / "cache").glob("work/*"))
    fresh = run(news, unseen, FORM, output=str(place / "out"), reuse=False)
    assert fresh.result.reused == []
    assert sorted((place / "cache").glob("work/*")) == kept, "nobody could ever find what it left"
    with tarfile.open(fresh.result.model) as archive:
        for name in ("model.bin", "state.safetensors"):
            member = archive.extractfile(name)
            assert member is not None
            assert member.read() == (unpacked / name).read_bytes(), name


def test_a_share_is_held_out(prefect_api, news, place):
    done = run(news, "20 %", output=str(place / "out")).result
    manifest = json.loads(Path(done.model).with_name("manifest.json").read_bytes())
    assert (manifest["corpus"]["examples"], manifest["corpus"]["validation_examples"]) == (1600, 400)
    assert "validation" not in manifest, "it has no source of its own"
    assert 0.8 < done.metrics["validation_accuracy"] < 1


@pytest.mark.parametrize("nothing", ["", "  "])
def test_without_validation_the_training_examples_are_judged(prefect_api, news, place, nothing):
    done = run(news, nothing, output=str(place / "out")).result
    assert done.metrics.keys() == {"train_accuracy", "macro_f1"}
    with tarfile.open(done.model) as archive:
        evaluation = json.load(archive.extractfile("eval.json"))
    assert evaluation["examples"] == 2000
    assert evaluation["accuracy"] == evaluation["train_accuracy"] == done.metrics["train_accuracy"]


def test_a_manifest_for_training_and_rows_for_validation(prefect_api, cache, tmp_path):
    """Each kind of file has its own reader; classes are the same."""
    lines = [line.split(" ", 1) for line in planted.labelled(lines=400).splitlines()]
    numbers = {"__label__fruit": 1, "__label__tool": 2}
    manifest = "".join(json.dumps({"source": text, "label": [numbers[label]]}) + "\n" for label, text in lines)
    write(tmp_path / "train.manifest", manifest)
    write(tmp_path / "rows.csv", "".join(f'"{numbers[label]}","{text}"\n' for label, text in lines[:50]))
    done = run(tmp_path / "train.manifest", tmp_path / "rows.csv", output=str(tmp_path / "out")).result
    assert done.metrics["validation_accuracy"] == 1
    with tarfile.open(done.model) as archive:
        assert sorted(archive.extractfile("labels.txt").read().split()[::2]) == [b"__label__1", b"__label__2"]


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("EMBERTEXT_DATA"), reason="EMBERTEXT_DATA names no folder with 20 Newsgroups")
def test_newsgroups(prefect_api, cache, tmp_path):
    form = TextClassification(vector_dim=10, learning_rate=1.0, min_count=2, buckets=200_000)
    done = run("20newsgroups-test", "10%", form, output=str(tmp_path / "out")).result
    assert dict(done.rows)["classes"] == "20"
    assert done.metrics["validation_accuracy"] > 0.5


@pytest.mark.services
def test_two_processes_learn_together(prefect_api, fruit, cache, tmp_path):
    """That they prepare the same is in tests/tasks/text_classification/test_text.py."""
    form = QUICK.model_copy(update={"epochs": 5})
    done = run(fruit, "10%", form, output=str(tmp_path / "out"), workers=2).result
    assert done.metrics["validation_accuracy"] == 1
    manifest = json.loads(Path(done.model).with_name("manifest.json").read_bytes())
    assert (manifest["workers"], manifest["threads"]) == (2, 1)
    alone = run(fruit, "10%", form, output=str(tmp_path / "out")).result
    assert alone.reused == ["prepare"], "who prepared them makes no difference"


def test_a_scheduler_somewhere(prefect_api, fruit, cache, tmp_path):
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as local:
        options = {"scheduler": local.scheduler_address, "tokenizer": "words", "output": str(tmp_path / "out")}
        done = run(fruit, "10%", QUICK.model_copy(update={"epochs": 5}), **options).result
    assert done.metrics["validation_accuracy"] == 1


NO_SHARE = "no share of the examples; give a share above 0% and below 100%, such as 10%, a corpus, or nothing"
NO_JUDGE = (
    "early_stopping=True: there are no validation examples to judge by; "
    "give validation, a corpus or a share such as 10%, or choose early_stopping=False"
)
NO_LABEL = "no label; begin the line with its class, as in: __label__sports the match was won"
STRANGE = "the class c is in no training example; leave the line out, or train on examples of its class"
DIVERGED = "learning_rate=1e+30: training diverged in round 1: the loss is nan; choose a smaller learning_rate"
# what follows the corpus; validation: a share, or the content of v.txt; the form; the message
BAD_INPUT: dict[str, tuple[str, str, dict[str, object], str]] = {
    "no label": ("\nx y\n", "10%", {}, f"{{a.txt}}: line 202: {NO_LABEL}"),
    "a class in validation only": ("", "__label__fruit x\n\n__label__c x\n", {}, f"{{v.txt}}: line 3: {STRANGE}"),
    "a share of all": ("", "100%", {}, f"validation='100%': {NO_SHARE}"),
    "nothing to stop by": ("", "", {"early_stopping": True, "min_epochs": 1}, NO_JUDGE),
    "a learning rate that diverges": ("", "10%", {"learning_rate": 1e30}, DIVERGED),
}


@pytest.mark.parametrize(("more", "validation", "form", "expected"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input(prefect_api, cache, tmp_path, more, validation, form, expected):
    """All that can be wrong with a file is in tests/tasks/text_classification/test_text.py."""
    corpus = write(tmp_path / "a.txt", planted.labelled(lines=200, strays=0.3) + more)
    if "__label__" in validation:
        validation = write(tmp_path / "v.txt", validation)
    failed = run(corpus, validation, {**QUICK.model_dump(), **form}, output=str(tmp_path / "out"))
    assert failed.state.is_failed()
    for file in ("a.txt", "v.txt"):
        expected = expected.replace(f"{{{file}}}", str(tmp_path / file))
    assert str(failed.result) == expected
    assert failed.state.message.endswith(f": {expected}"), "as the Prefect UI shows it"
    assert not (tmp_path / "out").exists()
    assert not list(cache.glob("work/train-*"))
    assert not list(cache.rglob(stages.MARKER)) or "learning_rate" in form
    assert not list(cache.rglob(stages.UNFINISHED + "*"))


def test_hyperparameters_that_cannot_work_together(prefect_api, fruit, cache, tmp_path):
    form = {**QUICK.model_dump(), "early_stopping": True, "min_epochs": 3}
    failed = run(fruit, "10%", form, output=str(tmp_path / "out"))
    assert "min_epochs=3: early stopping would not judge before the training ends, at epochs=2" in failed.state.message

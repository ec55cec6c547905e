"""What a run publishes becomes a version, beside a champion that is judged on the same data."""

import json

import pytest
from prefect import flow

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.pairing import Pairing
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from algorithms.word2vec.algorithm import Word2Vec
from data import storage
from data.errors import StorageError
from data.registry import aliases, versions
from data.registry.records import Move
from flows.object2vec import DEFAULT, object2vec
from flows.text_classification import text_classification
from flows.topics import topics
from flows.word2vec import word2vec
from tasks.against import Comparison, Judge
from tasks.publish import Published
from tasks.registry.challenge import challenge
from tasks.registry.gate import open_gate
from tasks.registry.register import register
from tasks.registry.settings import Registration
from tests import planted, related
from tests.flows.runs import artifacts, run, states

CLASSES = TextClassification(vector_dim=8, min_count=2, buckets=1000, learning_rate=0.3, epochs=1, word_ngrams=2)


@pytest.fixture
def labelled(tmp_path):
    """Blank lines, a class that one line alone has, words that are rare."""
    lines = planted.labelled(lines=300).splitlines()
    lines[7:7] = ["", "   ", "__label__alone of its kind"]
    path = tmp_path / "labelled.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def given_to(name, labelled, corpus, tmp_path):
    """A flow and its arguments."""
    if name == "word2vec":
        text = b"tiger cat book paper computer keyboard money cash king queen car automobile " * 300
        (tmp_path / "text.txt").write_bytes(text + corpus.read_bytes())
        return word2vec, {
            "train": str(tmp_path / "text.txt"),
            "word2vec": Word2Vec(vector_dim=8, epochs=1, min_count=1),
        }
    if name.startswith("classifier"):
        (tmp_path / "unseen.txt").write_text(planted.labelled(lines=60, seed=8))
        validation = {"share": "20%", "text": str(tmp_path / "unseen.txt"), "none": ""}[name.split()[1]]
        return text_classification, {"train": str(labelled), "validation": validation, "text_classification": CLASSES}
    if name.startswith("topics"):
        form = Topics(num_topics=4, epochs=2, mini_batch_size=64, optimizer="adam")
        reference = str(corpus) if name.endswith("reference") else ""
        counting = Counting(threshold=5, n_parts=2)
        return topics, {"train": str(corpus), "topics": form, "counting": counting, "reference": reference}
    (tmp_path / "documents.jsonl").write_text(related.documents())
    form = Object2Vec(**DEFAULT.model_dump(exclude_unset=True) | {"enc_dim": 16, "mini_batch_size": 32, "epochs": 1})
    return object2vec, {"train": str(tmp_path / "documents.jsonl"), "object2vec": form, "pairing": Pairing(min_count=2)}


@pytest.mark.parametrize(
    "name",
    ["word2vec", "classifier share", "classifier text", "classifier none", "topics", "topics reference", "object2vec"],
)
def test_a_champion_beside_itself_is_worth_the_same(prefect_api, cache, labelled, corpus, tmp_path, name):
    """The same model, read from what was published and by its own vocabulary, on the same data."""
    learn, given = given_to(name, labelled, corpus, tmp_path)
    given |= {"output": str(tmp_path / "out"), "threads": 1, "registration": Registration(model_name="planted")}
    first = run(learn, **given)
    assert first.state.is_completed(), first.state.message
    assert first.result.rows[-1] == ("version", "planted@1, promoted: the first one")
    again = run(learn, **given, reuse=False)
    registry = str(tmp_path / "out" / "registry")
    judged = versions.read(registry, "planted", 2).judged
    assert judged["champion"] == "planted@1"
    assert judged["promoted"]
    for row in judged["rows"]:
        assert row["this"] == pytest.approx(row["champion"], abs=1e-5), row
    assert judged["rows"][0]["this"] is not None
    page = storage.read_bytes(again.result.report).decode()
    assert "Against the champion" in page
    assert "planted@1" in page


def test_a_version_for_a_publication_and_not_for_a_run(prefect_api, cache, labelled, tmp_path):
    given = {"output": str(tmp_path / "out"), "threads": 1, "registration": Registration(model_name="c")}
    better = CLASSES.model_copy(update={"epochs": 3})
    done = [
        run(text_classification, str(labelled), "20%", form, **given) for form in (CLASSES, CLASSES, better, CLASSES)
    ]
    assert [each.result.rows[-1][1].partition(",")[0] for each in done] == ["c@1", "c@1", "c@2", "c@1"]
    assert [states(each, expected=9)["register"] for each in done] == ["Promoted", "Promoted", "Promoted", "Refused"]
    table = artifacts(done[-1])["text-classification-champion"]
    assert table.description == "c@1 is refused: it has been the champion, and version 2 has been made that since."
    rows = json.loads(artifacts(done[2])["text-classification-outcome"].data)
    outcome = {row["name"]: row["value"] for row in rows}
    assert outcome["version"] == "c@2"
    version = versions.read(str(tmp_path / "out" / "registry"), "c", 2)
    assert (version.run.id, version.run.flow, version.corpus["kind"]) == (
        str(done[2].id),
        "text-classification",
        "text",
    )
    assert version.metrics["validation_accuracy"] == done[2].result.metrics["validation_accuracy"]


def test_an_unknown_metric_is_refused_at_once(prefect_api, cache, labelled, tmp_path):
    registration = Registration(model_name="c", judged_by="mean_rho")
    failed = run(text_classification, str(labelled), registration=registration, output=str(tmp_path / "out"))
    assert failed.state.is_failed()
    assert "choose one of accuracy, macro_f1, ece, log_loss" in failed.state.message
    assert not cache.exists()


def published(folder, name):
    """As a flow publishes it, as far as a registry looks."""
    url = str(folder / name)
    storage.write_json(
        storage.join(url, "manifest.json"),
        {"algorithm": "topics", "created": "2026", "hyperparameters": {}, "metrics": {"npmi": 0.5}, "name": name},
    )
    return Published(url=url, seconds=0, model=f"{url}/model.tar.gz", report="")


def test_who_loses_a_race_of_two_gates_is_judged_beside_the_winner(prefect_api, tmp_path):
    """A champion that is better comes between the judgement and the promotion; then one that is not."""
    registry = str(tmp_path / "registry")
    worth, asked = {"a": 0.1, "better": 0.9, "worse": 0.2}, []

    def how(champion, *, name):
        asked.append((name, storage.name(champion)))
        return Comparison({"npmi": (worth.get(storage.name(champion)), 0.5)})

    def between(name):
        version, _ = versions.register(registry, "t", _model(tmp_path, name))
        told = {"how": "promoted", "when": "", "by": "", "why": ""}
        aliases.moved(
            registry, "t", lambda alias: Move(version=version.version, previous=alias.version if alias else 0, **told)
        )

    @flow
    def training(name, other):
        gate = open_gate(
            Registration(model_name="t", registry=registry), "", algorithm="topics", metrics={"npmi": "higher"}
        )
        judge = Judge(how, {"name": name})
        against = challenge(gate, judge)
        assert against.promoted
        if other:
            between(other)
        return register(gate, against, published(tmp_path, name), judge).result()

    between("a")
    first = training("first", "better")
    assert first.verdict == "refused: worse: npmi 0.5000, that of t@2 0.9000"
    between("a")
    second = training("second", "worse")
    assert second.verdict == "promoted: not worse: npmi 0.5000, that of t@4 0.2000"
    assert asked == [("first", "a"), ("first", "better"), ("second", "a"), ("second", "worse")]


def _model(folder, name):
    from tasks.registry.register import described

    @flow
    def describe():
        return described(published(folder, name))

    return describe()


def test_a_champion_that_is_gone_loses_and_one_that_cannot_be_reached_does_not(prefect_api, tmp_path):
    registry = str(tmp_path / "registry")
    version, _ = versions.register(registry, "t", _model(tmp_path, "a"))
    told = {"how": "promoted", "when": "", "by": "", "why": ""}
    aliases.moved(registry, "t", lambda _: Move(version=version.version, previous=0, **told))
    error = StorageError("cannot read it: no such file or folder", where="a/model.tar.gz")

    def how(champion):
        if champion:
            raise error
        return Comparison({"npmi": (None, 0.5)})

    @flow
    def challenged():
        registration = Registration(model_name="t", registry=registry)
        gate = open_gate(registration, "", algorithm="topics", metrics={"npmi": "higher"})
        return challenge(gate, Judge(how, {}))

    assert challenged().why == f"there is no npmi of t@1: {error}"

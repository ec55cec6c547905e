"""Classifiers that fastText trained, judged by the flow: as accurate as it says; one line where that cannot be."""

import json
import random
import resource
import struct
import tarfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest

from algorithms.text_classification.algorithm import TextClassification
from data.errors import EmbertextError
from flows.cli import SUCCESS, USER_ERROR
from flows.cli import run as command
from flows.evaluate_classifier import evaluate_classifier
from flows.text_classification import text_classification
from tasks import stages
from tasks.artifacts import Summary
from tasks.ingest import ingest
from tasks.text_classification.judge import judge
from tasks.text_classification.model import find
from tests import planted
from tests.flows import runs

fasttext = pytest.importorskip("fasttext", reason="fasttext-wheel is built for Python below 3.12 only")

STAGES = {"find", "ingest", "evaluate", "publish", "report"}
SUBWORDS = {"minn": 2, "maxn": 4}
TRAINED = {"dim": 8, "epoch": 5, "lr": 0.5, "bucket": 1000, "thread": 1, "verbose": 0}


def run(model: object, validation: object, **options: object) -> SimpleNamespace:
    return runs.run(evaluate_classifier, str(model), str(validation), **options)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(folder / "cache"))
        yield folder


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def learned(place) -> Path:
    return write(place / "learned.txt", planted.labelled(lines=500, strays=0.3))


@pytest.fixture(scope="module")
def unseen(place) -> Path:
    """With words that no model knows."""
    draw = random.Random(3)
    lines = planted.labelled(lines=400, strays=0.3, seed=8).splitlines()
    return write(place / "unseen.txt", "".join(f"{line} new{draw.randrange(99)}\n" for line in lines))


@pytest.fixture(scope="module")
def trained(place, learned):
    """A model by fastText, under its file's name."""

    def by_fasttext(name: str = "model.bin", *, text: Path = learned, **options: object) -> Path:
        model = fasttext.train_supervised(input=str(text), **{**TRAINED, **options})
        if name.endswith(".ftz"):
            model.quantize(input=str(text), qnorm=True, retrain=False, dsub=2)
        model.save_model(str(place / name))
        return place / name

    return by_fasttext


@pytest.fixture(scope="module")
def model(trained) -> Path:
    return trained(wordNgrams=2)


@pytest.fixture(scope="module")
def finished(prefect_api, model, unseen, place):
    return run(model, unseen, output=str(place / "out"))


def theirs(model: Path, text: Path) -> float:
    examples, precision, _ = fasttext.load_model(str(model)).f.test(str(text), 1, 0.0)
    assert examples == len(text.read_text(encoding="utf-8").splitlines())
    return precision


def test_every_stage_completes(finished, model, unseen):
    assert finished.state.is_completed(), finished.result
    assert runs.states(finished, expected=len(STAGES)) == dict.fromkeys(STAGES, "Completed")
    told = finished.result
    assert isinstance(told, Summary)
    assert told.seconds.keys() == STAGES
    assert told.metrics.keys() == {"validation_accuracy", "macro_f1", "ece", "at_k"}
    assert told.metrics["validation_accuracy"] == pytest.approx(theirs(model, unseen), abs=1e-9)
    assert 0.7 < told.metrics["validation_accuracy"] < 1
    assert [row["k"] for row in told.metrics["at_k"]] == [1, 2]
    assert told.words_per_second > 0
    rows = dict(told.rows)
    assert rows["classifier"] == "model.bin: 17 words, 2 labels"
    assert rows["corpus"] == f"unseen: {400 * 9:,} words"
    assert "unknown labels" not in rows


def test_the_published_folder_is_whole(finished, model):
    folder = Path(finished.result.report).parent
    assert folder.name.startswith("evaluate-classifier-")
    assert {path.name for path in folder.iterdir()} == {"eval.json", "report.html", "manifest.json"}
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert (manifest["algorithm"], manifest["metrics"]) == ("evaluate-classifier", finished.result.metrics)
    assert manifest["files"].keys() == {"eval.json", "report.html"}
    assert manifest["model"]["urls"] == [str(model)] == [finished.result.model]
    assert manifest["model"]["bytes"] == model.stat().st_size
    assert manifest["model"]["checksum"].startswith("sha256:")
    assert (manifest["hyperparameters"]["word_ngrams"], manifest["hyperparameters"]["loss"]) == (2, "softmax")
    evaluation = json.loads((folder / "eval.json").read_bytes())
    assert evaluation["validation_accuracy"] == evaluation["accuracy"] == manifest["metrics"]["validation_accuracy"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    for part in ("model.bin on unseen", "400 validation examples", str(model), "Surest mistakes"):
        assert part in page
    assert "does not know" not in page


def test_artifacts(finished):
    found = runs.artifacts(finished)
    names = ("summary", "metrics", "classes", "outcome", "report")
    assert found.keys() == {f"evaluate-classifier-{name}" for name in names}
    assert "Judged on 400 validation examples" in found["evaluate-classifier-summary"].data


def test_the_same_content_is_judged_once(finished, model, unseen, place):
    again = run(model, unseen, output=str(place / "out")).result
    assert again.reused == ["evaluate", "publish"]
    assert (again.report, again.metrics) == (finished.result.report, finished.result.metrics)
    (place / "elsewhere").mkdir()
    copy = place / "elsewhere" / "other.bin"
    copy.write_bytes(model.read_bytes())
    assert run(copy, unseen, output=str(place / "out")).result.reused == ["evaluate"]
    other = write(place / "other.txt", unseen.read_text(encoding="utf-8") + "__label__fruit pear\n")
    assert run(model, other, output=str(place / "out")).result.reused == []
    fresh = run(model, unseen, output=str(place / "out"), reuse=False).result
    assert "evaluate" not in fresh.reused
    assert fresh.metrics == finished.result.metrics


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("subwords.bin", SUBWORDS),
        ("both.bin", {**SUBWORDS, "wordNgrams": 3}),
        ("small.ftz", {"wordNgrams": 2}),
        ("small-subwords.ftz", {**SUBWORDS, "wordNgrams": 2}),
        ("hs.bin", {"loss": "hs"}),
        ("ova.bin", {"loss": "ova"}),
    ],
)
def test_every_model_of_fasttexts_is_as_accurate_as_it_says(prefect_api, trained, unseen, place, name, options):
    path = trained(name, **options)
    done = run(path, unseen, output=str(place / "out"))
    assert done.state.is_completed(), done.result
    assert done.result.metrics["validation_accuracy"] == pytest.approx(theirs(path, unseen), abs=1e-9)


def test_archives_and_addresses(finished, model, unseen, place):
    """model.tar.gz as ours and BlazingText's, the same in a folder, on another file system."""
    with tarfile.open(place / "model.tar.gz", "w:gz") as archive:
        for name in ("eval.json", "model.bin"):
            archive.add(model, f"./{name}")
    with fsspec.open("memory://evaluate/model.bin", "wb") as file:
        file.write(model.read_bytes())
    for url in (place / "model.tar.gz", "memory://evaluate/model.bin"):
        done = run(url, unseen, output=str(place / "out"))
        assert done.state.is_completed(), done.result
        assert done.result.metrics == finished.result.metrics
    assert run(model, unseen, output="memory://evaluate/out").result.report.startswith("memory://evaluate/out/")


def test_what_text_classification_published(prefect_api, learned, unseen, place):
    form = TextClassification(vector_dim=8, min_count=1, buckets=1000, learning_rate=0.5, epochs=2)
    options = {"threads": 1, "output": str(place / "out")}
    published = runs.run(text_classification, str(learned), str(unseen), form, **options).result
    judged = run(published.model, unseen, output=str(place / "out")).result
    for name in ("validation_accuracy", "macro_f1"):
        assert judged.metrics[name] == pytest.approx(published.metrics[name], abs=1e-9)
    assert judged.model == published.model


def test_other_forms_of_text(finished, model, unseen, place, tmp_path):
    """Rows and JSON Lines, whose words are lower-cased unless they are to stay."""
    rows = [line.removeprefix("__label__").split(" ", 1) for line in unseen.read_text(encoding="utf-8").splitlines()]
    write(tmp_path / "rows.csv", "".join(f'"{label}","{text.upper()}"\n' for label, text in rows))
    lines = (json.dumps({"source": text, "label": label}) + "\n" for label, text in rows)
    write(tmp_path / "lines.manifest", "".join(lines))
    for name in ("rows.csv", "lines.manifest"):
        done = run(model, tmp_path / name, output=str(tmp_path / "out"))
        assert done.result.metrics == finished.result.metrics
    done = run(model, tmp_path / "rows.csv", tokenizer="whitespace", output=str(tmp_path / "out"))
    assert done.result.metrics["validation_accuracy"] < finished.result.metrics["validation_accuracy"]


def test_a_label_that_the_model_does_not_know_is_a_wrong_answer(prefect_api, model, unseen, tmp_path, place):
    known = unseen.read_text(encoding="utf-8")
    strange = "__label__a pear\n\n" * 3 + "__label__b saw __label__c\n" * 2 + "__label__d hammer\n"
    several = "__label__fruit __label__d pear plum apple\n"
    mixed = write(tmp_path / "mixed.txt", strange + known + several)
    done = run(model, mixed, output=str(tmp_path / "out")).result
    expected = (400 * theirs(model, unseen) + 1) / 407
    assert done.metrics["validation_accuracy"] == pytest.approx(expected, abs=1e-9)
    sentence = "7 examples have labels that the model does not know (a, b, c and 1 more)"
    assert dict(done.rows)["unknown labels"].startswith(sentence)
    folder = Path(done.report).parent
    evaluation = json.loads((folder / "eval.json").read_bytes())
    assert evaluation["unknown"] == {"examples": 7, "labels": 4, "such_as": ["a", "b", "c"]}
    assert {row["label"]: row["support"] for row in evaluation["classes"][2:]} == {"a": 3, "b": 2, "c": 2, "d": 2}
    assert sentence in (folder / "report.html").read_text(encoding="utf-8")
    assert evaluation["examples"] == 407


def test_labels_with_a_prefix_of_their_own(prefect_api, trained, learned, place, tmp_path):
    """Where the lines have it too, nothing is in the way."""
    text = learned.read_text(encoding="utf-8").replace("__label__", "#")
    other = write(tmp_path / "hashes.txt", text)
    path = trained("hashes.bin", text=other, label="#")
    assert run(path, other, output=str(tmp_path / "out")).result.metrics["validation_accuracy"] == theirs(path, other)
    failed = run(path, learned, output=str(tmp_path / "out2"))
    assert str(failed.result) == (
        f"{learned}: the model knows no label of this text (__label__tool, __label__fruit); its own are #fruit, #tool; "
        "the model's labels begin with #: write #tool at the beginning of the line of a text file"
    )


CUT = "the file was cut short"
NO_LABEL = "no label; begin the line with its class, as in: __label__sports the match was won"
# what becomes of the model's bytes; the message behind the name of the file
BAD_MODELS = {
    "empty": (lambda data: b"", "byte 0: the file is empty; the file is damaged"),
    "another file": (
        lambda data: b"PK\3\4" + data[4:],
        "byte 0: magic 67324752, expected 793712314; is this a fastText",
    ),
    "another version": (lambda data: data[:4] + b"\x0d" + data[5:], "byte 4: version 13, expected 11 or 12; save it"),
    "cut short": (lambda data: data[:5000], CUT),
    "cut in its head": (lambda data: data[:30], CUT),
    "rows it has not": (lambda data: replaced_rows(data), "numbers take"),
    "entries it has not": (lambda data: data[:64] + struct.pack("<iii", 2**31 - 1, 2**31 - 3, 2) + data[76:], "fit"),
    "not finite": (lambda data: data[:-4] + b"\0\0\xc0\x7f", "some of the model's numbers are not finite"),
}


def replaced_rows(data: bytes) -> bytes:
    """The input's shape, which is where it says 17 + 1000 rows of 8."""
    shape = struct.pack("<qq", 1017, 8)
    assert data.count(shape) == 1
    return data.replace(shape, struct.pack("<qq", 2**58, 8))


@pytest.mark.parametrize(("damage", "expected"), BAD_MODELS.values(), ids=BAD_MODELS)
def test_a_file_that_is_no_classifier(model, unseen, tmp_path, damage, expected):
    path = tmp_path / "bad.bin"
    path.write_bytes(damage(model.read_bytes()))
    refused(path, unseen, tmp_path, str(path), expected)


def refused(model: Path, text: Path, tmp_path: Path, *parts: str) -> None:
    """By the stage: one line that begins with the first part and holds the others; nothing is left."""
    with pytest.raises(EmbertextError) as error:
        judge.fn(find.fn(str(model)), ingest.fn(str(text)), tokenizer="auto", work=f"{tmp_path}/work")
    message = str(error.value)
    assert message.startswith(parts[0])
    assert all(part in message for part in parts), message
    assert "\n" not in message
    assert error.value.remedy
    assert not list((tmp_path / "work").rglob("*"))


def test_a_tampered_file_costs_one_line_and_no_memory(prefect_api, cache, model, unseen, tmp_path):
    path = tmp_path / "bad.bin"
    path.write_bytes(replaced_rows(model.read_bytes()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failed = run(path, unseen, output=str(tmp_path / "out"))
    assert failed.state.is_failed()
    assert str(failed.result).startswith(f"{path}: byte ")
    assert str(failed.result) in failed.state.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kB: what it claims is not allocated"
    assert not (tmp_path / "out").exists()
    assert not list(cache.rglob(stages.MARKER))
    assert not list(cache.rglob(stages.UNFINISHED + "*"))


def test_word_vectors(learned, unseen, tmp_path):
    path = tmp_path / "vectors.bin"
    fasttext.train_unsupervised(str(learned), **{**TRAINED, "epoch": 1}).save_model(str(path))
    refused(path, unseen, tmp_path, f"{path}: a model of skipgram, not a classifier; give a model")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (
            {"vectors.bin": b"x"},
            ": the archive holds no model.bin; give a fastText model.bin or model.ftz, or the model",
        ),
        ({}, ": the archive holds no model.bin; give a fastText model.bin"),
        ({"model.bin": b"\0" * 99}, "!model.bin: byte 0: magic 0, expected 793712314; is this a fastText model"),
        (None, ": the file is damaged or cut short"),
    ],
)
def test_archives_without_a_classifier(unseen, tmp_path, members, expected):
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (members or {}).items():
            (tmp_path / "member").write_bytes(content)
            archive.add(tmp_path / "member", name)
    if members is None:
        path.write_bytes(b"not an archive")
    refused(path, unseen, tmp_path, f"{path}{expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ": no words in it; give files with text"),
        ("\n \n", ": no words in it; give files with text"),
        ("__label__fruit pear\n\npear plum\n", f": line 3: {NO_LABEL}"),
        (
            "__label__a x\n__label__b y\n",
            ": the model knows no label of this text (__label__a, __label__b); its own are __label__fruit, "
            "__label__tool; give text of the model's classes, or another model",
        ),
    ],
)
def test_text_that_cannot_be_judged_by(model, tmp_path, text, expected):
    path = write(tmp_path / "v.txt", text)
    refused(model, path, tmp_path, str(path), expected)


def test_random_damage_is_refused_or_judged(trained, unseen, tmp_path):
    """A process that crashed would end the suite."""
    draw, ingested = random.Random(1), ingest.fn(str(unseen))
    for name in ("model.bin", "small.ftz"):
        data = trained(name, wordNgrams=2).read_bytes()
        for number in range(40):
            damaged = bytearray(data)
            for _ in range(1 + number % 4):
                damaged[draw.randrange(min(len(data), 500))] = draw.randrange(256)
            path = tmp_path / f"{number}-{name}"
            path.write_bytes(damaged)
            with suppress(EmbertextError):
                judge.fn(find.fn(str(path)), ingested, tokenizer="auto", work=f"{tmp_path}/work")


# The command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(prefect_api, monkeypatch):
    """`embertext` in this process, against the session's server."""
    monkeypatch.setattr("flows.cli.start_prefect", lambda: None)


def test_json(here, finished, model, unseen, place, capsys):
    given = ["--model", str(model), "--validation", str(unseen), "--output", str(place / "out"), "--json"]
    assert command(["evaluate-classifier", *given]) == SUCCESS
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["metrics"] == finished.result.metrics
    assert told["reused"] == ["evaluate", "publish"]


def test_a_table(here, finished, model, unseen, place, capsys):
    given = ["--model", str(model), "--validation", str(unseen), "--output", str(place / "out")]
    assert command(["evaluate-classifier", *given]) == SUCCESS
    shown = " ".join(capsys.readouterr().out.split())
    for part in ("classifier model.bin: 17 words, 2 labels", "corpus unseen: 3,600 words", f"model {model}", "report "):
        assert part in shown


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--validation=v.txt"], "--model"),
        (["--model=model.bin"], "--validation"),
        (["--model=", "--validation=v.txt"], "model: no model is given; give a fastText model.bin or model.ftz"),
        (["--model=nothing.bin", "--validation=v.txt"], "nothing.bin: cannot read it: no such file or folder; check"),
        (["--model=.", "--validation=v.txt"], "cannot read it: it is a folder; give a file's name"),
        (["--model=v.txt", "--validation=v.txt"], "v.txt: byte 0: magic 1634492255, expected 793712314; is this a"),
        (["--model=v.txt", "--validation=v.txt", "--tokenizer=moses"], "tokenizer='moses': input should be 'auto'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(here, cache, tmp_path, monkeypatch, capsys, given, expected):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "v.txt", "__label__fruit pear\n")
    assert command(["evaluate-classifier", *given]) == USER_ERROR
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1].startswith("error: ")
    assert expected in shown.err.splitlines()[-1]
    assert not (tmp_path / "artifacts").exists()

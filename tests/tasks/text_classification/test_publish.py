"""Publishing a classifier: one whole folder or nothing. What a finished run publishes is in tests/flows."""

import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from algorithms.text_classification.algorithm import TextClassification
from data import fasttext, storage
from data.errors import StorageError
from tasks import publish as publishing
from tasks.ingest import ingest
from tasks.publish import MANIFEST, MODEL, REPORT
from tasks.text_classification.evaluate import evaluate
from tasks.text_classification.publish import publish
from tasks.text_classification.text import prepare
from tasks.text_classification.train import learn
from tasks.train import Machines
from tests import planted
from tests.packed import unpack

FORM = TextClassification(vector_dim=8, epochs=2, min_count=1, buckets=1000, learning_rate=0.5)
HERE = Machines(threads=1, workers=0, scheduler="")


class Stages(SimpleNamespace):
    """What was done before, and publishing that."""

    def publish(self, output: object, form: TextClassification = FORM):
        return publish.fn(
            self.ingested, self.validation, self.prepared, self.trained, self.evaluated, form, output=str(output)
        )


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Stages:
    folder = tmp_path_factory.mktemp("stages")
    sources = []
    for name, seed in (("news.txt", 1), ("unseen.txt", 2)):
        (folder / name).write_text(planted.labelled(lines=200, seed=seed), encoding="utf-8")
        sources.append(ingest.fn(str(folder / name)))
    options = {"share": 0.0, "tokenizer": "auto", "machines": HERE, "work": f"{folder}/work"}
    prepared = prepare.fn(*sources, FORM, **options)
    trained = learn.fn(prepared, FORM, machines=HERE, seed=1)
    evaluated = evaluate.fn(prepared, trained, FORM)
    return Stages(ingested=sources[0], validation=sources[1], prepared=prepared, trained=trained, evaluated=evaluated)


def manifest(published) -> dict:
    return storage.read_json(storage.join(published.url, MANIFEST))


@pytest.mark.parametrize("place", ["local", "memory"])
def test_a_whole_folder(done, tmp_path, place):
    published = done.publish(tmp_path / "out" if place == "local" else f"memory://{tmp_path.name}/out")
    assert {storage.name(url) for url in storage.expand(published.url)} == {MODEL, REPORT, MANIFEST}
    told = manifest(published)
    assert told["files"][MODEL]["bytes"] == storage.size(published.model)
    assert told["corpus"] == {
        **publishing.lineage(done.ingested.source),
        "examples": 200, "validation_examples": 200, "tokens": 1600, "vocabulary": 17,
        "ngrams": done.prepared.ngrams, "classes": 2,
    }  # fmt: skip
    assert told["validation"] == publishing.lineage(done.validation.source)
    assert told["metrics"] == done.evaluated.metrics
    assert done.publish(published.url.rpartition("/")[0]).name == "Cached"


def test_the_model_is_fasttexts(done, tmp_path):
    published = done.publish(tmp_path)
    with tarfile.open(published.model) as archive:
        assert archive.getnames()[0] == "model.bin"
        told = json.load(archive.extractfile(MANIFEST))
    unpack(published.model, tmp_path)
    assert told["files"]["model.bin"]["bytes"] == (tmp_path / "model.bin").stat().st_size
    model = fasttext.read_model(tmp_path / "model.bin")
    assert model.args.model == fasttext.ModelName.SUPERVISED
    assert (model.args.dim, model.args.word_ngrams, model.args.bucket) == (8, 2, 1000)
    assert [entry.word for entry in model.dictionary.entries][-2:] == ["__label__tool", "__label__fruit"]


def test_the_form_and_the_sources_make_the_place(done, tmp_path):
    first = done.publish(tmp_path)
    other_form = done.publish(tmp_path, FORM.model_copy(update={"patience": 9}))
    held_out = Stages(**{**vars(done), "validation": None}).publish(tmp_path)
    assert len({first.url, other_form.url, held_out.url}) == 3
    assert "validation" not in manifest(held_out)
    with tarfile.open(other_form.model) as archive:
        assert json.load(archive.extractfile("algorithm.json"))["patience"] == 9


def test_a_failure_leaves_nothing(done, tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "pack", broken)
        with pytest.raises(StorageError, match=r"no space is left"):
            done.publish(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Path(done.publish(tmp_path).model).is_file()


def test_the_report_says_both_accuracies(done, tmp_path):
    page = Path(done.publish(tmp_path).report).read_text(encoding="utf-8")
    for text in ("text classification on news", "100.00%", "unseen"):
        assert text in page

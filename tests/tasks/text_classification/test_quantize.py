"""Making a classifier small: the stage, what is judged and published of it."""

import json
import tarfile
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from distributed import LocalCluster

from algorithms.text_classification.algorithm import TextClassification
from algorithms.text_classification.classifier import Classifier
from data import arrays, fasttext, storage
from tasks.ingest import ingest
from tasks.text_classification import page
from tasks.text_classification.evaluate import EVALUATION, evaluate
from tasks.text_classification.publish import publish
from tasks.text_classification.quantize import FTZ, NUMBERS, quantize
from tasks.text_classification.text import prepare
from tasks.text_classification.train import learn
from tasks.train import Machines
from tests.tasks.parsed import Page

SMALL = {"vector_dim": 8, "epochs": 2, "learning_rate": 0.5, "min_count": 1, "buckets": 3000}
FORM = TextClassification(**SMALL, quantize=True, cutoff=300)
HERE = Machines(threads=1, workers=0, scheduler="")


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> str:
    """Two classes that share half of their words, 500 lines of each."""
    draw = np.random.default_rng(1)
    lines = []
    for number in range(1000):
        label = "ab"[number % 2]
        words = [f"{draw.choice(['x', label])}{rank % 200}" for rank in draw.zipf(1.6, 8)]
        lines.append(f"__label__{label} {' '.join(words)}\n")
    path = tmp_path_factory.mktemp("corpora") / "two.txt"
    path.write_text("".join(lines))
    return str(path)


def unwrapped(result):
    """What a task returned, of one that found it finished too: as Prefect gives it to the next task."""
    return getattr(result, "data", result)


class Run:
    """The stages before, done once for each share that is held out."""

    def __init__(self, text: str, work: str, *, share: float = 0.2) -> None:
        self.ingested = ingest.fn(text)
        self.prepared = prepare.fn(self.ingested, None, FORM, share=share, tokenizer="auto", machines=HERE, work=work)
        self.trained = learn.fn(self.prepared, FORM, machines=HERE, seed=1)

    def quantized(self, *, machines: Machines = HERE, **changes: object):
        return quantize.fn(self.prepared, self.trained, FORM.model_copy(update=changes), machines=machines)


@pytest.fixture(scope="module")
def run(text, tmp_path_factory) -> Run:
    return Run(text, str(tmp_path_factory.mktemp("work")))


@pytest.fixture(scope="module")
def quantized(run):
    return run.quantized()


def test_what_it_leaves(run, quantized):
    folder = Path(quantized.url)
    assert {path.name for path in folder.iterdir()} == {FTZ, NUMBERS, "done.json"}
    assert (quantized.bytes, quantized.epochs) == ((folder / FTZ).stat().st_size, FORM.epochs)
    assert quantized.words + quantized.ngrams == FORM.cutoff
    assert 0 < quantized.words < run.prepared.vocabulary
    model = fasttext.read_model(folder / FTZ)
    assert model.dictionary.words == quantized.words
    assert model.prune is not None
    assert len(model.prune) == quantized.ngrams
    assert len(arrays.opened(str(folder / NUMBERS))) == run.prepared.vocabulary + run.prepared.ngrams + 1
    classifier = Classifier.of_fasttext(model)
    found = classifier.predict(["a1 a2 x1", "b1 x1 b2"]).labels[:, 0]
    assert [classifier.labels[label] for label in found] == ["__label__a", "__label__b"]


def test_every_input_counts(run, quantized):
    assert run.quantized().name == "Cached"
    for change in ({"cutoff": 400}, {"machines": Machines(threads=2, workers=0, scheduler="")}):
        assert run.quantized(**change).url != quantized.url


def test_training_does_not_begin_again(run):
    for form in (FORM.model_copy(update={"quantize": False}), FORM.model_copy(update={"cutoff": 0})):
        assert learn.fn(run.prepared, form, machines=HERE, seed=1).name == "Cached"


def test_all_rows(run):
    every = run.quantized(cutoff=0)
    assert (every.words, every.ngrams, every.epochs) == (run.prepared.vocabulary, run.prepared.ngrams, 0)
    assert fasttext.read_model(f"{every.url}/{FTZ}").input.shape[0] == run.prepared.vocabulary + FORM.buckets


def test_it_trains_as_long_as_the_weights_that_were_kept(run):
    early = run.trained.model_copy(update={"epoch": 1})
    form = FORM.model_copy(update={"cutoff": 301})
    assert quantize.fn(run.prepared, early, form, machines=HERE).epochs == 1


@pytest.mark.parametrize(("share", "which"), [(0.2, "validation"), (0, "train")])
def test_it_is_judged_beside_the_whole_model(share, which, text, run, tmp_path):
    run = run if share else Run(text, str(tmp_path), share=0)
    small = unwrapped(run.quantized())
    whole, told = (unwrapped(evaluate.fn(run.prepared, run.trained, FORM, each)).metrics for each in (None, small))
    judged = told[f"quantized_{which}_accuracy"]
    assert told == whole | {f"quantized_{which}_accuracy": judged, "quantized_bytes": small.bytes}
    assert judged > whole[f"{which}_accuracy"] - 0.05 > 0.8
    assert isinstance(told["quantized_bytes"], int)


def test_it_is_published_behind_the_whole_model(run, quantized, tmp_path):
    evaluated = unwrapped(evaluate.fn(run.prepared, run.trained, FORM, quantized))
    done = publish.fn(
        run.ingested, None, run.prepared, run.trained, evaluated, FORM, quantized=quantized, output=str(tmp_path)
    )
    with tarfile.open(done.model) as archive:
        names = archive.getnames()
        assert names[:2] == ["model.bin", FTZ]
        assert archive.extractfile(FTZ).read() == Path(quantized.url, FTZ).read_bytes()
        sizes = [archive.getmember(name).size for name in names[:2]]
        told = json.loads(archive.extractfile("eval.json").read())
    manifest = storage.read_json(f"{done.url}/manifest.json")
    assert manifest["quantized"] == {
        "bytes": sizes[1], "bytes_whole": sizes[0], "words": quantized.words, "ngrams": quantized.ngrams,
        "epochs": FORM.epochs,
    }  # fmt: skip
    assert list(manifest["seconds"]) == ["ingest", "prepare", "train", "quantize", "evaluate", "publish"]
    for name in ("quantized_validation_accuracy", "quantized_bytes"):
        assert manifest["metrics"][name] == told[name]

    shown = Page(Path(done.report).read_text()).text
    accuracies = [f"{manifest['metrics'][f'{each}validation_accuracy']:.2%}" for each in ("", "quantized_")]
    rows = [
        "Quantised",
        " ".join(["size", *map(page.page.size, sizes)]),
        " ".join(["validation accuracy", *accuracies]),
    ]
    for row in rows:
        assert row in " ".join(shown.split())
    assert "trained again, for 2 epochs, without the others" in " ".join(shown.split())
    judgement = storage.read_json(f"{evaluated.url}/{EVALUATION}")
    assert dict(page.terminal_rows(manifest, judgement))["quantised"].endswith(" → ".join(accuracies))
    assert "quantized validation accuracy" in {row["metric"] for row in page.metrics_rows(manifest, judgement)}
    assert "| size |" in page.summary_markdown(manifest=manifest, judgement=judgement)


def test_nothing_is_said_where_it_was_not_asked_for(run, tmp_path):
    evaluated = unwrapped(evaluate.fn(run.prepared, run.trained, FORM))
    form = FORM.model_copy(update={"quantize": False})
    done = publish.fn(run.ingested, None, run.prepared, run.trained, evaluated, form, output=str(tmp_path))
    with tarfile.open(done.model) as archive:
        assert FTZ not in archive.getnames()
    assert "uantised" not in Path(done.report).read_text()
    assert "quantize" not in storage.read_json(f"{done.url}/manifest.json")["seconds"]


def test_elsewhere(text):
    """Workers of a Dask cluster, and a cache that is not on this disk."""
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as local:
        run = Run(text, f"memory://{uuid4().hex}/work")
        away = run.quantized(machines=Machines(threads=1, workers=0, scheduler=local.scheduler_address))
    metrics = evaluate.fn(run.prepared, run.trained, FORM, away).metrics
    assert metrics["quantized_validation_accuracy"] > 0.8

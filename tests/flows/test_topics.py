"""The whole flow on a tiny corpus: what it publishes, what it reuses, when it stops, how it fails."""

import hashlib
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from algorithms import records
from algorithms.model import load_state
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from data.vectors import write_vectors
from flows.topics import topics
from tasks import stages
from tasks.artifacts import Summary
from tests.flows import runs
from tests.planted import FRUIT, TOOLS

FORM = Topics(num_topics=4, epochs=10, mini_batch_size=64, optimizer="adam", num_patience_epochs=8)
QUICK = FORM.model_copy(update={"epochs": 1, "num_topics": 2})
COUNTING = Counting(threshold=5, n_parts=2)
STAGES = {"ingest", "prepare", "train", "evaluate", "publish", "report"}


def run(train: object, form: object = FORM, **options) -> SimpleNamespace:
    return runs.run(topics, str(train), topics=form, **{"counting": COUNTING, "threads": 1, **options})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def finished(prefect_api, corpus, place):
    return run(corpus, output=str(place / "out"))


@pytest.fixture(scope="module")
def manifest(finished) -> dict:
    return json.loads(Path(finished.result.model).with_name("manifest.json").read_bytes())


@pytest.fixture(scope="module")
def unpacked(finished, place) -> Path:
    with tarfile.open(finished.result.model) as archive:
        archive.extractall(place / "unpacked", filter="data")
    return place / "unpacked"


@pytest.fixture
def counts(tmp_path) -> Path:
    """Ready counts: folders train/ and validation/, vocab.txt beside them; five documents of either kind in each."""
    rng = np.random.default_rng(1)
    for channel, size in (("train", 200), ("validation", 40)):
        kinds = np.kron(rng.permutation(np.tile(np.eye(2), (size // 2, 1))), np.ones(8))
        folder = tmp_path / "counts" / channel
        folder.mkdir(parents=True)
        with (folder / "part-0.pbr").open("wb") as file:
            records.write_matrix(file, rng.poisson(4 * kinds).astype(np.float32))
    (tmp_path / "counts" / "vocab.txt").write_text("".join(f"{word}\n" for word in (*FRUIT, *TOOLS)), encoding="utf-8")
    return tmp_path / "counts"


def kinds(result: Summary) -> set[frozenset[str]]:
    """The first eight words of each topic."""
    return {frozenset(words[:8]) for words in result.metrics["topics"]}


def test_every_stage_completes(finished):
    assert finished.state.is_completed()
    assert runs.states(finished, expected=len(STAGES)) == dict.fromkeys(STAGES, "Completed")
    assert isinstance(finished.result, Summary)
    assert finished.result.seconds.keys() == STAGES
    assert finished.result.reused == []
    assert finished.result.metrics.keys() >= {"total_loss", "perplexity", "tu", "npmi", "diversity", "topics"}
    assert dict(finished.result.rows)["corpus"] == "planted: 4,000 documents, 16 words"


def test_the_published_folder_is_whole(finished, manifest):
    folder = Path(finished.result.model).parent
    assert folder.name.startswith("topics-")
    assert {path.name for path in folder.iterdir()} == {"model.tar.gz", "report.html", "manifest.json"}
    for name in ("model.tar.gz", "report.html"):
        assert manifest["files"][name]["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert "4 topics in planted" in (folder / "report.html").read_text(encoding="utf-8")


def test_the_manifest_tells_where_the_model_comes_from(finished, manifest, corpus):
    assert manifest["algorithm"] == "topics"
    assert manifest["hyperparameters"] == FORM.model_dump(mode="json")
    assert (manifest["seed"], manifest["threads"], manifest["workers"]) == (1, 1, 1)
    assert manifest["corpus"]["checksum"] == "sha256:" + hashlib.sha256(corpus.read_bytes()).hexdigest()
    assert manifest["metrics"] == finished.result.metrics
    assert manifest["seconds"].keys() == STAGES - {"report"}


def test_the_planted_topics_are_found(finished, unpacked):
    assert kinds(finished.result) >= {frozenset(FRUIT), frozenset(TOOLS)}
    assert (unpacked / "topics.txt").read_text(encoding="utf-8").count("\n") == 4


def test_our_own_members_read_back(unpacked):
    form = Topics.model_validate_json((unpacked / "algorithm.json").read_bytes())
    assert form == FORM
    words = (unpacked / "vocab.txt").read_text(encoding="utf-8").split()
    rows = np.array([[3 * (word in FRUIT) for word in words], [3 * (word in TOOLS) for word in words]], np.float32)
    theta = form.infer(load_state(unpacked / "state.safetensors"), sparse(rows))
    np.testing.assert_allclose(theta.sum(axis=1), 1, rtol=1e-5)
    assert theta[0].argmax() != theta[1].argmax()


def test_the_best_epoch_is_published(finished, manifest):
    losses = {each["epoch"]: each["validation_total_loss"] for each in manifest["history"] if "epoch" in each}
    assert list(losses) == list(range(1, len(losses) + 1))
    assert finished.result.metrics["total_loss"] == pytest.approx(min(losses.values()), rel=1e-5)


def test_artifacts(finished):
    found = runs.artifacts(finished)
    assert found.keys() >= {f"topics-{name}" for name in ("training", "summary", "metrics", "words", "report")}
    assert found["topics-training"].data == 100
    assert found["topics-summary"].data.count("](data:image/png;base64,") == 3
    assert finished.result.report in found["topics-report"].data


def test_a_rerun_takes_finished_stages_as_they_are(finished, corpus, place):
    again = run(corpus, output=str(place / "out"))
    cached = dict.fromkeys(["prepare", "train", "evaluate", "publish"], "Cached")
    assert runs.states(again, expected=len(STAGES)) == {"ingest": "Completed", "report": "Completed", **cached}
    assert again.result.model == finished.result.model
    assert again.result.metrics == finished.result.metrics
    assert again.result.reused == list(cached)


def test_one_thread_and_one_seed_give_the_same_bits(finished, corpus, place, unpacked):
    fresh = run(corpus, output=str(place / "out"), reuse=False)
    assert fresh.result.reused == []
    with tarfile.open(fresh.result.model) as archive:
        for name in ("state.safetensors", "topics.txt", "vocab.txt", "eval.json"):
            member = archive.extractfile(name)
            assert member is not None
            assert member.read() == (unpacked / name).read_bytes(), name


def test_ready_counts(prefect_api, counts, cache, tmp_path):
    done = run(counts, output=str(tmp_path / "out")).result
    assert kinds(done) >= {frozenset(FRUIT), frozenset(TOOLS)}
    assert done.metrics.keys() >= {"train_total_loss", "validation_total_loss"}
    assert "test_total_loss" not in done.metrics
    assert "the words they have most" in Path(done.report).read_text(encoding="utf-8")


def test_counts_without_words_and_without_validation(prefect_api, counts, cache, tmp_path):
    (counts / "vocab.txt").unlink()
    done = run(counts / "train", output=str(tmp_path / "out")).result
    assert done.metrics["total_loss"] == done.metrics["train_total_loss"]
    assert sorted(map(int, done.metrics["topics"][0])) == list(range(16))
    with tarfile.open(done.model) as archive:
        assert "vocab.txt" not in archive.getnames()
    assert "alidation" not in Path(done.report).read_text(encoding="utf-8").replace("validation_", "")


def test_vectors_reference_and_test_documents(prefect_api, corpus, finished, place, tmp_path):
    vectors = np.repeat(np.eye(2, 4, dtype=np.float32), 8, axis=0)
    write_vectors(tmp_path / "vectors.txt", [*FRUIT, *TOOLS], vectors)
    given = {"reference": str(corpus), "vectors": str(tmp_path / "vectors.txt"), "test": str(corpus)}
    done = run(corpus, QUICK, output=str(place / "out"), **given).result
    assert -1 <= done.metrics["wetc"] <= 1
    manifest = json.loads(Path(done.model).with_name("manifest.json").read_bytes())
    assert (manifest["vectors"]["name"], manifest["reference"]["name"], manifest["test"]["name"]) == (
        "vectors", "planted", "planted",
    )  # fmt: skip
    assert "WETC" in Path(done.report).read_text(encoding="utf-8")


@pytest.mark.services
def test_two_processes_learn_as_well(prefect_api, corpus, cache, tmp_path):
    done = run(corpus, output=str(tmp_path / "out"), workers=2).result
    assert kinds(done) >= {frozenset(FRUIT), frozenset(TOOLS)}
    manifest = json.loads(Path(done.model).with_name("manifest.json").read_bytes())
    assert manifest["workers"] == 2


LARGE = (
    "mini_batch_size=512: a mini-batch larger than the 160 training documents; "
    "choose mini_batch_size <= 160, or give more documents"
)
PLANTED = " ".join([*FRUIT, *TOOLS]) + "\n"
BAD_INPUT: dict[str, tuple[str, dict[str, object], dict[str, object], str]] = {
    "an empty file": ("", {}, {}, "{train}: no words in it; give files with text"),
    "a large mini-batch": (PLANTED * 200, {"mini_batch_size": 512}, {}, LARGE),
    "vectors that are none": (
        PLANTED * 200, {}, {"vectors": "{train}"},
        "{train}: byte 0: line 1: b'apple pear plum grape mango melon lemon ', expected 'words dimensions'; "
        "is this word2vec text (not binary), and whole?",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "form", "options", "expected"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input(prefect_api, cache, tmp_path, text, form, options, expected):
    train = tmp_path / "train.txt"
    train.write_text(text, encoding="utf-8")
    given = {name: str(value).replace("{train}", str(train)) for name, value in options.items()}
    counting = {"threshold": 5, "max_df": 1.0}
    failed = run(train, {**QUICK.model_dump(), **form}, counting=counting, output=str(tmp_path / "out"), **given)
    assert failed.state.is_failed()
    assert str(failed.result) == expected.replace("{train}", str(train))
    assert not (tmp_path / "out").exists()
    assert not list(cache.rglob(stages.UNFINISHED + "*"))


def test_vectors_for_words_that_are_unknown(prefect_api, counts, cache, tmp_path):
    (counts / "vocab.txt").unlink()
    write_vectors(tmp_path / "vectors.txt", FRUIT, np.ones((8, 2), np.float32))
    failed = run(counts, vectors=str(tmp_path / "vectors.txt"), output=str(tmp_path / "out"))
    assert "the counts come without their words; put vocab.txt beside the counts" in failed.state.message
    assert not list(cache.rglob("train-*/done.json"))


def sparse(rows: np.ndarray):
    from scipy.sparse import csr_matrix

    return csr_matrix(rows)

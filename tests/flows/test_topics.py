"""The whole flow on a tiny corpus: what it publishes, what it reuses, when it stops, how it fails."""

import hashlib
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter

from algorithms import records
from algorithms.model import load_state
from algorithms.records import read_matrix
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from data.vectors import write_vectors
from flows import cli
from flows.topics import topics
from tasks import stages
from tasks.artifacts import Summary
from tests.flows import runs
from tests.packed import unpack
from tests.planted import FRUIT, TOOLS

FORM = Topics(num_topics=4, epochs=10, mini_batch_size=64, optimizer="adam", num_patience_epochs=8)
QUICK = FORM.model_copy(update={"epochs": 1, "num_topics": 2})
COUNTING = Counting(threshold=5, n_parts=2)
STAGES = {"ingest", "prepare", "train", "evaluate", "publish", "report"}
TASKS = STAGES | {"check"}


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
    return unpack(finished.result.model, place / "unpacked")


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
    assert runs.states(finished, expected=len(TASKS)) == dict.fromkeys(TASKS, "Completed")
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
    assert runs.states(again, expected=len(TASKS)) == dict.fromkeys(TASKS, "Completed") | cached
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
    again = run(corpus, QUICK, output=str(place / "out"), **given).result
    assert again.reused == ["prepare", "train", "evaluate", "publish"]


def test_etm_on_given_vectors(prefect_api, corpus, finished, place, tmp_path):
    """GloVe's text, here. They are in the model, which others begin from."""
    vectors = np.repeat(np.eye(2, 3), 8, axis=0) + np.random.default_rng(1).normal(size=(16, 3)) / 10
    rows = zip((*FRUIT, *TOOLS), vectors, strict=True)
    text = "".join(f"{word} {' '.join(f'{value:.3f}' for value in row)}\n" for word, row in rows)
    (tmp_path / "glove.txt").write_text(text, encoding="utf-8")
    form = FORM.model_copy(update={"decoder": "etm", "num_topics": 2})
    done = run(corpus, form, output=str(place / "out"), vectors=str(tmp_path / "glove.txt")).result
    assert kinds(done) == {frozenset(FRUIT), frozenset(TOOLS)}
    unpack(done.model, tmp_path)
    words = (tmp_path / "vocab.txt").read_text(encoding="utf-8").split()
    expected = [vectors[[*FRUIT, *TOOLS].index(word)] for word in words]
    np.testing.assert_allclose(load_state(tmp_path / "state.safetensors")["vectors"], expected, atol=6e-4)


def test_decoders_are_compared(finished, corpus, place, capsys):
    """All else is equal, and what is published is the decoder that was asked for."""
    done = run(corpus, output=str(place / "out"), compare=True)
    manifest = json.loads(Path(done.result.model).with_name("manifest.json").read_bytes())
    assert manifest["hyperparameters"]["decoder"] == "ntm"
    assert manifest["metrics"] == finished.result.metrics
    rows = {row["decoder"]: row for row in manifest["compared"]["rows"]}
    assert rows.keys() == {"ntm", "prodlda", "etm"}
    assert {name: rows["ntm"][name] for name in ("npmi", "tu")} == {
        name: finished.result.metrics[name] for name in ("npmi", "tu")
    }
    assert manifest["compared"]["said"] in Path(done.result.report).read_text(encoding="utf-8")
    assert "topics-decoders" in runs.artifacts(done)
    assert done.result.reused == ["prepare", "train", "evaluate"]
    told = [line.rsplit(" ", 2)[0].strip() for line in capsys.readouterr().err.splitlines()]
    assert told == ["ingest", "train prodlda", "evaluate prodlda", "train etm", "evaluate etm", "publish"]
    assert dict(done.result.rows)["decoders"] == manifest["compared"]["said"]
    assert "train" in run(corpus, FORM.model_copy(update={"decoder": "etm"}), output=str(place / "out")).result.reused


def logged(run: SimpleNamespace) -> list[str]:
    """The lines of its log that Prefect keeps, 200 a page."""
    found: list[str] = []
    with get_client(sync_client=True) as client:
        while page := client.read_logs(LogFilter(flow_run_id={"any_": [run.id]}), limit=200, offset=len(found)):
            found += [each.message for each in page]
    return found


def test_the_log_in_prefect_is_that_of_sagemakers_users(finished):
    told = "\n".join(logged(finished))
    for line in (
        r"#quality_metric: host=algo-1, epoch=1, train total_loss <loss>=\d+\.\d+",
        rf"#quality_metric: host=algo-1, epoch={FORM.epochs}, validation total_loss <loss>=\d+\.\d+",
        r"#progress_metric: host=algo-1, completed 10.0 % of epochs",
        r"#throughput_metric: host=algo-1, train throughput=[\d.]+ records/second",
        r"Topics from epoch:final \(num_topics:4\) \[, tu \d\.\d\d\]:\n(\w+ ){15}\w+\n",
    ):
        assert re.search(line, told), line


@pytest.mark.services
def test_two_processes_learn_as_well(finished, corpus, cache, tmp_path):
    done = run(corpus, output=str(tmp_path / "out"), workers=2).result
    assert done.metrics["total_loss"] == pytest.approx(finished.result.metrics["total_loss"], abs=0.1)
    assert kinds(done) >= {frozenset(FRUIT), frozenset(TOOLS)}
    manifest = json.loads(Path(done.model).with_name("manifest.json").read_bytes())
    assert manifest["workers"] == 2


PLANTED = " ".join([*FRUIT, *TOOLS]) + "\n"
BAD_TEXT: dict[str, tuple[str, dict[str, object], dict[str, object], str]] = {
    "an empty file": ("", {}, {}, "{train}: no words in it; give files with text"),
    "a large mini-batch": (
        PLANTED * 200, {"mini_batch_size": 512}, {},
        "mini_batch_size=512: a mini-batch larger than the 160 training documents; "
        "choose mini_batch_size <= 160, or give more documents",
    ),
    "short documents": (
        PLANTED * 200, {}, {"counting": {"max_df": 1.0}},
        "channel train: none of 200 documents has more than 25 counted words; choose threshold < 16",
    ),
    "one document": (
        PLANTED, {}, {"counting": {}},
        "max_df=0.95: no word can be in 2 documents and in no more than 0.95 of 1; "
        "choose a larger max_df or a smaller min_df, or give more documents",
    ),
    "no WordNet": (
        PLANTED * 200, {}, {"counting": {"lemmatizer": "wordnet"}},
        "lemmatizer='wordnet': nltk's data package wordnet is not installed (NLTK_DATA is {data}); "
        "python -m nltk.downloader wordnet, or set NLTK_DATA to a folder with corpora/wordnet, "
        "or choose lemmatizer snowball or none, which need no data",
    ),
    "another feature_dim": (
        PLANTED * 200, {"feature_dim": 99}, {},
        "feature_dim=99: the documents have 16 columns; choose feature_dim=16, or 0",
    ),
    "vectors that are none": (
        PLANTED * 200, {}, {"vectors": "{train}"},
        "{train}: line 1, byte 0: 'apple pear plum grape mango melon lemon ', expected a word and its numbers; "
        "give vectors as word2vec's or GloVe's text",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "form", "options", "expected"), BAD_TEXT.values(), ids=BAD_TEXT)
def test_bad_text(prefect_api, cache, tmp_path, monkeypatch, text, form, options, expected):
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    train = tmp_path / "train.txt"
    train.write_text(text, encoding="utf-8")
    given = {"counting": {"threshold": 5, "max_df": 1.0}, **options}
    if "vectors" in options:
        given["vectors"] = str(train)
    failed = run(train, {**QUICK.model_dump(), **form}, output=str(tmp_path / "out"), **given)
    assert failed.state.is_failed()
    assert str(failed.result) == expected.replace("{train}", str(train)).replace("{data}", str(tmp_path))
    assert nothing_is_left(cache, tmp_path)


def cut(counts: Path) -> None:
    [shard] = (counts / "validation").iterdir()
    shard.write_bytes(shard.read_bytes()[:-10])


def put(row: int, value: float) -> Callable[[Path], None]:
    def change(counts: Path) -> None:
        [shard] = (counts / "train").iterdir()
        rows = read_matrix(shard.read_bytes(), path="").features
        rows[row] = 0
        rows[row, 3] = value
        with shard.open("wb") as file:
            records.write_matrix(file, rows)

    return change


BAD_COUNTS: dict[str, tuple[Callable[[Path], object], dict[str, object], str]] = {
    "a record wider than feature_dim": (
        lambda counts: None, {"feature_dim": 9},
        "channel train: {counts}/train/part-0.pbr: record 1: 16 columns, wider than feature_dim, 9; "
        "count the words of one vocabulary in all channels, and set feature_dim to its length",
    ),
    "a negative count": (
        put(6, -2), {},
        "channel train: {counts}/train/part-0.pbr: record 7: a count of -2 in column 3; "
        "a count is from 0 to 1,000,000,000",
    ),
    "a count that is no number": (
        put(0, np.nan), {},
        "channel train: {counts}/train/part-0.pbr: record 1: a count of nan in column 3; "
        "a count is from 0 to 1,000,000,000",
    ),
    "an empty document": (
        put(9, 0), {},
        "channel train: {counts}/train/part-0.pbr: record 10: an empty document; "
        "leave it out: it says nothing of any topic",
    ),
    "another vocab.txt": (
        lambda counts: (counts / "vocab.txt").write_text("one\ntwo\n"), {},
        "channel auxiliary: {counts}/vocab.txt: 2 words, and the records have 16 columns; "
        "write one word a line for each column, or leave vocab.txt out",
    ),
    "a shard cut short": (
        cut, {},
        "channel validation: {counts}/validation/part-0.pbr: record 40 (byte 3432): "
        "the record says 80 bytes, the file ends after 70; the file was cut short; copy or write it again",
    ),
    "a large mini-batch": (
        lambda counts: None, {"mini_batch_size": 201},
        "mini_batch_size=201: a mini-batch larger than the 200 training documents; "
        "choose mini_batch_size <= 200, or give more documents",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "form", "expected"), BAD_COUNTS.values(), ids=BAD_COUNTS)
def test_bad_counts(prefect_api, counts, cache, tmp_path, capsys, monkeypatch, change, form, expected):
    """From a shell: one line, and exit code 2."""
    monkeypatch.setattr("flows.cli.start_prefect", lambda: None)
    change(counts)
    options = [f"--{name}={value}" for name, value in {**QUICK.model_dump(), **form}.items() if value is not False]
    assert cli.run(["topics", "--train", str(counts), "--output", str(tmp_path / "out"), *options]) == cli.USER_ERROR
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1] == "error: " + expected.replace("{counts}", str(counts))
    assert nothing_is_left(cache, tmp_path)


def nothing_is_left(cache: Path, tmp_path: Path) -> bool:
    return not (tmp_path / "out").exists() and not list(cache.rglob(stages.UNFINISHED + "*"))


def test_vectors_for_words_that_are_unknown(prefect_api, counts, cache, tmp_path):
    (counts / "vocab.txt").unlink()
    write_vectors(tmp_path / "vectors.txt", FRUIT, np.ones((8, 2), np.float32))
    failed = run(counts, vectors=str(tmp_path / "vectors.txt"), output=str(tmp_path / "out"))
    assert "the counts come without their words; put vocab.txt beside the counts" in failed.state.message
    assert not list(cache.rglob("train-*/done.json"))


def sparse(rows: np.ndarray):
    from scipy.sparse import csr_matrix

    return csr_matrix(rows)

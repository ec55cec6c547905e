"""The whole flow on small pairs: what it publishes, what it reuses, when it stops, how it fails."""

import hashlib
import json
import re
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.matcher import Matcher
from algorithms.object2vec.pairing import Pairing
from data.vectors import read_vectors
from flows import cli
from flows.object2vec import DEFAULT, object2vec
from tasks.artifacts import Summary
from tests import related
from tests.flows import runs
from tests.packed import unpack

FORM = Object2Vec(
    **DEFAULT.model_dump(exclude_unset=True)
    | {"enc_dim": 16, "mini_batch_size": 32, "learning_rate": 0.03, "epochs": 6, "negative_sampling_rate": 3}
)
RECORDS = Object2Vec(
    enc0_network="pooled_embedding", enc_dim=8, mlp_dim=16, mlp_layers=1, mlp_activation="relu", learning_rate=0.03,
    epochs=8, comparator_list="hadamard",
)  # fmt: skip
PAIRING = Pairing(min_count=1)
STAGES = {"ingest", "prepare", "train", "evaluate", "publish", "report"}
TASKS = STAGES | {"auxiliary"}


def run(train: object, form: object = FORM, **options) -> SimpleNamespace:
    return runs.run(object2vec, str(train), object2vec=form, **{"pairing": PAIRING, "threads": 1, **options})


@pytest.fixture(scope="module")
def documents(tmp_path_factory) -> Path:
    return related.write(tmp_path_factory.mktemp("corpora") / "subjects.jsonl", related.documents())


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    return related.write(tmp_path_factory.mktemp("records") / "pairs.jsonl", related.records())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def finished(prefect_api, documents, place):
    return run(documents, output=str(place / "out"))


@pytest.fixture(scope="module")
def unpacked(finished, place) -> Path:
    return unpack(finished.result.model, place / "unpacked")


def manifest_of(result: Summary) -> dict:
    return json.loads(Path(result.model).with_name("manifest.json").read_bytes())


def test_every_stage_completes(finished):
    assert finished.state.is_completed()
    assert runs.states(finished, expected=len(TASKS)) == dict.fromkeys(TASKS, "Completed")
    assert isinstance(finished.result, Summary)
    assert finished.result.seconds.keys() == STAGES
    assert finished.result.reused == []
    sets = {f"{name}_{metric}" for name in ("train", "validation", "test") for metric in ("accuracy", "cross_entropy")}
    assert finished.result.metrics.keys() == sets | {
        "hits@1", "hits@10", "hits@20", "mean_rank", "median_rank", "queries", "pool",
    }  # fmt: skip


def test_subjects_are_told_apart(finished):
    """Some pairs that are none are of one subject: no model can tell those."""
    metrics = finished.result.metrics
    assert metrics["test_accuracy"] > 0.9
    assert metrics["hits@20"] > 0.9
    assert metrics["pool"] > 200


def test_the_published_folder_is_whole(finished, documents):
    folder = Path(finished.result.model).parent
    assert folder.name.startswith("object2vec-")
    assert {path.name for path in folder.iterdir()} == {"model.tar.gz", "report.html", "manifest.json"}
    manifest = manifest_of(finished.result)
    for name in ("model.tar.gz", "report.html"):
        assert manifest["files"][name]["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert manifest["algorithm"] == "object2vec"
    assert manifest["hyperparameters"] == FORM.model_dump(mode="json")
    assert manifest["pairing"] == PAIRING.model_dump()
    assert manifest["corpus"]["checksum"] == "sha256:" + hashlib.sha256(documents.read_bytes()).hexdigest()
    assert manifest["corpus"]["train_pairs"] > 300
    assert manifest["metrics"] == finished.result.metrics
    assert "object2vec on subjects" in (folder / "report.html").read_text(encoding="utf-8")


def test_what_is_in_the_archive(unpacked):
    names = {path.name for path in unpacked.iterdir()}
    ours = {"algorithm.json", "state.safetensors", "pairing.json", "eval.json", "manifest.json"}
    assert names == ours | {"vocab.json", "vectors.txt"}
    ids = json.loads((unpacked / "vocab.json").read_bytes())
    assert ids["<pad>"] == 0
    vectors = read_vectors(unpacked / "vectors.txt")
    assert vectors.words == list(ids)
    assert vectors.vectors.shape == (len(ids), 16)


def test_the_model_is_used_from_python(finished, unpacked):
    matcher = Matcher.load(finished.result.model)
    subjects = range(10)
    given = [(f"Word{one}a WORD{one}b", f"word{other}c the word{other}d") for one in subjects for other in subjects]
    scores = matcher.scores(*map(list, zip(*given, strict=True)))
    assert scores.shape == (100, 2)
    belong = scores[:, 1].reshape(10, 10)
    assert belong.argmax(axis=1).tolist() == list(subjects), "each subject belongs to itself"
    assert belong.diagonal().mean() > 0.5 > 5 * belong[~np.eye(10, dtype=bool)].mean()
    found = matcher.embeddings(["word3a", "word3b", "word9a"])
    assert found.shape == (3, 16)
    assert found[0] @ found[1] > found[0] @ found[2]
    np.testing.assert_array_equal(found, Matcher.load(str(unpacked)).embeddings(["word3a", "word3b", "word9a"]))


def test_the_best_epoch_is_published(finished):
    manifest = manifest_of(finished.result)
    losses = {each["epoch"]: each["validation_cross_entropy"] for each in manifest["history"] if "epoch" in each}
    assert list(losses) == list(range(1, len(losses) + 1))
    assert manifest["epoch"] == min(losses, key=losses.__getitem__)
    assert finished.result.metrics["validation_cross_entropy"] == pytest.approx(min(losses.values()), rel=1e-5)


def test_artifacts(finished):
    found = runs.artifacts(finished)
    assert found.keys() == {
        f"object2vec-{name}" for name in ("training", "summary", "metrics", "retrieval", "found", "outcome", "report")
    }
    assert found["object2vec-training"].data == 100
    assert finished.result.report in found["object2vec-report"].data


def test_a_rerun_takes_finished_stages_as_they_are(finished, documents, place):
    again = run(documents, output=str(place / "out"))
    cached = dict.fromkeys(["prepare", "train", "evaluate", "publish"], "Cached")
    assert runs.states(again, expected=len(TASKS)) == dict.fromkeys(TASKS, "Completed") | cached
    assert again.result.model == finished.result.model
    assert again.result.metrics == finished.result.metrics
    assert again.result.reused == list(cached)


def test_one_thread_and_one_seed_give_the_same_bits(finished, documents, place, unpacked):
    fresh = run(documents, output=str(place / "out"), reuse=False)
    assert fresh.result.reused == []
    with tarfile.open(fresh.result.model) as archive:
        for name in ("state.safetensors", "vectors.txt", "vocab.json", "eval.json"):
            member = archive.extractfile(name)
            assert member is not None
            assert member.read() == (unpacked / name).read_bytes(), name


def test_the_log_in_prefect_is_that_of_sagemakers_users(finished):
    told: list[str] = []
    with get_client(sync_client=True) as client:
        while page := client.read_logs(LogFilter(flow_run_id={"any_": [finished.id]}), limit=200, offset=len(told)):
            told += [each.message for each in page]
    for line in (  # the expressions of SageMaker's tuning jobs
        r"#quality_metric: host=\S+, epoch=\S+, train accuracy <score>=(\S+)",
        r"#quality_metric: host=\S+, epoch=\S+, train cross_entropy <loss>=(\S+)",
        r"#quality_metric: host=\S+, epoch=\S+, validation accuracy <score>=(\S+)",
        r"#quality_metric: host=\S+, epoch=\S+, validation cross_entropy <loss>=(\S+)",
        r"#quality_metric: host=\S+, test accuracy <score>=(\S+)",
        r"#quality_metric: host=\S+, test cross_entropy <loss>=(\S+)",
        r"#progress_metric: host=\S+, completed (\S+) %",
        r"#throughput_metric: host=\S+, train throughput=(\S+) records/second",
    ):
        assert re.search(line, "\n".join(told)), line


def test_labelled_ids_with_channels_of_their_own(prefect_api, records, cache, tmp_path):
    unseen = related.write(tmp_path / "unseen.jsonl", related.records(count=100, seed=8))
    done = run(records, RECORDS, validation=str(unseen), test=str(unseen), output=str(tmp_path / "out")).result
    assert done.metrics["test_accuracy"] > 0.95
    assert done.metrics["validation_accuracy"] == done.metrics["test_accuracy"]
    manifest = manifest_of(done)
    assert manifest["test"]["name"] == "unseen"
    assert "pairing" not in manifest
    with tarfile.open(done.model) as archive:
        assert set(archive.getnames()) == {"algorithm.json", "state.safetensors", "eval.json", "manifest.json"}
    scores = Matcher.load(done.model).scores([[1, 2], 15], [[3], [2, 4]])
    assert scores[0, 1] > 0.5 > scores[1, 1]


def test_graded_pairs(prefect_api, cache, tmp_path):
    graded = related.write(tmp_path / "graded.jsonl", related.records(graded=True))
    form = RECORDS.model_copy(update={"output_layer": "mean_squared_error"})
    done = run(graded, form, output=str(tmp_path / "out"))
    assert done.result.metrics["test_pearson"] > 0.9
    assert done.result.metrics.keys() == {
        f"{name}_{metric}"
        for name in ("train", "validation", "test")
        for metric in ("mean_squared_error", "pearson", "spearman")
    }
    assert "Largest errors" in Path(done.result.report).read_text(encoding="utf-8")
    assert runs.artifacts(done).keys().isdisjoint({"object2vec-retrieval", "object2vec-found"})


def test_aligned_lines(prefect_api, cache, tmp_path):
    lines = [json.loads(line)["text"].split(". ", 1) for line in related.documents().splitlines()]
    for side, name in enumerate(("first.txt", "second.txt")):
        related.write(tmp_path / name, "".join(f"{pair[side]}\n" for pair in lines))
    done = run(tmp_path / "first.txt", against=str(tmp_path / "second.txt"), output=str(tmp_path / "out")).result
    assert done.metrics["hits@20"] > 0.8
    assert manifest_of(done)["against"]["name"] == "second"
    assert "Against" in Path(done.report).read_text(encoding="utf-8")


def test_lines_without_others_beside_aligned_ones(prefect_api, cache, tmp_path):
    lines = related.write(tmp_path / "lines.txt", "a b\n")
    failed = run(lines, against=str(lines), validation=str(lines), output=str(tmp_path / "out"))
    assert str(failed.result) == (
        "channel validation: lines, and channel train has lines of two files; "
        "give pairs as JSON Lines, or leave it out: some are then held out"
    )


@pytest.fixture
def auxiliary(tmp_path) -> Path:
    """A vocabulary of the ids of `related.records`, and vectors of one number for each kind, in GloVe's format."""
    folder = tmp_path / "auxiliary"
    folder.mkdir()
    words = {f"w{number}": number for number in range(20)}
    related.write(folder / "vocab.json", json.dumps(words))
    rows = [f"{word} " + " ".join(["1.0" if (i < 4) == (number < 10) else "0.0" for i in range(8)])
            for word, number in words.items()]  # fmt: skip
    related.write(folder / "glove.8d.txt", "\n".join(rows) + "\n")
    return folder


def test_pretrained_vectors_and_a_vocabulary(prefect_api, records, cache, tmp_path, auxiliary):
    form = Object2Vec(
        **RECORDS.model_dump(exclude_unset=True)
        | {"enc0_vocab_file": "vocab.json", "enc0_pretrained_embedding_file": "glove.8d.txt", "epochs": 2}
    )
    done = run(records, form, auxiliary=str(auxiliary), output=str(tmp_path / "out")).result
    assert done.metrics["test_accuracy"] > 0.95
    matcher = Matcher.load(done.model)
    assert matcher.state["frozen"].tolist() == [1, 1]
    assert matcher.embeddings(["w3 w4"])[0].tolist() == [1.0] * 4 + [0.0] * 4
    with tarfile.open(done.model) as archive:
        assert {"vocab.json", "vectors.txt", "vectors_in1.txt"} <= set(archive.getnames())
        assert "vocab_in1.json" not in archive.getnames()


@pytest.mark.services
def test_two_processes_learn_as_well(prefect_api, documents, finished, cache, tmp_path):
    done = run(documents, output=str(tmp_path / "out"), workers=2).result
    assert done.metrics["test_accuracy"] > finished.result.metrics["test_accuracy"] - 0.05
    assert done.metrics["hits@20"] > finished.result.metrics["hits@20"] - 0.1
    assert manifest_of(done)["workers"] == 2


GOOD = {"in0": [1, 2], "in1": [3], "label": 1}
BAD: dict[str, tuple[list[object], list[str], str]] = {
    "an id that is too large": (
        [GOOD, {"in0": [1, 50], "in1": [3], "label": 1}], ["--enc0-vocab-size=50"],
        'channel train: {train}: line 2: in0: vocab id "50" is not less than vocab_size=50; '
        "set enc0_vocab_size to more than the largest id, or to 0: the data then decides",
    ),
    "an empty sequence": (
        [GOOD, {"in0": [1], "in1": [], "label": 0}], [],
        "channel train: {train}: line 2: in1: an empty sequence; leave the pair out, or give it the id 0 alone",
    ),
    "a missing label": (
        [GOOD, {"in0": [1], "in1": [2]}], [],
        "channel train: {train}: line 2: label: missing, and the first line has one; give every pair a label, or none",
    ),
    "no labels and no negatives": (
        [{"in0": [1], "in1": [2]}], ["--negative-sampling-rate=0"],
        "channel train: {train}: line 1: label: missing; "
        "give every pair a label, or set negative_sampling_rate: all pairs are then positive",
    ),
    "a label that is no class": (
        [GOOD, {"in0": [1], "in1": [2], "label": 2}], [],
        "channel train: {train}: line 2: label: 2 is none of the classes 0..1; "
        "set num_classes (now 2), or output_layer=mean_squared_error for real scores",
    ),
    "one side alone": (
        [GOOD, {"in0": [1], "label": 1}], [],
        'channel train: {train}: line 2: in1: a pair needs both sides, and there is in0 and no "in1"; '
        'write {"in0": ..., "in1": ..., "label": ...} on each line',
    ),
    "vectors of another dimension": (
        [GOOD, {"in0": [1], "in1": [4], "label": 0}],
        ["--auxiliary={auxiliary}", "--enc0-vocab-file=vocab.json", "--enc0-pretrained-embedding-file=glove.8d.txt",
         "--enc_dim=4"],
        "{auxiliary}/glove.8d.txt: line 1, byte 0: a vector of 8 numbers, and enc_dim=4; "
        "set enc_dim=8, or give vectors of 4",
    ),
    "a file without its channel": (
        [GOOD], ["--enc0-vocab-file=vocab.json"],
        "enc0_vocab_file='vocab.json': there is no auxiliary channel; say which folder it is in: auxiliary",
    ),
    "a channel without its file": (
        [GOOD], ["--auxiliary={auxiliary}", "--enc1-vocab-file=words.json"],
        "{auxiliary}/words.json: not in the auxiliary channel; enc1_vocab_file names it: put it there",
    ),
    "a channel that nothing names": (
        [GOOD], ["--auxiliary={auxiliary}"],
        "auxiliary='{auxiliary}': no hyperparameter names a file of it; "
        "set enc0_pretrained_embedding_file or enc0_vocab_file",
    ),
    "vectors of words and no vocabulary": (
        [GOOD, GOOD], ["--auxiliary={auxiliary}", "--enc0-pretrained-embedding-file=glove.8d.txt", "--enc_dim=8"],
        "enc0_pretrained_embedding_file='{auxiliary}/glove.8d.txt': the vectors are of words, and the data holds ids; "
        "give the ids of the words too: enc0_vocab_file",
    ),
    "a line that is no JSON": (
        [GOOD, "in0"], [],
        'channel train: {train}: line 2: "in0" is no JSON object; '
        'write {"in0": ..., "in1": ..., "label": ...} on each line',
    ),
    "negatives of scores": (
        [GOOD], ["--output-layer=mean_squared_error"],
        "negative_sampling_rate=5: no score is known of a pair that is drawn; choose 0, or output_layer=softmax",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "options", "expected"), BAD.values(), ids=BAD)
def test_what_cannot_be_used_is_one_line(
    prefect_api, monkeypatch, cache, tmp_path, auxiliary, capsys, rows, options, expected
):
    monkeypatch.setattr(cli, "start_prefect", lambda: None)
    monkeypatch.setattr(cli, "configure", lambda debug: None)
    train = related.write(tmp_path / "train.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    places = {"{train}": str(train), "{auxiliary}": str(auxiliary)}

    def filled(text: str) -> str:
        for name, url in places.items():
            text = text.replace(name, url)
        return text

    given = ["--train", str(train), "--output", str(tmp_path / "out"), "--threads=1", *map(filled, options)]
    assert cli.run(["object2vec", *given]) == cli.USER_ERROR
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == f"error: {filled(expected)}"
    assert not (tmp_path / "out").exists()
    assert not list(cache.rglob("*.safetensors"))


def test_the_shell_has_the_flows_defaults():
    given = cli.validated(object2vec.fn, {"epochs": "3", "enc_dim": "64", "train": "a.jsonl"})
    assert given["object2vec"] == Object2Vec(**DEFAULT.model_dump(exclude_unset=True) | {"epochs": 3, "enc_dim": 64})
    assert cli.validated(object2vec.fn, {})["object2vec"] == DEFAULT

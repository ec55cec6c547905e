"""The whole flow on a tiny corpus: what it publishes, what it reuses, how it fails."""

import hashlib
import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from gensim.models import KeyedVectors
from prefect.client.orchestration import get_client

from algorithms.model import load_state
from algorithms.word2vec.algorithm import Word2Vec
from data.vocabulary import Vocabulary
from flows.word2vec import word2vec
from tasks import publish, stages
from tasks.artifacts import Summary
from tests.flows import runs
from tests.flows.runs import artifacts
from tests.packed import unpack
from tests.planted import FRUIT, TOOLS

FORM = Word2Vec(vector_dim=16, epochs=3, min_count=1, learning_rate=0.1)
SMALL = FORM.model_copy(update={"vector_dim": 4, "epochs": 1})
STAGES = {"ingest", "prepare", "train", "evaluate", "publish", "report"}


def run(train: object, form: object = FORM, **options) -> SimpleNamespace:
    return runs.run(word2vec, str(train), form, **{"threads": 1, **options})


def states(run: SimpleNamespace, *, expected: int = len(STAGES)) -> dict[str, str]:
    return runs.states(run, expected=expected)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def finished(prefect_api, corpus, place):
    return run(corpus, output=str(place / "out"), analogies=True)


@pytest.fixture(scope="module")
def unpacked(finished, place):
    return unpack(finished.result.model, place / "unpacked")


def test_every_stage_completes(finished):
    assert finished.state.is_completed()
    assert states(finished) == dict.fromkeys(STAGES, "Completed")
    assert isinstance(finished.result, Summary)
    assert finished.result.seconds.keys() == STAGES
    assert finished.result.reused == []
    assert finished.result.words_per_second > 0


def test_the_published_folder_is_whole(finished):
    folder = Path(finished.result.model).parent
    assert {path.name for path in folder.iterdir()} == {"model.tar.gz", "report.html", "manifest.json"}
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["files"] == {
        name: {
            "bytes": (folder / name).stat().st_size,
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        }
        for name in ("model.tar.gz", "report.html")
    }
    assert "planted" in (folder / "report.html").read_text(encoding="utf-8")


def test_programs_are_told_what_came_of_it(finished):
    rows = json.loads(artifacts(finished)["word2vec-outcome"].data)
    told = {row["name"]: row["value"] for row in rows}
    assert (told["model"], told["report"], told["partition"]) == (finished.result.model, finished.result.report, "")
    assert told["mean_rho"] == finished.result.metrics["mean_rho"]
    assert told["analogies.accuracy"] == finished.result.metrics["analogies"]["accuracy"]


def test_a_partition_of_folders(prefect_api, corpus, place):
    for day in ("2026-01-30", "2026-01-31", "2026-02-01"):
        folder = place / "news" / f"dt={day}"
        folder.mkdir(parents=True)
        (folder / "a.txt").write_bytes(corpus.read_bytes()[: 20_000 + 1000 * int(day[-2:])])
    done = run(place / "news", output=str(place / "out-{partition}"), partition="2026-01", form=SMALL)
    folder = Path(done.result.model).parent
    assert folder.parent == place / "out-2026-01"
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["partition"] == "2026-01"
    assert [Path(url).parent.name for url in manifest["corpus"]["urls"]] == ["dt=2026-01-30", "dt=2026-01-31"]
    assert "partition 2026-01 ·" in (folder / "report.html").read_text(encoding="utf-8")
    assert {"name": "partition", "value": "2026-01"} in json.loads(artifacts(done)["word2vec-outcome"].data)
    with get_client(sync_client=True) as client:
        assert "partition:2026-01" in client.read_flow_run(done.id).tags


def test_the_manifest_tells_where_the_model_comes_from(finished, corpus):
    manifest = json.loads(Path(finished.result.model).with_name("manifest.json").read_bytes())
    assert manifest["format"] == "embertext/1"
    assert manifest["hyperparameters"] == FORM.model_dump()
    assert (manifest["seed"], manifest["threads"]) == (1, 1)
    assert manifest["corpus"] == {
        "name": "planted",
        "kind": "text",
        "checksum": "sha256:" + hashlib.sha256(corpus.read_bytes()).hexdigest(),
        "urls": [str(corpus)],
        "bytes": corpus.stat().st_size,
        "tokens": 48_000,
        "sentences": 4000,
        "vocabulary": 16,
    }
    assert manifest["seconds"].keys() == STAGES - {"report"}
    assert manifest["libraries"].keys() >= {"python", "numpy", "numba", "prefect"}
    assert manifest["metrics"]["mean_rho"] == finished.result.metrics["mean_rho"]
    assert manifest["metrics"]["analogies"]["asked"] == 0
    rounds = manifest["history"]
    assert [each["round"] for each in rounds] == list(range(1, len(rounds) + 1))
    assert rounds[-1]["progress"] == 1
    assert rounds[-1]["loss"] < rounds[0]["loss"]


def test_members_of_the_archive(finished):
    with tarfile.open(finished.result.model) as archive:
        members = archive.getmembers()
    names = [member.name for member in members]
    assert names[:3] == ["vectors.bin", "eval.json", "vectors.txt"]
    assert set(names[3:]) == {"algorithm.json", "state.safetensors", "vocabulary.txt", "manifest.json"}
    assert {(member.mtime, member.uid, member.uname, member.mode) for member in members} == {(0, 0, "", 0o644)}


def test_gensim_and_fasttext_load_the_same_vectors(unpacked):
    fasttext = pytest.importorskip("fasttext", reason="fasttext-wheel is built for Python below 3.12 only")
    ours = KeyedVectors.load_word2vec_format(str(unpacked / "vectors.txt"))
    theirs = fasttext.load_model(str(unpacked / "vectors.bin"))
    assert set(ours.index_to_key) == {*FRUIT, *TOOLS} == set(theirs.get_words())
    for word in ours.index_to_key:
        np.testing.assert_allclose(ours[word], theirs.get_word_vector(word), atol=1e-5)


def test_the_planted_structure_is_learned(unpacked):
    vectors = KeyedVectors.load_word2vec_format(str(unpacked / "vectors.txt"))
    for kind in (FRUIT, TOOLS):
        for word in kind:
            assert {near for near, _ in vectors.most_similar(word, topn=7)} == set(kind) - {word}


def test_our_own_members_read_back(unpacked):
    form = Word2Vec.model_validate_json((unpacked / "algorithm.json").read_bytes())
    assert form == FORM
    vocabulary = Vocabulary.load(str(unpacked / "vocabulary.txt"))
    text = KeyedVectors.load_word2vec_format(str(unpacked / "vectors.txt"))
    inferred = form.infer(load_state(unpacked / "state.safetensors"), vocabulary, text.index_to_key)
    np.testing.assert_allclose(inferred, text.vectors, atol=1e-5)


def test_eval_json_has_blazingtexts_shape(unpacked):
    evaluation = json.loads((unpacked / "eval.json").read_bytes())
    *sets, last = evaluation
    assert last == "mean_rho"
    assert "EN-WS-353-ALL.txt" in sets
    assert all(evaluation[name].keys() == {"not_found", "spearmans_rho", "total_pairs"} for name in sets)


def test_artifacts(finished):
    found = artifacts(finished)
    assert found.keys() >= {"word2vec-training", "word2vec-summary", "word2vec-neighbours", "word2vec-report"}
    assert found["word2vec-training"].data == 100
    assert "![words that are used alike lie together](data:image/png;base64," in found["word2vec-summary"].data
    assert finished.result.report in found["word2vec-report"].data


def test_a_rerun_reuses_finished_stages(finished, corpus, place):
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()}
    again = run(corpus, output=str(place / "out"), analogies=True)
    cached = {"prepare": "Cached", "train": "Cached", "evaluate": "Cached", "publish": "Cached"}
    assert states(again) == {"ingest": "Completed", "report": "Completed", **cached}
    assert again.result.model == finished.result.model
    assert again.result.metrics == finished.result.metrics
    assert again.result.reused == list(cached)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_seed_trains_anew_on_the_same_words(finished, corpus, place):
    other = run(corpus, output=str(place / "out"), seed=2)
    assert other.result.reused == ["prepare"]
    assert other.result.model != finished.result.model


def test_one_thread_and_one_seed_give_the_same_bits(finished, corpus, place, unpacked):
    kept = sorted((place / "cache").glob("work/*"))
    fresh = run(corpus, output=str(place / "out"), analogies=True, reuse=False)
    assert fresh.result.reused == []
    assert sorted((place / "cache").glob("work/*")) == kept, "nobody could ever find what it left"
    assert fresh.result.model != finished.result.model
    with tarfile.open(fresh.result.model) as archive:
        for name in ("vectors.bin", "vectors.txt", "state.safetensors"):
            member = archive.extractfile(name)
            assert member is not None
            assert member.read() == (unpacked / name).read_bytes(), name


def test_what_was_lost_is_published_again(finished, corpus, place):
    model = Path(finished.result.model)
    model.unlink()
    again = run(corpus, output=str(place / "out"), analogies=True)
    assert again.result.reused == ["prepare", "train", "evaluate"]
    assert again.result.model == str(model)
    assert model.is_file()


def test_a_manifest_names_the_file_that_was_read(finished, corpus, place):
    moved = place / "moved.txt"
    moved.write_bytes(corpus.read_bytes())
    other = run(moved, output=str(place / "out"), analogies=True)
    assert other.result.reused == ["prepare", "train", "evaluate"]
    manifest = json.loads(Path(other.result.model).with_name("manifest.json").read_bytes())
    assert (manifest["corpus"]["name"], manifest["corpus"]["urls"]) == ("moved", [str(moved)])


def test_the_form_in_the_archive_is_that_of_its_own_run(finished, corpus, place):
    """`evaluation` is not among the inputs of a training, which another run may have done."""
    other = run(corpus, FORM.model_copy(update={"evaluation": False}), output=str(place / "out"))
    assert "train" in other.result.reused
    with tarfile.open(other.result.model) as archive:
        form, manifest = (json.load(archive.extractfile(name)) for name in ("algorithm.json", "manifest.json"))
    assert form == manifest["hyperparameters"]
    assert form["evaluation"] is False


def test_subwords_answer_for_unseen_words(finished, corpus, place):
    fasttext = pytest.importorskip("fasttext", reason="fasttext-wheel is built for Python below 3.12 only")
    form = Word2Vec(mode="skipgram", subwords=True, buckets=500, vector_dim=8, epochs=1, evaluation=False)
    done = run(corpus, form, output=str(place / "out"))
    with tarfile.open(done.result.model) as archive:
        assert "eval.json" not in archive.getnames()
    unpack(done.result.model, place / "subwords")
    theirs = fasttext.load_model(str(place / "subwords" / "vectors.bin"))
    state = load_state(place / "subwords" / "state.safetensors")
    vocabulary = Vocabulary.load(str(place / "subwords" / "vocabulary.txt"))
    words = ["apples", "melonhammer", "apple"]
    expected = [theirs.get_word_vector(word) for word in words]
    np.testing.assert_allclose(form.infer(state, vocabulary, words), expected, atol=1e-5)


def test_a_failed_upload_leaves_nothing_and_costs_no_training(prefect_api, corpus, cache, tmp_path, monkeypatch):
    def broken(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(publish, "pack", broken)
        failed = run(corpus, output=str(tmp_path / "out"))
    assert failed.state.is_failed()
    assert list((tmp_path / "out").iterdir()) == []
    assert run(corpus, output=str(tmp_path / "out")).result.reused == ["prepare", "train", "evaluate"]


def test_a_network_failure_is_tried_again(prefect_api, corpus, cache, tmp_path, monkeypatch):
    attempts = []
    genuine = publish.pack

    def flaky(*args) -> None:
        attempts.append(args)
        if len(attempts) == 1:
            raise ConnectionResetError("connection reset by peer")
        genuine(*args)

    monkeypatch.setattr(publish, "pack", flaky)
    assert run(corpus, output=str(tmp_path / "out")).state.is_completed()
    assert len(attempts) == 2


BAD_INPUT = {
    "an empty corpus": (b" \n\n", {}, ["words.txt: no words in it", "give files with text"]),
    "a vocabulary emptied by min_count": (b"a b a\n", {"min_count": 3}, ["min_count=3", "choose min_count <= 2"]),
    "a missing file": (None, {}, ["words.txt: no such file", "check the spelling"]),
    "bytes that are not UTF-8": (b"good\nb\xe4d\n", {}, ["words.txt: line 2", "not UTF-8", "iconv"]),
    "a hyperparameter out of bounds": (b"a b\n", {"vector_dim": 0}, ["vector_dim", "greater than or equal to 1"]),
    "settings that cannot work together": (b"a b\n", {"subwords": True}, ["subwords=True", "mode='skipgram'"]),
    "a learning rate that diverges": (b"a b c\n" * 999, {"learning_rate": 1e30, "min_count": 1}, ["smaller"]),
}


@pytest.mark.parametrize(("content", "form", "expected"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input(prefect_api, cache, tmp_path, content, form, expected):
    corpus = tmp_path / "words.txt"
    if content is not None:
        corpus.write_bytes(content)
    failed = run(corpus, form, output=str(tmp_path / "out"))
    assert failed.state.is_failed()
    for words in expected:
        assert words in failed.state.message
    assert not (tmp_path / "out").exists()
    assert not list(cache.rglob(stages.MARKER)) or "learning_rate" in form
    assert not list(cache.rglob(stages.UNFINISHED + "*"))


def test_an_unwritable_output_fails_before_training(prefect_api, corpus, cache, tmp_path):
    (tmp_path / "file").touch()
    failed = run(corpus, output=str(tmp_path / "file" / "out"))
    assert failed.state.is_failed()
    assert f"{tmp_path}/file/out: cannot write to it" in failed.state.message
    assert states(failed, expected=0) == {}
    assert not list(cache.rglob("*"))


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")
def test_an_unwritable_cache_fails_before_training(prefect_api, corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("EMBERTEXT_CACHE", "/proc/embertext")
    failed = run(corpus, output=str(tmp_path / "out"))
    assert failed.state.is_failed()
    assert "/proc/embertext/work: cannot write to it: it takes no files" in failed.state.message
    assert "EMBERTEXT_CACHE" in failed.state.message
    assert states(failed, expected=0) == {}


def test_the_largest_seed(prefect_api, corpus, cache, tmp_path):
    """t-SNE takes 32 bits."""
    assert run(corpus, output=str(tmp_path / "out"), seed=2**32 - 1).state.is_completed()
    refused = run(corpus, output=str(tmp_path / "out"), seed=2**32)
    assert "less than or equal to 4294967295" in refused.state.message

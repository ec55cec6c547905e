"""Checkpoints: when they are written, which are kept, what is gone on from, and that nobody can tell afterwards."""

import json
import logging
import os
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import s3fs

from algorithms.here import Here
from algorithms.model import load_state, read_state
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from algorithms.training import train
from algorithms.word2vec.algorithm import Word2Vec
from data import storage
from data.errors import HyperparameterError, StorageError
from tasks import checkpoints as module
from tasks.checkpoints import SUFFIX, Checkpoints, checkpoints
from tasks.ingest import ingest
from tasks.object2vec import train as object2vec
from tasks.text_classification import text as labelled
from tasks.text_classification import train as classification
from tasks.topics import text as counted
from tasks.topics import train as topics
from tasks.train import HISTORY, STATE, follow, history_entry, machines
from tasks.watch import watched
from tasks.word2vec import text as plain
from tasks.word2vec import train as word2vec
from tests import planted
from tests.faulty import Faulty, Numbers
from tests.services.conftest import free_port, moto
from tests.tasks.object2vec import conftest as pairs

HERE = machines(threads=1, workers=0, scheduler="")
OF_TIME = {"seconds", "words_per_second", "merging"}


@pytest.fixture
def eager(monkeypatch):
    """A checkpoint after every round."""
    monkeypatch.setattr(module, "LEAST", 0.0)
    monkeypatch.setattr(module, "SPARING", 0.0)


@pytest.fixture(params=["disk", "memory"])
def stage(request, tmp_path) -> str:
    return str(tmp_path / "work" / "train-1") if request.param == "disk" else f"memory://{uuid.uuid4().hex}/train-1"


def files(stage: str) -> list[str]:
    try:
        return [storage.name(url) for url in storage.expand(stage + SUFFIX)]
    except ValueError:
        return []


class Stopped(Exception):  # noqa: N818
    """What ends a training in the middle."""


def run(stage, folder, *, epochs=6, stop=0, best=(), resume=True):
    """Train, from the last checkpoint on where there is one; the numbers of the rounds, the last state, the history."""
    algorithm, numbers = Faulty(folder, epochs=epochs), []

    def best_epoch(history):
        return max((int(entry["best"]) for entry in history), default=0)

    with checkpoints(stage, resume=resume, best_epoch=best_epoch) as kept:
        rounds = train(algorithm, Numbers(), cluster=Here(1), state=kept.state, seed=5, first=kept.first)
        for each in follow(rounds, lambda *_: None, learning_rate=1.0, kept=kept):
            if each.number == stop:
                raise Stopped
            numbers.append(each.number)
            if each.number in best:
                kept.keep(each.number, each.state)
            done = max((number for number in best if number <= each.number), default=0)
            kept.history.append(history_entry(each) | {"best": done})
            state = each.state
    return numbers, {name: np.array(array) for name, array in state.items()}, kept


def test_going_on_is_as_if_nothing_had_been(eager, stage, tmp_path):
    whole, expected, _ = run(f"{stage}-whole", tmp_path)
    assert whole == [1, 2, 3, 4, 5, 6]
    assert files(f"{stage}-whole") == [], "a finished training has no checkpoints"
    with pytest.raises(Stopped):
        run(stage, tmp_path, stop=3)
    assert "state-000002.safetensors" in files(stage)
    with pytest.raises(Stopped):
        run(stage, tmp_path, stop=5)
    numbers, found, kept = run(stage, tmp_path)
    assert numbers == [5, 6]
    assert [entry["round"] for entry in kept.history] == whole
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert files(stage) == []


def test_only_what_may_be_needed_is_kept(eager, stage, tmp_path):
    with pytest.raises(Stopped):
        run(stage, tmp_path, stop=6, best=(1, 4))
    assert files(stage) == [
        "best-000004.safetensors", "history-000004.json", "history-000005.json",
        "state-000004.safetensors", "state-000005.safetensors",
    ]  # fmt: skip
    _, _, kept = run(stage, tmp_path, best=(1, 4))
    with pytest.raises(Stopped):
        run(f"{stage}-4", tmp_path, stop=5, best=(1, 4))
    *_, fourth = run(f"{stage}-5", tmp_path, epochs=6, best=(4,))
    np.testing.assert_array_equal(kept.best["table"], fourth.best["table"])


@pytest.mark.parametrize("broken", ["state-000004.safetensors", "history-000004.json"])
@pytest.mark.parametrize("content", [b"", b"half of it"])
def test_what_is_not_whole_is_passed_over(eager, stage, tmp_path, caplog, broken, content):
    with pytest.raises(Stopped):
        run(stage, tmp_path, stop=5)
    storage.write_bytes(f"{stage}{SUFFIX}/{broken}", content)
    with caplog.at_level(logging.INFO):
        numbers, *_ = run(stage, tmp_path)
    assert numbers == [4, 5, 6]
    told = [record.getMessage() for record in caplog.records]
    assert any("the checkpoint after round 4 is not whole" in line for line in told)
    assert any(line.startswith("going on after round 3, from") for line in told)


def test_a_history_alone_is_no_checkpoint(eager, stage, tmp_path):
    with pytest.raises(Stopped):
        run(stage, tmp_path, stop=2)
    storage.remove(f"{stage}{SUFFIX}/state-000001.safetensors")
    assert run(stage, tmp_path)[0] == [1, 2, 3, 4, 5, 6]


def test_a_network_that_fails_is_no_broken_checkpoint(eager, stage, tmp_path, monkeypatch):
    with pytest.raises(Stopped):
        run(stage, tmp_path, stop=3)

    def fail(url):
        raise StorageError("cannot read it: reset", where=url) from ConnectionError("reset")

    with monkeypatch.context() as patch:
        patch.setattr(module, "read_state", fail)
        with pytest.raises(StorageError, match="reset"):
            run(stage, tmp_path)
    assert run(stage, tmp_path)[0] == [3, 4, 5, 6]


def test_from_the_beginning_where_that_is_wanted(eager, stage, tmp_path):
    with pytest.raises(Stopped):
        run(stage, tmp_path, stop=5)
    assert run(stage, tmp_path, resume=False)[0] == [1, 2, 3, 4, 5, 6]


def test_one_that_cannot_be_written_ends_nothing(eager, stage, tmp_path, monkeypatch, caplog):
    def full(url, value):
        raise StorageError("cannot write it: no space is left", where=url)

    monkeypatch.setattr(storage, "write_json", full)
    assert run(stage, tmp_path)[0] == [1, 2, 3, 4, 5, 6]
    assert "after round 2 no checkpoint is written" in caplog.text
    assert "no space is left" in caplog.text


def test_what_diverges_goes_on_from_nothing(eager, stage):
    storage.write_bytes(f"{stage}{SUFFIX}/state-000001.safetensors", b"something")
    with pytest.raises(HyperparameterError), checkpoints(stage):
        raise HyperparameterError("diverged", field="learning_rate", value=9, remedy="less")
    assert files(stage) == []


def test_a_trial_keeps_none(eager, stage, tmp_path):
    with watched(epoch=lambda *_: None, wanted=lambda: None), pytest.raises(Stopped):
        run(stage, tmp_path, stop=5)
    assert files(stage) == []


def test_they_cost_a_twentieth_of_the_time_at_most(tmp_path, monkeypatch):
    """Rounds of one second, and a checkpoint that takes half a second to write."""
    now, wrote = [0.0], []
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    class Team:
        def save(self, url):
            wrote.append(now[0])
            Path(url).touch()
            now[0] += 0.5
            return 0.5

    kept = Checkpoints(str(tmp_path / "checkpoints"))
    [each] = list(train(Faulty(tmp_path, epochs=1), Numbers(), cluster=Here(1), seed=1))
    for number in range(1, 60):
        now[0] += 1
        kept.after(each._replace(number=number, rounds=60, team=Team()))
    gaps = np.diff(wrote)
    assert wrote[0] == module.LEAST
    assert len(wrote) > 3
    assert gaps.min() >= 10


def test_a_state_that_is_still_being_written_is_not_relied_on(eager, tmp_path):
    class Team:
        def save(self, url):
            return 0.0  # and never is

    kept = Checkpoints(str(tmp_path / "checkpoints"))
    [each] = list(train(Faulty(tmp_path, epochs=1), Numbers(), cluster=Here(1), seed=1))
    kept.after(each._replace(number=1, rounds=9))
    for number in (2, 3, 4):
        kept.after(each._replace(number=number, rounds=9, team=Team()))
    assert (tmp_path / "checkpoints" / "state-000001.safetensors").exists()
    again = Checkpoints(kept.url)
    assert again.resume(lambda _: 0)
    assert again.first == 1


def test_those_of_long_ago_go(tmp_path):
    old, young = (tmp_path / f"train-{age}{SUFFIX}" for age in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, times=(time.time() - module.FORGOTTEN - 9,) * 2)
    with checkpoints(str(tmp_path / "train-mine")):
        pass
    assert not old.exists()
    assert young.exists()


@pytest.mark.services
def test_on_s3(eager, tmp_path, monkeypatch):
    port = free_port()
    for name, value in {
        "ENDPOINT_URL": f"http://127.0.0.1:{port}", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b",
        "DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)
    with moto(tmp_path, port):
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("checkpoints")
        gone_on_from(f"s3://checkpoints/{uuid.uuid4().hex}/train-1", tmp_path)
        s3fs.S3FileSystem.clear_instance_cache()


def gone_on_from(stage, tmp_path):
    with pytest.raises(Stopped):
        run(stage, tmp_path, stop=4, best=(2,))
    assert files(stage)[-1] == "state-000003.safetensors"
    assert read_state(f"{stage}{SUFFIX}/best-000002.safetensors").keys() == {"table", "small", "whole", "constant"}
    numbers, _, kept = run(stage, tmp_path, best=(2,))
    assert numbers == [4, 5, 6]
    assert kept.best
    assert files(stage) == []


def of_word2vec(corpus, tmp_path, cache):
    prepared = plain.prepare.fn(ingest.fn(str(corpus)), tokenizer="auto", min_count=1, work=f"{cache}/work")
    form = Word2Vec(vector_dim=8, epochs=3, min_count=1)
    return word2vec, lambda **options: word2vec.learn.fn(prepared, form, machines=HERE, seed=1, **options)


def of_text_classification(corpus, tmp_path, cache):
    text = tmp_path / "labelled.txt"
    text.write_text(planted.labelled(lines=600, strays=0.3), encoding="utf-8")
    form = TextClassification(
        vector_dim=8, epochs=12, min_count=1, buckets=1000, learning_rate=0.5, early_stopping=True, min_epochs=2,
        patience=4,
    )  # fmt: skip
    prepared = labelled.prepare.fn(
        ingest.fn(str(text)), None, form, share=0.3, tokenizer="auto", machines=HERE, work=f"{cache}/work"
    )
    return classification, lambda **options: classification.learn.fn(prepared, form, machines=HERE, seed=1, **options)


def of_topics(corpus, tmp_path, cache):
    counting = Counting(threshold=5)
    prepared = counted.prepare.fn(
        counted.ingest.fn(str(corpus)), {}, counting, seed=1, machines=HERE, work=f"{cache}/work"
    )
    form = Topics(num_topics=2, epochs=5, mini_batch_size=64, optimizer="adam", num_patience_epochs=2)
    return topics, lambda **options: topics.learn.fn(prepared, form, machines=HERE, seed=1, **options)


def of_object2vec(corpus, tmp_path, cache):
    from tasks.object2vec.channel import Auxiliary
    from tests import related

    ingested = ingest.fn(str(related.write(tmp_path / "subjects.jsonl", related.documents(count=100))))
    prepared = object2vec_text(ingested, f"{cache}/work")
    return object2vec, lambda **options: object2vec.learn.fn(
        prepared, Auxiliary(), pairs.FORM, machines=HERE, seed=1, **options
    )


def object2vec_text(ingested, work):
    from tasks.object2vec.text import prepare

    return prepare.fn(
        ingested, {}, {}, pairs.PAIRING, num_classes=2, vocab_sizes=(0, 0), negative_sampling_rate=3, seed=1,
        machines=HERE, work=work,
    )  # fmt: skip


def left(trained) -> tuple[dict, list, dict]:
    """The state, the history without what differs from run to run, and what else is told."""
    folder = Path(trained.url)
    history = [
        {name: value for name, value in entry.items() if name not in OF_TIME}
        for entry in json.loads((folder / HISTORY).read_bytes())
    ]
    told = {
        name: value
        for name, value in trained.model_dump().items()
        if "second" not in name and name not in ("url", "reused")
    }
    return load_state(folder / STATE), history, told


@pytest.mark.parametrize("of", [of_word2vec, of_text_classification, of_topics, of_object2vec])
def test_a_training_that_was_interrupted(eager, corpus, tmp_path, cache, monkeypatch, of):
    """Twice: in its first epochs, and later, when there is a best one."""
    where, learn = of(corpus, tmp_path, cache)
    undisturbed = learn()
    state, history, told = left(undisturbed)
    storage.remove(undisturbed.url)
    real, rounds = where.progress, len(history)
    for stop in (max(2, rounds // 3), rounds - 1):

        @contextmanager
        def ends(title, stop=stop, **options):
            with real(title, **options) as report:

                def until(fraction, note):
                    report(fraction, note)
                    if fraction >= stop * history[0]["progress"] - 1e-9:
                        raise Stopped

                yield until

        monkeypatch.setattr(where, "progress", ends)
        with pytest.raises(Stopped):
            learn()
    monkeypatch.setattr(where, "progress", real)
    beside = Path(f"{undisturbed.url}{SUFFIX}")
    assert (beside / f"state-{rounds - 2:06d}.safetensors").exists()
    again_state, again_history, again_told = left(learn())
    assert not beside.exists()
    assert again_history == history
    assert again_told == told
    assert again_state.keys() == state.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(again_state[name], array, err_msg=name)


def test_a_round_has_as_many_parts_as_before(stage):
    """Also where fewer workers are there to go on: how many rounds there are depends on it."""
    kept, fewer, alone = Checkpoints(stage), Here(1, workers=2), Here(1)
    kept.as_before(fewer)
    assert fewer.workers == 2
    *_, last = train(Faulty(""), Numbers(), cluster=Here(1, workers=3), seed=1)
    kept.history.append(history_entry(last))
    for where in (fewer, alone):
        kept.as_before(where)
        assert where.workers == 3

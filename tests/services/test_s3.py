"""Corpus, cache and output on S3: Ceph's gateway where it is installed (.ci/run does), otherwise moto's imitation."""

import json
from pathlib import Path

import pytest

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.matcher import Matcher
from algorithms.object2vec.pairing import Pairing
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from algorithms.word2vec.algorithm import Word2Vec
from data import storage
from flows.object2vec import DEFAULT, object2vec
from flows.text_classification import text_classification
from flows.topics import topics
from flows.word2vec import word2vec
from tests import planted, related

pytestmark = pytest.mark.services

FORM = Word2Vec(vector_dim=8, epochs=1, min_count=1)


def test_the_whole_flow(prefect_api, bucket, corpus, monkeypatch):
    place = f"s3://{bucket}/whole"
    monkeypatch.setenv("EMBERTEXT_CACHE", f"{place}/cache")
    storage.put(corpus, f"{place}/corpus/planted.txt")
    done = word2vec(f"{place}/corpus", FORM, output=f"{place}/out", threads=1)
    folder = done.model.rsplit("/", 1)[0]
    assert {storage.name(url) for url in storage.expand(folder)} == {"model.tar.gz", "report.html", "manifest.json"}
    manifest = storage.read_json(f"{folder}/manifest.json")
    assert manifest["corpus"]["checksum"].startswith("etag:")
    assert manifest["files"]["model.tar.gz"]["bytes"] == storage.size(done.model)
    again = word2vec(f"{place}/corpus", FORM, output=f"{place}/out", threads=1)
    assert again.reused == ["prepare", "train", "evaluate", "publish"]
    assert again.model == done.model


def test_a_classifier(prefect_api, bucket, monkeypatch):
    """Training text, text to judge by, cache and output: nothing is on this disk."""
    place = f"s3://{bucket}/classifier"
    monkeypatch.setenv("EMBERTEXT_CACHE", f"{place}/cache")
    storage.write_bytes(f"{place}/train/a.txt", planted.labelled().encode())
    rows = [line.replace(" ", ",", 1) for line in planted.labelled(lines=100, seed=8).splitlines()]
    storage.write_bytes(f"{place}/unseen.csv", "\n".join(rows).encode())
    form = TextClassification(
        vector_dim=8, min_count=1, buckets=1000, learning_rate=0.5, early_stopping=True, min_epochs=1, patience=1
    )
    given = (f"{place}/train/*.txt", f"{place}/unseen.csv", form)
    done = text_classification(*given, output=f"{place}/out", threads=1)
    assert done.metrics["validation_accuracy"] == 1
    folder = done.model.rsplit("/", 1)[0]
    assert {storage.name(url) for url in storage.expand(folder)} == {"model.tar.gz", "report.html", "manifest.json"}
    manifest = storage.read_json(f"{folder}/manifest.json")
    assert manifest["validation"]["checksum"].startswith("etag:")
    assert manifest["corpus"]["validation_examples"] == 100
    again = text_classification(*given, output=f"{place}/out", threads=1)
    assert again.reused == ["prepare", "train", "evaluate", "publish"]
    assert again.model == done.model


def test_topics(prefect_api, bucket, corpus, monkeypatch):
    """Text, a reference to judge by, cache and output; then the counts that came of it, as a channel of their own."""
    place = f"s3://{bucket}/topics"
    monkeypatch.setenv("EMBERTEXT_CACHE", f"{place}/cache")
    storage.put(corpus, f"{place}/train/planted.txt")
    form = Topics(num_topics=4, epochs=3, mini_batch_size=64, optimizer="adam")
    given = {"counting": Counting(threshold=5, n_parts=2), "reference": f"{place}/train/planted.txt", "threads": 1}
    done = topics(f"{place}/train", topics=form, output=f"{place}/out", **given)
    folder = done.model.rsplit("/", 1)[0]
    assert {storage.name(url) for url in storage.expand(folder)} == {"model.tar.gz", "report.html", "manifest.json"}
    manifest = storage.read_json(f"{folder}/manifest.json")
    assert manifest["corpus"]["checksum"].startswith("etag:")
    assert manifest["reference"]["urls"] == [f"{place}/train/planted.txt"]
    again = topics(f"{place}/train", topics=form, output=f"{place}/out", **given)
    assert (again.reused, again.model) == (["prepare", "train", "evaluate", "publish"], done.model)

    [index] = [url for url in storage.expand(f"{place}/cache/work") if url.endswith("/counts.json")]
    ready = topics(index.rsplit("/", 1)[0], topics=form, output=f"{place}/out", threads=1)
    assert ready.metrics == {**done.metrics, "npmi": ready.metrics["npmi"]}


def test_object2vec(prefect_api, bucket, monkeypatch):
    """Pairs, an auxiliary channel, cache and output; the model is then read from there."""
    place = f"s3://{bucket}/object2vec"
    monkeypatch.setenv("EMBERTEXT_CACHE", f"{place}/cache")
    storage.write_bytes(f"{place}/train/documents.jsonl", related.documents().encode())
    storage.write_bytes(f"{place}/auxiliary/vectors.txt", b"word0a" + b" 0.5" * 16 + b"\n")
    form = Object2Vec(
        **DEFAULT.model_dump(exclude_unset=True)
        | {"enc_dim": 16, "mini_batch_size": 32, "epochs": 2, "enc0_pretrained_embedding_file": "vectors.txt"}
    )
    given = {"pairing": Pairing(min_count=1), "object2vec": form, "auxiliary": f"{place}/auxiliary", "threads": 1}
    done = object2vec(f"{place}/train", output=f"{place}/out", **given)
    folder = done.model.rsplit("/", 1)[0]
    assert {storage.name(url) for url in storage.expand(folder)} == {"model.tar.gz", "report.html", "manifest.json"}
    manifest = storage.read_json(f"{folder}/manifest.json")
    assert manifest["corpus"]["checksum"].startswith("etag:")
    assert manifest["auxiliary"]["embeddings"][0] == f"{place}/auxiliary/vectors.txt"
    assert Matcher.load(done.model).embeddings(["word0a"]).tolist() == [[0.5] * 16]
    again = object2vec(f"{place}/train", output=f"{place}/out", **given)
    assert (again.reused, again.model) == (["prepare", "train", "evaluate", "publish"], done.model)


def test_a_failing_upload_leaves_no_manifest(prefect_api, corpus, cache, bucket, monkeypatch):
    output = f"s3://{bucket}/failing"
    genuine = storage.put

    def failing(path: Path, url: str) -> None:
        if url.endswith("report.html"):
            raise ConnectionResetError("connection reset by peer")
        genuine(path, url)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "put", failing)
        patch.setattr("tasks.word2vec.publish.publish.retry_delay_seconds", [0, 0])
        failed = word2vec(str(corpus), FORM, output=output, threads=1, return_state=True)
    assert failed.is_failed()
    assert not [url for url in storage.expand(output) if url.endswith("manifest.json")]
    done = word2vec(str(corpus), FORM, output=output, threads=1)
    assert done.reused == ["prepare", "train", "evaluate"]
    assert json.loads(storage.read_bytes(done.model.replace("model.tar.gz", "manifest.json")))["files"]


def test_a_bucket_that_is_not_there(prefect_api, corpus, cache, bucket):
    failed = word2vec(str(corpus), FORM, output="s3://no-such-bucket-here/out", threads=1, return_state=True)
    assert failed.is_failed()
    assert "s3://no-such-bucket-here/out: cannot write to it: no such object or bucket" in (failed.message or "")
    assert not cache.exists()

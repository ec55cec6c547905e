"""SageMaker's contract with a training container: what the files ask for is done; what is wrong is told as it does."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.word2vec.algorithm import Word2Vec
from data.errors import EmbertextError
from flows import container
from flows.cli import FAILURE, SUCCESS, USER_ERROR
from flows.cli import run as command
from flows.hosted import hosted
from flows.job import algorithm_of, arguments_of, channels_of, read_job
from flows.object2vec import object2vec
from flows.text_classification import text_classification
from flows.topics import topics
from flows.word2vec import word2vec
from tasks.registry.settings import Registration
from tests import planted
from tests.tasks.transform.fake import row

CHANNEL = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
HOSTS = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
WORDS = {"mode": "batch_skipgram", "epochs": "1", "min_count": "1", "vector_dim": "4", "evaluation": "True"}


def prepare(root: Path, hyperparameters: dict, channels: dict, *, hosts: dict = HOSTS, **about: str) -> Path:
    """channels: content type, "" for none, and the files of each."""
    config = root / "input" / "config"
    config.mkdir(parents=True)
    told = {}
    for name, (content_type, files) in channels.items():
        folder = root / "input" / "data" / name
        folder.mkdir(parents=True)
        for file, content in files.items():
            (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        told[name] = {**CHANNEL, **about, **({"ContentType": content_type} if content_type else {})}
    values = {"hyperparameters": hyperparameters, "inputdataconfig": told, "resourceconfig": hosts}
    for name, value in values.items():
        (config / f"{name}.json").write_text(json.dumps(value))
    return root


def counts(rows: int) -> str:
    draw = random.Random(rows)
    kinds = [draw.random() < 0.5 for _ in range(rows)]
    return "\n".join(",".join(str(draw.randrange(1, 4) * ((word < 5) == kind)) for word in range(10)) for kind in kinds)


def pairs(number: int) -> str:
    draw = random.Random(number)
    given = [{"label": each % 2, "in0": [draw.randrange(9)], "in1": [draw.randrange(9)]} for each in range(number)]
    return "\n".join(map(json.dumps, given))


JOBS = {
    "word2vec": (WORDS, {"train": ("text/plain", {"text8": planted.text(sentences=500)})}, '{"instances": ["apple"]}'),
    "text_classification": (
        {"mode": "supervised", "epochs": "3", "min_count": "1", "vector_dim": "4", "buckets": "100",
         "early_stopping": "True", "min_epochs": "1", "learning_rate": "0.5", "_tuning_objective_metric": "x"},
        {"train": ("", {"dbpedia.train": planted.labelled()}),
         "validation": ("text/plain", {"dbpedia.validation": planted.labelled(lines=50, seed=8)})},
        '{"instances": ["apple"]}',
    ),
    "topics": (
        {"num_topics": "2", "feature_dim": "10", "epochs": "2", "mini_batch_size": "32"},
        {"train": ("text/csv;label_size=0", {"part-0": counts(100)}),
         "validation": ("text/csv", {"part-0": counts(30)}),
         "auxiliary": ("text/plain", {"vocab.txt": "\n".join(f"word{number}" for number in range(10))})},
        '{"instances": [{"features": [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]}]}',
    ),
    "object2vec": (
        {"enc0_max_seq_len": "5", "enc0_vocab_size": "10", "enc0_network": "pooled_embedding", "enc_dim": "4",
         "mlp_dim": "4", "epochs": "1", "_kvstore": "device", "_num_gpus": "auto", "enc1_network": "enc0"},
        {"train": ("application/jsonlines", {"part": pairs(200)}), "validation": ("", {"v.jsonl": pairs(40)})},
        '{"instances": [{"in0": [1], "in1": [2]}]}',
    ),
}  # fmt: skip
METRICS = {
    "word2vec": "#mean_rho: ",
    "text_classification": "#validation_accuracy: ",
    "topics": "#quality_metric: host=algo-1, epoch=2, validation total_loss <loss>=",
    "object2vec": "#quality_metric: host=algo-1, epoch=1, validation cross_entropy <loss>=",
}


@pytest.mark.parametrize("algorithm", JOBS)
def test_a_job(prefect_api, algorithm, tmp_path, monkeypatch, capfd):
    """As `docker run image train` does, with the server of the tests in place of the temporary one."""
    hyperparameters, channels, request = JOBS[algorithm]
    root = prepare(tmp_path / "ml", hyperparameters, channels)
    monkeypatch.setattr("flows.runtime.start_prefect", lambda: None)
    monkeypatch.setenv("EMBERTEXT_CACHE", str(tmp_path / "cache"))
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert command(["train", "--root", str(root)]) == SUCCESS
    finally:
        signal.signal(signal.SIGTERM, before)
    shown = capfd.readouterr().out
    assert shown.startswith("Arguments: train\n")
    assert METRICS[algorithm] in shown
    assert {path.name for path in (root / "output" / "data").iterdir()} == {"report.html", "manifest.json"}
    assert [path.name for path in (root / "output").iterdir()] == ["data"], "nothing of ours is left"
    model = hosted(str(root / "model"))
    assert model.algorithm == algorithm
    assert model.answer(request.encode(), content_type="application/json").body


def test_where_things_are(monkeypatch, tmp_path):
    monkeypatch.delenv("SAGEMAKER_DATA_PATH", raising=False)
    assert str(container.model_folder()) == "/opt/ml/model"
    monkeypatch.setenv("SAGEMAKER_DATA_PATH", str(tmp_path))
    assert container.model_folder() == tmp_path / "model"


# Which algorithm ------------------------------------------------------------------------------------------------------

ALGORITHMS = {
    "said": ("topics", {}, "topics"),
    "said with a dash": ("Text-Classification", {}, "text_classification"),
    "SageMaker's name": ("NTM", {}, "topics"),
    "SageMaker's name of two": ("blazingtext", {"mode": "supervised"}, "text_classification"),
    "said, whatever else": ("object2vec", {"mode": "cbow"}, "object2vec"),
    "mode": ("", {"mode": "skipgram"}, "word2vec"),
    "topics": ("", {"num_topics": "5"}, "topics"),
    "feature_dim": ("", {"feature_dim": "5"}, "topics"),
    "encoders": ("", {"enc0_vocab_size": "5"}, "object2vec"),
}


@pytest.mark.parametrize(("asked", "hyperparameters", "expected"), ALGORITHMS.values(), ids=ALGORITHMS)
def test_which_algorithm(asked, hyperparameters, expected):
    assert algorithm_of(asked, hyperparameters) == expected


@pytest.mark.parametrize(
    ("asked", "hyperparameters", "expected"),
    [
        (
            "xgboost",
            {},
            "algorithm 'xgboost': no such algorithm; give one of word2vec, text_classification, topics, obj",
        ),
        ("", {"epochs": "5"}, "hyperparameters.json: the hyperparameters do not tell which .* EMBERTEXT_ALGORITHM"),
        ("", {"mode": "fast"}, "mode='fast': no such mode; use one of supervised, cbow"),
    ],
)
def test_no_algorithm(asked, hyperparameters, expected):
    with pytest.raises(EmbertextError, match=expected):
        algorithm_of(asked, hyperparameters)


# Hyperparameters ------------------------------------------------------------------------------------------------------


def test_strings_become_the_form():
    """SageMaker's defaults hold, and not those of the flow for a person at a shell."""
    assert arguments_of(word2vec, {"mode": "cbow", "subwords": "true", "epochs": "3", "seed": "7"}) == {
        "word2vec": Word2Vec(mode="cbow", subwords=True, epochs=3), "registration": Registration(), "seed": 7,
    }  # fmt: skip
    assert arguments_of(object2vec, {"enc0_max_seq_len": "9"})["object2vec"] == Object2Vec(enc0_max_seq_len=9)
    found = arguments_of(topics, {"num_topics": "3", "encoder_layers": "auto", "threshold": "9"})
    assert (found["topics"], found["counting"].threshold) == (Topics(num_topics=3), 9)
    form = TextClassification(early_stopping=True, patience=2)
    assert arguments_of(text_classification, {"early_stopping": "True", "patience": "2"})["text_classification"] == form


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        ({"epoch": "3"}, EmbertextError, "epoch='3': no hyperparameter of this algorithm; did you mean epochs?"),
        ({"zzz": "3"}, EmbertextError, "zzz='3': no hyperparameter of this algorithm; leave it out"),
        ({"output": "x"}, EmbertextError, "output='x': no hyperparameter"),
        ({"epochs": "none"}, ValidationError, "epochs"),
        ({"epochs": "0"}, ValidationError, "epochs"),
        ({"seed": "-1"}, ValidationError, "seed"),
    ],
)
def test_wrong_hyperparameters(given, kind, expected):
    with pytest.raises(kind) as raised:
        arguments_of(word2vec, given)
    assert expected in str(raised.value)


def test_what_sagemaker_adds_for_itself(tmp_path):
    given = {
        "epochs": '"5"',
        "mode": "cbow",
        "_kvstore": "auto",
        "sagemaker_region": '"eu"',
        "subwords": True,
        "x": 0.5,
    }
    job = read_job(prepare(tmp_path / "ml", given, {"train": ("Text/Plain; x", {"a": "b"})}))
    assert job.hyperparameters == {"epochs": "5", "mode": "cbow", "subwords": "true", "x": "0.5"}
    assert job.channels == {"train": "text/plain"}
    assert (job.host, job.hosts, job.distribution) == ("algo-1", ["algo-1"], "FullyReplicated")


# Channels -------------------------------------------------------------------------------------------------------------


def links(root: Path, algorithm: str) -> dict[str, list[str]]:
    """Names of the files that the flow gets to see."""
    scratch = root / "scratch"
    found = channels_of(read_job(root), algorithm, scratch)
    assert all(Path(folder).is_relative_to(root) for folder in found.values())
    return {
        name: sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())
        for name, folder in found.items()
    }


SEEN = {
    "as they are": ("text_classification", {"train": ("text/plain", {"a.train": "x"})}, {"train": ["a.train"]}),
    "JSON Lines": (
        "text_classification", {"train": ("application/jsonlines", {"a.manifest": "x", "b.gz": "x", "c": "x"})},
        {"train": ["a.manifest", "b.jsonl.gz", "c.jsonl"]},
    ),
    "pairs without a type": ("object2vec", {"train": ("", {"part-0": "{}"})}, {"train": ["part-0.jsonl"]}),
    "RecordIO without a type": ("topics", {"train": ("", {"part-0": row(1)})}, {"train": ["part-0.pbr"]}),
    "the words of topics": (
        "topics",
        {"train": ("application/x-recordio-protobuf", {"a.pbr": row(1)}), "auxiliary": ("", {"vocab.txt": "a"})},
        {"train": ["a.pbr", "vocab.txt"]},
    ),
    "auxiliary": (
        "object2vec", {"train": ("", {"a.jsonl": "{}"}), "auxiliary": ("application/json", {"vocab.json": "{}"})},
        {"train": ["a.jsonl"], "auxiliary": ["vocab.json"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("algorithm", "channels", "expected"), SEEN.values(), ids=SEEN)
def test_channels(algorithm, channels, expected, tmp_path):
    assert links(prepare(tmp_path / "ml", {}, channels), algorithm) == expected


def test_channels_without_a_configuration(tmp_path):
    root = prepare(tmp_path / "ml", {}, {"train": ("", {"a": "b"})})
    (root / "input" / "config" / "inputdataconfig.json").unlink()
    assert links(root, "word2vec") == {"train": ["a"]}


SOME = {"train": ("", {"a": "b"})}
WRONG = {
    "strange": ({**SOME, "test": SOME["train"]}, {}, "channel test: no channel of this algorithm; word2vec takes tr"),
    "missing": ({}, {}, "there is no channel train; give it its data"),
    "empty": ({"train": ("", {})}, {}, "/input/data/train: it holds no files; give it its data"),
    "pipe": (SOME, {"TrainingInputMode": "Pipe"}, "channel train: TrainingInputMode Pipe; use File, or FastFile"),
    "shared out": (
        SOME, {"S3DistributionType": "ShardedByS3Key"},
        "channel train: 2 hosts that have a share of the data each, and one trains; use FullyReplicated",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("channels", "about", "expected"), WRONG.values(), ids=WRONG)
def test_wrong_channels(channels, about, expected, tmp_path, capfd, monkeypatch):
    hosts = {"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]} if "S3DistributionType" in about else HOSTS
    root = prepare(tmp_path / "ml", WORDS, channels, hosts=hosts, **about)
    assert failed(root, monkeypatch) == USER_ERROR
    told = (root / "output" / "failure").read_text()
    assert told.startswith("ClientError: ")
    assert expected in told
    assert "\n" not in told
    assert told.removeprefix("ClientError: ") in capfd.readouterr().err


def failed(root: Path, monkeypatch) -> int:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("EMBERTEXT_CACHE", str(root / "cache"))
    code = command(["train", f"--root={root}"])
    assert not (root / "model").exists()
    assert not list(root.rglob(".embertext-*"))
    return code


def test_other_hosts_have_nothing_to_do(tmp_path, monkeypatch, capfd):
    hosts = {"current_host": "algo-2", "hosts": ["algo-2", "algo-1"]}
    root = prepare(tmp_path / "ml", WORDS, {"train": ("", {"a": "b"})}, hosts=hosts)
    assert failed(root, monkeypatch) == SUCCESS
    assert capfd.readouterr().out == "algo-1 trains, and algo-2 has nothing to do\n"


def test_no_container(tmp_path, monkeypatch, capfd):
    assert failed(tmp_path, monkeypatch) == USER_ERROR
    assert (
        "input/config: no such folder; run it where SageMaker does, or give the folder by --root"
        in capfd.readouterr().err
    )


def test_what_training_finds_wrong(prefect_api, tmp_path, monkeypatch):
    """By the place that the user knows, not by the links that we made."""
    monkeypatch.setattr("flows.runtime.start_prefect", lambda: None)
    root = prepare(tmp_path / "ml", {"enc0_vocab_size": "5"}, {"train": ("", {"part": "{}\n"})})
    assert failed(root, monkeypatch) == USER_ERROR
    told = (root / "output" / "failure").read_text()
    assert told.startswith(f"ClientError: {root}/input/data/train/part.jsonl: line 1")


def test_what_we_got_wrong(tmp_path, monkeypatch):
    root = prepare(tmp_path / "ml", WORDS, {"train": ("", {"a": "b"})})
    monkeypatch.setattr("flows.container._train", lambda *_: 1 / 0)
    (root / "output").mkdir()
    (root / "output" / "failure").write_text("of before")
    assert failed(root, monkeypatch) == FAILURE
    told = (root / "output" / "failure").read_text()
    assert told.startswith("AlgorithmError: ZeroDivisionError: division by zero\n\nTraceback")


@pytest.mark.slow
def test_sigterm(tmp_path):
    """SageMaker gives 120 seconds: the run ends in a few, with a code that is not 0, and nothing half-written."""
    root = prepare(tmp_path / "ml", {**WORDS, "epochs": "100000", "evaluation": "False"}, JOBS["word2vec"][1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "EMBERTEXT"))}
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "train"],
            stdout=log, stderr=log, env=environment | {"SAGEMAKER_DATA_PATH": str(root)},
        )  # fmt: skip
        try:
            until = time.monotonic() + 200
            while b": loss " not in (tmp_path / "log").read_bytes():
                assert started.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.2)
            started.terminate()
            assert started.wait(100) == 128 + signal.SIGTERM
        finally:
            started.kill()
            started.wait()
    assert not (root / "model").exists()
    assert not list((root / "output").iterdir())

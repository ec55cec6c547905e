"""The command line: its options are the form, its errors are one line, its --json is one line."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort
from pydantic import BaseModel, model_serializer

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.pairing import Pairing
from algorithms.text_classification.algorithm import TextClassification
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from algorithms.word2vec.algorithm import Word2Vec
from flows.cli import FAILURE, INTERRUPTED, SUCCESS, USER_ERROR, normalised, run, validated
from flows.object2vec import object2vec
from flows.text_classification import text_classification
from flows.topics import topics
from flows.word2vec import word2vec
from tasks.registry.settings import Registration
from tests import planted, related

EMBERTEXT = [sys.executable, "-m", "flows.cli"]
QUICK = ["--vector-dim=8", "--epochs=1", "--min_count", "1"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["word2vec", "--vector_dim", "50"], ["word2vec", "--vector-dim=50"]),
        (["--min_count=5"], ["--min-count=5"]),
        (["--subwords", "True"], ["--subwords=True"]),
        (["--subwords", "--json"], ["--subwords", "--json"]),
        (["--train", "a_b.txt", "--output=c_d"], ["--train=a_b.txt", "--output=c_d"]),
        (["--learning-rate", "-1"], ["--learning-rate=-1"]),
    ],
)
def test_names_and_values_are_written_in_several_ways(given, expected):
    assert normalised(given) == expected


def test_arguments_are_those_given_and_no_others():
    assert validated(word2vec.fn, {"vector_dim": "50", "threads": "2", "seed": None}) == {
        "word2vec": Word2Vec(vector_dim=50),
        "registration": Registration(),
        "threads": 2,
    }


@pytest.mark.parametrize("value", ["true", "True", "TRUE"])
def test_booleans_as_sagemaker_sends_them(monkeypatch, value):
    seen = {}
    monkeypatch.setattr("flows.cli.start_prefect", lambda: None)
    monkeypatch.setattr("flows.summary.print_summary", lambda result: None)
    monkeypatch.setattr(type(word2vec), "__call__", lambda self, **given: seen.update(given))
    assert run(["word2vec", "--mode=cbow", "--subwords", value, "--evaluation", "false", "--analogies"]) == SUCCESS
    form = Word2Vec(mode="cbow", subwords=True, evaluation=False)
    assert seen == {"word2vec": form, "registration": Registration(), "analogies": True}


def test_every_hyperparameter_of_a_classifier_as_sagemaker_sends_it(monkeypatch):
    """Names with underscores, values as strings."""
    seen = {}
    monkeypatch.setattr("flows.cli.start_prefect", lambda: None)
    monkeypatch.setattr("flows.summary.print_summary", lambda result: None)
    monkeypatch.setattr(type(text_classification), "__call__", lambda self, **given: seen.update(given))
    form = TextClassification(
        epochs=10, learning_rate=0.25, vector_dim=10, word_ngrams=3, buckets=1_000_000, min_count=2,
        early_stopping=True, min_epochs=6, patience=2, loss="ova", negative_samples=7, quantize=True, cutoff=1000,
    )  # fmt: skip
    given = {name: str(value) for name, value in form.model_dump().items()}
    assert given["early_stopping"] == "True"
    arguments = [word for name, value in given.items() for word in (f"--{name}", value)]
    assert run(["text-classification", "--train", "a.txt", "--validation", "", *arguments]) == SUCCESS
    assert seen == {"train": "a.txt", "validation": "", "text_classification": form, "registration": Registration()}


@pytest.mark.parametrize("algorithm", ["word2vec", "text-classification", "topics", "object2vec"])
def test_the_best_of_a_sweep_is_registered_under_a_name(monkeypatch, algorithm):
    seen = {}
    monkeypatch.setattr("flows.cli.start_prefect", lambda: None)
    monkeypatch.setattr("flows.summary.print_summary", lambda result: None)
    monkeypatch.setattr(type(word2vec), "__call__", lambda self, **given: seen.update(given))
    assert run(["tune", algorithm, "--model-name", "words", "--max-jobs=2", "--margin", "0.01"]) == SUCCESS
    assert seen["registration"] == Registration(model_name="words", margin=0.01)
    assert seen["tuning"].max_jobs == 2


FORMS = {
    "word2vec": (word2vec, [Word2Vec, Registration]),
    "text-classification": (text_classification, [TextClassification, Registration]),
    "topics": (topics, [Counting, Topics, Registration]),
    "object2vec": (object2vec, [Pairing, Object2Vec, Registration]),
}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("word2vec", "Numbers in each word's vector. (1 to 2048) [default: 100]"),
        ("word2vec", "One of batch_skipgram, skipgram, cbow. [default: batch_skipgram]"),
        ("word2vec", "(above 0, below 1) [default: 0.0001]"),
        ("text-classification", "or a share of the training examples to hold out for that, such as 10%; or nothing."),
        ("text-classification", "file, folder, glob or URL of __label__ lines, JSON Lines"),
        ("text-classification", "As SageMaker names it. Always supervised. [default: supervised]"),
        ("text-classification", "One of softmax, hs, ns, ova. [default: softmax]"),
        ("text-classification", "Epochs before early stopping begins to judge. (at least 1) [default: 5]"),
        ("text-classification", "the best epoch is kept. [default: false]"),
        ("topics", "How many topics to find. (2 to 1000) [default: 20]"),
        ("topics", "One of ntm, prodlda, etm. [default: ntm]"),
        ("topics", "wordnet needs nltk's data packages (NLTK_DATA). One of wordnet, snowball, none. [default: none]"),
        ("topics", "The most frequent words, so many of them. (1 to 1000000) [default: 2000]"),
        ("object2vec", "One of hcnn, bilstm, pooled_embedding. [default: pooled_embedding]"),
        ("object2vec", "Numbers in what an encoder gives. (4 to 10000) [default: 256]"),
        ("object2vec", "Units of each such layer. (2 to 10000) [default: 512]"),
        ("text-classification", "Hash buckets that word n-grams share. (at least 1) [default: 2000000]"),
    ],
)
def test_help_lists_every_option_with_its_bounds(capsys, monkeypatch, command, expected):
    monkeypatch.setenv("COLUMNS", "200")  # long names are cut elsewhere
    assert run([command, "--help"]) == SUCCESS
    text = " ".join(re.sub("[│╭╮╰╯─]", " ", capsys.readouterr().out).split())
    flow, forms = FORMS[command]
    own = inspect.signature(flow.fn).parameters.keys() - {
        command.replace("-", "_"),
        "counting",
        "pairing",
        "registration",
    }
    for name in (*own, *(field for form in forms for field in form.model_fields)):
        assert f"--{name.replace('_', '-')} " in text
    assert expected in text


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_lists_the_commands(capsys, arguments):
    assert run(arguments) == SUCCESS
    shown = capsys.readouterr().out
    for command in FORMS:
        assert command in shown


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["word2vec", "--vector_dim", "0"], "vector_dim='0': input should be greater than or equal to 1"),
        (["word2vec", "--vector-dim=many"], "vector_dim='many': input should be a valid integer"),
        (["word2vec", "--mode", "skip"], "mode='skip': input should be 'batch_skipgram', 'skipgram' or 'cbow'"),
        (["word2vec", "--seed=5000000000"], "seed='5000000000': input should be less than or equal to 4294967295"),
        (["word2vec", "--threads", "-1"], "threads='-1': input should be greater than or equal to 0"),
        (["word2vec", "--subwords", "true"], "subwords=True: batch_skipgram learns no subwords; choose"),
        (["word2vec", "--subwords", "maybe"], "--subwords"),
        (["word2vec", "--speed", "9"], "Unknown option: --speed"),
        (["word2vec", "--train"], "--train requires an argument"),
        (["text-classification", "--mode", "cbow"], "mode='cbow': input should be 'supervised'"),
        (
            ["text-classification", "--min_epochs", "6", "--early_stopping", "True"],
            "min_epochs=6: early stopping would",
        ),
        (["text-classification", "--loss=hinge"], "loss='hinge': input should be 'softmax', 'hs', 'ns' or 'ova'"),
        (["text-classification", "--learning_rate=0"], "learning_rate='0': input should be greater than 0"),
        (
            ["text-classification", "--tokenizer=moses"],
            "tokenizer='moses': input should be 'auto', 'whitespace', 'words'",
        ),
        (["topics", "--num_topics", "1"], "num_topics='1': input should be greater than or equal to 2"),
        (
            ["topics", "--encoder_layers", "9,x"],
            """encoder_layers='9,x': expected "auto", or the units""",
        ),
        (["topics", "--clip_gradient=0"], """clip_gradient='0': expected "Inf", or a number of at least 0.001"""),
        (["topics", "--lemmatizer=porter"], "lemmatizer='porter': input should be 'wordnet', 'snowball' or 'none'"),
        (["object2vec", "--enc_dim", "3"], "enc_dim='3': input should be greater than or equal to 4"),
        (
            ["object2vec", "--comparator_list=hadamard,dot"],
            "comparator_list='hadamard,dot': expected some of hadamard, concat, abs_diff, cosine",
        ),
        (["object2vec", "--optimizer=rmsprop"], "optimizer='rmsprop': row_sparse moves some rows and not others"),
        (["word3vec"], 'Unknown command "word3vec"'),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(capsys, arguments, expected):
    assert run(arguments) == USER_ERROR
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert expected in shown.err
    assert shown.err.count("\n") == 1


def test_a_failure_that_is_not_the_users_is_exit_1(capsys, monkeypatch):
    def broken() -> None:
        raise ConnectionError("no server")

    monkeypatch.setattr("flows.cli.start_prefect", broken)
    assert run(["word2vec"]) == FAILURE
    assert capsys.readouterr().err == "error: ConnectionError: no server; --debug shows where\n"


def within_pydantic() -> None:
    class Settings(BaseModel):
        @model_serializer
        def interrupted(self) -> dict[str, int]:
            raise KeyboardInterrupt

    Settings().model_dump()


def within_an_import() -> None:
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as error:
        raise RuntimeError("Error calling __set_name__") from error


@pytest.mark.parametrize("interrupted", [within_pydantic, within_an_import])
def test_ctrl_c_that_comes_out_as_another_error(capsys, monkeypatch, interrupted):
    monkeypatch.setattr("flows.cli.start_prefect", interrupted)
    assert run(["word2vec"]) == INTERRUPTED
    assert capsys.readouterr().err == "interrupted; nothing half-written is left\n"


def test_a_corpus_may_be_called_anything(capsys):
    assert run(["word2vec", "--seed=KeyboardInterrupt"]) == USER_ERROR
    assert "valid integer" in capsys.readouterr().err


def test_version(capsys):
    assert run(["--version"]) == SUCCESS
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_a_server_that_keeps_runs_gets_a_failed_one(prefect_api, capsys):
    for arguments, expected in ((["--vector_dim=0"], "vector_dim"), (["--subwords=true"], "learns no subwords")):
        assert run(["word2vec", *arguments]) == USER_ERROR
        assert expected in capsys.readouterr().err
        with get_client(sync_client=True) as client:
            [last, *_] = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        assert last.state_name == "Failed"
        assert expected in last.state.message


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError, match="vector_dim"):
        run(["word2vec", "--vector-dim=0", "--debug"])


def test_help_does_not_wait_for_what_it_does_not_need():
    heavy = ["torch", "scipy.stats", "sklearn", "matplotlib", "gensim", "prefect.server.api.server", "botocore"]
    code = f"import flows.cli as c, sys; c.run(['word2vec', '--help']); print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def shell(prefect_api, tmp_path):
    """Run `embertext` in a process of its own against the session's server."""
    environment = {**os.environ, "PREFECT_API_URL": prefect_api, "EMBERTEXT_CACHE": str(tmp_path / "cache")}

    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [*EMBERTEXT, *map(str, arguments)]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_json_is_the_last_line(shell, corpus, tmp_path):
    process = shell("word2vec", "--train", corpus, "--output", tmp_path / "out", *QUICK, "--json")
    out, _ = process.communicate(timeout=120)
    assert process.returncode == SUCCESS
    told = json.loads(out.splitlines()[-1])
    assert told.keys() >= {"model", "report", "metrics", "words_per_second", "seconds"}
    assert Path(told["model"]).is_file()
    assert told["metrics"]["mean_rho"] == 0
    assert told["seconds"].keys() == {"ingest", "prepare", "train", "evaluate", "publish", "report"}


def test_the_table_ends_with_the_paths(shell, corpus, tmp_path):
    process = shell("word2vec", "--train", corpus, "--output", tmp_path / "out", *QUICK)
    out, error = process.communicate(timeout=120)
    assert process.returncode == SUCCESS, error
    assert "planted: 48,000 words, 16 distinct" in out
    assert "words per second" in out
    *_, model, report = out.splitlines()
    assert Path(model.split()[-1]).is_file()
    assert Path(report.split()[-1]).is_file()


@pytest.fixture
def in_this_process(prefect_api, cache, monkeypatch):
    """`embertext` without the seconds that a process of its own takes."""
    monkeypatch.setattr("flows.cli.start_prefect", lambda: None)


def test_json_of_a_classifier(in_this_process, tmp_path, capsys):
    (tmp_path / "a.txt").write_text(planted.labelled(lines=300))
    options = ["--output", str(tmp_path / "out"), "--learning_rate", "0.5", *QUICK, "--buckets=1000", "--json"]
    assert run(["text-classification", "--train", str(tmp_path / "a.txt"), *options]) == SUCCESS
    shown = capsys.readouterr()
    told = json.loads(shown.out.splitlines()[-1])
    assert told.keys() == {"model", "report", "metrics", "words_per_second", "seconds", "reused"}
    assert told["metrics"]["validation_accuracy"] == 1
    assert Path(told["model"]).is_file()
    assert [line.split()[0] for line in shown.err.splitlines()] == ["ingest", "prepare", "train", "evaluate", "publish"]


def test_a_classifier_in_a_table(in_this_process, tmp_path, capsys):
    (tmp_path / "a.txt").write_text(planted.labelled(lines=300))
    options = ["--output", str(tmp_path / "out"), "--learning_rate", "0.5", *QUICK, "--buckets=1000"]
    assert run(["text-classification", "--train", str(tmp_path / "a.txt"), "--validation", "20%", *options]) == SUCCESS
    shown = capsys.readouterr().out
    for line in ("corpus a: 1,920 words, 17 distinct", "classes 2", "validation accuracy 100.00%"):
        assert line in " ".join(shown.split())
    *_, model, report = shown.splitlines()
    assert Path(model.split()[-1]).is_file()
    assert Path(report.split()[-1]).is_file()


def test_json_of_object2vec(in_this_process, tmp_path, capsys):
    train = related.write(tmp_path / "subjects.jsonl", related.documents(count=100))
    options = ["--output", str(tmp_path / "out"), "--min_count=1", "--epochs=1", "--enc_dim=8", "--json"]
    assert run(["object2vec", "--train", str(train), *options]) == SUCCESS
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told.keys() == {"model", "report", "metrics", "words_per_second", "seconds", "reused"}
    assert told["metrics"].keys() >= {"test_accuracy", "hits@1", "mean_rank"}
    assert Path(told["model"]).is_file()


def test_json_of_topics(in_this_process, corpus, tmp_path, capsys):
    options = ["--output", str(tmp_path / "out"), "--threshold=5", "--num_topics=4", "--epochs=2", "--json"]
    assert run(["topics", "--train", str(corpus), "--mini_batch_size", "64", *options]) == SUCCESS
    shown = capsys.readouterr()
    told = json.loads(shown.out.splitlines()[-1])
    assert told.keys() == {"model", "report", "metrics", "words_per_second", "seconds", "reused"}
    assert told["metrics"].keys() >= {"total_loss", "tu", "npmi", "topics"}
    assert [len(words) for words in told["metrics"]["topics"]] == [16] * 4
    assert Path(told["model"]).is_file()
    assert [line.split()[0] for line in shown.err.splitlines()] == ["ingest", "prepare", "train", "evaluate", "publish"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], "{file}: line 301: no label; begin the line with its class, as in: __label__sports the match was won"),
        (
            ["--validation", "", "--early-stopping"],
            "early_stopping=True: there are no validation examples to judge by;",
        ),
        (["--validation=abc%"], "validation='abc%': no share of the examples; give a share above 0% and below 100%,"),
    ],
)
def test_bad_examples_are_one_line_and_exit_2(in_this_process, cache, tmp_path, capsys, given, expected):
    (tmp_path / "a.txt").write_text(planted.labelled(lines=300) + "no label\n")
    options = ["--output", str(tmp_path / "out"), *given]
    assert run(["text-classification", "--train", str(tmp_path / "a.txt"), *options]) == USER_ERROR
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1].startswith("error: " + expected.format(file=tmp_path / "a.txt"))
    assert not (tmp_path / "out").exists()
    assert not list(cache.glob("work/*"))


def test_bad_input_from_a_shell(shell, tmp_path):
    process = shell("word2vec", "--train", tmp_path / "nothing.txt", "--output", tmp_path / "out")
    out, error = process.communicate(timeout=120)
    assert process.returncode == USER_ERROR
    assert out == ""
    assert error.startswith(f"error: {tmp_path}/nothing.txt: no such file")
    assert error.count("\n") == 1


@pytest.fixture
def alone(corpus, tmp_path):
    """`embertext` training endlessly, in a process group of its own and with a temporary server."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "EMBERTEXT_CACHE": str(tmp_path / "cache")}
        command = [*EMBERTEXT, "word2vec", "--train", str(corpus), "--epochs=1000000", "--min-count=1", *options]
        command += ["--output", str(tmp_path / "out")]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
        started.append(process)
        while not list((tmp_path / "cache").glob("work/prepare-*")) and process.poll() is None:
            time.sleep(0.1)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def group(process: subprocess.Popen[str]) -> list[str]:
    """The command lines of all processes in its group."""
    found = []
    for each in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(each.pid) == process.pid:
                found.append(" ".join(each.cmdline()))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_in_a_terminal_reaches_every_process(alone, tmp_path, workers):
    """The temporary server must outlive it, or Prefect waits minutes for an answer; workers have nothing to tell."""
    process = alone(f"--workers={workers}")
    while sum("spawn_main" in each for each in group(process)) < workers and process.poll() is None:
        time.sleep(0.1)
    time.sleep(workers)  # until they listen
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED
    assert error.splitlines()[-1] == "interrupted; nothing half-written is left"
    assert "Traceback" not in error
    assert not list((tmp_path / "cache").glob("work/train-*"))


@pytest.mark.slow
def test_sigterm_ends_the_temporary_server_too(alone):
    """As from docker stop, timeout, or a job that is cancelled."""
    process = alone()
    assert any("uvicorn" in each for each in group(process))
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    until = time.monotonic() + 10
    while (left := group(process)) and time.monotonic() < until:
        time.sleep(0.1)
    assert left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_an_interrupted_training_leaves_no_model(shell, corpus, tmp_path, number):
    process = shell("word2vec", "--train", corpus, "--output", tmp_path / "out", "--epochs=1000000", "--min-count=1")
    while not list((tmp_path / "cache").glob("work/prepare-*")) and process.poll() is None:
        time.sleep(0.1)
    time.sleep(1)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number), error
    assert not list((tmp_path / "cache").glob("work/train-*"))
    assert not (tmp_path / "out").exists()
    assert "Traceback" not in error
    if number == signal.SIGINT:
        assert error.splitlines()[-1] == "interrupted; nothing half-written is left"

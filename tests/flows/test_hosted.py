"""Models from anywhere: archives, folders, single files, near and far; what is none is told by its name."""

import gzip
import subprocess
import sys
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import orjson
import pytest

from algorithms.model import load_state, save_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.topics.algorithm import Topics
from data import fasttext
from data.errors import CorpusError, EmbertextError, FormatError, StorageError
from data.fasttext import Args, Dictionary, Entry, EntryType, LossName, ModelName
from data.pairs import Pairs, Shards
from flows.hosted import hosted
from tests.algorithms.topics.documents import InMemory, planted

REQUESTS = {
    "word2vec": b'{"instances": ["the"]}',
    "text_classification": b'{"instances": ["the"]}',
    "topics": b'{"instances": [{"features": [1, 1, 1, 1]}]}',
    "object2vec": b'{"instances": [{"in0": [1]}]}',
}


def binary(path: Path, *, supervised: bool) -> Path:
    name = ModelName.SUPERVISED if supervised else ModelName.SKIPGRAM
    args = Args(2, 5, 5, 1, 5, 1, LossName.SOFTMAX, name, 0, 0, 0, 100, 1e-4)
    entries = [Entry("the", 5), *([Entry("__label__a", 5, EntryType.LABEL)] if supervised else [])]
    rows = np.ones((1, 2), np.float32)
    with path.open("wb") as file:
        fasttext.write_model(
            file, args, Dictionary(entries, 5), input_blocks=[rows], input_rows=1, output_blocks=[rows], output_rows=1
        )
    return path


def published(folder: Path, algorithm: str, *, manifest: bool = True) -> Path:
    """The files of a model, as they lie in its archive."""
    folder.mkdir(parents=True)
    if algorithm in ("word2vec", "text_classification"):
        supervised = algorithm == "text_classification"
        binary(folder / ("model.bin" if supervised else "vectors.bin"), supervised=supervised)
        (folder / "eval.json").write_bytes(b"{}")
        (folder / "state.safetensors").write_bytes(b"not read")
        return folder
    if algorithm == "topics":
        form = Topics(num_topics=2)
        state = form.init(InMemory(planted(4, topics=2, words=4)), seed=1)
        (folder / "vocab.txt").write_text("a\nb\nc\nd\n")
    else:
        form = Object2Vec(enc0_network="pooled_embedding", enc_dim=4)
        state = form.init(Pairs(None, (4, 4), (2, 2), Shards(["none"], [1], 2)), seed=1)
    save_state(folder / "state.safetensors", state)
    (folder / "algorithm.json").write_bytes(orjson.dumps(form.model_dump(mode="json")))
    if manifest:
        (folder / "manifest.json").write_bytes(orjson.dumps({"algorithm": algorithm}))
    return folder


def packed(folder: Path, url: Path, *, inside: str = "") -> Path:
    with tarfile.open(url, "w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, f"{inside}{path.name}")
    return url


def check(url: object, algorithm: str) -> None:
    model = hosted(str(url))
    assert model.algorithm == algorithm
    assert model.answer(REQUESTS[algorithm], content_type="application/json").body
    assert model.about()["algorithm"] == algorithm


@pytest.mark.parametrize("algorithm", REQUESTS)
def test_archives_and_folders(tmp_path, algorithm):
    files = published(tmp_path / "files", algorithm)
    check(files, algorithm)
    check(packed(files, tmp_path / "any-name.tgz"), algorithm)
    check(packed(files, tmp_path / "inside.tar.gz", inside="model/"), algorithm)
    folder = tmp_path / "run"
    folder.mkdir()
    packed(files, folder / "model.tar.gz")
    (folder / "manifest.json").write_bytes(b"{}")
    check(folder, algorithm)
    check(f"file://{folder}", algorithm)


@pytest.mark.parametrize("algorithm", REQUESTS)
def test_far_away(tmp_path, algorithm):
    files = published(tmp_path / "files", algorithm)
    memory = fsspec.filesystem("memory")
    try:
        memory.put(f"{files}/", f"/{algorithm}/files/", recursive=True)
        memory.put(str(packed(files, tmp_path / "model.tar.gz")), f"/{algorithm}/run/model.tar.gz")
        check(f"memory://{algorithm}/run", algorithm)
        check(f"memory://{algorithm}/run/model.tar.gz", algorithm)
        check(f"memory://{algorithm}/files", algorithm)
    finally:
        memory.rm("/", recursive=True)


@pytest.mark.parametrize("algorithm", ["topics", "object2vec"])
def test_without_a_manifest_the_form_tells(tmp_path, algorithm):
    check(published(tmp_path / "files", algorithm, manifest=False), algorithm)


def test_single_files(tmp_path):
    """As fastText writes them; what they were trained for is in them, not in their name."""
    check(binary(tmp_path / "cc.en.2.bin", supervised=False), "word2vec")
    model = binary(tmp_path / "lid.176.bin", supervised=True)
    check(model, "text_classification")
    (tmp_path / "model.bin.gz").write_bytes(gzip.compress(model.read_bytes()))
    check(tmp_path / "model.bin.gz", "text_classification")
    folder = tmp_path / "cbow"
    folder.mkdir()
    check(binary(folder / "model.bin", supervised=False).parent, "word2vec")
    memory = fsspec.filesystem("memory")
    try:
        memory.put(str(model), "/lid.bin")
        check("memory://lid.bin", "text_classification")
    finally:
        memory.rm("/", recursive=True)


def test_nothing_is_left(tmp_path):
    files = published(tmp_path / "files", "topics")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    hosted(str(packed(files, tmp_path / "model.tar.gz")), scratch=scratch)
    assert not [*scratch.iterdir()]


def test_sagemakers_networks(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "model_algo-1").write_bytes(b"PK")
    url = packed(tmp_path / "files", tmp_path / "model.tar.gz")
    with pytest.raises(
        EmbertextError, match=r"model\.tar\.gz: an MXNet model, .* train it here, from the same channels$"
    ):
        hosted(str(url))


def test_what_is_no_model(tmp_path):
    with pytest.raises(EmbertextError, match=r"^model: no model is given; give what a training published"):
        hosted(" ")
    with pytest.raises(EmbertextError, match="there is no model; give what a training published"):
        hosted(str(tmp_path))
    for name in ("missing.tar.gz", "missing.bin"):
        with pytest.raises(EmbertextError, match=name):
            hosted(str(tmp_path / name))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("notes")
    with pytest.raises(EmbertextError, match=r"the archive holds no .*; give what a training published"):
        hosted(str(packed(tmp_path / "notes", tmp_path / "notes.tar.gz")))


def test_damage_is_told_by_the_users_names(tmp_path):
    files = published(tmp_path / "files", "word2vec")
    data = (files / "vectors.bin").read_bytes()
    (files / "vectors.bin").write_bytes(data[:-3])
    url = packed(files, tmp_path / "model.tar.gz")
    with pytest.raises(FormatError, match=rf"^{url}: vectors\.bin: byte \d+: .* the file was cut short$"):
        hosted(str(url))
    url.write_bytes(url.read_bytes()[:-30])
    with pytest.raises((CorpusError, StorageError), match=str(url)):
        hosted(str(url))


def test_settings_that_are_none(tmp_path):
    files = published(tmp_path / "files", "topics")
    (files / "algorithm.json").write_bytes(b'{"num_topics": "many"}')
    with pytest.raises(EmbertextError, match=r"algorithm\.json is not of topics: num_topics: .*; give what"):
        hosted(str(files))
    (files / "algorithm.json").write_bytes(b"[")
    with pytest.raises(EmbertextError, match="not JSON"):
        hosted(str(files))


HOSTILE = {"algorithm.json": [b"[1]", b'"a"', b"{}", b"null"], "manifest.json": [b"[1]", b"null", b'{"counting": 3}']}
HOSTILE |= {"vocab.txt": [b"\xff\xfe", b"one\n"], "topics.txt": [b"\xff"]}
HOSTILE |= {"state.safetensors": [b"", b"\0" * 100]}
PAIRS = {"algorithm.json": [b"[1]", b'{"enc_dim": 5}', b"{}"], "vocab.json": [b"[1]", b'{"cat": "dog"}', b'"a"']}
PAIRS |= {"pairing.json": [b"[1]", b'{"tokenizer": "none"}', b"3"]}
MADE_UP = [("topics", *each) for each in HOSTILE.items()] + [("object2vec", *each) for each in PAIRS.items()]


@pytest.mark.parametrize(
    ("algorithm", "name", "content"), [(algorithm, name, each) for algorithm, name, some in MADE_UP for each in some]
)
def test_files_that_somebody_made_up(tmp_path, algorithm, name, content):
    files = published(tmp_path / "files", algorithm)
    (files / name).write_bytes(content)
    with pytest.raises(EmbertextError):
        hosted(str(files))


@pytest.mark.parametrize("algorithm", ["topics", "object2vec"])
def test_arrays_of_another_training(tmp_path, algorithm):
    files = published(tmp_path / "files", algorithm)
    state = load_state(files / "state.safetensors")
    for name in state:
        if name.startswith(("encoder", "posterior", "mlp", "output", "tokens")):
            cut = state | {name: np.ascontiguousarray(state[name][:-1])}
            save_state(files / "state.safetensors", cut)
            _refused_or_usable(files, algorithm)
            save_state(files / "state.safetensors", {key: array for key, array in state.items() if key != name})
            with pytest.raises(EmbertextError, match="its files do not make a model"):
                hosted(str(files))


def _refused_or_usable(files, algorithm):
    """A table with fewer rows is a model of fewer words."""
    try:
        model = hosted(str(files))
    except EmbertextError:
        return
    model.answer(orjson.dumps(model.about()["example"]), content_type="application/json")


def test_word_vectors_need_no_networks(tmp_path):
    """A process that serves word vectors alone starts without torch, numba and scipy."""
    url = packed(published(tmp_path / "files", "word2vec"), tmp_path / "model.tar.gz")
    code = f"""if True:
        import sys
        from flows.hosted import hosted
        hosted({str(url)!r}).answer({REQUESTS["word2vec"]!r}, content_type="application/json")
        print(*sorted({{"torch", "numba", "scipy", "prefect", "dask"}} & sys.modules.keys()))
    """
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""

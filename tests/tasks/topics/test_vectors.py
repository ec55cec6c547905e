"""Word vectors as a stage: which files, which words; and what etm makes of them."""

import gzip
import logging
import tarfile
from pathlib import Path

import numpy as np
import pytest

from algorithms.model import load_state
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting
from data.counts import Counts
from data.errors import CorpusError
from data.vectors import write_vectors
from tasks.topics.text import ingest, prepare
from tasks.topics.train import learn
from tasks.topics.vectors import Known, look_up, table
from tasks.train import STATE, machines
from tests.planted import FRUIT, TOOLS
from tests.tasks.topics.wordless import without_words

ETM = Topics(num_topics=2, decoder="etm", epochs=2, mini_batch_size=64, optimizer="adam", feature_dim=16)
HERE = machines(threads=1, workers=0, scheduler="")
WORDS = ["elsewhere", *TOOLS, *(word for word in FRUIT if word != "plum")]  # one that is not counted, one without
VECTORS = np.random.default_rng(1).normal(size=(len(WORDS), 3)).astype(np.float32)
BY_WORD = dict(zip(WORDS, VECTORS, strict=True))


@pytest.fixture(scope="module")
def prepared(corpus, tmp_path_factory):
    place = tmp_path_factory.mktemp("vectors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(place / "cache"))
        yield prepare.fn(
            ingest.fn(str(corpus)), {}, Counting(threshold=5), seed=1, machines=HERE, work=f"{place}/cache/work"
        )


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Path:
    """word2vec's text."""
    path = tmp_path_factory.mktemp("given") / "vectors.txt"
    write_vectors(path, WORDS, VECTORS)
    return path


def known(prepared, path: Path) -> Known:
    """The words' vectors, be they looked up now or earlier."""
    found = look_up.fn(prepared, ingest.fn(str(path)))
    return getattr(found, "data", found)


def in_form(plain: Path, folder: Path, form: str) -> Path:
    if form == "word2vec":
        return plain
    glove = plain.read_bytes().split(b"\n", 1)[1]
    if form == "glove":
        (folder / "glove.3d.txt.gz").write_bytes(gzip.compress(glove))
        return folder / "glove.3d.txt.gz"
    (folder / "vocabulary.txt").write_text("plum 9\n", encoding="utf-8")
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "vocabulary.txt", "vocabulary.txt")
        archive.add(plain, "vectors.txt")
    return folder / "model.tar.gz"


@pytest.mark.parametrize("form", ["word2vec", "glove", "archive"])
def test_vectors_of_the_words(prepared, plain, tmp_path, form):
    found = known(prepared, in_form(plain, tmp_path, form))
    assert (found.dimension, found.words, found.missing) == (3, 16, 1)
    rows = table(found)
    for word, row in zip(Counts.load(prepared.url).vocabulary, rows, strict=True):
        assert np.isnan(row).all() if word == "plum" else row.tolist() == BY_WORD[word].tolist()


def test_they_are_looked_up_once(prepared, plain, tmp_path):
    first = known(prepared, plain)
    assert look_up.fn(prepared, ingest.fn(str(plain))).name == "Cached"
    write_vectors(tmp_path / "other.txt", WORDS, VECTORS + 1)
    assert known(prepared, tmp_path / "other.txt").url != first.url


def test_etm_stands_on_them(prepared, plain, tmp_path):
    """It keeps those that were given, of any dimension, and learns the others; other vectors are another training."""
    found = known(prepared, plain)
    trained = learn.fn(prepared, ETM, vectors=found, machines=HERE, seed=1)
    state = load_state(Path(trained.url) / STATE)
    [plum] = state["unknown"].tolist()
    assert Counts.load(prepared.url).vocabulary[plum] == "plum"
    np.testing.assert_array_equal(state["vectors"], np.nan_to_num(table(found)))
    assert (state["topics"].shape, state["words"].shape) == ((2, 3), (1, 3))
    assert learn.fn(prepared, ETM, vectors=found, machines=HERE, seed=1).name == "Cached"
    write_vectors(tmp_path / "other.txt", WORDS, VECTORS + 1)
    others = known(prepared, tmp_path / "other.txt"), None
    assert (
        len({trained.url, *(learn.fn(prepared, ETM, vectors=each, machines=HERE, seed=1).url for each in others)}) == 3
    )


def test_a_dimension_that_the_vectors_do_not_have(prepared, plain, caplog):
    with caplog.at_level(logging.WARNING):
        form = ETM.model_copy(update={"embedding_dim": 50, "epochs": 1})
        learn.fn(prepared, form, vectors=known(prepared, plain), machines=HERE, seed=1)
    assert "the vectors have 3 numbers: embedding_dim=50 changes nothing" in caplog.messages


def test_the_other_decoders_have_none(prepared, plain):
    """And their training is the same without."""
    form = ETM.model_copy(update={"decoder": "ntm", "epochs": 1})
    trained = learn.fn(prepared, form, vectors=known(prepared, plain), machines=HERE, seed=1)
    assert "vectors" not in load_state(Path(trained.url) / STATE)
    assert learn.fn(prepared, form, machines=HERE, seed=1).name == "Cached"


WRONG = {
    "text": (
        "apple pear plum\n",
        "line 1, byte 0: 'apple pear plum', expected a word and its numbers; give vectors as",
    ),
    "other words": (
        "2 1\nApple 1.0\nSaw 1.0\n",
        "none of the 16 words has a vector; give vectors of words of the same",
    ),
    "cut short": ("9 1\napple 1.0\n", "its first line says 9 vectors, and 1 are there; is the file whole?"),
    "cut short in a line": (
        "apple 1.0 2.0\nsaw 1.0\n",
        "line 2, byte 14: a vector of 1 numbers, and 2 in the first line",
    ),
    "no number": ("x 1 1\napple 1.0 nan\n", "line 2, byte 6: 'nan' is not a finite number"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_vectors_that_are_none(prepared, tmp_path, content, message):
    path = tmp_path / "a.txt"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError) as raised:
        look_up.fn(prepared, ingest.fn(str(path)))
    assert str(raised.value).startswith(f"{path}: {message}")
    assert not list(Path(prepared.work).glob(".unfinished*"))


def test_an_archive_without_vectors(prepared, corpus, tmp_path):
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(corpus, "other.txt")
    with pytest.raises(CorpusError, match=r"no vectors.txt in it; give a vectors.txt, or the model.tar.gz that"):
        look_up.fn(prepared, ingest.fn(str(tmp_path / "model.tar.gz")))


def test_words_that_are_unknown(prepared, plain, tmp_path):
    wordless = prepared.model_copy(update={"url": without_words(prepared, tmp_path)})
    with pytest.raises(CorpusError) as raised:
        look_up.fn(wordless, ingest.fn(str(plain)))
    assert str(raised.value) == (
        f"vectors={str(plain)!r}: the counts come without their words; "
        "put vocab.txt beside the counts, one word a line, or leave vectors out"
    )


def test_a_word_that_stands_twice_in_the_vocabulary(prepared, plain, tmp_path):
    """A given vocab.txt may say so: both columns have its vector."""
    copy = Path(without_words(prepared, tmp_path))
    (copy / "vocab.txt").write_text("saw\n" * 16, encoding="utf-8")
    found = known(prepared.model_copy(update={"url": str(copy)}), plain)
    assert found.missing == 0
    assert (table(found) == BY_WORD["saw"]).all()

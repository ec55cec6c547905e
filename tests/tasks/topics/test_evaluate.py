import json
import logging
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from algorithms import records
from algorithms.coherence import DIVERSE, npmi, top_words
from algorithms.model import load_state
from algorithms.topics.algorithm import Topics
from algorithms.topics.counts import Counting, read
from data.counts import Counts
from data.errors import CorpusError
from data.vectors import write_vectors
from tasks.topics.evaluate import EVALUATION, TOPICS_TEXT, check, evaluate
from tasks.topics.text import ingest, prepare
from tasks.topics.train import learn
from tasks.topics.vectors import look_up
from tasks.train import STATE, machines
from tests.planted import FRUIT, TOOLS
from tests.tasks.topics.wordless import without_words

FORM = Topics(num_topics=3, epochs=2, mini_batch_size=64, optimizer="adam")
COUNTING = Counting(threshold=5, n_parts=3)
HERE = machines(threads=1, workers=0, scheduler="")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERTEXT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="module")
def prepared(corpus, place):
    return prepare.fn(ingest.fn(str(corpus)), {}, COUNTING, seed=1, machines=HERE, work=f"{place}/work")


@pytest.fixture(scope="module")
def trained(prepared):
    return learn.fn(prepared, FORM, machines=HERE, seed=1)


def evaluated(prepared, trained, **given):
    """Evaluated, be it now or earlier."""
    found = evaluate.fn(prepared, trained, FORM, COUNTING, **given)
    return getattr(found, "data", found)


def judgement_of(evaluated) -> dict:
    return json.loads((Path(evaluated.url) / EVALUATION).read_bytes())


def test_judgement(prepared, trained):
    done = evaluated(prepared, trained)
    judgement, metrics = judgement_of(done), done.metrics
    assert judgement["losses"].keys() == {"train", "validation", "test"}
    assert [each["documents"] for each in judgement["losses"].values()] == [3200, 400, 400]
    assert metrics["total_loss"] == metrics["validation_total_loss"] == judgement["losses"]["validation"]["total_loss"]
    assert metrics["perplexity"] == pytest.approx(np.exp(metrics["total_loss"]))
    assert metrics["topics"] == [topic["words"] for topic in judgement["topics"]]
    assert set(metrics["topics"][0]) == {*FRUIT, *TOOLS}
    assert {name: metrics[name] for name in ("npmi", "tu", "diversity")} == {
        name: judgement[name] for name in ("npmi", "tu", "diversity")
    }
    assert "wetc" not in metrics
    assert (Path(done.url) / TOPICS_TEXT).read_text(encoding="utf-8").splitlines() == [
        " ".join(words) for words in metrics["topics"]
    ]
    assert evaluate.fn(prepared, trained, FORM, COUNTING).name == "Cached"


def test_coherence_is_that_of_all_training_documents(prepared, trained):
    judgement = judgement_of(evaluated(prepared, trained))
    rows = [read(url).toarray() for url in Counts.load(prepared.url).channel("train").files]
    tops = top_words(FORM.topic_word(load_state(Path(trained.url) / STATE)), DIVERSE)
    assert judgement["npmi"] == pytest.approx(npmi(tops, csr_matrix(np.concatenate(rows))).mean())
    assert judgement["documents"] == 3200
    assert judgement["reference"] == "the training text"


def test_what_documents_say(prepared, trained):
    judgement = judgement_of(evaluated(prepared, trained))
    channel = Counts.load(prepared.url).channel("train")
    rows, openings = [read(url) for url in channel.files], channel.openings()
    theta = np.concatenate([FORM.infer(load_state(Path(trained.url) / STATE), each) for each in rows])
    assert sum(topic["share"] for topic in judgement["topics"]) == pytest.approx(1)
    for topic in judgement["topics"]:
        best = max(theta[:, topic["topic"]])
        assert topic["typical"][0]["share"] == pytest.approx(best, rel=1e-5)
        for told in topic["typical"]:
            assert told["share"] == pytest.approx(theta[told["document"], topic["topic"]], rel=1e-5)
            assert openings[told["document"]].startswith(told["text"].rstrip("…"))
    mixtures = judgement["mixtures"]
    assert len(mixtures["names"]) == len(mixtures["weights"]) == 12
    assert np.sum(mixtures["weights"], axis=1) == pytest.approx(np.ones(12), abs=1e-4)


@pytest.mark.parametrize("kind", ["text", "counts"])
def test_another_corpus_to_judge_by(prepared, trained, tmp_path, kind):
    """One in which every pair of words meets: nothing is coherent beyond chance."""
    words = Counts.load(prepared.url).vocabulary
    if kind == "text":
        given = tmp_path / "other.txt"
        given.write_text(f"{' '.join(words)}\nunknown words\n" * 5, encoding="utf-8")
    else:
        given = tmp_path / "other"
        given.mkdir()
        with (given / "some.pbr").open("wb") as file:
            records.write_matrix(file, np.ones((10, len(words)), np.float32))
    done = evaluated(prepared, trained, reference=ingest.fn(str(given)))
    judgement = judgement_of(done)
    assert (judgement["documents"], judgement["reference"]) == (10, "other")
    assert done.metrics["npmi"] == pytest.approx(1 if kind == "text" else 0)
    assert done.url != evaluated(prepared, trained).url


def test_vectors(prepared, trained, tmp_path, caplog):
    """All words alike but one, which has no vector."""
    words = [word for word in (*TOOLS, *FRUIT) if word != "plum"]
    write_vectors(tmp_path / "vectors.txt", words, np.tile(np.float32([1, 2]), (len(words), 1)))
    with caplog.at_level(logging.INFO):
        known = look_up.fn(prepared, ingest.fn(str(tmp_path / "vectors.txt")))
        done = evaluated(prepared, trained, vectors=known)
    assert done.metrics["wetc"] == pytest.approx(15 * 14 / (16 * 15))
    assert judgement_of(done)["wordless"] == 1
    told = [record.getMessage() for record in caplog.records]
    assert "1 out of 16 in vocabulary do not have embeddings! Default vector used for unknown embedding!" in told
    start = next(place for place, line in enumerate(told) if line.startswith("Topics from epoch:final"))
    assert (
        told[start]
        == f"Topics from epoch:final (num_topics:3) [wetc {done.metrics['wetc']:.2f}, tu {done.metrics['tu']:.2f}]:"
    )
    assert told[start + 1].startswith(f"[{done.metrics['wetc']:.2f}, 0.33] ")
    assert told[start + 4].startswith("Finished scoring on 400 examples")


def test_words_that_are_unknown(prepared, corpus, tmp_path):
    """They are asked for before the training; counts to judge by need none."""
    (tmp_path / "counts.csv").write_text("1,0,2\n")
    wordless = prepared.model_copy(update={"url": without_words(prepared, tmp_path)})
    with pytest.raises(CorpusError) as raised:
        check.fn(wordless, ingest.fn(str(corpus)))
    assert str(raised.value) == (
        f"reference={str(corpus)!r}: the counts come without their words; "
        "put vocab.txt beside the counts, one word a line, or leave reference out"
    )
    counts = ingest.fn(str(tmp_path / "counts.csv"))
    assert check.fn(wordless, counts) == counts
    assert check.fn(prepared, ingest.fn(str(corpus)))
    assert check.fn(wordless, None) is None

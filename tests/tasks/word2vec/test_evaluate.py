import json
from pathlib import Path

import pytest

from algorithms.word2vec.algorithm import Word2Vec
from data import gold
from tasks.ingest import ingest
from tasks.train import machines
from tasks.word2vec.evaluate import EVALUATION, JUDGEMENT, evaluate, queries, read_evaluation, read_map
from tasks.word2vec.text import prepare
from tasks.word2vec.train import learn

FORM = Word2Vec(vector_dim=8, epochs=1, min_count=1)
HERE = machines(threads=1, workers=0, scheduler="")


@pytest.fixture
def trained(corpus, cache):
    prepared = prepare.fn(ingest.fn(str(corpus)), tokenizer="auto", min_count=1, work=f"{cache}/work")
    return learn.fn(prepared, FORM, machines=HERE, seed=1)


def test_judgements(trained):
    evaluated = evaluate.fn(trained, FORM, analogies=True)
    evaluation = read_evaluation(evaluated.url)
    assert evaluated.metrics == {**evaluation, "analogies": evaluated.metrics["analogies"]}
    assert evaluated.metrics["analogies"].keys() == {"accuracy", "correct", "asked", "skipped"}
    judgement = json.loads((Path(evaluated.url) / JUDGEMENT).read_bytes())
    assert judgement["analogies"]["sections"]
    assert judgement["neighbours"].keys() == evaluated.neighbours.keys()
    assert read_map(evaluated.url).shape == (16, 2)


def test_no_evaluation_when_none_is_wanted(trained):
    evaluated = evaluate.fn(trained, FORM.model_copy(update={"evaluation": False}))
    assert evaluated.metrics == {}
    assert not (Path(evaluated.url) / EVALUATION).exists()
    assert read_evaluation(evaluated.url) is None


def test_asking_for_analogies_later_judges_again(trained):
    assert evaluate.fn(trained, FORM).metrics.keys() != evaluate.fn(trained, FORM, analogies=True).metrics.keys()
    assert evaluate.fn(trained, FORM).name == "Cached"


def test_other_judgements_judge_again(trained, monkeypatch):
    first = evaluate.fn(trained, FORM)
    pairs = gold.wordsim()
    monkeypatch.setattr(gold, "wordsim", lambda: {name: each[:-1] for name, each in pairs.items()})
    assert evaluate.fn(trained, FORM).url != first.url


@pytest.mark.parametrize("size", [1, 2, 5, 30, 500, 30_000])
def test_queries_are_words_worth_showing(size):
    words = [
        f"{'the' if rank % 3 else 'word'}{'abcdefghij'[rank % 10]}{'x' * (rank // 10 % 7)}{rank % 2 or ''}"
        for rank in range(size)
    ]
    shown = queries(words)
    assert len(shown) == len(set(shown)) <= 8
    assert all(len(word) >= 4 and word.isalpha() for word in shown)
    assert size < 30 or shown

import json
from pathlib import Path

import numpy as np
import pytest

from algorithms.model import load_state
from algorithms.word2vec.algorithm import Word2Vec
from data.errors import HyperparameterError
from tasks.ingest import ingest
from tasks.train import HISTORY, STATE, machines
from tasks.word2vec.text import prepare
from tasks.word2vec.train import learn

FORM = Word2Vec(vector_dim=8, epochs=2, min_count=1)
HERE = machines(threads=1, workers=0, scheduler="")


@pytest.fixture
def prepared(corpus, cache):
    return prepare.fn(ingest.fn(str(corpus)), tokenizer="auto", min_count=1, work=f"{cache}/work")


def test_what_a_training_leaves(prepared):
    trained = learn.fn(prepared, FORM, machines=HERE, seed=1)
    folder = Path(trained.url)
    history = json.loads((folder / HISTORY).read_bytes())
    assert len(history) == trained.rounds
    assert history[-1]["progress"] == 1
    assert sum(each["words"] for each in history) == 2 * prepared.tokens
    assert trained.words_per_second == pytest.approx(2 * prepared.tokens / sum(each["seconds"] for each in history))
    assert np.isfinite(FORM.vectors(load_state(folder / STATE))).all()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"machines": {**HERE, "threads": 2}},
        {"word2vec": Word2Vec(vector_dim=8, epochs=1, min_count=1)},
        {"distribution": "FullyReplicated"},
    ],
)
def test_every_input_counts(prepared, change):
    given = {"word2vec": FORM, "machines": HERE, "seed": 1}
    first = learn.fn(prepared, **given)
    assert learn.fn(prepared, **given).name == "Cached"
    assert learn.fn(prepared, **{**given, **change}).url != first.url


def test_evaluation_does_not_count(prepared):
    form = Word2Vec(**{**FORM.model_dump(), "evaluation": False})
    learn.fn(prepared, FORM, machines=HERE, seed=1)
    assert learn.fn(prepared, form, machines=HERE, seed=1).name == "Cached"


def test_a_training_that_diverges(prepared, cache):
    form = Word2Vec(vector_dim=8, min_count=1, learning_rate=1e30)
    with pytest.raises(HyperparameterError, match=r"^learning_rate=1e\+30: training diverged .*; choose a smaller"):
        learn.fn(prepared, form, machines=HERE, seed=1)
    assert not list(cache.rglob("train-*"))

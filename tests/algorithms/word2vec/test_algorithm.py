import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from algorithms.counting import count_and_encode
from algorithms.here import Here
from algorithms.kernels.ngrams import word_buckets
from algorithms.protocol import Algorithm, Span
from algorithms.state import State
from algorithms.training import train
from algorithms.word2vec import export
from algorithms.word2vec.algorithm import Word2Vec
from data import fasttext as plain
from data.corpus import Corpus
from data.errors import HyperparameterError
from tests import subwords as reference

_: Algorithm = Word2Vec()
MODES = ["batch_skipgram", "skipgram", "cbow"]
LEARNERS = [(mode, subwords) for mode in MODES for subwords in (False, True) if not (subwords and mode == MODES[0])]
LARGEST = 2**31 - 1  # what fastText's file holds

# name, default, the smallest and largest values, just below and just above them (None: no bound to cross)
FIELDS: list[tuple[str, Any, Any, Any, Any, Any]] = [
    ("mode", "batch_skipgram", "skipgram", "cbow", "supervised", "Skipgram"),
    ("batch_size", 11, 1, 32, 0, 33),
    ("buckets", 2_000_000, 1, LARGEST, 0, LARGEST + 1),
    ("epochs", 5, 1, LARGEST, 0, LARGEST + 1),
    ("evaluation", True, True, False, 2, "maybe"),
    ("learning_rate", 0.05, 1e-300, 1e300, 0, float("inf")),
    ("min_char", 3, 1, LARGEST, 0, LARGEST + 1),
    ("min_count", 5, 0, LARGEST, -1, LARGEST + 1),
    ("max_char", 6, 1, LARGEST, 0, LARGEST + 1),
    ("negative_samples", 5, 1, LARGEST, 0, LARGEST + 1),
    ("sampling_threshold", 0.0001, 1e-300, 1 - 1e-9, 0, 1),
    ("subwords", False, False, False, 2, "maybe"),
    ("vector_dim", 100, 1, 2048, 0, 2049),
    ("window_size", 5, 1, LARGEST, 0, LARGEST + 1),
]
FIELD = pytest.mark.parametrize(
    ("name", "default", "smallest", "largest", "below", "above"), FIELDS, ids=[field[0] for field in FIELDS]
)


def test_the_table_has_every_hyperparameter() -> None:
    assert set(Word2Vec.model_fields) == {field[0] for field in FIELDS}
    assert all(field.title and field.description for field in Word2Vec.model_fields.values())


@FIELD
def test_bounds(name: str, default: Any, smallest: Any, largest: Any, below: Any, above: Any) -> None:
    assert getattr(Word2Vec(), name) == default
    for value in (smallest, largest):
        assert getattr(Word2Vec(**{name: value}), name) == value
    for value in (below, above, "x", None, [1]):
        with pytest.raises(ValidationError) as refused:
            Word2Vec(**{name: value})
        assert [error["loc"] for error in refused.value.errors()] == [(name,)]


@FIELD
def test_sagemakers_strings(name: str, default: Any, smallest: Any, largest: Any, below: Any, above: Any) -> None:
    for value in (default, smallest, largest):
        assert getattr(Word2Vec(**{name: str(value)}), name) == value


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("false", False), ("False", False)])
def test_booleans_as_sagemaker_writes_them(text: str, value: bool) -> None:
    assert Word2Vec(mode="skipgram", subwords=text).subwords is value
    assert Word2Vec(evaluation=text).evaluation is value


@pytest.mark.parametrize("name", ["epoch", "word_ngrams", "early_stopping", "seed", ""])
def test_unknown_hyperparameters_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted") as refused:
        Word2Vec(**{name: 1})
    assert refused.value.errors()[0]["loc"] == (name,)


@pytest.mark.parametrize("name", ["learning_rate", "sampling_threshold"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_only_finite_numbers(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        Word2Vec(**{name: value})


def test_a_form_is_frozen_and_survives_json() -> None:
    form = Word2Vec(mode="cbow", epochs=3, subwords=True)
    with pytest.raises(ValidationError, match="frozen"):
        form.epochs = 4
    assert Word2Vec.model_validate_json(form.model_dump_json()) == form
    assert hash(form) == hash(Word2Vec(mode="cbow", epochs=3, subwords=True))


@pytest.mark.parametrize(
    ("make", "field", "value", "message"),
    [
        (
            lambda: Word2Vec(subwords=True),
            "subwords",
            True,
            "subwords=True: batch_skipgram learns no subwords;"
            " choose mode='skipgram' or mode='cbow', or subwords=False",
        ),
        (
            lambda: Word2Vec(mode="cbow", subwords=True, min_char=7),
            "min_char",
            7,
            "min_char=7: the shortest n-gram is longer than the longest, max_char=6; choose min_char <= max_char",
        ),
        (
            lambda: Word2Vec(mode="skipgram").check_workers(2),
            "mode",
            "skipgram",
            "mode='skipgram': skipgram trains on one worker, not on 2; choose mode='batch_skipgram', or workers=0",
        ),
    ],
)
def test_settings_that_cannot_work_together(make: Callable[[], Any], field: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        make()
    error: Any = refused.value
    if isinstance(error, ValidationError):  # pydantic wraps what its validators raise
        error = error.errors()[0]["ctx"]["error"]
    assert isinstance(error, HyperparameterError)
    assert (error.field, error.value, str(error)) == (field, value, message)


def test_settings_that_play_no_part_may_be_odd() -> None:
    Word2Vec(min_char=7)
    Word2Vec(mode="cbow", batch_size=1)
    Word2Vec(mode="cbow", subwords=True, min_char=4, max_char=4)


@pytest.mark.parametrize("mode", MODES)
def test_workers(mode: str) -> None:
    form = Word2Vec(mode=mode)
    form.check_workers(0)
    form.check_workers(1)
    if mode == "batch_skipgram":
        form.check_workers(8)
    else:
        with pytest.raises(HyperparameterError):
            form.check_workers(2)


def test_the_learning_rate_falls_to_its_floor() -> None:
    form = Word2Vec(learning_rate=0.4)
    rates = [form.learning_rate_at(progress) for progress in (0, 0.25, 0.5, 0.99995, 1)]
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.4e-4, 0.4e-4])


# States -----------------------------------------------------------------------------------------------------------

TOPICS = [["katze", "hund", "mäuse", "vögel", "鳥", "fische"], ["tisch", "stühle", "bett", "lampe", "机", "sofa"]]


def prepared(text: str, folder: Path) -> Corpus:
    return count_and_encode([text.encode()], folder, min_count=1)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Each sentence has words of one topic only."""
    rng = np.random.default_rng(5)
    lines = [" ".join(rng.choice(TOPICS[rng.integers(2)], 8)) for _ in range(400)]
    return prepared("\n".join(lines), tmp_path_factory.mktemp("planted"))


def form_of(mode: str, subwords: bool, **settings: Any) -> Word2Vec:
    usual = {"vector_dim": 13, "min_count": 1, "sampling_threshold": 0.5, "buckets": 300, "epochs": 3}
    return Word2Vec(mode=mode, subwords=subwords, **(usual | settings))


def update(form: Word2Vec, corpus: Corpus, state: State, *, threads: int = 1, seed: int = 1) -> Any:
    batches = [piece.read() for piece in corpus.slices(0, sum(corpus.lengths))]
    return form.update(state, batches, span=Span(0, 0.5), threads=threads, seed=seed)


@pytest.fixture(scope="module")
def models(planted: Corpus) -> dict[tuple[str, bool], tuple[Word2Vec, State]]:
    """Every mode, trained for long enough."""
    forms = {learner: form_of(*learner, epochs=60, learning_rate=0.1) for learner in LEARNERS}
    return {
        learner: (form, list(train(form, planted, cluster=Here(1), seed=2))[-1].state)
        for learner, form in forms.items()
    }


LEARNER = pytest.mark.parametrize(("mode", "subwords"), LEARNERS)


@LEARNER
def test_init(mode: str, subwords: bool, planted: Corpus) -> None:
    state = form_of(mode, subwords).init(planted, seed=3)
    assert {name: array.dtype.name for name, array in state.items()} == {
        "words": "float32",
        "outputs": "float32",
        "counts": "int64",
        **(
            {"ngrams": "float32", "ngram_buckets": "int64", "ngram_starts": "int64", "ngram_rows": "int64"}
            if subwords
            else {}
        ),
    }
    assert state["words"].shape == state["outputs"].shape == (12, 13)
    assert not state["outputs"].any()
    for name in ("words", "ngrams")[: 1 + subwords]:
        assert 0.9 / 13 < np.abs(state[name]).max() <= 1 / 13
        assert abs(state[name].mean()) < 0.02
    np.testing.assert_array_equal(state["counts"], planted.vocabulary.counts)
    if subwords:
        starts, buckets = word_buckets(planted.vocabulary.words, min_char=3, max_char=6, buckets=300)
        np.testing.assert_array_equal(state["ngram_starts"], starts)
        np.testing.assert_array_equal(state["ngram_buckets"][state["ngram_rows"]], buckets)
        assert (np.diff(state["ngram_buckets"]) > 0).all()
        assert len(state["ngrams"]) == len(state["ngram_buckets"]) == len(set(buckets.tolist()))


@LEARNER
def test_init_depends_on_the_seed_alone(mode: str, subwords: bool, planted: Corpus) -> None:
    form = form_of(mode, subwords)
    one, again, other = (form.init(planted, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one["words"], again["words"])
    assert (one["words"] != other["words"]).any()


@LEARNER
def test_update_is_pure_and_deterministic(mode: str, subwords: bool, planted: Corpus) -> None:
    form = form_of(mode, subwords)
    state = form.init(planted, seed=3)
    before = {name: array.copy() for name, array in state.items()}
    one, again, other = (update(form, planted, state, seed=seed) for seed in (1, 1, 2))
    for name, array in before.items():
        np.testing.assert_array_equal(state[name], array)
        assert one.state[name].tobytes() == again.state[name].tobytes()
        assert (one.state[name].shape, one.state[name].dtype) == (array.shape, array.dtype)
        assert np.isfinite(one.state[name]).all()
    assert one[2:] == again[2:]
    for name in ("words", "outputs", "ngrams")[: 2 + subwords]:
        assert (one.state[name] != state[name]).any()
        assert (one.state[name] != other.state[name]).any()
        assert one.weight[name].shape == (len(state[name]),)
        assert (one.weight[name] > 0).all()
    assert set(one.weight) == {name for name, array in state.items() if array.dtype.kind == "f"}
    assert one.words == planted.tokens
    assert 0 < one.loss / one.examples < 6 * np.log(2) + 0.1


@LEARNER
def test_threads_share_the_work(mode: str, subwords: bool, planted: Corpus) -> None:
    form = form_of(mode, subwords)
    state = form.init(planted, seed=3)
    one, two = (update(form, planted, state, threads=threads) for threads in (1, 2))
    assert two.words == one.words
    assert two.examples == pytest.approx(one.examples, rel=0.2)
    assert two.loss / two.examples == pytest.approx(one.loss / one.examples, rel=0.2)
    assert all(np.isfinite(array).all() for array in two.state.values())


@LEARNER
def test_no_text_changes_nothing(mode: str, subwords: bool, planted: Corpus) -> None:
    form = form_of(mode, subwords)
    state = form.init(planted, seed=3)
    for batches in ([], [np.empty(0, np.int32)]):
        done = form.update(state, batches, span=Span(0, 1), threads=2, seed=1)
        for name, array in state.items():
            np.testing.assert_array_equal(done.state[name], array)
        assert done[2:5] == (0, 0, 0)


@LEARNER
@pytest.mark.parametrize("text", ["a", "a\n", "a a a a\na", "a b", "a b a b b\nb\n", "</s> a </s> b"])
def test_tiny_corpora(mode: str, subwords: bool, text: str, tmp_path: Path) -> None:
    corpus = prepared(text, tmp_path)
    form = form_of(mode, subwords, epochs=20, learning_rate=0.5)
    for done in train(form, corpus, cluster=Here(1), seed=1):
        assert all(np.isfinite(array).all() for array in done.state.values())
        assert 0 <= done.loss < 10
    assert form.vectors(done.state).shape == (len(corpus.vocabulary), 13)


@LEARNER
def test_a_planted_structure_is_learned(mode: str, subwords: bool, models: Any, planted: Corpus) -> None:
    form, state = models[mode, subwords]
    vectors = form.infer(state, planted.vocabulary, [word for topic in TOPICS for word in topic])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    same = np.kron(np.eye(2), np.ones((6, 6))) - np.eye(12) == 1
    other = np.kron(1 - np.eye(2), np.ones((6, 6))) == 1
    assert cosines[same].min() > cosines[other].max()
    assert cosines[same].mean() > cosines[other].mean() + 0.3


@LEARNER
def test_vectors_are_means_of_rows(mode: str, subwords: bool, models: Any, planted: Corpus) -> None:
    form, state = models[mode, subwords]
    vectors = form.vectors(state)
    assert vectors.dtype == np.float32
    for i, word in enumerate(planted.vocabulary.words):
        rows = [state["words"][i]]
        if subwords:
            found = reference.ngram_buckets(word, minn=3, maxn=6, bucket=300)
            rows += [state["ngrams"][np.searchsorted(state["ngram_buckets"], bucket)] for bucket in found]
        np.testing.assert_allclose(vectors[i], np.mean(rows, axis=0), rtol=1e-4, atol=1e-6)


def test_many_words_with_and_without_ngrams(tmp_path: Path) -> None:
    """More words than are summed at a time, some too short for an n-gram, the first and the last among them."""
    words = ["</s>", *(f"{'x' * (i % 7)}{i}" for i in range(20_000)), "y"]
    corpus = prepared(" ".join(words), tmp_path)
    form = form_of("cbow", True, min_char=6, max_char=7, vector_dim=2)
    state = form.init(corpus, seed=1)
    vectors, starts = form.vectors(state), state["ngram_starts"]
    assert starts[1] == 0
    for i in [0, 1, 8191, 8192, 16383, 16384, 20_001, *range(3, 20_000, 997)]:
        rows = state["ngrams"][state["ngram_rows"][starts[i] : starts[i + 1]]]
        np.testing.assert_allclose(vectors[i], np.vstack([state["words"][i], rows]).mean(axis=0), atol=1e-6)


def test_infer_without_subwords(models: Any, planted: Corpus) -> None:
    form, state = models["skipgram", False]
    vectors = form.infer(state, planted.vocabulary, ["unseen", "hund", "", "鳥"])
    assert (vectors.dtype, vectors.shape) == (np.float32, (4, 13))
    assert not vectors[[0, 2]].any()
    np.testing.assert_array_equal(vectors[1], form.vectors(state)[planted.vocabulary.index["hund"]])
    assert form.infer(state, planted.vocabulary, []).shape == (0, 13)


def test_infer_with_subwords(models: Any, planted: Corpus) -> None:
    form, state = models["skipgram", True]
    words = ["hunde", "hund", "zzzzz", "", "vögelchen", "hund"]
    vectors = form.infer(state, planted.vocabulary, words)
    dense = np.zeros((300, 13))
    dense[state["ngram_buckets"]] = state["ngrams"]
    for word, vector in zip(words, vectors, strict=True):
        if word != "hund":
            found = reference.ngram_buckets(word, minn=3, maxn=6, bucket=300)
            wanted = dense[found].mean(axis=0) if found else np.zeros(13)
            np.testing.assert_allclose(vector, wanted, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(vectors[1], vectors[5])
    np.testing.assert_array_equal(vectors[1], form.vectors(state)[planted.vocabulary.index["hund"]])
    assert form.infer(state, planted.vocabulary, []).shape == (0, 13)
    assert form.infer(state, planted.vocabulary, ["hund"]).shape == (1, 13)  # nothing unseen


# Files ------------------------------------------------------------------------------------------------------------


@LEARNER
def test_gensim_reads_vectors_txt(mode: str, subwords: bool, models: Any, planted: Corpus, tmp_path: Path) -> None:
    from gensim.models import KeyedVectors

    form, state = models[mode, subwords]
    form.export(state, planted.vocabulary, tmp_path)
    loaded = KeyedVectors.load_word2vec_format(str(tmp_path / "vectors.txt"))
    assert loaded.index_to_key == planted.vocabulary.words
    np.testing.assert_array_equal(loaded.vectors, form.vectors(state))


@LEARNER
def test_fasttext_reads_vectors_bin(
    mode: str, subwords: bool, models: Any, planted: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fasttext = pytest.importorskip("fasttext")
    monkeypatch.setattr(export, "BLOCK", 77)  # does not divide the buckets
    form, state = models[mode, subwords]
    form.export(state, planted.vocabulary, tmp_path)
    model = fasttext.load_model(str(tmp_path / "vectors.bin"))
    assert model.get_words() == planted.vocabulary.words
    words = [*planted.vocabulary.words, "hunde", "vögelchen", "鳥類", "zz", "x", "unseen"]
    ours = form.infer(state, planted.vocabulary, words)
    for word, vector in zip(words, ours, strict=True):
        np.testing.assert_allclose(model.get_word_vector(word), vector, rtol=1e-4, atol=1e-6, err_msg=word)
    assert ours[-5:].any() == subwords


@LEARNER
def test_vectors_bin_holds_the_form(mode: str, subwords: bool, models: Any, planted: Corpus, tmp_path: Path) -> None:
    form, state = models[mode, subwords]
    form.export(state, planted.vocabulary, tmp_path)
    args, dictionary, inputs, outputs, _ = plain.read_model(tmp_path / "vectors.bin")
    assert args.model == (plain.ModelName.CBOW if mode == "cbow" else plain.ModelName.SKIPGRAM)
    assert (args.dim, args.ws, args.epoch, args.min_count, args.neg) == (13, 5, 60, 1, 5)
    assert (args.bucket, args.minn, args.maxn) == ((300, 3, 6) if subwords else (0, 0, 0))
    assert args.t == 0.5
    assert [(entry.word, entry.count) for entry in dictionary.entries] == list(
        zip(planted.vocabulary.words, planted.vocabulary.counts.tolist(), strict=True)
    )
    assert dictionary.tokens == planted.tokens
    np.testing.assert_array_equal(inputs[:12], state["words"])
    np.testing.assert_array_equal(outputs, state["outputs"])
    if subwords:
        np.testing.assert_array_equal(inputs[12 + state["ngram_buckets"]], state["ngrams"])
        reached = np.isin(np.arange(300), state["ngram_buckets"])
        assert not inputs[12:][~reached].any()
    assert len(inputs) == 12 + (300 if subwords else 0)

import random
import re
import warnings
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from algorithms.topics.counts import Counting, count, read
from data import bags, lemmatizer, messages, nltk_data, punkt, sources
from data.batches import batches
from data.counts import CHANNELS
from data.errors import CorpusError, HyperparameterError

needs_wordnet = pytest.mark.skipif(
    not all(map(nltk_data.has, (lemmatizer.PACKAGE, punkt.PACKAGE))), reason="nltk's WordNet is not installed"
)


def recipe(texts, *, wordnet, vocabulary_size=2000, max_df=0.95, min_df=2):
    """The notebook's cells: words and rows, before short documents go. Without WordNet, what needs no data."""
    from nltk import word_tokenize
    from nltk.stem import WordNetLemmatizer
    from nltk.tokenize import NLTKWordTokenizer, PunktSentenceTokenizer
    from sklearn.feature_extraction.text import CountVectorizer

    token_pattern = re.compile(r"(?u)\b\w\w+\b")

    def without_data(doc):
        return [t for s in PunktSentenceTokenizer().tokenize(doc) for t in NLTKWordTokenizer().tokenize(s)]

    tokens, lemma = (word_tokenize, WordNetLemmatizer().lemmatize) if wordnet else (without_data, str)

    def tokenizer(doc):
        return [lemma(t) for t in tokens(doc) if len(t) >= 2 and re.match("[a-z].*", t) and re.match(token_pattern, t)]

    vectorizer = CountVectorizer(
        input="content", analyzer="word", stop_words="english", tokenizer=tokenizer, max_features=vocabulary_size,
        max_df=max_df, min_df=min_df,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectors = vectorizer.fit_transform(texts)
    return vectorizer.get_feature_names_out().tolist(), sparse.csr_matrix(vectors, dtype=np.float32)


def counted(texts, folder, form, *, seed=1, batch=50, **options):
    """What `count` writes: words, and the rows of all channels, one after the other."""
    trained = form.lemmatizer == "wordnet"
    parts = [texts[i : i + batch] for i in range(0, len(texts), batch)]
    found = count((bags.count(part, trained=trained) for part in parts), folder, form, seed=seed, **options)
    files = [url for name in CHANNELS for url in found.counts.channel(name).files]
    return found, sparse.vstack([read(url) for url in files], format="csr")


def assert_equal_to_recipe(texts, folder, form, *, seed=1):
    words, expected = recipe(texts, wordnet=form.lemmatizer == "wordnet", vocabulary_size=form.vocabulary_size)
    found, rows = counted(texts, folder, form, seed=seed)
    kept = np.flatnonzero(np.asarray(expected.sum(axis=1)).reshape(-1) > form.threshold)
    order = np.random.default_rng(seed).permutation(kept)
    assert found.counts.vocabulary == words
    assert rows.dtype == np.float32
    assert rows.shape == (kept.size, len(words))
    assert (rows != expected[order]).nnz == 0
    assert (found.documents, found.dropped) == (len(texts), len(texts) - kept.size)


@pytest.fixture(scope="module")
def texts():
    """300 short documents of 400 words, frequent and rare, some of them stop words, with punctuation and forms."""
    random_ = random.Random(1)
    words = [f"{a}{b}{c}" for a in "abcdefgh" for b in "aeiou" for c in ["n", "rs", "x.", "te,", "(y)"]]
    words += ["the", "has", "was", "cats", "e.g.", "3.", "mr.", "don't", "A", "Paris."]
    weights = [1 / (1 + i) for i in range(len(words))]
    return [" ".join(random_.choices(words, weights, k=random_.randrange(60))) for _ in range(300)]


@pytest.mark.parametrize("size", [7, 60, 2000])
def test_the_rows_are_those_of_scikit_learn(texts, tmp_path, size):
    assert_equal_to_recipe(texts, tmp_path, Counting(vocabulary_size=size, threshold=3))


@needs_wordnet
def test_the_rows_are_those_of_the_notebook(texts, tmp_path):
    assert_equal_to_recipe(texts, tmp_path, Counting(lemmatizer="wordnet", vocabulary_size=40, threshold=3))


@needs_wordnet
@pytest.mark.parametrize("every", [60, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_real_messages(tmp_path, every, monkeypatch):
    source = real_messages(tmp_path)
    stripped = [messages.strip(text, messages.PARTS) for batch in batches(source) for text in batch.texts]
    assert_equal_to_recipe(stripped[::every], tmp_path, Counting(lemmatizer="wordnet"))


def real_messages(tmp_path):
    if not sources._local(sources.NAMED["20newsgroups"]):
        pytest.skip("EMBERTEXT_DATA holds no 20 Newsgroups")
    return sources.find("20newsgroups", cache=tmp_path).model_copy(update={"member": ""})


def test_the_shares_and_shards(texts, tmp_path):
    found, _ = counted(texts, tmp_path, Counting(threshold=3, n_parts=3))
    kept = found.documents - found.dropped
    channels = {name: found.counts.channel(name) for name in CHANNELS}
    assert channels["train"].size == int(0.8 * kept)
    assert channels["validation"].size == (kept - int(0.8 * kept)) // 2
    assert sum(channel.size for channel in channels.values()) == kept
    assert {name: len(channel.files) for name, channel in channels.items()} == {"train": 3, "validation": 1, "test": 1}
    assert max(channels["train"].rows) - min(channels["train"].rows) <= 1
    for channel in channels.values():
        rows = sparse.vstack([read(url) for url in channel.files])
        assert (rows.shape[0], rows.sum()) == (channel.size, channel.words)
        assert len(channel.openings()) == channel.size
    whole = {" ".join(text.split()) for text in texts}
    for opening in channels["train"].openings():
        assert opening in whole or any(text.startswith(opening.removesuffix("…")) for text in whole)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".pbr"] * 5 + [".txt"] * 5


def test_rows_are_written_in_blocks(texts, tmp_path, monkeypatch):
    whole = counted(texts, tmp_path / "a", Counting(threshold=3))[1]
    monkeypatch.setattr("algorithms.topics.rows.BLOCK", 30)
    for batch in (1, 300):
        assert (counted(texts, tmp_path / f"b{batch}", Counting(threshold=3), batch=batch)[1] != whole).nnz == 0


def test_another_seed_is_another_order(texts, tmp_path):
    first, second = (counted(texts, tmp_path / str(seed), Counting(threshold=3), seed=seed)[1] for seed in (1, 2))
    assert (first != second).nnz
    assert first.sum() == second.sum()


def test_other_channels_are_counted_with_the_words_of_the_first(tmp_path):
    train = ["apple pear plum", "apple pear", "pear cherry", "cherry apple"] * 2
    others = {"validation": ["plum apple quince", "quince"], "test": ["pear pear"]}
    found, rows = counted(
        train, tmp_path, Counting(threshold=0),
        others={name: [bags.count(texts, trained=False)] for name, texts in others.items()},
    )  # fmt: skip
    assert found.counts.vocabulary == ["apple", "cherry", "pear", "plum"]
    assert {name: channel.size for name, channel in found.counts.channels.items()} == {
        "train": 8, "validation": 1, "test": 1,
    }  # fmt: skip
    assert rows[8:].toarray().tolist() == [[1, 0, 0, 1], [0, 0, 2, 0]]
    assert (found.documents, found.dropped) == (11, 1)
    with pytest.raises(CorpusError, match="channel test: none of 1 documents has more than 0 counted words"):
        counted(train, tmp_path, Counting(threshold=0), others={"test": [bags.count(["quince"], trained=False)]})


@pytest.mark.parametrize("name", ["none", "snowball"])
def test_stop_words_have_no_forms(tmp_path, name):
    found, _ = counted(["because connected apples", "because connections pears"] * 3, tmp_path, Counting(
        lemmatizer=name, threshold=0, min_df=1
    ))  # fmt: skip
    expected = {"none": ["apples", "connected", "connections", "pears"], "snowball": ["appl", "pear"]}
    assert found.counts.vocabulary == expected[name]  # connect is in all of them


@pytest.mark.parametrize(
    ("texts_", "form", "error", "message"),
    [
        (["one"], {}, HyperparameterError, "no word can be in 2 documents and in no more than 0.95 of 1; choose"),
        (["1 2", ""] * 5, {}, CorpusError, "the text holds no words"),
        ([f"word{i}" for i in range(9)], {}, CorpusError, "of 9 words none is left; give more text"),
        (["apple pear"] * 3 + ["plum"] * 3, {}, CorpusError, "none of 6 documents has more than 25.*threshold < 2$"),
    ],
)
def test_nothing_is_left(tmp_path, texts_, form, error, message):
    with pytest.raises(error, match=message):
        counted(texts_, tmp_path, Counting(**form))


def test_a_few_documents_are_all_for_training(tmp_path):
    found, _ = counted(["apple"] * 2 + ["pear"], tmp_path, Counting(threshold=0, min_df=1, n_parts=8))
    assert [channel.rows for channel in found.counts.channels.values()] == [[1, 1], [1]]
    assert list(found.counts.channels) == ["train", "test"]
    assert all(a <= b for a, b in pairwise(found.counts.vocabulary))

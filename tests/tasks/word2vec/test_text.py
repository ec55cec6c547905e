import gzip

import pytest

from data.corpus import Corpus
from data.errors import CorpusError
from tasks.ingest import ingest
from tasks.word2vec.text import prepare


@pytest.mark.parametrize(("tokenizer", "words"), [("auto", ["A-b", "c", "x"]), ("words", ["a", "b", "c", "x"])])
def test_the_corpus_as_ids(tmp_path, cache, tokenizer, words):
    path = tmp_path / "words.txt.gz"
    path.write_bytes(gzip.compress(b"A-b c\nA-b x\n"))
    prepared = prepare.fn(ingest.fn(str(path)), tokenizer=tokenizer, min_count=1, work=f"{cache}/work")
    corpus = Corpus.load(prepared.url)
    assert sorted(corpus.vocabulary.words) == sorted(words)
    assert (prepared.tokens, prepared.sentences, prepared.vocabulary) == (corpus.tokens, 2, len(words))


def test_the_second_time_it_is_cached(corpus, cache):
    first = prepare.fn(ingest.fn(str(corpus)), tokenizer="auto", min_count=1, work=f"{cache}/work")
    again = prepare.fn(ingest.fn(str(corpus)), tokenizer="auto", min_count=1, work=f"{cache}/work")
    assert again.name == "Cached"
    assert again.data == first.model_copy(update={"reused": True})
    other = prepare.fn(ingest.fn(str(corpus)), tokenizer="auto", min_count=2, work=f"{cache}/work")
    assert other.key != first.key


def test_a_vocabulary_emptied_by_min_count(corpus, cache):
    with pytest.raises(CorpusError, match="choose min_count"):
        prepare.fn(ingest.fn(str(corpus)), tokenizer="auto", min_count=10**6, work=f"{cache}/work")
    assert not list(cache.rglob("*prepare*"))
    assert not list(cache.rglob(".*"))


def test_the_same_bytes_under_another_ending_are_parsed_anew(tmp_path, cache):
    found = {}
    for name in ("a.csv", "a.tsv"):
        (tmp_path / name).write_text("x,y\tz,w\n" * 2)
        prepared = prepare.fn(ingest.fn(str(tmp_path / name)), tokenizer="auto", min_count=1, work=f"{cache}/work")
        found[name] = set(Corpus.load(prepared.url).vocabulary.words)
    assert found["a.csv"] != found["a.tsv"]

import subprocess
import sys

import pytest

from data import lemmatizer, nltk_data
from data.errors import CorpusError

needs_wordnet = pytest.mark.skipif(not nltk_data.has(lemmatizer.PACKAGE), reason="nltk's WordNet is not installed")


def test_none_and_snowball_need_no_data(monkeypatch):
    monkeypatch.setattr(nltk_data, "places", list)
    for name, expected in (("none", ["connections", "mice", "has"]), ("snowball", ["connect", "mice", "has"])):
        lemmatizer.check(name)
        assert [lemmatizer.load(name)(word) for word in ("connections", "mice", "has")] == expected


@needs_wordnet
def test_wordnet():
    lemma = lemmatizer.load("wordnet")
    words = ["mice", "parliaments", "has", "was", "us", "oxen", "churches", "bus", "women", "zzzs", "and/or"]
    assert [lemma(word) for word in words] == [
        "mouse", "parliament", "ha", "wa", "u", "ox", "church", "bus", "woman", "zzzs", "and/or",
    ]  # fmt: skip


@needs_wordnet
@pytest.mark.slow
def test_wordnet_as_nltk_reads_it():
    from nltk.stem import WordNetLemmatizer

    files = ("index.noun", "noun.exc", "index.verb", "index.adj")
    words = {line.split(" ")[0] for file in files for line in nltk_data.read(lemmatizer.PACKAGE, file).splitlines()}
    lemma, theirs = lemmatizer.load("wordnet"), WordNetLemmatizer()
    for word in words:
        for form in (word, f"{word}s", f"{word}es"):
            assert lemma(form) == theirs.lemmatize(form)


@pytest.mark.parametrize("package", [lemmatizer.PACKAGE, lemmatizer.punkt.PACKAGE])
def test_wordnet_without_its_data(monkeypatch, package):
    monkeypatch.setattr(nltk_data, "has", lambda name: name != package)
    name = package.rpartition("/")[2]
    with pytest.raises(CorpusError) as caught:
        lemmatizer.check("wordnet")
    message = str(caught.value)
    assert message.startswith(f"lemmatizer='wordnet': nltk's data package {name} is not installed (NLTK_DATA is ")
    assert f"python -m nltk.downloader {name}, or set NLTK_DATA" in message
    assert message.endswith("choose lemmatizer snowball or none, which need no data")
    assert "\n" not in message


def test_nltk_is_imported_by_those_who_ask_for_it():
    code = "import sys, data.lemmatizer as t; t.load('none'); sys.exit('nltk' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

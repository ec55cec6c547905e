import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data import bags, messages, nltk_data, punkt, sources
from data.bags import Bags, Memory, count
from data.batches import batches
from data.punkt import Punkt

needs_model = pytest.mark.skipif(not nltk_data.has(punkt.PACKAGE), reason="nltk's punkt_tab is not installed")
TRAINED = pytest.param(True, marks=needs_model)


def recipe(trained: bool) -> Callable[[str], Counter[str]]:
    """What the notebook counts, by nltk itself; untrained: nltk's sentences without a model."""
    from nltk.tokenize import NLTKWordTokenizer, PunktSentenceTokenizer, PunktTokenizer

    sentences = PunktTokenizer("english") if trained else PunktSentenceTokenizer()
    pattern = re.compile(r"(?u)\b\w\w+\b")

    def words(text: str) -> Counter[str]:
        return Counter(
            t
            for sentence in sentences.tokenize(text.lower())
            for t in NLTKWordTokenizer().tokenize(sentence)
            if len(t) >= 2 and re.match("[a-z].*", t) and re.match(pattern, t)
        )

    return words


def unpacked(found: Bags) -> list[dict[str, int]]:
    starts = [0, *found.ends.tolist()][: len(found.ends)]
    ids, counts = found.ids.tolist(), found.counts.tolist()
    return [
        {found.words[i]: n for i, n in zip(ids[start:end], counts[start:end], strict=True)}
        for start, end in zip(starts, found.ends.tolist(), strict=True)
    ]


def model(trained: bool) -> Punkt:
    return Punkt.load() if trained else Punkt()


# pieces that the rules of nltk look at, and words that it knows as abbreviations, initials, numbers, collocations
pieces = st.sampled_from(
    [*"ab1.!?,:;'\"`()[]{}<>-*/_@#$%&|\\ \n\t", "..", "--", "''", "``", ". ", ".\n", ".) ", '." ', ". )", "' ",
     "word", "end.", "mr.", "e.g.", "u.s.", "st.", "i.", "j.", "no.", "3.", "1.5", "10,000", "cannot", "gonna", "wanna",
     "gimme", "n't", "'s", "'ll", "'tis", "don't", "it's", "d'ye", "more'n", "so-called", "and/or", "\xa0", "\x85",
     "\x1f", "\u2019", "\u201c", "\xab", "\u2014", "é", "ſ", "ı", "²", "ϒ", "٣", "\u0301", "İ"]
)  # fmt: skip
texts = st.lists(pieces, max_size=30).map("".join)


@pytest.mark.parametrize("trained", [False, TRAINED])
def test_the_words_are_those_of_nltk(trained: bool) -> None:
    expected, memory = recipe(trained), Memory(model(trained))

    @settings(max_examples=700)
    @given(st.lists(texts, max_size=4))
    @example(["end.\n) next", "end. ) next", 'end. " next', "e.g. )--x.) next", "e.g. foo.) bar", "foo. )", "etc.)"])
    def check(several: list[str]) -> None:
        found = unpacked(memory.count(several))
        assert found == [expected(text) for text in several]

    check()


def test_the_bags_of_some_documents():
    found = count(["b b a\n> quoted", "", "It ends. It ends"], trained=False, strip=["quotes"])
    assert unpacked(found) == [{}, {}, {"it": 2, "ends": 2}]
    assert found.openings == ["b b a", "", "It ends. It ends"]
    assert [array.dtype.name for array in (found.ends, found.ids, found.counts)] == ["int64", "int32", "int32"]
    assert unpacked(count([], trained=False)) == []


def test_an_opening_is_one_short_line():
    [opening] = count(["one\n\ttwo  " + "three " * 200], trained=False).openings
    assert opening.startswith("one two three three")
    assert opening.endswith(" three…")
    assert len(opening) <= bags.OPENING


@pytest.mark.parametrize("length", [bags.OPENING, 2 * bags.OPENING])
def test_what_is_not_cut_has_no_ellipsis(length):
    text = ("a" * 99 + "\n" + " " * (length - bags.OPENING)) + "b" * 100
    assert len(text) == length
    assert count([text], trained=False).openings == [f"{'a' * 99} {'b' * 100}"]
    assert count([text + "b"], trained=False).openings == ["a" * 99 + "…"]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(bags, "MOST_CHUNKS", 3)
    memory = Memory(Punkt())
    for text in ("one two three four five.", "six seven", "one two"):
        assert unpacked(memory.count([text])) == [dict.fromkeys(text.removesuffix(".").split(), 1)]
    assert set(memory) == {"six", "seven", "one", "two"}


def test_a_worker_needs_no_nltk():
    code = "import sys, data.bags as b; b.count(['a mr. b'], trained=False); sys.exit('nltk' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@needs_model
@pytest.mark.skipif(not os.environ.get("EMBERTEXT_DATA"), reason="EMBERTEXT_DATA is not set")
@pytest.mark.parametrize("every", [60, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_real_messages(every, tmp_path):
    source = sources.find("20newsgroups", cache=tmp_path).model_copy(update={"member": ""})
    expected = recipe(trained=True)
    for batch in batches(source):
        texts = [messages.strip(text, messages.PARTS) for text in batch.texts[::every]]
        assert unpacked(count(texts, trained=True)) == [expected(text) for text in texts]

import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data import nltk_data, punkt
from data.bags import Bags, Memory
from data.punkt import Punkt

TRAINED = pytest.param(True, marks=pytest.mark.skipif(not nltk_data.has(punkt.PACKAGE), reason="no punkt_tab"))


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

    @settings(max_examples=1500, deadline=None)
    @given(st.lists(texts, max_size=4))
    @example(["end.\n) next", "end. ) next", 'end. " next', "e.g. )--x.) next", "e.g. foo.) bar", "foo. )", "etc.)"])
    def check(several: list[str]) -> None:
        found = unpacked(memory.count(several))
        assert found == [expected(text) for text in several]

    check()

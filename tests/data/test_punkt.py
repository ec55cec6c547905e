import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data import nltk_data, punkt
from data.punkt import Punkt

needs_model = pytest.mark.skipif(not nltk_data.has(punkt.PACKAGE), reason="nltk's punkt_tab is not installed")
TRAINED = pytest.param(True, marks=needs_model)

pieces = st.sampled_from(
    [*"aB1.!?,:;'\"()[]{}-*@# \n\t", "..", "...", "--", ". ", ".\n", ") ", "Mr. ", "e.g. ", "U.S. ", "j. ", "J. ",
     "no. ", "3. ", "1,000.5 ", "##number##", "The ", "the ", "However ", "i. ", "t. ", "\xa0", "\x85", "\x1c", "“",
     "»", "é", "ϒ"]
)  # fmt: skip


def test_nothing_is_known_without_training():
    text = "it ends. he met mr. x at 3. he left (he did.) j. s. bach etc. and so on"
    assert list(Punkt().sentences(text)) == [
        "it ends.", "he met mr.", "x at 3. he left (he did.)", "j. s. bach etc.", "and so on"
    ]  # fmt: skip


@needs_model
def test_abbreviations_are_known_with_it():
    text = "it ends. he met mr. x at 3. he left (he did.) j. s. bach etc. and so on"
    assert list(Punkt.load().sentences(text)) == [
        "it ends.", "he met mr. x at 3. he left (he did.)", "j. s. bach etc.", "and so on"
    ]  # fmt: skip


@pytest.mark.parametrize("trained", [False, TRAINED])
def test_the_sentences_are_those_of_nltk(trained):
    from nltk.tokenize import PunktSentenceTokenizer, PunktTokenizer

    ours = Punkt.load() if trained else Punkt()
    theirs = PunktTokenizer("english") if trained else PunktSentenceTokenizer()

    @settings(max_examples=500)
    @given(st.lists(pieces, max_size=16).map("".join))
    @example('He said "No.” Then (he left.) -- So? "Yes!" -- the end.')
    @example("word.\xa0mr. x")
    def check(text):
        assert list(ours.sentences(text)) == theirs.tokenize(text)

    check()

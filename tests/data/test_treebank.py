import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import treebank

pieces = st.sampled_from(
    [*"ab1.!?,:;'\"`()[]{}<>-*@ \n", "..", "--", "''", "``", "n't", "'s", "'ll", "can", "not", "d'ye", "gim", "me",
     "gon", "na", "got", "ta", "lem", "more'n", "wan", " 'tis", " 'twas", "“", "»", "—", "é", "ſ", "ı", "²"]
)  # fmt: skip
sentences = st.lists(pieces, max_size=16).map("".join)


def test_the_rules_are_those_of_nltk():
    """A newer nltk may have others: then this module is to follow."""
    from nltk.tokenize import NLTKWordTokenizer as Theirs

    rules = [*Theirs.STARTING_QUOTES, *Theirs.PUNCTUATION, Theirs.PARENS_BRACKETS, Theirs.DOUBLE_DASHES]
    rules += Theirs.ENDING_QUOTES
    assert [(pattern, by) for _, pattern, by in treebank._RULES] == [(rule.pattern, by) for rule, by in rules]
    contractions = [rule.pattern for rule in Theirs.CONTRACTIONS2 + Theirs.CONTRACTIONS3]
    assert [pattern for _, pattern in treebank._CONTRACTIONS] == contractions


@given(sentences)
def test_tokens_of_a_sentence(sentence):
    from nltk.tokenize import NLTKWordTokenizer

    assert treebank.split(sentence) == NLTKWordTokenizer().tokenize(sentence)


@pytest.mark.parametrize(
    ("chunk", "last", "expected"),
    [
        ("word", False, ["word"]),
        ("(end.)", True, ["end"]),
        ("(end.)", False, ["end."]),
        ("x", False, []),
        ("don't", False, ["do"]),
        ("it's,", False, ["it"]),
        ("so-called", False, ["so-called"]),
        ("and/or", False, ["and/or"]),
        ("one,two:3,x", False, ["one", "two:3"]),
        ("cannot", False, ["can", "not"]),
        ("user@host.edu", False, ["user", "host.edu"]),
        ("(one)two--three...four", False, ["one", "two", "three", "four"]),
        ("e.g.", False, []),
        ("été", False, []),
        ("naïve", False, ["naïve"]),
    ],
)
def test_words_of_a_chunk(chunk, last, expected):
    assert treebank.words(chunk, last=last) == expected


chunks = sentences.map(lambda text: "".join(text.split())).filter(bool)


@given(chunks, st.booleans())
def test_the_short_ways_lead_where_the_long_one_does(chunk, last):
    long = [token for token in treebank.split(f"xx {chunk}" if last else f"xx {chunk} xx") if treebank.is_word(token)]
    assert treebank.words(chunk, last=last) == (long[1:] if last else long[1:-1])

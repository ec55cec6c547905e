import subprocess
import sys
import time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.tokenizer import Name, tokenize, words
from tests.strategies import SPACES

CASES = [
    ("", []),
    ("The Cat SAT.", ["the", "cat", "sat"]),
    ("Don't, o'clock 'quoted'", ["don't", "o'clock", "quoted"]),
    ("don\u2019t", ["don't"]),
    ("rock-'n'-roll", ["rock", "n", "roll"]),
    ("n_samples __init__ _private", ["n_samples", "init", "private"]),
    ("1990s 3.14 1,000", ["1990s", "3", "14", "1", "000"]),
    (":param axis: the axis", ["axis", "the", "axis"]),
    ("(:class:`Table`), :ref:`here`", ["table", "here"]),
    ("note:this http://a.b", ["note", "this", "http", "a", "b"]),
    (">>> x = 1\n====\n----", ["x", "1"]),
    ("Straße ΣΟΦΟΣ naïve", ["straße", "σοφος", "naïve"]),
    ("cafe\u0301", ["caf\u00e9"]),
    ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
    ("日本語 テキスト", ["日本語", "テキスト"]),
    ("a\0b\tc\nd", ["a", "b", "c", "d"]),
    ("... ''' ___ —", []),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_words_hold_no_space_and_are_stable(text: str) -> None:
    found = words(text)
    assert all(word and not any(c.isspace() for c in word) for word in found)
    assert words(" ".join(found)) == found


@given(st.text(alphabet="abcXYZ019_'.:- \n"))
def test_ascii_and_unicode_patterns_agree(text: str) -> None:
    assert words(text + " é") == [*words(text), "é"]


def test_fast_enough() -> None:
    text = "the quick brown fox doesn't jump over n_samples lazy dogs " * 2000
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        count = len(words(text))
        best = max(best, count / (time.process_time() - start + 1e-9))
    assert best > 500_000  # 7 M words/s was measured; a shared machine may be slow


SENTENCE = 'I can\'t pay $3.14, :-) #tag @You... "É"!'
TOKENS: list[tuple[Name, str]] = [
    ("whitespace", 'I can\'t pay $3.14, :-) #tag @You... "É"!'),
    ("words", "i can't pay 3 14 tag you é"),
    ("wordpunct", 'i can \' t pay $ 3 . 14 , :-) # tag @ you ... " é "!'),
    ("treebank", "i ca n't pay $ 3.14 , : - ) # tag @ you ... `` é '' !"),
    ("toktok", 'i can \' t pay $ 3.14 , : - ) #tag @you ... " é " !'),
    ("tweet", 'i can\'t pay $ 3.14 , :-) #tag @you ... " é " !'),
]
NAMES: tuple[Name, ...] = get_args(Name)


def test_every_tokenizer_has_an_example() -> None:
    assert [name for name, _ in TOKENS] == list(NAMES)


@pytest.mark.parametrize(("tokenizer", "expected"), TOKENS)
def test_tokenize(tokenizer: Name, expected: str) -> None:
    assert tokenize(SENTENCE, tokenizer) == expected.split()
    assert tokenize("", tokenizer) == tokenize(SPACES, tokenizer) == []


RESERVED: list[tuple[str, Name, list[str]]] = [
    ("a __label__b </s> c __LABEL__d", "whitespace", ["a", "label__b", "c", "__LABEL__d"]),  # capitals are no label
    ("a __label__b </s> c __LABEL__d", "words", ["a", "label__b", "s", "c", "label__d"]),
    ("a __label__b </s> c __LABEL__d", "wordpunct", ["a", "label__b", "</", "s", ">", "c", "label__d"]),
    ("a __label__b </s> c __LABEL__d", "treebank", ["a", "label__b", "<", "/s", ">", "c", "label__d"]),
    ("a __label__b </s> c __LABEL__d", "tweet", ["a", "label__b", "c", "label__d"]),
    ("__label__", "whitespace", ["label__"]),
    ("_label_ <s> ___label__", "whitespace", ["_label_", "<s>", "___label__"]),
    ("a\xa0b\x85c\u2028d\0e\x1ff", "whitespace", ["a\xa0b\x85c\u2028d", "e\x1ff"]),  # not separators to fastText
    ("wait . . . &#0; &#32; &nbsp; x", "tweet", ["wait", ".", ".", ".", "x"]),  # ". . ." is one of nltk's tokens
]


@pytest.mark.parametrize(("text", "tokenizer", "expected"), RESERVED)
def test_what_is_reserved_does_not_get_through(text: str, tokenizer: Name, expected: list[str]) -> None:
    assert tokenize(text, tokenizer) == expected


pieces = st.sampled_from(
    ["__label__", "__LABEL__x", "</s>", "&lt;/s&gt;", "&#10;", "&#0;", ". .", " ", "\0", "\r", "'"]
)


@given(st.lists(pieces | st.text(st.characters(codec="utf-8"), max_size=8)).map("".join), st.sampled_from(NAMES))
def test_tokens_fit_a_line_of_fasttext(text: str, tokenizer: Name) -> None:
    found = tokenize(text, tokenizer)
    assert not any(token == "</s>" or token.startswith("__label__") for token in found)
    assert " ".join(found).encode(errors="replace").replace(b"\0", b" ").split() == [
        token.encode(errors="replace") for token in found
    ]
    assert all(found)


@pytest.mark.parametrize("tokenizer", NAMES)
def test_a_long_text_is_cut_between_words(tokenizer: Name) -> None:
    assert tokenize("some words, and more " * 3000, tokenizer) == tokenize("some words, and more", tokenizer) * 3000


@pytest.mark.parametrize("text", ["1" * 20_000, "<a" * 20_000, "a." * 20_000, "." + " " * 200_000, '."' * 20_000])
def test_no_text_takes_nltk_for_ever(text: str) -> None:
    for name in NAMES:
        assert tokenize(f"{text} end", name)[-1] == "end"


def test_nltk_is_imported_by_those_who_ask_for_it() -> None:
    code = "import sys, data.tokenizer as t; t.tokenize('a', 'words'); sys.exit('nltk' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import CorpusError
from data.pair_records import Rules
from data.pair_sources import Block, Found, Kind, Stretch
from data.pair_texts import _PARAGRAPH, Making, read, sentences, spaced
from data.punkt import Punkt
from data.tokenizer import tokenize

TEXTS = st.text(
    st.sampled_from("aB1é.?! \n\t\"')(-,_\0\xa0\u201d:<") | st.characters(exclude_categories=["Cs"]), max_size=40
)
DOCUMENT = "One cat. Two dogs! Three birds.\n\nFour heads"


def making(kind: Kind, *, labelled: bool = False, **options) -> Making:
    given = {"tokenizer": "wordpunct", "seed": 1} | options
    return Making(Rules("train", Found(kind, labelled)), **given)


def found(block: Block, how: Making) -> list[tuple[str, str]]:
    lines = read(block, how).text.decode().split("\n")[:-1]
    return list(zip(lines[::2], lines[1::2], strict=True))


@given(
    TEXTS | st.sampled_from(["__label__x __LABEL__y", "a </s> b"]),
    st.sampled_from(["wordpunct", "words", "whitespace"]),
)
def test_tokens_are_those_of_the_tokenizer(text, tokenizer):
    assert spaced(tokenizer, 0)(text) == " ".join(tokenize(text, tokenizer))
    assert spaced(tokenizer, 2)(text) == " ".join(tokenize(text, tokenizer)[:2])


@given(st.lists(TEXTS | st.sampled_from(["Mr. Smith", "it ends.", "J. S. Bach", "3.14", "e.g. this", "so... yes"])))
def test_sentences_are_those_of_punkt_without_training(parts):
    text = " ".join(parts)
    plain = Punkt()
    assert sentences(text) == [each for part in _PARAGRAPH.split(text) for each in plain.sentences(part)]


def test_a_blank_line_ends_a_sentence():
    assert sentences(DOCUMENT) == ["One cat.", "Two dogs!", "Three birds.", "Four heads"]


FIRST = [("one cat .", "two dogs ! three birds . four heads"), ("two dogs !", "one cat . three birds . four heads")]


@pytest.mark.parametrize("number", [1, 2])
def test_the_first_sentences_against_the_rest(number):
    block = Block(0, 1.0, texts=(DOCUMENT, "No more", "...\n\n \n", "Aa. Bb."))
    made = read(block, making("documents", sentences=number, draw="first"))
    assert found(block, making("documents", sentences=number, draw="first"))[:number] == FIRST[:number]
    assert (made.labels.tolist(), made.skipped) == ([1] * (2 * number), 2)
    assert len(set(made.documents.tolist())) == 2
    assert made.documents[0] == made.documents[number - 1]


def test_drawn_sentences_depend_on_the_seed_and_the_block():
    documents = tuple(f"A{i} aa. B{i} bb. C{i} cc. D{i} dd." for i in range(30))
    pairs = found(Block(0, 1.0, texts=documents), making("documents"))
    for i, (sentence, rest) in enumerate(pairs):
        parts = [f"{letter}{i} {letter}{letter} ." for letter in "abcd"]
        assert sentence in parts
        assert rest == " ".join(part for part in parts if part != sentence)
    assert len({sentence[0] for sentence, _ in pairs}) == 4
    assert pairs == found(Block(0, 0.5, texts=documents), making("documents"))
    assert pairs != found(Block(1, 1.0, texts=documents), making("documents"))
    assert pairs != found(Block(0, 1.0, texts=documents), making("documents", seed=2))
    every = found(Block(0, 1.0, texts=documents), making("documents", sentences=9))
    assert len(every) == len(set(every)) == 120


def test_equal_documents_are_one():
    made = read(Block(0, 1.0, texts=("A aa. B bb.", "A aa. C cc.", "A aa.  B bb.")), making("documents"))
    assert made.documents[0] == made.documents[2] != made.documents[1]


def test_long_texts_are_cut():
    assert found(Block(0, 1.0, texts=(DOCUMENT,)), making("documents", draw="first", max_words=2)) == [
        ("one cat", "two dogs")
    ]


def test_messages_are_stripped():
    block = Block(0, 1.0, texts=("From: me\n\nOne two. Three.",))
    assert found(block, making("documents", draw="first", strip=("headers",))) == [("one two .", "three .")]


def aligned(first: bytes, second: bytes) -> Block:
    return Block(0, 1.0, Stretch("1.txt", 5, 100, first), Stretch("2.txt", 5, 200, second))


def test_aligned_lines():
    block = aligned("A b\r\n \n\nÉ".encode(), b"x\n\n\t\nY z\n")
    assert found(block, making("aligned")) == [("a b", "x"), ("é", "y z")]
    made = read(block, making("aligned"))
    assert (made.skipped, made.labels.tolist(), made.documents.size) == (2, [1, 1], 0)
    nothing = read(aligned(b"\n", b"\n"), making("aligned"))
    assert (nothing.text, nothing.labels.size, nothing.skipped) == (b"", 0, 1)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (b"a\n\n", b"x\ny\n", "channel train: 1.txt: line 6: no words, and the line of the other file has some"),
        (b"a\nb\n", b"x\n \n", "channel train: 2.txt: line 6: no words"),
        (b"a\nb\xff\n", b"x\ny\n", "channel train: 1.txt: line 6, byte 103: not UTF-8"),
    ],
)
def test_aligned_lines_that_cannot_be_used(first, second, message):
    with pytest.raises(CorpusError) as error:
        read(aligned(first, second), making("aligned"))
    assert message in str(error.value)


def test_records_go_to_their_readers():
    texts = Block(0, 1.0, Stretch("a", 1, 0, b'{"in0": "A", "in1": "B c d", "label": 0}'))
    assert found(texts, making("texts", labelled=True, max_words=2)) == [("a", "b c")]
    ids = Block(0, 1.0, Stretch("a", 1, 0, b'{"in0": 1, "in1": [2, 3], "label": 0}'))
    assert read(ids, making("ids", labelled=True)).ids.tolist() == [1, -1, 2, 3, -1]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import EmbertextError
from data.messages import PARTS, parts, strip

MESSAGE = """From: a@b.c
Subject: x

In article <1>, somebody writes:
> quoted

| quoted too
What I say.
As Kant said: no.
And more.

--
A. Signature
"""
BODY = MESSAGE.partition("\n\n")[2]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ((), MESSAGE),
        (("headers",), BODY),
        (("quotes",), "From: a@b.c\nSubject: x\n\n\nWhat I say.\nAnd more.\n\n--\nA. Signature\n"),
        (("footers",), MESSAGE.partition("\n--")[0]),
        (PARTS, "What I say.\nAnd more.\n"),
    ],
)
def test_what_is_stripped(which, expected):
    assert strip(MESSAGE, which) == expected


lines = st.sampled_from(
    ["", "-", "--", " ", "a", "> q", "|q", " > a", "In article x", "x In article", "a writes:", "saidx", "said:", "\r"]
)


@given(st.lists(lines, max_size=12).map("\n".join))
def test_the_rules_are_those_of_scikit_learn(text):
    from sklearn.datasets import _twenty_newsgroups as theirs

    assert strip(text, ["headers"]) == theirs.strip_newsgroup_header(text)
    assert strip(text, ["quotes"]) == theirs.strip_newsgroup_quoting(text)
    assert strip(text, ["footers"]) == theirs.strip_newsgroup_footer(text)
    body = theirs.strip_newsgroup_quoting(theirs.strip_newsgroup_header(text))
    assert strip(text, PARTS) == theirs.strip_newsgroup_footer(body)


@pytest.mark.parametrize(
    ("given_", "kind", "expected"),
    [
        ("auto", "mail", PARTS),
        ("auto", "jsonl", ()),
        ("", "mail", ()),
        ("footers, headers", "text", ("headers", "footers")),
    ],
)
def test_parts(given_, kind, expected):
    assert parts(given_, kind) == expected


def test_an_unknown_part():
    with pytest.raises(EmbertextError, match="strip='header': header cannot be stripped; give some of headers, quotes"):
        parts("header", "mail")

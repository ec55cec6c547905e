"""Where sentences end, as nltk's Punkt decides it (Kiss and Strunk 2006, Unsupervised Multilingual Sentence Boundary
Detection). It knows characters and what Punkt learned; not what a word is to others.

Written anew from nltk 3.10 (nltk/tokenize/punkt.py, Apache 2.0), because importing nltk takes every process two
seconds and its own way three times as long: the same expressions, the same decisions, quirks too. A full stop, `?` or
`!` may end a sentence where white space or certain punctuation follows. Of those within one chunk, characters without
white space between, only the last is looked at; the decision sees the chunk and the one behind it, no more.

Untrained, nothing is known of any word: each full stop ends a sentence but one behind a number or a single letter
whose next word begins with a small letter. That needs no data, and is what nltk's `PunktSentenceTokenizer()` does.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import regex

from data import nltk_data

PACKAGE = "tokenizers/punkt_tab"

ENDS = frozenset(".?!")
CLOSING = "\"')]}\u2018\u2019\u201c\u201d\xab\xbb"  # what follows a full stop and still belongs to its sentence
NO_WORD = ")\";}]*:@'({[\u2018\u2019\u201c\u201d\xab\xbb?!"  # what may follow a full stop that ends a sentence
_NO_WORD = rf"[{regex.escape(NO_WORD)}]"
_MULTI = r"(?:\-{2,}|\.{2,}|(?:\.\s){2,}\.)"
_MAY_END = regex.compile(rf"[.?!](?=(?P<after>{_NO_WORD}|\s+(?P<next>\S+)))")
_REALIGNED = regex.compile(rf"[{regex.escape(CLOSING)}]+?(?:\s+|(?=--)|$)", regex.MULTILINE)
_TOKEN = regex.compile(
    rf"""{_MULTI}|(?=[^("`{{\[:;&\#*@)}}\]\-,])\S+?(?=\s|$|{_NO_WORD}|{_MULTI}|,(?=$|\s|{_NO_WORD}|{_MULTI}))|\S"""
)
_ELLIPSIS = regex.compile(r"\.\.+$")
_NUMBER = regex.compile(r"^-?[\.,]?\d[\d,\.-]*\.?$")
_INITIAL = regex.compile(r"[^\W\d]\.$")
_MARKS = frozenset(";:,.!?")  # no sentence begins with one
_WHITE = " \t\n\r\v\f"

# how a word was seen in training: at the beginning of a sentence, inside, or not known where; in capitals or small
_INSIDE_CAPITAL, _CAPITAL = 1 << 2, 1 << 1 | 1 << 2 | 1 << 3
_FIRST_SMALL, _SMALL = 1 << 4, 1 << 4 | 1 << 5 | 1 << 6


class Punkt(NamedTuple):
    """What was learned of a language: without arguments nothing."""

    abbreviations: frozenset[str] = frozenset()
    collocations: frozenset[tuple[str, str]] = frozenset()  # what a full stop stands between and ends nothing
    starters: frozenset[str] = frozenset()
    seen: Mapping[str, int] = {}

    @classmethod
    def load(cls) -> "Punkt":
        """The model of English from nltk's package punkt_tab. Raises CorpusError where it is not installed."""

        def lines(file: str) -> list[str]:
            return nltk_data.read(PACKAGE, f"english/{file}").splitlines()

        pairs = (line.split("\t") for line in lines("collocations.tab"))
        seen = (line.split("\t") for line in lines("ortho_context.tab"))
        return cls(
            abbreviations=frozenset(lines("abbrev_types.txt")),
            collocations=frozenset((first, second) for first, second in pairs),
            starters=frozenset(lines("sent_starters.txt")),
            seen={word: int(how) for word, how in seen},
        )

    def ends(self, context: str) -> bool:
        """Whether a sentence ends in a chunk: `context` is the chunk up to a full stop, and what follows it."""
        tokens = [self._seen(token) for line in context.split("\n") if line.strip() for token in _TOKEN.findall(line)]
        return any(self._ends(token, after) for token, after in pairwise(tokens))

    def sentences(self, text: str) -> Iterator[str]:
        """The sentences of a text, without the white space between them."""
        moved = 0
        slices = [*self._slices(text), None]
        for current, after in pairwise(slices):
            assert current
            start, stop = current[0] + moved, current[1]
            if after and (match := _REALIGNED.match(text[slice(*after)])):
                yield text[start : after[0] + len(match[0].rstrip())]
                moved = match.end()
            else:
                moved = 0
                if start < stop:
                    yield text[start:stop]

    def _slices(self, text: str) -> Iterator[tuple[int, int]]:
        begin = 0
        for match, context in _contexts(text):
            if self.ends(context):
                yield begin, match.end()
                begin = match.start("next") if match["next"] else match.end()
        yield begin, len(text.rstrip())

    def _seen(self, text: str) -> "_Token":
        """A token, and what can be said of it without the next one."""
        kind = _NUMBER.sub("##number##", text.lower())
        ellipsis = abbreviation = ends = False
        if text in ENDS:
            ends = True
        elif _ELLIPSIS.match(text):
            ellipsis = True
        elif text.endswith(".") and not text.endswith(".."):
            word = text[:-1].lower()
            abbreviation = word in self.abbreviations or word.split("-")[-1] in self.abbreviations
            ends = not abbreviation
        return _Token(text, kind, ends, abbreviation or ellipsis)

    def _ends(self, token: "_Token", after: "_Token") -> bool:
        """Whether a sentence ends with the first of two tokens."""
        if not token.text.endswith("."):
            return token.ends
        kind, next_kind = token.bare, after.bare if after.ends else after.kind
        if (kind, next_kind) in self.collocations:
            return False
        initial = bool(_INITIAL.match(token.text))
        begins = self._begins(after, next_kind)
        capital = after.text[0].isupper()
        if token.unsure and not initial and (begins or (capital and next_kind in self.starters)):
            return True
        if initial or kind == "##number##":
            if begins is False:
                return False
            if begins is None and initial and capital and not self.seen.get(next_kind, 0) & _SMALL:
                return False
        return token.ends

    def _begins(self, token: "_Token", kind: str) -> bool | None:
        """Whether a token's spelling says that it begins a sentence; None where it says nothing."""
        if token.text in _MARKS:
            return False
        seen = self.seen.get(kind, 0)
        if token.text[0].isupper() and seen & _SMALL and not seen & _INSIDE_CAPITAL:
            return True
        if token.text[0].islower() and (seen & _CAPITAL or not seen & _FIRST_SMALL):
            return False
        return None


class _Token(NamedTuple):
    """kind: in small letters, a number as "##number##"; unsure: an abbreviation or ellipsis, which may end as well."""

    text: str
    kind: str
    ends: bool
    unsure: bool

    @property
    def bare(self) -> str:
        """The kind without its full stop."""
        return self.kind[:-1] if len(self.kind) > 1 and self.kind[-1] == "." else self.kind


def _contexts(text: str) -> Iterator[tuple["regex.Match[str]", str]]:
    """What may end a sentence, the last of each chunk, and what the decision sees."""
    last: regex.Match[str] | None = None
    begin = stop = 0
    for match in _MAY_END.finditer(text):
        white = next((i for i in range(match.start() - 1, stop - 1, -1) if text[i] in _WHITE), stop)
        begin_next = white + 1 if white > stop else begin
        if last and stop <= begin_next:
            yield last, text[begin:stop] + last[0] + last["after"]
        last, begin, stop = match, begin_next, match.start()
    if last:
        yield last, text[begin:stop] + last[0] + last["after"]

"""Words of a sentence by the Penn Treebank's rules, as nltk has them. It knows one sentence, or a chunk of it.

`split` is `NLTKWordTokenizer().tokenize`, written anew from nltk 3.10 (nltk/tokenize/destructive.py, Apache 2.0) with
the same expressions in the same order, because importing nltk takes every process two seconds.

`words` gives what a bag of words counts: tokens of two characters and more, small letters from a to z first and a
letter, digit or underscore behind it. It is for one chunk, characters without white space between: no rule but one
looks beyond a chunk. The one is about the full stop at the end of a sentence, which the caller knows of.
"""

import re
from collections.abc import Callable
from functools import partial

import regex

_PAD = r" \g<0> "
# in their order: characters without which the expression cannot match, the expression, what takes the place
_RULES = [
    # opening quotes
    ("«“‘„`", "([«“‘„]|[`]+)", r" \1 "),
    ('"', r"^\"", r"``"),
    ("`", r"(``)", r" \1 "),
    ("\"'", r"([ \(\[{<])(\"|\'{2})", r"\1 `` "),
    ("'", r"(?i)(?<!\w)(\')(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", r"\1 "),
    # punctuation
    (".", r'([^\.])(\.)([\]\)}>"\'' "»”’ " r"]*+)\s*$", r"\1 \2 \3 "),
    (":,", r"([:,])([^\d])", r" \1 \2"),
    (":,", r"([:,])$", r" \1 "),
    (".", r"\.{2,}", _PAD),
    (";@#$%&", r"[;@#$%&]", _PAD),
    ("\u2012\u2013\u2014\u2015", r"[\u2012-\u2015]", _PAD),
    (".", r'([^\.])(\.)([\]\)}>"\']*)\s*$', r"\1 \2\3 "),
    ("?!", r"[?!]", _PAD),
    ("'", r"([^'])' ", r"\1 ' "),
    ("*", r"[*]", _PAD),
    ("[](){}<>", r"[\]\[\(\)\{\}\<\>]", _PAD),
    ("-", r"--", " -- "),
    # closing quotes; spaces have been put around the sentence
    ("»”’", "([»”’])", r" \1 "),
    ("'", r"''", " '' "),
    ('"', r'"', " '' "),
    (" ", r"\s+", " "),
    ("'", r"([^' ])('[sS]|'[mM]|'[dD]|') ", r"\1 \2 "),
    ("'", r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", r"\1 \2 "),
]
_SPACED = 17  # the rule before which that is done
# what such a sentence holds in any case; the expression, which becomes r" \1 \2 "
_CONTRACTIONS = [
    ("not", r"(?i)\b(can)(?#X)(not)\b"),
    ("'ye", r"(?i)\b(d)(?#X)('ye)\b"),
    ("mme", r"(?i)\b(gim)(?#X)(me)\b"),
    ("nna", r"(?i)\b(gon)(?#X)(na)\b"),
    ("tta", r"(?i)\b(got)(?#X)(ta)\b"),
    ("mme", r"(?i)\b(lem)(?#X)(me)\b"),
    ("'n", r"(?i)\b(more)(?#X)('n)\b"),
    ("nna", r"(?i)\b(wan)(?#X)(na)(?=\s)"),
    ("'t", r"(?i) ('t)(?#X)(is)\b"),
    ("'t", r"(?i) ('t)(?#X)(was)\b"),
]


def _step(needed: str, pattern: str, by: str) -> Callable[[str], str]:
    """What a rule does to a sentence, without an expression where characters stand for themselves."""
    if by == _PAD and pattern.startswith("["):
        return partial(_pad, [(character, f" {character} ") for character in needed])
    if pattern in ("''", '"', "--"):
        return partial(_pad, [(pattern, by)])
    return partial(regex.compile(pattern).sub, by)


def _pad(pairs: list[tuple[str, str]], sentence: str) -> str:
    for old, new in pairs:
        sentence = sentence.replace(old, new)
    return sentence


_STEPS = [(frozenset(needed), _step(needed, pattern, by)) for needed, pattern, by in _RULES]
_CUTS = [(held, re.compile(pattern)) for held, pattern in _CONTRACTIONS]  # nltk compiles these with `re`

# short ways for what most chunks are: one word, perhaps in punctuation; a word with a clitic
_CONTRACTED = frozenset(["cannot", "gimme", "gonna", "gotta", "lemme", "wanna"])
_ONE = re.compile(r"[(\[{<*\"]*([a-z]{2,})[,;:!?)\]}>*\"]*")
_ONE_LAST = re.compile(r"[(\[{<*\"]*([a-z]{2,})(?:\.[)\]}>\"]*|[,;:!?)\]}>*\"]*)")
_CLITIC = re.compile(r"([a-z]{2,}?)(?:'(?:s|m|d|ll|re|ve)|n't)[,;:!?)\]}>*\"]*")
# and for all in ASCII but these, where one rule takes what the next one looks for
_IRREGULAR = re.compile(r"[:,]{2}|'[smd]'|d'ye|more'n|" + "|".join(sorted(_CONTRACTED)))
_APART = str.maketrans(dict.fromkeys(';@#$%&?!*[](){}<>"`', " "))  # wherever they stand
_FINAL = re.compile(r"(?<=[^.])\.[\])}>\"']*$")
_DASHES = re.compile(r"--|\.{2,}")
_COMMA = re.compile(r"[:,](?!\d)")
_QUOTE = re.compile(r"''|(?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)")
_ENDING = re.compile(r"(?<=[^'])(?:'[smd]?)?$")
_LONG_ENDING = re.compile(r"(?<=[^'])(?:'ll|'re|'ve|n't)$")


def split(sentence: str) -> list[str]:
    """The tokens of a sentence in small letters, punctuation too: `split("it can't.") == ["it", "ca", "n't", "."]`."""
    there = {*sentence, " "}
    if '"' in there:
        there |= {"`", "'"}  # which take its place
    for number, (needed, step) in enumerate(_STEPS):
        if number == _SPACED:
            sentence = f" {sentence} "
        if not there.isdisjoint(needed):
            sentence = step(sentence)
    for held, cut in _CUTS:
        if held in sentence:
            sentence = cut.sub(r" \1 \2 ", sentence)
    return sentence.split()


def is_word(token: str) -> bool:
    """Whether a bag of words counts a token."""
    return len(token) >= 2 and "a" <= token[0] <= "z" and (token[1].isalnum() or token[1] == "_")


def words(chunk: str, *, last: bool) -> list[str]:
    """The tokens of a chunk in lower case that are words. last: a sentence ends with it.

    Of the last chunk "end.)" the word is "end", of any other "end.".
    """
    found = (_ONE_LAST if last else _ONE).fullmatch(chunk) or _CLITIC.fullmatch(chunk)
    if found and found[1] not in _CONTRACTED:
        return [found[1]]
    if chunk.isascii() and not _IRREGULAR.search(chunk):
        return [token for token in _tokens(_FINAL.sub("", chunk) if last else chunk) if is_word(token)]
    tokens = [token for token in split(f"xx {chunk}" if last else f"xx {chunk} xx") if is_word(token)]
    return tokens[1:] if last else tokens[1:-1]


def _tokens(chunk: str) -> list[str]:
    """What punctuation of ASCII leaves of a regular chunk."""
    chunk = _COMMA.sub(" ", _DASHES.sub(" ", chunk.translate(_APART)))
    if "'" not in chunk:
        return chunk.split()
    return [_LONG_ENDING.sub("", _ENDING.sub("", token)) for token in _QUOTE.sub(" ", chunk).split()]

"""Words of a text. It knows characters, not files.

`words` is the project's own convention, the one word vectors are usually trained with: lower case, Unicode letters and
digits, punctuation dropped. An apostrophe or an underscore inside a word stays (`don't`, `n_samples`), a hyphen
separates, numbers stay as they are written (`1990s`; `3.14` becomes `3`, `14`). The typographic apostrophe is written
`'`, and letters with accents in their composed form (NFC), so that a word is one word however it was typed. A field
marker as docstrings have it (`:param x:`, :class:`Table`) is markup and not a word; `>>>` and `====` hold no letters
and vanish.

`tokenize` also offers nltk's tokenisers that need no data, on lower-cased text as BlazingText's notebooks have it. They
keep punctuation as tokens, and take 6 (wordpunct) to 30 times (treebank) as long as `words`:

    wordpunct   letters and digits, or punctuation: `can ' t`, `$ 3 . 14`
    treebank    the Penn Treebank's rules, nltk's `word_tokenize` of one sentence: `ca n't`, `$ 3.14`. A full stop is
                taken off the last word only: nltk would find the other sentences with a trained model
    toktok      a few rules for many languages: `can ' t`, `$ 3.14`; full stops as in treebank
    tweet       emoticons, hashtags, handles and URLs stay whole: `:-) #tag @name`; HTML entities are resolved
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal

Name = Literal["whitespace", "words", "wordpunct", "treebank", "toktok", "tweet"]

# fastText's conventions
SEPARATORS = " \t\n\r\v\f\0"  # of tokens; other white space is a letter like others
LABEL = "__label__"  # a token that begins so is a label
SENTENCE_END = "</s>"  # the token that ends each line

_TOKEN = re.compile(f"[^{SEPARATORS}]+")
_STRETCH = 8192  # characters


def _marks() -> str:
    r"""The combining marks as ranges of a character class. `\w` leaves them out, which would split Hindi words."""
    codes = [code for code in range(0x300, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")]
    starts = [code for code, before in zip(codes, [0, *codes], strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], 0], strict=True) if code != after - 1]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(starts, ends, strict=True))


_MARKS = _marks()
_WORD = re.compile(f"[^\\W_]+(?:['_{_MARKS}]+[^\\W_]+)*[{_MARKS}]*")
_ASCII_WORD = re.compile(r"[a-z0-9]+(?:['_]+[a-z0-9]+)*")  # the same for ASCII, 1.5 times as fast
_FIELD = re.compile(r":(?<![\w)\]]:)[a-z]+")  # a colon that follows no word, and letters: opens a field marker


def words(text: str) -> list[str]:
    """The words of `text` in order, lower-case: `words("Don't, :param x: Σ") == ["don't", "x", "σ"]`."""
    text = text.lower()
    if ":" in text:
        text = _FIELD.sub(" ", text)
    if text.isascii():
        return _ASCII_WORD.findall(text)
    return _WORD.findall(unicodedata.normalize("NFC", text).replace("\u2019", "'"))


def tokenize(text: str, tokenizer: Name) -> list[str]:
    r"""The tokens of a text in order, ready for a line of fastText's: `tokenize("It's 3.14!", "treebank")`.

    `whitespace` takes them as they are, separated as in fastText: by space, tab, newline, \r, \v, \f and NUL. No token
    is empty, holds a separator, begins with `__label__` or is `</s>`.
    """
    if tokenizer == "words":
        return words(text)  # they begin with a letter or digit
    if tokenizer == "whitespace":
        return _unreserved(_TOKEN.findall(text))
    split = _nltk(tokenizer)
    found = (token for stretch in _stretches(text.lower()) for token in split(stretch))
    return _unreserved(_TOKEN.findall(" ".join(found)))  # tweet's ". . ." is one token


def _unreserved(tokens: list[str]) -> list[str]:
    """The tokens without fastText's reserved spellings.

    A text that talks about `__label__x` would get that class: it keeps the word, without the underscores before it,
    as `words` has it. `</s>`, which is markup, goes: it would end the line.
    """
    tokens = [token for token in tokens if token != SENTENCE_END]
    return [token.lstrip("_") if token.startswith(LABEL) else token for token in tokens]


def _stretches(text: str) -> Iterator[str]:
    """The text with single spaces, in pieces that end with a word.

    nltk gives up on a match that takes five seconds. A long document may take as long, and so may a short one that is
    made to: some patterns need time with the square of the length. Pieces of 8 KB always take less than one.
    """
    text = " ".join(text.replace("\0", " ").split())
    start = 0
    while start < len(text):
        end = start + _STRETCH
        if end < len(text):
            end = text.rfind(" ", start, end) + 1 or end
        yield text[start:end]
        start = end


@functools.cache
def _nltk(tokenizer: Literal["wordpunct", "treebank", "toktok", "tweet"]) -> Callable[[str], list[str]]:
    """One of nltk's. The import takes a second and half of scipy: only for those who ask for it."""
    from nltk.tokenize import NLTKWordTokenizer, ToktokTokenizer, TweetTokenizer, WordPunctTokenizer

    made: Callable[[str], list[str]]
    match tokenizer:
        case "wordpunct":
            made = WordPunctTokenizer().tokenize
        case "treebank":
            made = NLTKWordTokenizer().tokenize
        case "toktok":
            made = ToktokTokenizer().tokenize
        case "tweet":  # a telephone number with spaces would be cut again, and to find it takes long
            made = TweetTokenizer(match_phone_numbers=False).tokenize
    return made

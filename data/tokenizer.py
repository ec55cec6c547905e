"""Words of a text. It knows characters, not files.

The convention is the one word vectors are usually trained with: lower case, Unicode letters and digits, punctuation
dropped. An apostrophe or an underscore inside a word stays (`don't`, `n_samples`), a hyphen separates, numbers stay
as they are written (`1990s`; `3.14` becomes `3`, `14`). The typographic apostrophe is written `'`, and letters
with accents in their composed form (NFC), so that a word is one word however it was typed.

A field marker as docstrings have it (`:param x:`, :class:`Table`) is markup and not a word; `>>>` and `====` hold
no letters and vanish.
"""

import re
import unicodedata


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

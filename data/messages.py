"""Headers, quotes and signatures of messages taken off, so that topics are learned from what was written.

The rules are those of scikit-learn's 20 Newsgroups (`strip_newsgroup_header` and its like) and the results the same;
written anew because theirs are in a private module, whose import takes every process a second, and take three times as
long. The order is that of NTM's notebook: headers, quotes, footers. It matters:
a footer is found by the last blank line, which may stand among quotes.
"""

from collections.abc import Collection
from typing import Literal, get_args

from data.errors import EmbertextError

Part = Literal["headers", "quotes", "footers"]
PARTS: tuple[Part, ...] = get_args(Part)
AUTO = "auto"

_QUOTED = (">", "|", "In article", "Quoted from")  # a line that begins so
_SAYS = ("writes in", "writes:", "wrote:", "says:", "said:")  # one that holds this


def parts(given: str, kind: str) -> tuple[Part, ...]:
    """What "headers, quotes" means; "auto": all three of messages, nothing of other kinds of files.

    Raises EmbertextError for another word.
    """
    if given.strip() == AUTO:
        return PARTS if kind == "mail" else ()
    names = {name.strip() for name in given.split(",")} - {""}
    if unknown := sorted(names - set(PARTS)):
        remedy = f"give some of {', '.join(PARTS)}, or {AUTO}, or nothing"
        raise EmbertextError(f"{unknown[0]} cannot be stripped", where=f"strip={given!r}", remedy=remedy)
    return tuple(part for part in PARTS if part in names)


def strip(text: str, which: Collection[Part]) -> str:
    """The text without those parts."""
    if "headers" in which:
        text = text.partition("\n\n")[2]
    if "quotes" in which:
        text = _without_quotes(text)
    if "footers" in which:
        text = _without_footer(text)
    return text


def _without_quotes(text: str) -> str:
    """Without the lines that are quoted, or that say who is."""
    lines = [line for line in text.split("\n") if not line.startswith(_QUOTED)]
    if any(phrase in text for phrase in _SAYS):
        lines = [line for line in lines if not any(phrase in line for phrase in _SAYS)]
    return "\n".join(lines)


def _without_footer(text: str) -> str:
    """Without what follows the last line that is blank or all hyphens, blank ends aside; it is there to the end."""
    lines = text.strip().split("\n")
    for number in range(len(lines) - 1, 0, -1):
        if not lines[number].strip().strip("-"):
            return "\n".join(lines[:number])
    return text

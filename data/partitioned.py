"""The files of one partition of a place: `{partition}` filled in, folders such as dt=2026-01-31 picked out."""

import contextlib
import re
from collections.abc import Collection

from data import partitions, storage
from data.errors import CorpusError, EmbertextError
from data.named import NAMED
from data.partitions import PLACEHOLDER, Partition

SHOWN = 3  # partitions that are there, in an error


def files(place: str, partition: str, *, besides: Collection[str] = ()) -> list[str]:
    """The files at a place that belong to a partition, sorted; all of them without one, or where no folder tells.

    besides: names of files that belong to every partition, wherever they lie. Raises CorpusError where nothing is
    there, which says which partitions are.
    """
    filled = partitions.fill(place, partition)
    if not partition:
        return storage.expand(filled)
    try:
        urls = storage.expand(filled)
    except CorpusError as error:
        if there := known(place):
            raise CorpusError(error.what, where=filled, remedy=_there(there)) from error
        raise
    there = {each for url in urls for each in partitions.folders(url, below=filled)}
    if not there:
        return urls
    found = partitions.within(urls, partitions.parse(partition), below=filled)
    if not found:
        raise CorpusError(f"no folder of partition {partition}", where=filled, remedy=_there(there))
    return sorted({*found, *(url for url in urls if storage.name(url) in besides)})


def known(place: str) -> set[Partition]:
    """The partitions that a place with `{partition}` in it has files of."""
    before, placeholder, _ = storage.absolute(place).partition(PLACEHOLDER)
    if not placeholder or "*" in before:
        return set()
    form = re.compile(re.escape(before.split("://")[-1].lstrip("/")) + r"([\dTWQ-]+)", re.ASCII)
    found: set[Partition] = set()
    with contextlib.suppress(CorpusError):
        for url in storage.expand(before.rpartition("/")[0]):
            with contextlib.suppress(EmbertextError):
                found.update(partitions.parse(name) for name in form.findall(url))
    return found


def is_laid_out(place: str) -> bool:
    """Whether folders below a place, or a glob, are named by partitions."""
    if not place.strip() or place in NAMED or not ("*" in place or storage.exists(place)):
        return False
    return any(partitions.folders(url, below=place) for url in storage.expand(place))


def _there(found: Collection[Partition]) -> str:
    """What to do instead: "there are 2026-01-01, 2026-01-02, ... 2026-01-31"."""
    first, *others = sorted(map(str, found))
    if not others:
        return f"there is {first}"
    shown = [first, *others] if len(found) <= SHOWN + 1 else [first, *others[: SHOWN - 1], "...", others[-1]]
    return f"there are {', '.join(shown)}"

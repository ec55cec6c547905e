"""What earlier runs have done, as the output's folder tells it: its manifest, and what was left unfinished.

manifest.json           the files of a run that came to its end
_transform/             of one that has not:
earlier.json        those files of the manifest before it that are still wanted
<name>.json         facts of slices; their answers lie beside, or in their place
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel

from data import storage
from data.errors import CorpusError
from tasks.publish import MANIFEST
from tasks.transform.answer import Fact
from tasks.transform.places import OUT, UNFINISHED
from tasks.transform.slices import Slice

EARLIER = "earlier.json"
FORMAT = "embertext-transform/1"


class File(BaseModel, frozen=True):
    """An input. name: below the folder that was given; key: stands for its content and all else that decides."""

    url: str
    name: str
    bytes: int
    content_type: str
    fingerprint: str
    key: str
    slices: list[Slice]

    @property
    def target(self) -> str:
        """The name of its answers, below the output's folder."""
        return self.name + OUT


class Answered(BaseModel, frozen=True):
    """A file that is done, as the manifest tells it. bytes: of its answers."""

    input: str
    content_type: str
    fingerprint: str
    key: str
    rows: int
    errors: int
    bytes: int


class Done(BaseModel, frozen=True):
    """files: by the key of each; facts: of slices of other files, by the key of each."""

    files: dict[str, Answered] = {}
    facts: dict[str, Fact] = {}


def done(output: str, files: Sequence[File]) -> Done:
    """What of these files is done, and still there as it was left."""
    told = _manifest(output)
    finished = {
        file.key: answered
        for file in files
        if (answered := told.get(file.target))
        and answered.key == file.key
        and _is_there(storage.join(output, file.target), answered.bytes)
    }
    facts: dict[str, Fact] = {}
    for _, found in _receipts(output):
        facts |= {fact.key: fact for fact in found}
    kept: dict[str, Fact] = {}
    for file in files:
        for cut in file.slices if file.key not in finished else []:
            fact = facts.get(cut.key)
            alone = len(file.slices) == 1
            place = storage.join(output, file.target if alone else f"{UNFINISHED}/{cut.key}{OUT}")
            if fact and _is_there(place, fact.bytes):
                kept[cut.key] = fact
    return Done(files=finished, facts=kept)


def begin(output: str, files: Sequence[File], done: Done) -> None:
    """Before anything is replaced: the manifest goes, as the folder is not whole; what of it is wanted stays known."""
    known = {file.target: done.files[file.key].model_dump(mode="json") for file in files if file.key in done.files}
    storage.write_json(storage.join(output, UNFINISHED, EARLIER), {"files": known})
    storage.remove(storage.join(output, MANIFEST))
    for url, found in _receipts(output):
        if not any(fact.key in done.facts for fact in found):
            storage.remove(url)


def _manifest(output: str) -> dict[str, Answered]:
    for name in (MANIFEST, f"{UNFINISHED}/{EARLIER}"):
        url = storage.join(output, name)
        if storage.exists(url):
            told: Any = storage.read_json(url)
            if name != MANIFEST or told.get("format") == FORMAT:
                return {target: Answered(**each) for target, each in told["files"].items()}
    return {}


def _receipts(output: str) -> Iterable[tuple[str, list[Fact]]]:
    folder = storage.join(output, UNFINISHED)
    if not storage.exists(folder):
        return
    try:
        urls = storage.expand(storage.join(folder, "*.json"))
    except CorpusError:  # there are none
        return
    for url in urls:
        if storage.name(url) != EARLIER:
            yield url, [Fact(**each) for each in storage.read_json(url)]


def _is_there(url: str, size: int) -> bool:
    return storage.exists(url) and storage.size(url) == size

"""What is there to do: the files, what each holds, and what earlier runs have done of it.

A file is known by its content, the model's, and what is asked; so files that come later are all that another run does.
"""

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from prefect import task
from pydantic import BaseModel

from data import storage
from data.errors import EmbertextError
from tasks import stages
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.publish import MANIFEST
from tasks.transform import earlier, formats
from tasks.transform.answer import MOST_RECORDS, How, Work
from tasks.transform.earlier import Done, File
from tasks.transform.places import ERRORS, OUT, UNFINISHED
from tasks.transform.slices import Slice, cut

REMEDY = "give a model.tar.gz, the folder that a training published, or a fastText model.bin"


class Joint(NamedTuple):
    """The URLs of a file, and of those that it is put together of, in order."""

    target: str
    parts: list[str]


class Plan(BaseModel, frozen=True):
    """files: all of them, in order; done: what earlier runs have left of that. model: its fingerprint."""

    data: str
    output: str
    model: str
    files: list[File]
    done: Done
    seconds: float

    def target(self, file: File, cut: Slice) -> str:
        """Where the answers of a slice go: those of a file's only one to their place at once."""
        if len(file.slices) == 1:
            return storage.join(self.output, file.target)
        return storage.join(self.output, UNFINISHED, cut.key + OUT)

    def work(self) -> list[Work]:
        """What is not done, in order."""
        return [
            Work(cut, file.content_type, self.target(file, cut))
            for file in self.files
            for cut in file.slices
            if file.key not in self.done.files and cut.key not in self.done.facts
        ]

    def joints(self) -> list[Joint]:
        """The files to be put together of their slices' answers."""
        return [
            Joint(storage.join(self.output, file.target), [self.target(file, cut) for cut in file.slices])
            for file in self.files
            if file.key not in self.done.files and len(file.slices) > 1
        ]


@task(name="plan", description="Find the model and the files, see what an earlier run has done of them.", **NETWORK)
def plan(model: str, data: str, how: How, *, content_type: str, reuse: bool) -> Plan:
    """Raises CorpusError where there are no files, EmbertextError where one does not say what it holds."""
    start = time.perf_counter()
    with progress("plan") as report:
        if not model.strip():
            raise EmbertextError("no model is given", where="model", remedy=REMEDY)
        fingerprint = _fingerprint(model)
        asked = {
            "model": fingerprint,
            "accept": how.accept,
            "most_records": how.most_records,
            "most_bytes": how.most_bytes,
        }
        places = inputs(data, output=how.output)
        files = []
        for number, (url, name) in enumerate(places):
            files.append(_file(url, name, content_type or formats.content_type_of(url), how.accept, asked))
            report(number / len(places), name)
        known = earlier.done(how.output, files) if reuse else Done()
    found = Plan(
        data=data,
        output=how.output,
        model=fingerprint,
        files=files,
        done=known,
        seconds=time.perf_counter() - start,
    )
    slices = sum(len(file.slices) for file in files)
    log().info("%d file(s), %d slice(s), %d of them to do", len(files), slices, len(found.work()))
    return found


def inputs(data: str, *, output: str) -> list[tuple[str, str]]:
    """The URLs of the files, and their names below the folder that was given. What transforms make is left out."""
    given, mine = _bare(data), _bare(output)
    named = []
    for url in storage.expand(data):
        path = _bare(url)
        made = path.endswith(OUT) or path in (f"{mine}/{MANIFEST}", f"{mine}/{ERRORS}")
        if not made and (mine == given or not path.startswith(f"{mine}/")):
            named.append((url, path.removeprefix(f"{_root(given, path)}/")))
    if not named:
        remedy = "give a folder of inputs, or another place for the output"
        raise EmbertextError("there is nothing but what a transform has made", where=data, remedy=remedy)
    return named


def _root(given: str, path: str) -> str:
    """The folder that a file's name begins below."""
    if path.startswith(f"{given}/"):
        return given
    constant = given if path == given else re.split(r"[*?\[]", given, maxsplit=1)[0]
    return constant.rpartition("/")[0]


def grouped(work: Sequence[Work], *, most_bytes: int, most_slices: int) -> Iterator[list[Work]]:
    """Slices that a worker takes at once: many small files are as one large one."""
    group: list[Work] = []
    size = 0
    for each in work:
        length = each.slice.end - each.slice.begin
        if group and (size + length > most_bytes or len(group) >= most_slices):
            yield group
            group, size = [], 0
        group.append(each)
        size += length
    if group:
        yield group


def how(*, output: str, accept: str, strategy: str, max_payload: int, max_errors: int) -> How:
    """What a run is told, as workers hear it. max_payload: MB of a batch."""
    return How(
        output=storage.absolute(output),
        accept=accept.strip(),
        most_records=1 if strategy == "SingleRecord" else MOST_RECORDS,
        most_bytes=max_payload * 2**20,
        max_errors=max_errors,
    )


def _bare(url: str) -> str:
    """The path alone, which file systems write in more ways than one."""
    path = storage.absolute(url)
    return path.partition("://")[2].strip("/") if "://" in path else path.strip("/")


def _fingerprint(model: str) -> str:
    """Of a file, or of all that are in a folder."""
    urls = storage.expand(model)
    return stages.digest({storage.name(url): storage.fingerprint(url) for url in urls})


def _file(url: str, name: str, content_type: str, accept: str, asked: dict[str, Any]) -> File:
    size, fingerprint = storage.size(url), storage.fingerprint(url)
    form = formats.format_of(content_type, accept)
    key = stages.digest({"name": name, "content": fingerprint, "content_type": content_type, **asked})
    return File(
        url=url,
        name=name,
        bytes=size,
        content_type=content_type,
        fingerprint=fingerprint,
        key=key,
        slices=list(cut(url, size, form, key=key)),
    )

"""errors.jsonl: the bad records of all files, one a line, with the file, the line and the reason.

    {"file": "a.jsonl", "line": 17, "reason": "...", "field": "...", "remedy": "...", "content": "..."}

Slices count their lines from 1, as nobody knows how many are before them until those are read; here they get the
file's. Records of RecordIO, and instances of a JSON body, have a "record" and no "line".
"""

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import orjson

from data import storage
from tasks.transform import formats
from tasks.transform.answer import Fact
from tasks.transform.earlier import File
from tasks.transform.places import ERRORS, deliver, errors_of, scratch_folder
from tasks.transform.plan import Plan


def write_errors(plan: Plan, facts: Mapping[str, Fact]) -> str:
    """Write the file, or take it away where there are none; where the first is, and why, in words.

    facts: of slices that are answered, or given up. Those of files that were done before are kept.
    """
    first, url = "", storage.join(plan.output, ERRORS)
    with scratch_folder(plan.output) as scratch:
        with (scratch / ERRORS).open("wb") as file:
            before = _before(plan, url)
            for each in plan.files:
                for told in before.get(each.name, []) or _errors(plan, each, facts):
                    first = first or _in_words(told)
                    file.write(orjson.dumps(told) + b"\n")
        if first:
            deliver(scratch / ERRORS, url)
        else:
            storage.remove(url)
    return first


def _errors(plan: Plan, file: File, facts: Mapping[str, Fact]) -> Iterator[dict[str, Any]]:
    """Of one file, slice by slice, up to one that is not done."""
    counted = "line" if formats.format_of(file.content_type, "").split == "lines" else "record"
    places = 0
    for fact in takewhile(lambda fact: fact is not None, (facts.get(cut.key) for cut in file.slices)):
        assert fact is not None
        if fact.errors:
            for line in storage.read_bytes(errors_of(plan.output, fact.key)).splitlines():
                told = orjson.loads(line)
                yield {"file": file.name, counted: places + told.pop("place"), **told}
        if not fact.whole:
            return
        places += fact.places


def _before(plan: Plan, url: str) -> dict[str, list[dict[str, Any]]]:
    """What an earlier run has told of the files that it had done, by their names."""
    kept = {file.name for file in plan.files if (done := plan.done.files.get(file.key)) and done.errors}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in kept}
    if kept and storage.exists(url):
        for line in storage.read_bytes(url).splitlines():
            told = orjson.loads(line)
            if told["file"] in kept:
                found[told["file"]].append(told)
    return found


def _in_words(told: dict[str, Any]) -> str:
    place = f"line {told['line']}" if "line" in told else f"record {told['record']}"
    field = f", {told['field']}" if "field" in told else ""
    return f"{told['file']}: {place}{field}: {told['reason']}"

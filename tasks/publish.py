"""What every publishing shares: one folder with the model, the report and, last, the manifest that says they are whole.

    <output>/<algorithm>-<key>/    model.tar.gz, report.html, manifest.json

An algorithm says what goes into its archive and draws its page. Knows none by name.
"""

import hashlib
import importlib.metadata
import platform
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from isal import igzip_threaded
from pydantic import BaseModel

from data import storage
from data.errors import EmbertextError
from data.process import cores
from data.sources import Source
from tasks import events, stages, workers
from tasks.against import Against
from tasks.ingest import Ingested
from tasks.progress import log
from tasks.train import Trained

FORMAT = "embertext/1"
MODEL, REPORT, MANIFEST, ALGORITHM = "model.tar.gz", "report.html", "manifest.json", "algorithm.json"


class Published(stages.Stage, frozen=True):
    """url: the folder; model, report: the addresses of what a person wants from it.

    version: its label in the registry, as words@3, or "" where it is not registered; verdict: what the gate said.
    """

    model: str
    report: str
    version: str = ""
    verdict: str = ""


def place(algorithm: str, output: str, *, names: Sequence[str] = (MODEL, REPORT), **inputs: Any) -> Published:
    """Where a run with these inputs is published; `reused` when it has been: a folder with all its files stays.

    names: those files, beside the manifest.
    """
    url = storage.join(storage.absolute(output), f"{algorithm}-{stages.digest({**inputs, 'format': FORMAT})}")
    return Published(
        url=url,
        seconds=0.0,
        reused=all(storage.exists(storage.join(url, name)) for name in (*names, MANIFEST)),
        model=storage.join(url, MODEL),
        report=storage.join(url, REPORT),
    )


def describe(
    algorithm: str,
    form: BaseModel,
    *,
    ingested: Ingested,
    prepared: stages.Stage,
    trained: Trained,
    evaluated: stages.Stage,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    own: Mapping[str, stages.Stage] | None = None,
    against: Against | None = None,
) -> dict[str, Any]:
    """The manifest but for its files: where the model comes from, and what it is worth, also beside the champion.

    own: the algorithm's stages between training and evaluation, by name. Of several workers, `cluster` says what each
    did, and what went wrong and was mended.
    """
    return {
        "format": FORMAT,
        "algorithm": algorithm,
        "hyperparameters": form.model_dump(mode="json"),
        "seed": trained.seed,
        "threads": trained.threads,
        "workers": trained.workers,
        **partition(ingested.source),
        "corpus": lineage(ingested.source) | prepared.model_dump(exclude=set(stages.Stage.model_fields)),
        **software(),
        "metrics": metrics,
        **({"champion": against.told()} if against else {}),
        **({"drift": against.drift.model_dump(mode="json")} if against and against.drift else {}),
        "words_per_second": trained.words_per_second,
        "seconds": {
            "ingest": ingested.seconds,
            "prepare": prepared.seconds,
            "train": trained.seconds,
            **{name: stage.seconds for name, stage in (own or {}).items()},
            "evaluate": evaluated.seconds,
        },
        **({"cluster": told} if (told := workers.summary(history)) else {}),
        "history": history,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that are numbers, in one level: `analogies.accuracy`."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        each = {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, Mapping) else {name: value}
        found |= {key: float(inner) for key, inner in each.items() if isinstance(inner, int | float)}
    return found


def software() -> dict[str, Any]:
    """What computed it: this project's version, commit and sources, and the libraries."""
    version = importlib.metadata.version("embertext")
    return {
        "code": {"version": version, "revision": revision(), "sources": stages.code()},
        "libraries": libraries(),
    }


def lineage(source: Source) -> dict[str, Any]:
    """A corpus as the manifest tells it."""
    return {name: getattr(source, name) for name in ("name", "kind", "checksum", "urls", "bytes")}


def partition(source: Source) -> dict[str, str]:
    """What the manifest says of a run that has a partition."""
    return {"partition": source.partition} if source.partition else {}


@contextmanager
def archive(
    scratch: Path, manifest: Mapping[str, Any], *, form: BaseModel, members: Sequence[str], folders: Sequence[str]
) -> Iterator[Path]:
    """An empty folder for the files that the algorithm writes; model.tar.gz in `scratch` when the block ends.

    members: the archive's files in their order. Those that the block has not written come from the stages' `folders`;
    one that is nowhere is left out, such as an evaluation nobody asked for.
    """
    target = scratch / "members"
    target.mkdir()
    yield target
    storage.write_json(str(target / ALGORITHM), form.model_dump(mode="json"))  # as its class reads it back
    for name in members:
        found = next((path for folder in folders if (path := Path(folder) / name).exists()), None)
        if found and not (target / name).exists():
            (target / name).symlink_to(found.absolute())
    storage.write_json(str(target / MANIFEST), {**manifest, "files": files(target, members)})
    pack(scratch / MODEL, [target / name for name in members if (target / name).exists()])
    shutil.rmtree(target)


def conclude(
    scratch: Path, manifest: Mapping[str, Any], *, html: str, start: float, names: Sequence[str] = (MODEL, REPORT)
) -> None:
    """Write the report and the manifest beside the other `names`.

    start: when publishing began, by `time.perf_counter`.
    """
    storage.write_bytes(str(scratch / REPORT), html.encode())
    seconds = {**manifest["seconds"], "publish": time.perf_counter() - start}
    storage.write_json(str(scratch / MANIFEST), {**manifest, "seconds": seconds, "files": files(scratch, names)})


def tell(published: Published) -> Published:
    """Emit the event that a model is published: as its manifest has it, also where an earlier run has published it."""
    place = storage.join(published.url, MANIFEST)
    try:
        manifest = storage.read_json(place)
    except EmbertextError as error:  # it is published, and whoever looks there will find it
        log().warning("not told: %s", error)
        return published
    told = events.ModelEvent(
        algorithm=manifest["algorithm"],
        model=published.model,
        report=published.report,
        manifest=place,
        partition=manifest.get("partition", ""),
        metrics=numbers(manifest["metrics"]),
        reused=published.reused,
    )
    events.of_model("published", told)
    return published


def revision() -> str:
    """The commit of the checkout that this code runs from, with -dirty behind it when files differ; "" elsewhere."""
    here = Path(__file__).parent.parent
    if not (here / ".git").exists():
        return ""
    git = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def libraries() -> dict[str, str]:
    """Versions of Python and of what this project asks for at run time."""
    wanted = [line for line in importlib.metadata.requires("embertext") or [] if "extra ==" not in line]
    names = sorted(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in wanted)
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in names}


def files(folder: Path, names: Sequence[str]) -> dict[str, dict[str, int | str]]:
    """Size and SHA-256 of the files that are there."""
    found: dict[str, dict[str, int | str]] = {}
    for path in (folder / name for name in names):
        if path.exists():
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            found[path.name] = {"bytes": path.stat().st_size, "sha256": digest}
    return found


def pack(target: Path, members: Sequence[Path]) -> None:
    """A .tar.gz whose bytes depend on the members' names and content alone: no times, no owners."""

    def bare(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mtime, info.mode, info.uid, info.gid, info.uname, info.gname = 0, 0o644, 0, 0, "", ""
        return info

    with (
        igzip_threaded.open(target, "wb", threads=cores()) as stream,
        tarfile.open(fileobj=stream, mode="w|", dereference=True) as archive,
    ):
        for member in members:
            archive.add(member, member.name, recursive=False, filter=bare)

"""Publishing as a stage: one folder with the model, the report and, last, the manifest that says they are whole."""

import hashlib
import importlib.metadata
import platform
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from isal import igzip_threaded
from prefect import task

from algorithms.model import load_state
from algorithms.word2vec.algorithm import Word2Vec
from data import storage
from data.process import cores
from data.vocabulary import Vocabulary
from tasks import stages
from tasks.evaluate import EVALUATION, JUDGEMENT, Evaluated, read_evaluation, read_map
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.text import Prepared
from tasks.train import HISTORY, STATE, VOCABULARY, Trained

FORMAT = "embertext/1"
MODEL, REPORT, MANIFEST, ALGORITHM = "model.tar.gz", "report.html", "manifest.json", "algorithm.json"
# the first three as in BlazingText's own archives
MEMBERS = ("vectors.bin", EVALUATION, "vectors.txt", ALGORITHM, STATE, VOCABULARY, MANIFEST)


class Published(stages.Stage, frozen=True):
    """url: the folder; model, report: the addresses of what a person wants from it."""

    model: str
    report: str


@task(
    name="publish",
    description="Pack the model, draw the report, and put both where others find them; the manifest goes last.",
    **NETWORK,
)
def publish(
    ingested: Ingested, prepared: Prepared, trained: Trained, evaluated: Evaluated, word2vec: Word2Vec, *, output: str
) -> Published:
    """The folder <output>/word2vec-<key>. One that holds all its files is left as it is."""
    from tasks import report as page  # matplotlib and jinja2, not needed before

    start = time.perf_counter()
    source = ingested.source.model_dump(mode="json")
    key = stages.digest({"source": source, "evaluated": evaluated.key, "form": word2vec.model_dump(), "format": FORMAT})
    url = storage.join(storage.absolute(output), f"word2vec-{key}")
    names = {"model": storage.join(url, MODEL), "report": storage.join(url, REPORT)}
    if all(storage.exists(storage.join(url, name)) for name in (MODEL, REPORT, MANIFEST)):
        return stages.reused(Published(url=url, seconds=0.0, reused=True, **names))
    with (
        progress("publish") as report,
        stages.at_hand(trained.url) as model,
        stages.at_hand(evaluated.url) as judged,
        stages.workbench(url, marker=MANIFEST) as scratch,
    ):
        manifest = describe(ingested, prepared, trained, evaluated, word2vec)
        manifest["history"] = storage.read_json(storage.join(model, HISTORY))
        judgement = storage.read_json(storage.join(judged, JUDGEMENT))
        vocabulary = Vocabulary.load(storage.join(model, VOCABULARY))
        report(0.1, "packing")
        members = scratch / "members"
        members.mkdir()
        word2vec.export(load_state(Path(model) / STATE), vocabulary, members)
        storage.write_json(str(members / ALGORITHM), word2vec.model_dump(mode="json"))  # as its class reads it back
        for folder, name in ((judged, EVALUATION), (model, STATE), (model, VOCABULARY)):
            if (path := Path(folder) / name).exists():
                (members / name).symlink_to(path.absolute())
        storage.write_json(str(members / MANIFEST), manifest | {"files": files(members, MEMBERS)})
        pack(scratch / MODEL, [members / name for name in MEMBERS if (members / name).exists()])
        shutil.rmtree(members)
        report(0.7, "drawing")
        manifest["files"] = files(scratch, [MODEL])
        html = page.render(
            manifest=manifest,
            evaluation=read_evaluation(judged),
            neighbours=judgement["neighbours"],
            words=vocabulary.words,
            positions=read_map(judged),
            counts=vocabulary.counts,
            gold_points=judgement["points"],
            analogies=judgement["analogies"],
        )
        storage.write_bytes(str(scratch / REPORT), html.encode())
        report(0.9, "writing")
        seconds = time.perf_counter() - start
        manifest["files"] = files(scratch, [MODEL, REPORT])
        manifest["seconds"]["publish"] = seconds
        storage.write_json(str(scratch / MANIFEST), manifest)
    log().info("published %s", url)
    return Published(url=url, seconds=time.perf_counter() - start, **names)


def describe(
    ingested: Ingested, prepared: Prepared, trained: Trained, evaluated: Evaluated, word2vec: Word2Vec
) -> dict[str, Any]:
    """The manifest but for its history and files: where the model comes from, and what it is worth."""
    source = ingested.source
    return {
        "format": FORMAT,
        "algorithm": "word2vec",
        "hyperparameters": word2vec.model_dump(mode="json"),
        "seed": trained.seed,
        "threads": trained.threads,
        "workers": trained.workers,
        "corpus": {
            "name": source.name,
            "kind": source.kind,
            "checksum": source.checksum,
            "urls": source.urls,
            "bytes": source.bytes,
            "tokens": prepared.tokens,
            "sentences": prepared.sentences,
            "vocabulary": prepared.vocabulary,
        },
        "code": {"version": importlib.metadata.version("embertext"), "revision": revision(), "sources": stages.code()},
        "libraries": libraries(),
        "metrics": evaluated.metrics,
        "words_per_second": trained.words_per_second,
        "seconds": {
            "ingest": ingested.seconds,
            "prepare": prepared.seconds,
            "train": trained.seconds,
            "evaluate": evaluated.seconds,
        },
        "history": [],
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


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

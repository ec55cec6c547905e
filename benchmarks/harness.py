"""What every benchmark shares: runs in fresh processes, floors, an aligned table, a line of JSON at the end."""

import argparse
import hashlib
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from data import labelled, readers, sources
from data.sources import Source

Figures = dict[str, Any]


class Floor(NamedTuple):
    """A promise: `value` is at least `least`."""

    name: str
    value: float
    least: float

    @property
    def holds(self) -> bool:
        """Whether it is kept."""
        return self.value >= self.least


def arguments(description: str, *, seeds: int, threads: int = 2) -> argparse.ArgumentParser:
    """The options that every benchmark takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON: the figures and falls_short")
    parser.add_argument("--seeds", type=int, default=seeds, help="runs of each system that is judged on quality")
    parser.add_argument("--threads", type=int, default=threads)
    return parser


def alone(module: str, system: str, **options: Any) -> Figures:
    """Run `module.SYSTEMS[system](**options)` in a fresh process and return what it returns.

    Where the system writes to standard error, `seconds_to` has the moments (seconds after it began) at which each
    phrase of its `WATCHED` first appeared there: fastText tells in no other way when its reading ends.
    """
    command = [sys.executable, "-m", module, "--one", system, "--options", json.dumps(options)]
    watched: tuple[str, ...] = getattr(sys.modules[module], "WATCHED", ()) if module in sys.modules else ()
    seconds_to: dict[str, float] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        begun, heard = time.perf_counter(), b""
        while piece := os.read(process.stderr.fileno(), 65536):
            heard += piece
            if b"<begin>" in heard:
                begun, heard = time.perf_counter(), heard.split(b"<begin>", 1)[1]
            for phrase in watched:
                if phrase not in seconds_to and phrase.encode() in heard:
                    seconds_to[phrase] = time.perf_counter() - begun
        output = process.stdout.read().decode()
    if process.returncode:
        raise SystemExit(f"{system} failed:\n{heard.decode(errors='replace')[-2000:]}")
    figures: Figures = json.loads(output.splitlines()[-1])
    return figures | {"stderr": heard.decode(errors="replace"), "seconds_to": seconds_to}


def begin() -> None:
    """Mark the moment from which `seconds_to` counts."""
    print("<begin>", file=sys.stderr, flush=True)


def answer(systems: Mapping[str, Callable[..., Figures]]) -> bool:
    """In a process that `alone` has started: run the one system asked for, print its figures, say so."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--one")
    parser.add_argument("--options", default="{}")
    asked, _ = parser.parse_known_args()
    if asked.one:
        print(json.dumps(systems[asked.one](**json.loads(asked.options))))
    return bool(asked.one)


def plain_text(name: str) -> Path:
    """A named corpus as one uncompressed file, the same for all systems."""

    def text(source: Source) -> Iterator[bytes]:
        return (block.data for block in readers.blocks(source, tokenizer="whitespace"))

    return _made_once(name, "", text)


def labelled_text(name: str) -> Path:
    """A named labelled corpus as one file of fastText's lines, tokens by nltk's wordpunct, the same for all systems."""

    def lines(source: Source) -> Iterator[bytes]:
        return (labelled.lines(batch.documents, "wordpunct") for batch in labelled.batches(source))

    return _made_once(name, "-labelled", lines)


def repeated(text: Path, times: int) -> Path:
    """The lines of a file that this module has made, so many times over."""
    return _whole(text.with_stem(f"{text.stem}-{times}"), itertools.repeat(text.read_bytes(), times))


def _made_once(name: str, form: str, pieces: Callable[[Source], Iterable[bytes]]) -> Path:
    """A named corpus in some form as one file; made once for each content of the corpus.

    The same name can mean a public set on one machine and another one in EMBERTEXT_DATA.
    """
    folder = Path(tempfile.gettempdir())
    source = sources.find(name, cache=folder / "embertext-benchmark")
    content = hashlib.sha256(source.checksum.encode()).hexdigest()[:16]
    target = folder / f"embertext-benchmark-{source.name}-{content}{form}.txt"
    return _whole(target, pieces(source))


def _whole(target: Path, pieces: Iterable[bytes]) -> Path:
    """Write a file where there is none yet: it is there whole or not at all."""
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
        beside = Path(unfinished) / target.name
        with beside.open("wb") as file:
            file.writelines(pieces)
        return beside.rename(target)


def spread(values: Sequence[float]) -> str:
    """The median and the range of several runs."""
    if len(values) < 2:
        return "".join(f"{value:.3f}" for value in values)
    return f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def less_the_spread(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """What the peer reaches, less how far apart seeds lie: its own or ours, whichever is more."""
    apart = max(max(values) - min(values) for values in (ours, theirs))
    return statistics.mean(theirs) - apart


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows aligned, figures to the right."""
    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        drawn.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    for row in rows:
        drawn.add_row(*row)
    Console(width=max(Console().width, 120)).print(drawn, "")


def conclude(benchmark: str, figures: Figures, floors: Sequence[Floor], *, as_json: bool) -> None:
    """Say which floors hold; with --json end with one line."""
    table(
        "Floors",
        ["what", "reached", "floor", ""],
        [(floor.name, f"{floor.value:.3f}", f"{floor.least:.3f}", "" if floor.holds else "MISSED") for floor in floors],
    )
    if as_json:
        falls_short = [floor.name for floor in floors if not floor.holds]
        print(json.dumps({"benchmark": benchmark, "machine": machine(), **figures, "falls_short": falls_short}))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), "")
    return {"processor": model or platform.processor(), "cores": os.cpu_count(), "python": platform.python_version()}


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []

"""The default corpus: the docstrings of the project's own dependencies, as they are installed.

Real text that every machine with the project has, offline: one document a docstring (module, class, function, async
function), labelled with its package. Sources are parsed with `ast`, never imported. It knows packages and docstrings,
not where the corpus is kept.

Parsing takes the time (140 MB of source, about 15 s of one core), so it is spread over processes. They are plain
subprocesses that run this file, and not a multiprocessing pool: a spawned worker would import the caller's `__main__`
first (the command line with all of Prefect: seconds each), and inside a Dask worker, which is a daemon, no pool may
start. This file therefore imports the standard library only.
"""

import ast
import gc
import hashlib
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

# Import name -> distribution: direct dependencies and theirs, those with the most prose. All come with the project.
PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pandas": "pandas",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "networkx": "networkx",
    "sympy": "sympy",
    "mpmath": "mpmath",
    "nltk": "nltk",
    "gensim": "gensim",
    "dask": "dask",
    "distributed": "distributed",
    "prefect": "prefect",
    "matplotlib": "matplotlib",
    "numba": "numba",
    "joblib": "joblib",
    "pydantic": "pydantic",
    "sqlalchemy": "sqlalchemy",
    "fsspec": "fsspec",
    "tornado": "tornado",
    "cyclopts": "cyclopts",
    "rich": "rich",
    "websockets": "websockets",
    "botocore": "botocore",
    "fontTools": "fonttools",
    "PIL": "pillow",
    "jinja2": "jinja2",
    "click": "click",
}
MIN_WORDS = 12  # shorter docstrings ("Return the name.") are labels more than text

_FORMAT = 1  # part of the key: raise it when the same sources give other documents
_LEFT_OUT = {"test", "tests", "__pycache__"}
_BATCH = 2_500_000  # bytes of source that one subprocess parses: about half a second
_Docstring = tuple[str, str]  # text, package


class Part(NamedTuple):
    """Some more of the corpus: JSON lines {"text", "label"}, and how much of the source has been read (0..1)."""

    lines: bytes
    progress: float


def key(packages: Mapping[str, str] = PACKAGES) -> str:
    """A name for the corpus: the same as long as the versions of the packages are."""
    versions = [f"{name}=={_version(packages[name])}" for name, _ in _folders(packages)]
    text = "\n".join([f"{_FORMAT} {MIN_WORDS} {sys.version_info[:2]}", *versions])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def extract(packages: Mapping[str, str] = PACKAGES, *, cores: int) -> Iterator[Part]:
    """The documents in a fixed order (packages as listed, files by path, docstrings by line), each text once.

    Packages that are not installed are passed over. Files that this Python cannot parse are too: some packages carry
    templates, or code for other versions.
    """
    batches, sizes = _batches(packages)
    seen: set[bytes] = set()  # digests, not texts: 16 bytes a document
    done = 0
    with ThreadPoolExecutor(max_workers=cores) as pool:
        for found, bytes_read in zip(pool.map(_parse_apart, batches), sizes, strict=True):
            done += bytes_read
            yield Part(b"".join(_new(found, seen)), done / sum(sizes))


def _new(found: list[_Docstring], seen: set[bytes]) -> Iterator[bytes]:
    """JSON lines of the docstrings not seen yet. In place: `seen` grows."""
    for text, package in found:
        digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
        if digest not in seen:
            seen.add(digest)
            yield json.dumps({"text": text, "label": package}, ensure_ascii=False).encode() + b"\n"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _folders(packages: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Installed packages and their folders. For a top-level name, `find_spec` looks and does not import."""
    for package in packages:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or [])[:1] if spec else []:
            yield package, Path(folder)


def _batches(packages: Mapping[str, str]) -> tuple[list[list[tuple[str, str]]], list[int]]:
    """(package, file) pairs in lists of about `_BATCH` bytes, and the bytes of each list."""
    batches: list[list[tuple[str, str]]] = []
    sizes: list[int] = []
    for package, folder in _folders(packages):
        for path in sorted(folder.rglob("*.py")):
            if _LEFT_OUT.isdisjoint(path.relative_to(folder).parts):
                if not sizes or sizes[-1] >= _BATCH:
                    batches.append([])
                    sizes.append(0)
                batches[-1].append((package, str(path)))
                sizes[-1] += path.stat().st_size
    return batches, [max(size, 1) for size in sizes]


def _parse_apart(batch: list[tuple[str, str]]) -> list[_Docstring]:
    """`_parse` in a process of its own. `-I -S` leaves out the site's start-up files: the interpreter alone, 30 ms."""
    command = [sys.executable, "-I", "-S", __file__]
    done = subprocess.run(command, input=json.dumps(batch).encode(), stdout=subprocess.PIPE, check=True)
    return [(text, package) for text, package in json.loads(done.stdout)]


def _parse(batch: list[tuple[str, str]]) -> Iterator[_Docstring]:
    """The docstrings of some files, in order."""
    for package, file in batch:
        source = Path(file).read_bytes()
        if b'"""' not in source and b"'''" not in source:
            continue
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for text in _docstrings(tree):
            if len(text.split()) >= MIN_WORDS:
                yield text, package


def _docstrings(node: ast.AST) -> Iterator[str]:
    """Docstrings at and below a statement, outermost first. Expressions hold none and are not looked at."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        text = ast.get_docstring(node)
        if text:
            yield text.encode(errors="replace").decode()  # an escape may spell half a surrogate pair
    for field in ("body", "orelse", "handlers", "finalbody"):
        for child in getattr(node, field, None) or []:
            yield from _docstrings(child)


def _main() -> None:
    """A worker: JSON pairs (package, file) come in, JSON pairs (text, package) go out."""
    gc.disable()  # trees are big, short-lived and without cycles: collecting would take a third of the time
    warnings.simplefilter("ignore")  # invalid escapes in other people's sources are not our users' concern
    json.dump(list(_parse(json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    _main()

"""Imports point down, flows -> tasks -> algorithms -> data, and each foreign library has one home."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("flows", "tasks", "algorithms", "data")
FILES = [path.relative_to(ROOT).as_posix() for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]

FORBIDDEN = {
    "algorithms": {"prefect", "dask", "distributed", "fastapi", "starlette", "uvicorn", "httpx", "requests"},
    "data": {
        "prefect",
        "dask",
        "distributed",
        "fastapi",
        "starlette",
        "uvicorn",
        "httpx",
        "torch",
        "numba",
        "llvmlite",
    },
}
HOMES = {
    "distributed": "tasks/cluster.py tasks/team.py tasks/calls.py tasks/liveness.py",
    "dask": "tasks/cluster.py",
    "fsspec": "data/storage/remote.py",
    "s3fs": "data/storage/remote.py",
    "isal": "data/streams.py tasks/publish.py",
    "llvmlite": "algorithms/kernels/simd.py algorithms/kernels/words.py",
    "safetensors": "algorithms/model.py",
    "cyclopts": "flows/",
    "rich": "flows/ tasks/progress.py",
    "matplotlib": "tasks/plots.py tasks/page.py tasks/maps.py tasks/word2vec/plots.py "
    "tasks/text_classification/plots.py tasks/topics/plots.py tasks/object2vec/plots.py tasks/tune/plots.py "
    "tasks/tune/page.py tasks/drift_plots.py",
    "jinja2": "tasks/page.py tasks/serve/pages.py",
    "fastapi": "tasks/serve/",
    "starlette": "tasks/serve/",
    "uvicorn": "tasks/serve/server.py",
    "prometheus_client": "tasks/serve/metrics.py",
    "pooch": "data/sources.py",
    "nltk": "data/tokenizer.py data/lemmatizer.py",
    "optuna": "algorithms/search/",
    "yaml": "algorithms/search/reading.py",
}
FAMILIES = {path.parent.name for path in (*ROOT.glob("tasks/*/__init__.py"), *ROOT.glob("algorithms/*/algorithm.py"))}
KERNELS = {"numpy", "numba", "llvmlite", "math", "collections", "typing"}


def imported(file: str) -> Iterator[str]:
    """Full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("file", FILES)
def test_imports_point_down(file):
    layer = file.split("/")[0]
    above = set(LAYERS[: LAYERS.index(layer)])
    wrong = {name for name in imported(file) if name.split(".")[0] in above | FORBIDDEN.get(layer, set())}
    assert not wrong


@pytest.mark.parametrize("file", FILES)
def test_foreign_libraries_stay_at_home(file):
    libraries = {name.split(".")[0] for name in imported(file)}
    strays = {
        name for name in libraries & HOMES.keys() if not any(file.startswith(home) for home in HOMES[name].split())
    }
    assert not strays


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith(("algorithms/", "tasks/"))])
def test_algorithms_do_not_know_each_other(file):
    """Nor does what they share, in `algorithms` and in `tasks`, know any of them."""
    others = FAMILIES - {file.split("/")[1]}
    ours = {name.split(".")[1] for name in imported(file) if name.startswith(("algorithms.", "tasks."))}
    assert not ours & others


@pytest.mark.parametrize("file", [file for file in FILES if "kernels" in file and "__init__" not in file])
def test_kernels_see_numpy_numba_and_other_kernels_only(file):
    wrong = {name for name in imported(file) if name.split(".")[0] not in KERNELS and ".kernels" not in f".{name}"}
    assert not wrong


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("flows/")])
def test_flows_keep_their_annotations(file):
    assert "__future__.annotations" not in set(imported(file)), "Prefect then loses the form"

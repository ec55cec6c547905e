"""Where the data files of nltk's packages are: WordNet, Punkt's models. It knows places, not what the files say.

They are looked for as nltk itself does, in the folders of NLTK_DATA, then in those where its downloader puts them, as
folders or as the zip files that it fetches; but without importing nltk, which takes two seconds of every process.
"""

import functools
import io
import os
import sys
import zipfile
from pathlib import Path

from data.errors import CorpusError

_ELSEWHERE = ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")


def places() -> list[Path]:
    """The folders that may hold `corpora`, `tokenizers` ..., in the order in which they are asked."""
    given = [Path(place).expanduser() for place in os.environ.get("NLTK_DATA", "").split(os.pathsep) if place]
    prefixes = [
        Path.home(),
        *(Path(sys.prefix, *below) for below in ((), ("share",), ("lib",))),
        *map(Path, _ELSEWHERE),
    ]
    return given + [prefix / "nltk_data" for prefix in prefixes]


def has(package: str) -> bool:
    """Whether a package, such as "corpora/wordnet", is at hand."""
    return any(_held(place, package) for place in places())


def check(package: str, *, asked: str = "", instead: str = "") -> None:
    """Raise CorpusError, which names the download and what to choose `instead`, unless the package is at hand.

    asked: the setting that needs it.
    """
    if not has(package):
        name = package.rpartition("/")[2]
        looked = os.environ.get("NLTK_DATA")
        remedy = f"python -m nltk.downloader {name}, or set NLTK_DATA to a folder with {package}"
        raise CorpusError(
            f"nltk's data package {name} is not installed (NLTK_DATA is {looked or 'not set'})",
            where=asked or package,
            remedy=f"{remedy}, or {instead}" if instead else remedy,
        )


def read(package: str, file: str) -> str:
    """The text of one file of a package: `read("corpora/wordnet", "noun.exc")`. Raises CorpusError without it."""
    check(package)
    held = next(path for place in places() if (path := _held(place, package)))
    if held.suffix == ".zip":
        with zipfile.ZipFile(held) as archive:
            data = archive.read(f"{held.stem}/{file}")
    else:
        data = (held / file).read_bytes()
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").read()


@functools.lru_cache(maxsize=64)
def _held(place: Path, package: str) -> Path | None:
    """The folder or zip file of a package in one place."""
    folder = place / package
    zipped = folder.with_name(f"{folder.name}.zip")
    return folder if folder.is_dir() else zipped if zipped.is_file() else None

"""A model from anywhere, ready to answer: which algorithm's it is, is told by what lies in its archive or folder.

The only place that knows all algorithms' answers. Each is imported when a model of its kind is opened: word vectors
need neither torch nor numba.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from algorithms.answers import Answers
from data import archives, storage, streams
from data.errors import EmbertextError, FormatError
from data.fasttext import ModelName, model_name
from data.registry.reference import resolved

MODEL, MANIFEST, FORM, STATE = "model.tar.gz", "manifest.json", "algorithm.json", "state.safetensors"
BINARIES = ("vectors.bin", "model.bin", "model.ftz")
SMALL = (MANIFEST, FORM, "vocab.json", "vocab_in1.json", "pairing.json", "vocab.txt", "topics.txt", "eval.json")
FOREIGN = "model_algo-1"  # MXNet's, in an archive of SageMaker's Object2Vec or NTM
REMEDY = (
    "give what a training published: its model.tar.gz, its folder or URL, or the folder that it was unpacked to;"
    " or a fastText model.bin, plain or in an archive, such as BlazingText's"
)

Made = TypeVar("Made")


def hosted(url: str, *, scratch: Path | None = None) -> Answers:
    """The model of an archive, of a folder that was published or unpacked, of a fastText file: any URL; or of an
    address in a registry, as registry/words@champion.

    scratch: a folder with room for the archive's files while it is opened; nothing is left there. Raises EmbertextError
    where there is no model, or one that cannot be trusted.
    """
    return of_files(url, _answers, scratch=scratch)


def of_files(url: str, make: Callable[[str, Path], Made], *, scratch: Path | None = None) -> Made:
    """What `make` does with a model's algorithm and a folder of its files, which may go then. Raises as `hosted`."""
    if not url.strip():
        raise EmbertextError("no model is given", where="model", remedy=REMEDY)
    url = resolved(url)
    with tempfile.TemporaryDirectory(prefix="embertext-", dir=scratch) as folder:
        return _made(make, _local(url, Path(folder)), url)


def _local(url: str, scratch: Path) -> Path:
    """A folder with the model's files: its own where it is at hand, else one below `scratch`."""
    if storage.exists(archive := storage.join(url, MODEL)):
        url = archive
    if streams.is_archive(url):
        return _unpacked(url, scratch / "model")
    if storage.name(url).endswith((".bin", ".ftz")):
        return _gathered(scratch, {BINARIES[2 if url.endswith(".ftz") else 1]: url})
    if streams.endings(url) != streams.suffix(url) and storage.exists(url):  # model.bin.gz
        archives.inflated(url, scratch / BINARIES[1])
        return scratch
    if storage.is_local(url):
        with storage.local_path(url) as path:
            return path
    names = (*BINARIES, *SMALL, STATE, FOREIGN)
    return _gathered(scratch, {name: place for name in names if storage.exists(place := storage.join(url, name))})


def _unpacked(url: str, folder: Path) -> Path:
    """The files that are needed. The state, which goes unused beside a fastText model, can be as large as that."""
    found = archives.unpacked(url, folder, names=(*BINARIES, *SMALL, FOREIGN), remedy=REMEDY)
    if not any((found / name).exists() for name in (*BINARIES, FOREIGN)):
        [state] = archives.unpacked(url, folder.with_name("state"), names=(STATE,), remedy=REMEDY).iterdir()
        state.rename(found / STATE)
    return found


def _gathered(folder: Path, places: dict[str, str]) -> Path:
    """A folder with some files from elsewhere, under these names."""
    for name, place in places.items():
        with storage.local_path(place) as path:
            if storage.is_local(place):
                (folder / name).symlink_to(path.absolute())
            else:
                shutil.move(path, folder / name)
    return folder


def _answers(algorithm: str, folder: Path) -> Answers:
    if algorithm == "word2vec":
        from algorithms.word2vec import answers as word2vec

        return word2vec.open(folder)
    if algorithm == "text_classification":
        from algorithms.text_classification import answers as text_classification

        return text_classification.open(folder)
    if algorithm == "topics":
        from algorithms.topics import answers as topics

        return topics.open(folder)
    from algorithms.object2vec import answers as object2vec

    return object2vec.open(folder)


def _made(make: Callable[[str, Path], Made], folder: Path, url: str) -> Made:
    """Errors speak of the URL: nobody has seen the folder."""
    algorithm = ""
    try:
        algorithm = _algorithm(folder, url)
        return make(algorithm, folder)
    except FormatError as error:
        place = f"{url}: {Path(error.path).name}"
        raise FormatError(error.what, path=place, offset=error.offset, remedy=error.remedy) from error
    except EmbertextError:
        raise
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{FORM} is not of {algorithm}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise EmbertextError(what, where=url, remedy=REMEDY) from error
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:  # files that somebody made up
        raise EmbertextError(f"its files do not make a model ({error!r})", where=url, remedy=REMEDY) from error


def _algorithm(folder: Path, url: str) -> str:
    """Which algorithm's model lies in a folder."""
    if binary := next((path for name in BINARIES if (path := folder / name).exists()), None):
        return "text_classification" if model_name(binary) == ModelName.SUPERVISED else "word2vec"
    if (folder / STATE).exists() and (folder / FORM).exists():
        told = storage.read_json(str(folder / MANIFEST)) if (folder / MANIFEST).exists() else {}
        form = storage.read_json(str(folder / FORM))
        name = told.get("algorithm") or ("topics" if "num_topics" in form else "object2vec")
        if name in ("topics", "object2vec"):
            return str(name)
    if (folder / FOREIGN).exists():
        what = "an MXNet model, as SageMaker's Object2Vec and NTM publish, which this cannot read"
        raise EmbertextError(what, where=url, remedy="train it here, from the same channels")
    raise EmbertextError("there is no model", where=url, remedy=REMEDY)

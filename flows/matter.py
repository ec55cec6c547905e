"""What of any model can be compared with another one: the place that knows all algorithms', as `flows.hosted` does."""

from pathlib import Path

from algorithms.drift.models import Matter, drift
from data import storage
from data.errors import EmbertextError
from flows.hosted import MANIFEST, of_files
from tasks.drift import Drifted, Side


def compared(old: str, new: str) -> Drifted:
    """What changed between two models: each an archive, a folder that was published or unpacked, a fastText file.

    Raises EmbertextError where one of them is none, or they are of two algorithms.
    """
    (before, earlier), (after, later) = matter(old), matter(new)
    if before.algorithm != after.algorithm:
        what = f"a model of {after.algorithm}, and {old} is one of {before.algorithm}"
        raise EmbertextError(what, where=new, remedy="give two models of one algorithm")
    return Drifted(before=earlier, after=later, found=drift(before, after))


def matter(url: str) -> tuple[Matter, Side]:
    """Of a model at any URL, and how it is called."""

    def read(algorithm: str, folder: Path) -> tuple[Matter, Side]:
        told = folder / MANIFEST
        manifest = storage.read_json(str(told)) if told.exists() else {}
        return _matter(algorithm, folder), Side.of(manifest, model=url)

    return of_files(url, read)


def _matter(algorithm: str, folder: Path) -> Matter:
    if algorithm == "word2vec":
        from algorithms.word2vec import matter as word2vec

        return word2vec.published(folder)
    if algorithm == "text_classification":
        from algorithms.text_classification import matter as text_classification

        return text_classification.published(folder)
    if algorithm == "topics":
        from algorithms.topics import matter as topics

        return topics.published(folder)
    from algorithms.object2vec import matter as object2vec

    return object2vec.published(folder)

"""What of any model can be compared with another one: the place that knows all algorithms', as `flows.hosted` does."""

from pathlib import Path

from algorithms.drift.models import Drift, Matter, drift
from data.errors import EmbertextError
from flows.hosted import of_files


def compared(old: str, new: str) -> Drift:
    """What changed between two models: each an archive, a folder that was published or unpacked, a fastText file.

    Raises EmbertextError where one of them is none, or they are of two algorithms.
    """
    before, after = matter(old), matter(new)
    if before.algorithm != after.algorithm:
        what = f"a model of {after.algorithm}, and {old} is one of {before.algorithm}"
        raise EmbertextError(what, where=new, remedy="give two models of one algorithm")
    return drift(before, after)


def matter(url: str) -> Matter:
    """Of a model at any URL."""
    return of_files(url, _matter)


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

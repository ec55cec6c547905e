"""The vectors of the vocabulary's words as a stage: WETC judges topics by them, and those of etm may lie among them."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
from numpy.typing import NDArray
from prefect import task

from data import readers, storage
from data.auxiliary import embedding
from data.errors import CorpusError
from data.sources import Source
from data.streams import Member
from tasks import stages
from tasks.ingest import Ingested
from tasks.network import NETWORK
from tasks.progress import log, progress
from tasks.topics.text import Prepared, words_of

TABLE = "vectors.npy"


class Known(stages.Stage, frozen=True):
    """dimension: numbers of each vector; words: columns of the counts; missing: those whose words have no vector."""

    dimension: int
    words: int
    missing: int


@task(name="vectors", description="Look up the vectors of the words, before hours of training.", **NETWORK)
def look_up(prepared: Prepared, vectors: Ingested) -> Known:
    """A folder with the vectors as an array. vectors: word2vec's text or GloVe's, or word2vec's archive.

    Raises CorpusError for counts without words, for a file that holds no vectors or is cut short, and where no word has
    one.
    """
    start = time.perf_counter()
    url = stages.folder("vectors", work=prepared.work, prepared=prepared.key, vectors=vectors.source.checksum)
    if done := stages.finished(url, Known):
        return stages.reused(done)
    words = words_of(prepared, name="vectors", given=vectors.source)
    with progress("vectors"), stages.workbench(url) as scratch:
        numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}  # a given vocab.txt may repeat one
        with _opened(vectors.source) as file:
            found = embedding([file], numbers, where=file.name)
        rows = found.table(len(numbers))[[numbers[word] for word in words]]
        missing = int(np.isnan(rows[:, 0]).sum())
        if missing == len(words):
            remedy = "give vectors of words of the same language, as they are counted: in lower case"
            raise CorpusError(f"none of the {len(words):,} words has a vector", where=file.name, remedy=remedy)
        np.save(scratch / TABLE, rows)
        known = Known(
            url=url,
            seconds=time.perf_counter() - start,
            dimension=rows.shape[1],
            words=len(words),
            missing=missing,
        )
        stages.conclude(scratch, known)
    log().info("%s: %d of %d words have vectors", file.name, known.words - known.missing, known.words)
    return known


def table(known: Known) -> NDArray[np.float32]:
    """(V, D): the vector of each word, a row of nan for one that has none."""
    with stages.at_hand(known.url) as folder:
        found: NDArray[np.float32] = np.load(f"{folder}/{TABLE}")
    return found


@contextmanager
def _opened(source: Source) -> Iterator[Member]:
    """The file of vectors: the one that was given, or the vectors.txt in an archive."""
    with closing(readers.files(source)) as files:
        for member in files.members():
            if member.path in source.urls or storage.name(member.path) == "vectors.txt":
                yield member
                return
    remedy = "give a vectors.txt, or the model.tar.gz that word2vec publishes"
    raise CorpusError("no vectors.txt in it", where=source.urls[0], remedy=remedy)

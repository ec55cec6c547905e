"""Topics beside those that are the champion: the coherence of both in the same documents."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from algorithms.topics.counts import Counting, read
from data import storage
from data.counts import Counts
from tasks.against import Better, Comparison
from tasks.ingest import Ingested
from tasks.publish import MANIFEST
from tasks.topics.evaluate import Evaluated, only, reference_counts
from tasks.topics.text import Prepared

METRICS: dict[str, Better] = {"npmi": "higher", "tu": "higher", "diversity": "higher"}


def beside(
    champion: str, prepared: Prepared, evaluated: Evaluated, counting: Counting, *, reference: Ingested | None = None
) -> Comparison:
    """The metrics of the published topics `champion`, "" for none, and of those that were evaluated.

    npmi: in the documents that this one's is judged in, the reference or the training text, counted by its vocabulary.
    A word of the champion's that is not in that never meets another, as one that occurs in no document.
    """
    ours = evaluated.metrics
    on = f"the documents of {reference.source.name}" if reference else "the training documents"
    if not champion:
        return Comparison({metric: (None, ours.get(metric)) for metric in METRICS}, on=on)
    theirs = storage.read_json(storage.join(champion, MANIFEST))["metrics"]
    topics: list[list[str]] = theirs["topics"]
    counts = Counts.load(prepared.url)
    words = counts.vocabulary or [str(column) for column in range(counts.columns)]
    known = {word: column for column, word in enumerate(words)}
    coherence, lacking = _npmi(topics, known, counts, words, counting, reference)
    values = {metric: (theirs.get(metric), ours.get(metric)) for metric in METRICS} | {
        "npmi": (coherence, ours["npmi"])
    }
    note = f"{lacking:,} of the champion's words are not in this one's vocabulary" if lacking else ""
    return Comparison(values, on=on, note=note)


def _npmi(
    topics: Sequence[Sequence[str]],
    known: dict[str, int],
    counts: Counts,
    words: Sequence[str],
    counting: Counting,
    reference: Ingested | None,
) -> tuple[float, int]:
    """NPMI of some topics in this one's documents, and how many of their words it does not know."""
    from algorithms.coherence import COHERENT, npmi  # scipy takes a second to import

    tops = [topic[:COHERENT] for topic in topics]
    strange = sorted({word for topic in tops for word in topic if word not in known})
    columns = known | {word: len(words) + place for place, word in enumerate(strange)}
    ids = np.array([[columns[word] for word in topic] for topic in tops], np.int64)
    used = np.unique(ids[ids < len(words)])
    if reference is None:
        found = sparse.vstack([only(read(url), used) for url in counts.channel("train").files], format="csr")
    else:
        found = reference_counts(reference, words, counting, used, lambda _fraction, _note: None)
    return float(npmi(ids, _wider(found, len(words) + len(strange))).mean()), len(strange)


def _wider(rows: sparse.csr_matrix, columns: int) -> sparse.csr_matrix:
    """The same rows with empty columns behind."""
    indices: NDArray[np.int32] = rows.indices
    return sparse.csr_matrix((rows.data, indices, rows.indptr), shape=(rows.shape[0], columns))

"""What changed in word vectors since others were published."""

from pathlib import Path

from algorithms.drift.models import Drift, drift
from algorithms.word2vec.algorithm import Word2Vec
from tasks import stages
from tasks.drift import unpacked
from tasks.train import STATE, VOCABULARY, Trained

VECTORS = "vectors.bin"


def since(earlier: str, trained: Trained, form: Word2Vec) -> Drift:
    """From the published model `earlier` to what was trained."""
    from algorithms.word2vec import matter

    with unpacked(earlier, VECTORS) as there, stages.at_hand(trained.url) as folder:
        after = matter.trained(form, Path(folder, STATE), Path(folder, VOCABULARY))
        return drift(matter.published(there), after)

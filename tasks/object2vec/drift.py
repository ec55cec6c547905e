"""What changed in words, and in which are near each other, since another Object2Vec was published."""

from pathlib import Path

from algorithms.drift.models import Drift, drift
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.matcher import PAIRING, VOCABULARIES
from tasks import stages
from tasks.drift import unpacked
from tasks.object2vec.evaluate import ids_of
from tasks.object2vec.train import Trained
from tasks.publish import ALGORITHM
from tasks.train import STATE


def since(earlier: str, trained: Trained, form: Object2Vec) -> Drift:
    """From the published model `earlier` to what was trained."""
    from algorithms.object2vec import matter

    with (
        unpacked(earlier, ALGORITHM, STATE, PAIRING, *VOCABULARIES) as there,
        stages.at_hand(trained.url) as folder,
    ):
        return drift(matter.published(there), matter.trained(form, Path(folder, STATE), ids_of(folder)))

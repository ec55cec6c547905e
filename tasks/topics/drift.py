"""What changed in topics and their words since others were published."""

from pathlib import Path

from algorithms.drift.models import Drift, drift
from algorithms.topics.algorithm import Topics
from tasks import stages
from tasks.drift import unpacked
from tasks.publish import ALGORITHM
from tasks.topics.evaluate import EVALUATION, Evaluated
from tasks.topics.text import VOCABULARY
from tasks.topics.train import Trained
from tasks.train import STATE


def since(earlier: str, trained: Trained, evaluated: Evaluated, form: Topics) -> Drift:
    """From the published topics `earlier` to what was trained."""
    from algorithms.topics import matter

    with (
        unpacked(earlier, ALGORITHM, STATE, VOCABULARY, EVALUATION) as there,
        stages.at_hand(trained.url) as folder,
        stages.at_hand(evaluated.url) as judged,
    ):
        after = matter.trained(form, Path(folder, STATE), Path(folder, VOCABULARY), Path(judged, EVALUATION))
        return drift(matter.published(there), after)

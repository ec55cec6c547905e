"""What changed in words and classes since another classifier was published."""

from pathlib import Path

from algorithms.drift.models import Drift, drift
from tasks import stages
from tasks.drift import unpacked
from tasks.text_classification.train import LABELS, Trained
from tasks.train import VOCABULARY

BIN = "model.bin"


def since(earlier: str, trained: Trained) -> Drift:
    """From the published classifier `earlier` to what was trained."""
    from algorithms.text_classification import matter

    with unpacked(earlier, BIN) as there, stages.at_hand(trained.url) as folder:
        return drift(matter.published(there), matter.trained(Path(folder, VOCABULARY), Path(folder, LABELS)))

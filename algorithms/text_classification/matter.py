"""What of a classifier can be compared with another one: how often words are said, how large its classes are."""

from pathlib import Path

import numpy as np

from algorithms.drift.models import Matter
from algorithms.text_classification.answers import MODELS
from data.fasttext import map_model
from data.vocabulary import Vocabulary

NAME = "text_classification"


def published(folder: Path) -> Matter:
    """Of a model that was published, or of fastText's, in a local folder whose files may be deleted then."""
    path = next((path for name in MODELS if (path := folder / name).exists()), folder / MODELS[0])
    dictionary = map_model(path).dictionary
    words, labels = dictionary.entries[: dictionary.words], dictionary.entries[dictionary.words :]
    counts = np.array([entry.count for entry in words], np.int64)
    return Matter(NAME, [entry.word for entry in words], counts, classes={each.word: each.count for each in labels})


def trained(vocabulary: Path, labels: Path) -> Matter:
    """Of what a training has left."""
    known, classes = Vocabulary.load(str(vocabulary)), Vocabulary.load(str(labels))
    return Matter(
        NAME, known.words, known.counts, classes=dict(zip(classes.words, classes.counts.tolist(), strict=True))
    )

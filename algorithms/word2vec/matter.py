"""What of word vectors can be compared with other ones: how often words are said, which are near each other."""

from pathlib import Path

import numpy as np

from algorithms.drift.models import Matter
from algorithms.drift.neighbours import Space
from algorithms.model import load_state
from algorithms.word2vec.algorithm import Word2Vec
from algorithms.word2vec.answers import BINARIES
from algorithms.word2vec.table import Table
from data.vocabulary import Vocabulary

NAME = "word2vec"


def published(folder: Path) -> Matter:
    """Of a model that was published, or of fastText's, in a local folder whose files may be deleted then."""
    table = Table(next((path for name in BINARIES if (path := folder / name).exists()), folder / BINARIES[0]))
    return Matter(NAME, table.words, table.counts, [Space("words", table.words, lambda: table.vectors)])


def trained(form: Word2Vec, state: Path, vocabulary: Path) -> Matter:
    """Of what a training has left."""
    known = Vocabulary.load(str(vocabulary))
    vectors = np.asarray(form.vectors(load_state(state)), np.float32)
    return Matter(NAME, known.words, known.counts, [Space("words", known.words, lambda: vectors)])

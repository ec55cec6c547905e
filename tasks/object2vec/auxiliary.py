"""What the auxiliary channel gives a training to begin with: word vectors, by the ids of the prepared pairs."""

import numpy as np
from numpy.typing import NDArray

from data.auxiliary import read_embedding, read_vocabulary
from data.errors import HyperparameterError
from data.pairs import Pairs
from tasks.progress import log


def words(pairs: Pairs, side: int, vocabulary: str) -> dict[str, int]:
    """The ids of the words of in0 or in1 (side 0 or 1); empty where nobody has said them.

    vocabulary: the URL of SageMaker's vocab.json, or "". Raises CorpusError where that cannot be used, and
    HyperparameterError where texts have their words already.
    """
    if pairs.vocabulary is None:
        return read_vocabulary(vocabulary) if vocabulary else {}
    if vocabulary:
        what = "texts get their ids from the training data"
        field = f"enc{side}_vocab_file"
        raise HyperparameterError(what, field=field, value=vocabulary, remedy="leave it out, or give ids and not texts")
    return pairs.ids()


def vectors(
    pairs: Pairs, side: int, *, embedding: str, vocabulary: str, dimension: int, setting: str = "", size: int = 0
) -> NDArray[np.float32] | None:
    """The vectors of a file by id, (size, dimension) float32, rows of nan for ids without; None where there is no file.

    embedding, vocabulary: URLs, or "". setting: the hyperparameter that says the dimension, if it is another than
    token_embedding_dim. size: ids of the side are less, 0 for `pairs.vocab_sizes`. Raises CorpusError for files that
    cannot be used, HyperparameterError for ids that no vocabulary gives names.
    """
    ids = words(pairs, side, vocabulary)
    if not embedding:
        return None
    if not ids:
        raise HyperparameterError(
            "the vectors are of words, and the data holds ids",
            field=f"enc{side}_pretrained_embedding_file",
            value=embedding,
            remedy=f"give the ids of the words too: enc{side}_vocab_file",
        )
    setting = setting or f"enc{side}_token_embedding_dim"
    found = read_embedding(embedding, ids, dimension=dimension, setting=setting)
    log().info("%s: vectors of %s words, %s words have none", embedding, f"{len(found.ids):,}", f"{found.missing:,}")
    return found.table(size or pairs.vocab_sizes[side])

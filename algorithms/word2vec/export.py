"""Word vectors in the files that others read: vectors.txt (gensim, SageMaker), vectors.bin (fastText)."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from algorithms.state import State
from data import fasttext
from data.vectors import write_vectors
from data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from algorithms.word2vec.algorithm import Word2Vec

BLOCK = 1 << 16  # bucket rows written at a time
LR_UPDATE_RATE = 100  # fastText's default; it plays no part in inference


def export(form: "Word2Vec", state: State, vocabulary: Vocabulary, folder: Path) -> None:
    """Write vectors.txt and vectors.bin into `folder`.

    vectors.bin has a row for every bucket, as fastText demands; those that no word of the vocabulary reaches are
    zero, where fastText leaves them at their random start.
    """
    write_vectors(folder / "vectors.txt", vocabulary.words, form.vectors(state))
    words, outputs = (cast(NDArray[np.float32], state[name]) for name in ("words", "outputs"))
    buckets = form.buckets if form.subwords else 0
    args = fasttext.Args(
        dim=form.vector_dim,
        ws=form.window_size,
        epoch=form.epochs,
        min_count=form.min_count,
        neg=form.negative_samples,
        word_ngrams=1,
        loss=fasttext.LossName.NEGATIVE_SAMPLING,
        model=fasttext.ModelName.CBOW if form.mode == "cbow" else fasttext.ModelName.SKIPGRAM,
        bucket=buckets,
        minn=form.min_char if form.subwords else 0,
        maxn=form.max_char if form.subwords else 0,
        lr_update_rate=LR_UPDATE_RATE,
        t=form.sampling_threshold,
    )
    entries = [fasttext.Entry(*entry) for entry in zip(vocabulary.words, vocabulary.counts.tolist(), strict=True)]
    with (folder / "vectors.bin").open("wb") as file:
        fasttext.write_model(
            file,
            args,
            fasttext.Dictionary(entries, tokens=int(vocabulary.counts.sum())),
            input_blocks=_input_rows(state, words, buckets),
            input_rows=len(words) + buckets,
            output_blocks=[outputs],
            output_rows=len(outputs),
        )


def _input_rows(state: State, words: NDArray[np.float32], buckets: int) -> Iterator[NDArray[np.float32]]:
    yield words
    for first in range(0, buckets, BLOCK):
        block = np.zeros((min(BLOCK, buckets - first), words.shape[1]), np.float32)
        reached = cast(NDArray[np.int64], state["ngram_buckets"])
        low, high = np.searchsorted(reached, (first, first + len(block)))
        block[reached[low:high] - first] = state["ngrams"][low:high]
        yield block

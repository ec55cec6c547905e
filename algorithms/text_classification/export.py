"""A trained classifier as fastText's file, which `fasttext` itself and BlazingText's hosting container load."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from algorithms.state import State
from algorithms.text_classification.kernels import LOSSES
from data import fasttext
from data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from algorithms.text_classification.algorithm import TextClassification

BLOCK = 1 << 16  # bucket rows written at a time
WINDOW, LR_UPDATE_RATE, THRESHOLD = 5, 100, 1e-4  # fastText's defaults; they play no part in a classifier


def settings(form: "TextClassification") -> fasttext.Args:
    """The head of the file. Without n-grams there are no buckets, as in fastText."""
    return fasttext.Args(
        dim=form.vector_dim,
        ws=WINDOW,
        epoch=form.epochs,
        min_count=form.min_count,
        neg=form.negative_samples,
        word_ngrams=form.word_ngrams,
        loss=fasttext.LossName(LOSSES[form.loss]),
        model=fasttext.ModelName.SUPERVISED,
        bucket=form.buckets if form.word_ngrams > 1 else 0,
        minn=0,
        maxn=0,
        lr_update_rate=LR_UPDATE_RATE,
        t=THRESHOLD,
    )


def dictionary(vocabulary: Vocabulary, labels: Vocabulary) -> fasttext.Dictionary:
    """Words, then labels."""
    entries = [
        fasttext.Entry(word, count, kind)
        for each, kind in ((vocabulary, fasttext.EntryType.WORD), (labels, fasttext.EntryType.LABEL))
        for word, count in zip(each.words, each.counts.tolist(), strict=True)
    ]
    return fasttext.Dictionary(entries, tokens=int(vocabulary.counts.sum() + labels.counts.sum()))


def write_bin(
    form: "TextClassification", state: State, path: Path, *, vocabulary: Vocabulary, labels: Vocabulary
) -> None:
    """Write model.bin. It has a row for every bucket, as fastText demands; those that no example reaches are zero."""
    args = settings(form)
    outputs = cast(NDArray[np.float32], state["outputs"])
    with path.open("wb") as file:
        fasttext.write_model(
            file,
            args,
            dictionary(vocabulary, labels),
            input_blocks=_input_rows(state, len(vocabulary), args.bucket),
            input_rows=len(vocabulary) + args.bucket,
            output_blocks=[outputs],
            output_rows=len(outputs),
        )


def _input_rows(state: State, words: int, buckets: int) -> Iterator[NDArray[np.float32]]:
    inputs = cast(NDArray[np.float32], state["inputs"])
    yield inputs[:words]
    order = np.argsort(state["buckets"])
    reached = state["buckets"][order]
    for first in range(0, buckets, BLOCK):
        block = np.zeros((min(BLOCK, buckets - first), inputs.shape[1]), np.float32)
        low, high = np.searchsorted(reached, (first, first + len(block)))
        block[cast(NDArray[np.int64], reached[low:high]) - first] = inputs[words + order[low:high]]
        yield block

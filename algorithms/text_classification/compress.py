"""A classifier a hundredth of the size: without the words and n-grams that matter least, the others in a few bytes.

    pruned          the state without them, which may be trained once more: `algorithms.training.train(..., state=...)`
    compressed      that state as fastText's model, its rows quantised

As fastText's `quantize -qnorm -retrain` does. It knows words and n-grams; not files. (Joulin et al. 2016,
"FastText.zip: Compressing text classification models".)
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels.lookup import UNKNOWN
from algorithms.state import State
from algorithms.text_classification.encoder import END
from algorithms.text_classification.export import dictionary, settings
from algorithms.text_classification.quantize import keep_rows, product_quantize
from data.fasttext import Model
from data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from algorithms.text_classification.algorithm import TextClassification


def pruned(form: "TextClassification", state: State, *, vocabulary: Vocabulary) -> State:
    """The state with the `cutoff` rows that have the largest norms, in their order; nobody's row goes too.

    `numbers` (V + U + 1,) int32 is new there: the row that each row of the prepared examples has now, UNKNOWN for those
    that no longer count. With a cutoff of 0, or of all rows that model.bin has, they are these: one for every bucket.
    """
    words, buckets = len(vocabulary), settings(form).bucket
    inputs = cast(NDArray[np.float32], state["inputs"])[:-1]
    reached = cast(NDArray[np.int64], state["buckets"])
    kept = {name: np.array(state[name]) for name in ("outputs", "label_counts")}  # copies: training may write to them
    if not 0 < form.cutoff < words + buckets:
        return kept | _all_rows(inputs, words=words, reached=reached, buckets=buckets)
    end_of_sentence = vocabulary.index.get(END.decode(), UNKNOWN)
    rows = keep_rows(inputs, words=words, cutoff=form.cutoff, end_of_sentence=end_of_sentence)
    numbers = np.full(len(inputs) + 1, UNKNOWN, np.int32)
    numbers[rows] = np.arange(rows.size)
    return kept | {"inputs": inputs[rows], "buckets": reached[rows[rows >= words] - words], "numbers": numbers}


def _all_rows(inputs: NDArray[np.float32], *, words: int, reached: NDArray[np.int64], buckets: int) -> State:
    """Zeros for the buckets that no example reaches; nobody's row is that of one of them."""
    every = np.zeros((words + buckets, inputs.shape[1]), np.float32)
    numbers = np.concatenate([np.arange(words), words + reached, [UNKNOWN]]).astype(np.int32)
    every[numbers[:-1]] = inputs
    unreached = np.ones(buckets, np.bool_)
    unreached[reached] = False
    if unreached.any():
        numbers[-1] = words + np.argmax(unreached)
    return {"inputs": every, "buckets": np.arange(buckets), "numbers": numbers}


def lacks(state: State) -> bool:
    """Whether a pruned state is without a row that it was trained with: only then there is something to learn anew."""
    return bool((state["numbers"][:-1] == UNKNOWN).any())


def compressed(
    form: "TextClassification",
    state: State,
    *,
    vocabulary: Vocabulary,
    labels: Vocabulary,
    threads: int = 1,
    on_progress: Callable[[float], None] | None = None,
    seed: int,
) -> Model:
    """What model.ftz holds. vocabulary: of the state before it was pruned; labels: all; on_progress: see quantize."""
    inputs, outputs = (cast(NDArray[np.float32], state[name]) for name in ("inputs", "outputs"))
    buckets = cast(NDArray[np.int64], state["buckets"])
    stay = state["numbers"][: len(vocabulary)] != UNKNOWN
    words = [word for word, stays in zip(vocabulary.words, stay, strict=True) if stays]
    args = settings(form)
    prune = None
    if len(inputs) < len(vocabulary) + args.bucket:
        prune = np.stack([buckets, np.arange(buckets.size)], axis=1).astype(np.int32)
    return Model(
        args,
        dictionary(Vocabulary(words, vocabulary.counts[stay]), labels),
        product_quantize(inputs, threads=threads, on_progress=on_progress, seed=seed),
        outputs,
        prune,
    )

"""A trained classifier at work: lines of text in, the likeliest labels out. Ours, or any that fastText trained."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from algorithms.kernels import huffman
from algorithms.kernels.lookup import UNKNOWN
from algorithms.kernels.rows import in_place, stride_of
from algorithms.state import State
from algorithms.text_classification import kernels, predict_kernels
from algorithms.text_classification.encoder import Encoder
from data.errors import EmbertextError
from data.examples import Batch
from data.fasttext import Model, ModelName
from data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from algorithms.text_classification.algorithm import TextClassification

Piece = TypeVar("Piece")
Result = TypeVar("Result")

LINES = 1 << 12  # that one thread takes at a time


class Predictions(NamedTuple):
    """labels (n, k) int32, numbers of labels, the likeliest first, -1 where there are fewer than k; probabilities
    (n, k) float32, as fastText tells them: 1e-5 above the model's own, so that one may be a little above 1.
    """

    labels: NDArray[np.int32]
    probabilities: NDArray[np.float32]


class Classifier:
    """labels: their names, `__label__` and all; tables as in the state of a `TextClassification`."""

    def __init__(
        self,
        encoder: Callable[[], Encoder],
        labels: Sequence[str],
        *,
        inputs: NDArray[np.float32],
        outputs: NDArray[np.float32],
        label_counts: NDArray[np.int64],
        loss: int,
    ) -> None:
        self._make_encoder, self.labels, self.loss = encoder, list(labels), loss
        self._stride = stride_of(inputs.shape[1])
        self._inputs, self._outputs = in_place(inputs), in_place(outputs[: len(labels)])
        self._tree = huffman.tree(label_counts) if loss == kernels.HS else huffman.NO_TREE

    @classmethod
    def of(
        cls, form: "TextClassification", state: State, *, vocabulary: Vocabulary, labels: Vocabulary
    ) -> "Classifier":
        """The classifier that a training has reached. It sees the state's arrays change where they are trained on."""
        buckets = cast(NDArray[np.int64], state["buckets"])

        def encoder() -> Encoder:
            return Encoder(
                [word.encode() for word in vocabulary.words],
                [label.encode() for label in labels.words],
                word_ngrams=form.word_ngrams,
                buckets=form.buckets,
                bucket_rows=buckets,
                missing=len(vocabulary) + buckets.size,
            )

        tables = {name: cast(NDArray[np.float32], state[name]) for name in ("inputs", "outputs")}
        return cls(encoder, labels.words, **tables, label_counts=labels.counts, loss=kernels.LOSSES[form.loss])

    @classmethod
    def of_fasttext(cls, model: Model, *, path: str = "model.bin") -> "Classifier":
        """The classifier in a file of fastText's, .bin or .ftz. Raises EmbertextError where it holds word vectors."""
        args, entries, words = model.args, model.dictionary.entries, model.dictionary.words
        labels = entries[words:]
        if args.model != ModelName.SUPERVISED:
            what = f"a model of {args.model.name.lower()}, not a classifier"
            raise EmbertextError(what, where=path, remedy="give a model that fastText's supervised command made")
        if not labels:
            raise EmbertextError("a classifier without labels", where=path, remedy="train it again")
        rows = None
        if model.prune is not None:
            rows = np.empty(len(model.prune), np.int64)
            rows[model.prune[:, 1]] = model.prune[:, 0]
        names = [entry.word.encode("utf-8", "surrogateescape") for entry in entries]
        encoder = Encoder(
            names[:words],
            names[words:],
            word_ngrams=args.word_ngrams,
            buckets=max(args.bucket, 1),
            bucket_rows=rows,
            missing=UNKNOWN,
            min_char=args.minn,
            max_char=args.maxn,
        )
        inputs, outputs = model.dense()
        counts = np.array([entry.count for entry in labels], np.int64)
        names_shown = [entry.word for entry in labels]
        return cls(
            lambda: encoder, names_shown, inputs=inputs, outputs=outputs, label_counts=counts, loss=int(args.loss)
        )

    @cached_property
    def encoder(self) -> Encoder:
        """What makes examples of text; made when first asked for, as who judges encoded examples needs none."""
        return self._make_encoder()

    def predict(self, texts: Sequence[str], *, k: int = 1, threshold: float = 0.0, threads: int = 1) -> Predictions:
        """The k likeliest labels of each text that reach the threshold. Tokens are separated by white space."""
        size = max(1, min(LINES, -(-len(texts) // threads)))
        pieces = [texts[first : first + size] for first in range(0, len(texts), size)]
        encoder = self.encoder

        def work(piece: Sequence[str]) -> Predictions:
            return self.judge(encoder.encode(_lines(piece), blanks=True), k=k, threshold=threshold)

        return _joined(_mapped(work, pieces, threads), min(k, len(self.labels)))

    def judge(self, batch: Batch, *, k: int = 1, threshold: float = 0.0, threads: int = 1) -> Predictions:
        """The same for examples that are encoded already."""
        assert k > 0, k
        k = min(k, len(self.labels))
        labels = np.full(batch.size * k, UNKNOWN, np.int32)
        probabilities = np.zeros(batch.size * k, np.float32)

        def work(piece: range) -> None:
            predict_kernels.predict(
                self._inputs, self._outputs, self._stride, batch.stream, batch.offsets, piece.start, piece.stop,
                self.loss, self._tree.lefts, self._tree.rights, float(threshold), k, labels, probabilities,
            )  # fmt: skip

        pieces = [range(first, min(first + LINES, batch.size)) for first in range(0, batch.size, LINES)]
        _mapped(work, pieces, threads)
        return Predictions(labels.reshape(-1, k), probabilities.reshape(-1, k))


def _mapped(work: Callable[[Piece], Result], pieces: Sequence[Piece], threads: int) -> list[Result]:
    """The results of `work`, in order; on threads where there is more than one."""
    if threads == 1 or len(pieces) < 2:
        return list(map(work, pieces))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, pieces))


def _lines(texts: Sequence[str]) -> bytes:
    """Each text a line; a line break inside is a space."""
    text = "\n".join(texts) + "\n"
    if text.count("\n") != len(texts):
        text = "\n".join([text.replace("\n", " ") for text in texts]) + "\n"
    return text.encode(errors="replace")


def _joined(predictions: Iterable[Predictions], k: int) -> Predictions:
    some = list(predictions) or [Predictions(np.empty((0, k), np.int32), np.empty((0, k), np.float32))]
    if len(some) == 1:
        return some[0]
    return Predictions(*(np.concatenate(each) for each in zip(*some, strict=True)))

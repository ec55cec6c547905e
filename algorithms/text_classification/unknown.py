"""Labelled lines as a classifier reads them that was trained on others: some of their labels it may not know.

Such a label gets a number behind the classifier's own. It is a class then that is never predicted, so that an example
with no other label counts as wrong.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from algorithms.kernels.lookup import UNKNOWN
from algorithms.text_classification.encode import Writer, no_words, whole_lines
from algorithms.text_classification.encoder import LABEL, Encoder
from algorithms.text_classification.lines import unlabelled
from data.errors import CorpusError
from data.examples import Shards

SPACES = b" \0\t\v\f\r"  # between tokens
TOLD = 3  # labels that are named


class Read(NamedTuple):
    """labels: the classifier's, then those that it does not know; strange: how often each of these stands in the
    lines; strangers: examples that have one.
    """

    shards: Shards
    labels: list[str]
    strange: Counter[str]
    strangers: int

    def told(self) -> dict[str, int | list[str]]:
        """How many examples have labels that are not known, how many labels these are, and the most frequent."""
        names = [name.removeprefix(LABEL.decode()) for name, _ in self.strange.most_common(TOLD)]
        return {"examples": self.strangers, "labels": len(self.strange), "such_as": names}


def encode_for(encoder: Encoder, labels: Sequence[str], blocks: Iterable[bytes], folder: Path) -> Read:
    """Write the examples of fastText lines (UTF-8, cut between tokens) into `folder`.

    labels: the classifier's, in the order of its outputs. Raises ExampleError for a line without a label, CorpusError
    where there are no lines, or where the classifier knows no label of any.
    """
    writer, numbers, strange = Writer(folder, "validation"), dict[str, int](), Counter[str]()
    own = {label for label in labels if label.startswith(LABEL.decode())}
    strangers = known = 0
    for text in whole_lines(blocks):
        batch = encoder.encode(text)
        starts, given = batch.labels()
        if not np.diff(starts).all():
            raise unlabelled(writer.size + int(np.argmin(np.diff(starts))))
        places = np.flatnonzero(given == UNKNOWN)
        known += given.size - places.size
        if places.size:
            owners = np.unique(np.searchsorted(starts, places, side="right") - 1)
            names = _strange_labels(text, owners.tolist(), own)
            strange.update(names)
            strangers += owners.size
            found = [numbers.setdefault(name, len(labels) + len(numbers)) for name in names]
            in_stream = np.repeat(batch.offsets[1:] - starts[1:], np.diff(starts)) + np.arange(given.size)
            batch.stream[in_stream[places]] = found
        writer.add(batch)
    if not writer.size:
        raise no_words()
    if not known:
        raise _foreign(labels, strange)
    return Read(writer.shards(), [*labels, *numbers], strange, strangers)


def _strange_labels(text: bytes, examples: Sequence[int], own: set[str]) -> list[str]:
    """The unknown labels of some examples, in their order; blank lines are no examples."""
    lines = [line for line in text.split(b"\n") if line.strip(SPACES)]
    separators = bytes.maketrans(SPACES, b" " * len(SPACES))
    tokens = (token for i in examples for token in lines[i].translate(separators).split(b" "))
    names = (token.decode() for token in tokens if token.startswith(LABEL))
    return [name for name in names if name not in own]


def _foreign(labels: Sequence[str], strange: Mapping[str, int]) -> CorpusError:
    """What there is to say of lines whose labels are all unknown. They may only be spelled in another way."""
    names = [name.removeprefix(LABEL.decode()) for name in strange]
    remedy = "give text of the model's classes, or another model"
    for name, label in ((name, label) for name in names[:1000] for label in labels if name and label.endswith(name)):
        prefix = label.removesuffix(name)
        if prefix != LABEL.decode() and all(other.startswith(prefix) for other in labels):
            begin = f"begin with {prefix}" if prefix else "have no prefix"
            remedy = f"the model's labels {begin}: write {label} at the beginning of the line of a text file"
            break
    return CorpusError(
        f"the model knows no label of this text ({_some(list(strange))}); its own are {_some(labels)}", remedy=remedy
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(name.encode("utf-8", "surrogateescape").decode(errors="replace") for name in names[:TOLD])
    return shown if len(names) <= TOLD else f"{shown}, and {len(names) - TOLD:,} more"

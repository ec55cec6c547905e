"""A trained Object2Vec at work: texts or ids in, scores of pairs and encodings out."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from numpy.typing import NDArray

from algorithms.model import load_state
from algorithms.object2vec.pairing import Pairing
from algorithms.state import State
from data import archives, storage, streams
from data.errors import EmbertextError, ExampleError
from data.pair_texts import spaced
from data.pairs import PAD, Batch, Sequences

if TYPE_CHECKING:
    from algorithms.object2vec.algorithm import Object2Vec

ALGORITHM, STATE, PAIRING = "algorithm.json", "state.safetensors", "pairing.json"
VOCABULARIES = ("vocab.json", "vocab_in1.json")  # of in0, or of both; of in1 where it has its own
REMEDY = "give the model.tar.gz of Object2Vec, or the folder that it was unpacked to"

Given = str | int | Sequence[int]
"""One side of a pair: a text, an id, or ids."""


class Matcher:
    """ids: of the words of in0 and of in1, empty where nobody has said them; then it knows ids and no texts."""

    def __init__(
        self, form: "Object2Vec", state: State, *, ids: tuple[Mapping[str, int], Mapping[str, int]], pairing: Pairing
    ) -> None:
        self.form, self.state, self.ids, self.pairing = form, state, ids, pairing
        self._tokens = spaced(pairing.tokenizer, pairing.max_words)

    @classmethod
    def load(cls, url: str) -> "Matcher":
        """The model that a run has published: its model.tar.gz, or the folder that this was unpacked to.

        Raises EmbertextError where there is none.
        """
        from algorithms.object2vec.algorithm import Object2Vec  # torch, whose import takes two seconds

        with tempfile.TemporaryDirectory(prefix="embertext-") as scratch:
            folder = url
            if streams.is_archive(url):
                names = (ALGORITHM, STATE, PAIRING, *VOCABULARIES)
                folder = str(archives.unpacked(url, Path(scratch), names=names, remedy=REMEDY))

            def read(name: str) -> Any:
                place = storage.join(folder, name)
                return orjson.loads(storage.read_bytes(place)) if storage.exists(place) else None

            form = read(ALGORITHM)
            if form is None:
                raise EmbertextError(f"there is no {ALGORITHM} in it", where=url, remedy=REMEDY)
            with storage.local_path(storage.join(folder, STATE)) as path:
                state = load_state(Path(path))
            first, second = (read(name) for name in VOCABULARIES)
            pairing = Pairing(**(read(PAIRING) or {}))
        return cls(Object2Vec(**form), state, ids=(first or {}, second or first or {}), pairing=pairing)

    def scores(self, in0: Sequence[Given], in1: Sequence[Given]) -> NDArray[np.float32]:
        """(E, num_classes): the chances of each class for the pairs in0[i], in1[i]; or (E, 1), the score.

        Raises ExampleError for a text without words, an empty sequence, an id that is too large.
        """
        assert len(in0) == len(in1), (len(in0), len(in1))
        first, second = self._sequences(in0, 0), self._sequences(in1, 1)
        return self.form.scores(self.state, Batch(first, second, np.zeros(len(in0), np.float32)))

    def embeddings(self, given: Sequence[Given], *, side: int = 0) -> NDArray[np.float32]:
        """(E, enc_dim): what the encoder of in0, or with side=1 of in1, makes of them. Raises as `scores`."""
        return self.form.embed(self.state, self._sequences(given, side), side=side)

    def _sequences(self, given: Sequence[Given], side: int) -> Sequences:
        size = len(self.state["tokens_0" if self.form.tied else f"tokens_{side}"])
        return Sequences.of(self._encoded(number, each, side, size) for number, each in enumerate(given))

    def _encoded(self, number: int, given: Given, side: int, size: int) -> Sequence[int]:
        """The ids of one; unknown words have the id 0."""

        def refuse(what: str, remedy: str) -> ExampleError:
            return ExampleError(f"in{side}: {what}", index=number, remedy=remedy)

        if isinstance(given, str):
            words = self._tokens(given).split(" ")
            if not self.ids[side]:
                raise refuse("a text, and the model knows ids alone", "give ids, or train with a vocabulary file")
            if words == [""]:
                raise refuse("no words", "leave it out")
            ids = [self.ids[side].get(word, 0) for word in words]
            return [each if each < size else 0 for each in ids]
        ids = [given] if isinstance(given, int) else list(given)
        if not ids:
            raise refuse("an empty sequence", "leave it out, or give it the id 0 alone")
        if wrong := next((each for each in ids if not 0 <= each < size), None):
            raise refuse(f"vocab id {wrong} is not one of 0..{size - 1}", "give ids that were there in training")
        return ids


def weights(state: State) -> State:
    """What scores and encodings need of a state: no optimizer's numbers, no list of positive pairs."""
    return {name: array for name, array in state.items() if "." not in name and name != "positives"}


def names(ids: Mapping[str, int], size: int) -> list[str]:
    """What each of so many ids is called: its word, where one is known."""
    found = [str(number) for number in range(size)] if not ids else [PAD] * size
    for word, number in ids.items():
        if number < size:
            found[number] = word
    return found

"""What a model that answers is: bytes of a request in, bytes of a response out. It knows no algorithm and no HTTP.

    body --decode--> instances --predict--> predictions --encode--> Answer

`answer` is the three in one call, and may be faster. `decode` does all that can be wrong with a request: what it
returns can be predicted and encoded, in portions of any size. Content types may have parameters, as
"application/jsonlines; infer_max_seqlens=10,20". How bodies are read and written is in `algorithms.codecs`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from data.errors import EmbertextError

JSON = "application/json"
JSON_LINES = "application/jsonlines"
CSV = "text/csv"
RECORDIO = "application/x-recordio-protobuf"

Instance = Any  # what an algorithm's `decode` makes of one record; opaque to others
Prediction = Any  # what its `predict` makes of one instance


class Answer(NamedTuple):
    """A response."""

    body: bytes
    content_type: str


class RequestError(EmbertextError):
    """A request that cannot be answered. `status` is HTTP's for it: 400 a bad body, 406 an Accept that no answer meets,
    413 too much, 415 a content type that the algorithm does not read. `record` counts the body's records from 0: lines
    that are not blank, instances, RecordIO's records; None: it is not about a single one. `field` is a path in it, such
    as data.features.keys.
    """

    def __init__(
        self, what: str, *, status: int = 400, record: int | None = None, field: str = "", where: str = "", remedy: str
    ) -> None:
        self.status, self.record, self.field = status, record, field
        place = where or ("" if record is None else f"record {record + 1}")
        super().__init__(what, where=", ".join(part for part in (place, field) if part), remedy=remedy)


class Answers(Protocol):
    """A model at work. Threads may ask it at once."""

    @property
    def algorithm(self) -> str:
        """Its name: word2vec, text_classification, topics, object2vec."""

    @property
    def content_types(self) -> Sequence[str]:
        """What it reads, the best known first."""

    def about(self) -> dict[str, Any]:
        """What it is, ready for JSON: algorithm, sizes, an example of a request; what each has is in its own words."""

    def answer(self, body: bytes, *, content_type: str, accept: str = "") -> Answer:
        """The response to a request; both types as in the headers. Raises RequestError."""

    def decode(self, body: bytes, *, content_type: str) -> list[Instance]:
        """The records of a body, checked. Raises RequestError, whose `record` says which one is bad."""

    def predict(self, instances: Sequence[Instance]) -> list[Prediction]:
        """One for each instance, in order."""

    def encode(self, predictions: Sequence[Prediction], *, accept: str = "") -> Answer:
        """The body of a response of the accepted type; "": JSON. Raises RequestError, 406, where it has no such type.

        Bodies of lines, and of records, may be put one after the other; those of JSON may not.
        """


class Neighbour(NamedTuple):
    """Something near, and its cosine."""

    name: str
    similarity: float


@runtime_checkable
class Neighbours(Protocol):
    """A model that can also tell what is near. Which of the ways it knows is in `about()["neighbours"]`."""

    def neighbours(
        self,
        *,
        words: Sequence[str] = (),
        vector: Sequence[float] = (),
        positive: Sequence[str] = (),
        negative: Sequence[str] = (),
        documents: Sequence[str] = (),
        k: int = 10,
    ) -> list[list[Neighbour]]:
        """The k nearest words, the nearest first: of each of `words`; or of a vector; or of the sum of the unit vectors
        of positive words less those of negative ones. Or, for each text of `documents`, the others of them, named by
        their places: "0", "1" ... What is asked for is not its own neighbour. One of the ways at a time.

        Raises RequestError for a word that is unknown, and for a way that the model does not know.
        """

"""The fields that Object2Vec's form has once for each side: their titles, bounds and spellings."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

Network = Literal["hcnn", "bilstm", "pooled_embedding"]

AUTO = "auto"
COMPARATORS = ("hadamard", "concat", "abs_diff", "cosine")
LONGEST, LARGEST_VOCABULARY = 5000, 3_000_000


def _layers(value: str) -> str:
    """One spelling: "auto", or "1" to "4"."""
    value = value.strip().lower()
    if value != AUTO and value not in ("1", "2", "3", "4"):
        raise ValueError('expected "auto", or a number of layers from 1 to 4')
    return value


def comparators(value: str) -> str:
    """One spelling for each list: "hadamard, concat"."""
    names = [name.strip().lower() for name in value.split(",")]
    if not set(names) <= set(COMPARATORS) or len(set(names)) < len(names):
        raise ValueError(f"expected some of {', '.join(COMPARATORS)}, each once, with commas between")
    return ", ".join(names)


def max_seq_len(side: str, zero: str) -> Any:
    """How much of a sequence is read."""
    return Field(
        title=f"{side}: longest sequence",
        description=f"Ids that are read of a sequence, the rest is cut off; 0: {zero}.",
        ge=0,
        le=LONGEST,
    )


def vocab_size(side: str, zero: str) -> Any:
    """The bound of the ids."""
    return Field(
        title=f"{side}: vocabulary",
        description=f"Every id is less than this; 0: {zero}.",
        ge=0,
        le=LARGEST_VOCABULARY,
    )


def token_dim(side: str) -> Any:
    """The size of token vectors."""
    return Field(
        title=f"{side}: token dimension",
        description="Numbers in a token's vector; pooled_embedding has enc_dim.",
        ge=2,
        le=1000,
    )


def filter_width(side: str) -> Any:
    """How wide filters are."""
    return Field(title=f"{side}: filter width", description="Tokens that a filter sees; hcnn only.", ge=1, le=9)


def layers_field(side: str) -> Any:
    """How many layers there are."""
    return Field(
        title=f"{side}: layers",
        description="auto, or 1 to 4: auto is 4 for hcnn, 1 for bilstm.",
        json_schema_extra={"enum": [AUTO, "1", "2", "3", "4"]},
    )


def _file(side: str, what: str, content: str) -> Any:
    description = f"Name of a file in the auxiliary channel: {content}."
    return Field(title=f"{side}: {what}", description=description, pattern=r"^[A-Za-z0-9._]*$")


def vectors_file(side: str) -> Any:
    """Where token vectors come from."""
    return _file(side, "pretrained vectors", "vectors of words to begin with, GloVe's or word2vec's text")


def vocab_file(side: str) -> Any:
    """Where the ids of words come from."""
    return _file(side, "vocabulary file", "the id of each word, as JSON; for data of ids")


def freeze(side: str) -> Any:
    """Whether pretrained vectors are trained."""
    return Field(title=f"{side}: freeze", description="Pretrained token vectors stay as they are.")


Layers = Annotated[str, BeforeValidator(str), AfterValidator(_layers)]

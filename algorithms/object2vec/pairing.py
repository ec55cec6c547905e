"""How raw texts become pairs of ids: a form of its own, beside that of the algorithm, which begins with ids."""

from typing import Literal

from pydantic import BaseModel, Field

from algorithms.forms import in_order
from data.tokenizer import Name


class Pairing(BaseModel, frozen=True, extra="forbid", json_schema_extra=in_order):
    """How pairs are made and numbered. The defaults are those of SageMaker's notebook of document embeddings."""

    tokenizer: Name = Field(
        "wordpunct", title="Tokenizer", description="What a word is; all but whitespace make text lower-case."
    )
    min_count: int = Field(
        5,
        ge=1,
        title="Minimum count",
        description="Words that are seen less often in the training pairs have the id 0.",
    )
    max_vocabulary: int = Field(
        500_000, ge=1, le=2_999_999, title="Largest vocabulary", description="The most frequent words, so many of them."
    )
    max_words: int = Field(
        0, ge=0, le=1_000_000, title="Longest text", description="Cut texts after so many words; 0: leave them whole."
    )
    sentences: int = Field(
        1, ge=1, le=1000, title="Sentences", description="Sentences drawn of each document, each against the rest."
    )
    draw: Literal["auto", "first", "random"] = Field(
        "auto",
        title="Draw",
        description="Which sentences: the first ones, or any; auto: the first of docstrings, any of the rest.",
    )
    negatives: int = Field(
        5,
        ge=0,
        le=1000,
        title="Negatives",
        description="Pairs that are none, for each pair of validation and test sets without any.",
    )

"""What is near: words, documents, and the arithmetic of analogies. Routes beside SageMaker's."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from algorithms.answers import Neighbour, Neighbours, RequestError
from tasks.serve.models import Model, Models

MOST = 1000  # neighbours of one thing
MANY = 1000  # things in one request

Words = Annotated[list[str], Field(max_length=MANY)]


class Question(BaseModel):
    """Words, documents or a vector to find the nearest of; or an analogy: positive words less negative ones."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"positive": ["king", "woman"], "negative": ["man"], "k": 5}]},
    )

    words: Words = Field([], description="Find the nearest words of each.")
    positive: Words = Field([], description="Find the nearest words of the sum of these ...")
    negative: Words = Field([], description="... less these.")
    documents: Words = Field([], description="Tell for each text which of the others are nearest; 0 is the first.")
    vector: list[float] = Field([], description="Find the nearest words of a vector.", max_length=100_000)
    k: int = Field(10, description="How many.", ge=1, le=MOST)
    model: str = Field("", description="The model to ask; without it the default one.")


class Near(BaseModel):
    """Something near, and its cosine."""

    name: str
    similarity: float


class Found(BaseModel):
    """The nearest first, of each thing that was asked about."""

    of: str
    nearest: list[Near]


class Nearest(BaseModel):
    """An answer."""

    model: str
    neighbors: list[Found]


def router(models: Models) -> APIRouter:
    """GET and POST /neighbors, and the same below /models/{name}."""
    routes = APIRouter(tags=["Beyond SageMaker"])

    @routes.get("/neighbors", summary="What is near, asked in the address")
    def search(question: Annotated[Question, Query()]) -> Nearest:
        """As in `/neighbors?positive=king&positive=woman&negative=man&k=5`."""
        return _ask(ask_for(models, question.model), question)

    @routes.post("/neighbors", summary="What is near")
    def find(question: Question) -> Nearest:
        """The nearest of words, of an analogy, of a vector, or of documents among each other."""
        return _ask(ask_for(models, question.model), question)

    @routes.get("/models/{name}/neighbors", summary="What is near, asked in the address")
    def search_model(name: str, question: Annotated[Question, Query()]) -> Nearest:
        """As `/neighbors`, of this model."""
        return _ask(ask_for(models, name), question)

    @routes.post("/models/{name}/neighbors", summary="What is near")
    def find_model(name: str, question: Question) -> Nearest:
        """As `/neighbors`, of this model."""
        return _ask(ask_for(models, name), question)

    return routes


def ask_for(models: Models, name: str) -> Model:
    """The model of that name. Raises RequestError, 404, when there is none."""
    model = models.find(name)
    if model is None:
        known = ", ".join(models.places)
        raise RequestError("no such model", status=404, where=name[:100], remedy=f"there is {known}")
    return model


def _ask(model: Model, question: Question) -> Nearest:
    answers = model.answers
    if not isinstance(answers, Neighbours):
        raise RequestError("this model knows of no neighbours", where=model.name, remedy="ask another one")
    asked = question.model_dump(exclude={"model"})
    found = answers.neighbours(**asked)
    return Nearest(
        model=model.name,
        neighbors=[
            Found(of=of, nearest=list(map(_near, nearest))) for of, nearest in zip(_asked(question), found, strict=True)
        ],
    )


def _asked(question: Question) -> Sequence[str]:
    """What each list of neighbours is of."""
    if question.words or question.documents:
        return question.words or question.documents
    if question.vector:
        return ["vector"]
    return [" ".join([*(f"+{word}" for word in question.positive), *(f"-{word}" for word in question.negative)])]


def _near(neighbour: Neighbour) -> Near:
    return Near(name=neighbour.name, similarity=neighbour.similarity)

"""What a registry's objects hold."""

from typing import Any

from pydantic import BaseModel

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
CHAMPION = "champion"


class Run(BaseModel, frozen=True):
    """Which run it was, "" for what is not known: a run need not have come from a deployment."""

    id: str = ""
    name: str = ""
    flow: str = ""
    deployment: str = ""


class Model(BaseModel, frozen=True):
    """A published model, and where it comes from.

    url: of its folder; model: of its model.tar.gz; manifest: the SHA-256 of its manifest.json, by which two are the
    same; metrics: its numbers; judged: how it did beside the champion of that time, as the gate has it.
    """

    url: str
    model: str
    manifest: str
    algorithm: str
    created: str
    partition: str = ""
    corpus: dict[str, Any] = {}
    hyperparameters: dict[str, Any] = {}
    metrics: dict[str, float] = {}
    code: dict[str, Any] = {}
    run: Run = Run()
    judged: dict[str, Any] | None = None


class Version(Model, frozen=True):
    """A model that is registered: under which name and number, when, and by whom."""

    name: str
    version: int
    registered: str
    by: str

    @property
    def label(self) -> str:
        """words@3."""
        return f"{self.name}@{self.version}"


class Move(BaseModel, frozen=True):
    """version is the champion since `when`; previous: to which a rollback goes, 0 for none.

    how: promoted or rolled back; by: who; why: in a sentence; run: which did it.
    """

    version: int
    previous: int
    how: str
    when: str
    by: str
    why: str
    run: Run = Run()


class Alias(Move, frozen=True):
    """The last move, and all before it, the earliest first."""

    history: list[Move] = []

"""What can go wrong with what a user gave, as one small tree.

    EmbertextError (ValueError)
    ├── CorpusError          an input that cannot be used as text: missing, empty, not UTF-8, not reachable
    │   └── ExampleError     one line of it; knows which
    ├── FormatError          bytes that are not in the format their name promises; knows file and offset
    ├── StorageError         a place that cannot be read or written
    └── HyperparameterError  settings that are each valid and cannot work together; knows the field

Every message says where, what and the remedy, in one line. Bounds of a single hyperparameter are pydantic's
`ValidationError`, which is a `ValueError` too.
"""

from typing import Any


class EmbertextError(ValueError):
    """A user's mistake that can be put right. `where` names the place, `remedy` what to do about it."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__((f"{where}: " if where else "") + what + (f"; {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as what it is, whatever the arguments that made it."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[EmbertextError], args: tuple[Any, ...], fields: dict[str, Any]) -> EmbertextError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error


class CorpusError(EmbertextError):
    """An input that cannot be used as text."""


class ExampleError(CorpusError):
    """One example among many that cannot be used. `index` counts the lines that are not blank, from 0."""

    def __init__(self, what: str, *, index: int, remedy: str) -> None:
        self.index = index
        super().__init__(what, where=f"example {index + 1}", remedy=remedy)


class StorageError(EmbertextError):
    """A place that cannot be read or written."""


class FormatError(EmbertextError):
    """Bytes that are not in the format their name promises. `offset` counts bytes from the start of `path`."""

    def __init__(self, what: str, *, path: str, offset: int, remedy: str = "") -> None:
        self.path, self.offset = path, offset
        super().__init__(what, where=f"{path}: byte {offset}", remedy=remedy)


class HyperparameterError(EmbertextError):
    """Settings that are each valid and cannot work together. `field` and `value` name the one to change."""

    def __init__(self, what: str, *, field: str, value: object, remedy: str) -> None:
        self.field, self.value = field, value
        super().__init__(what, where=f"{field}={value!r}", remedy=remedy)

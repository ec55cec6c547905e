"""Parameters of a deployment by the names that people give them, placed in its forms and judged by its schema.

    seed                    a parameter of the flow
    learning_rate           a field of one of its forms
    word2vec.epochs         the same with the form's name, which is needed where two forms have such a field

Pure: the schema is what a Prefect server keeps of a deployment.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import orjson
from prefect.utilities.schema_tools.validation import validate
from pydantic import WithJsonSchema

from algorithms.search.reading import mapping
from algorithms.search.space import did_you_mean
from data.errors import EmbertextError, HyperparameterError

PARTITION = "partition"

Schema = Mapping[str, Any]
Path = tuple[str, ...]
Given = Annotated[str | dict[str, Any], WithJsonSchema({"type": "string"})]
"""Values by name: YAML or JSON as text, or what it would hold. To a form it is text."""


def named(given: Given, *, where: str, example: str = "learning_rate: 0.05") -> dict[str, Any]:
    """Values by their names. Raises EmbertextError for text that says something else."""
    return mapping(given, where=where, kind="values", example=example) if isinstance(given, str) else dict(given)


def lists(given: Given) -> dict[str, list[Any]]:
    """The same with lists of values; 0.025, 0.05 is one too."""
    found = named(given, where="sweep", example="learning_rate: [0.025, 0.05]")
    return {name: values if isinstance(values, list) else _split(values) for name, values in found.items()}


def place(name: str, schema: Schema, *, where: str) -> Path:
    """The keys that lead to a parameter. where: the deployment, for errors. Raises EmbertextError."""
    wanted = name.strip().replace("-", "_")
    if wanted == PARTITION:
        remedy = "say which by --from, --to and --every"
        raise EmbertextError("is what a backfill goes through", where=f"{where}: {PARTITION}", remedy=remedy)
    if wanted in schema["properties"]:
        return (wanted,)
    known = ["/".join(path).replace("/", ".") for path in paths(schema)]
    if "." in wanted:
        if wanted in known:
            return tuple(wanted.split("."))
        raise _unknown(name, known, where)
    found = [each for each in known if each.rpartition(".")[2] == wanted]
    if not found:
        raise _unknown(name, [each.rpartition(".")[2] for each in known], where)
    if len(found) > 1:
        raise EmbertextError(f"{name} is in several forms", where=where, remedy=f"write {' or '.join(found)}")
    return tuple(found[0].split("."))


def paths(schema: Schema) -> Iterator[Path]:
    """All that can be given but the partition: parameters that are values, and fields of those that are forms."""
    for name, field in schema["properties"].items():
        if form := _form(field, schema):
            yield from ((name, inner) for inner in form["properties"])
        elif name != PARTITION:
            yield (name,)


def read(value: Any, path: Path, schema: Schema) -> Any:
    """What a string of a command line means to the field: a number, a list ...; other values stay as they are."""
    if not isinstance(value, str):
        return value
    field = _field(path, schema)
    if field.get("type") == "string":
        return value
    text = value.strip()
    try:
        return orjson.loads(text.lower() if text.lower() in ("true", "false") else text)
    except orjson.JSONDecodeError:
        return value


def merged(own: Mapping[str, Any], given: Mapping[Path, Any], schema: Schema) -> dict[str, Any]:
    """What is to be sent: the parameters that are given; a form whole, the deployment's own or the flow's otherwise.

    own: the parameters of the deployment. A server replaces a form that it gets, and does not fill it up.
    """
    sent: dict[str, Any] = {}
    for (name, *inner), value in given.items():
        if not inner:
            sent[name] = value
            continue
        if name not in sent:
            sent[name] = copy.deepcopy(dict(own.get(name) or schema["properties"][name].get("default") or {}))
        sent[name][inner[0]] = value
    return sent


def check(parameters: Mapping[str, Any], schema: Schema, *, where: str) -> None:
    """Refuse what the server would. Raises HyperparameterError naming the field, with what it may be."""
    known = {name: value for name, value in parameters.items() if not _is_filled_in_later(value)}
    left_out = len(known) < len(parameters)
    for error in validate(dict(known), dict(schema), ignore_required=left_out):
        path = tuple(map(str, error.absolute_path))
        if not path:
            raise EmbertextError(error.message.replace("'", ""), where=where, remedy="give it with --param")
        try:
            remedy = " ".join(str(_field(path, schema).get("description") or "").split())
        except KeyError:
            remedy = ""
        raise HyperparameterError(
            _lower(error.message),
            field=".".join(path),
            value=error.instance,
            remedy=remedy or f"see the form of {where}",
        )


def _split(values: Any) -> list[Any]:
    return [each for each in map(str.strip, values.split(",")) if each] if isinstance(values, str) else [values]


def _is_filled_in_later(value: Any) -> bool:
    """A variable of the server's, or a template."""
    return isinstance(value, Mapping) and "__prefect_kind" in value


def _field(path: Path, schema: Schema) -> Mapping[str, Any]:
    field: Mapping[str, Any] = schema["properties"][path[0]]
    for name in path[1:]:
        form = _form(field, schema)
        if form is None:
            return field
        field = form["properties"][name]
    return field


def _form(field: Mapping[str, Any], schema: Schema) -> Mapping[str, Any] | None:
    """The form that a parameter is, if it is one."""
    for each in (field, *field.get("allOf", ()), *field.get("anyOf", ())):
        if "$ref" in each:
            form: Mapping[str, Any] = schema["definitions"][each["$ref"].rpartition("/")[2]]
            return form if "properties" in form else None
    return None


def _unknown(name: str, known: Sequence[str], where: str) -> EmbertextError:
    near = did_you_mean(name.replace("-", "_"), known)
    return EmbertextError(f"has no parameter {name}{near}", where=where, remedy=f"it has {', '.join(known)}")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]

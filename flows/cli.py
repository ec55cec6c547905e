"""`embertext`: the flows from a shell.

Every option is a parameter of the flow or a field of its form, read from there; none is written here. The strings a
user gives are judged by the same pydantic fields as the form in the Prefect UI, before a temporary server is started;
a server that is there already gets a Failed run of what was refused.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated, Any

import cyclopts
from cyclopts import App, Group, Parameter
from pydantic import ValidationError, create_model

from flows.backfill_command import backfill
from flows.commands import drift, serve
from flows.container import train
from flows.form import form_of
from flows.registry import registry
from flows.runtime import configure, is_interrupt, one_line, start_prefect

HELP = "Word vectors, text classifiers, topics and pairs of texts in one space, on your own machines."
PIPELINE = "The whole line in one run: count, convert, search, train, judge and publish, for one algorithm."
TUNE = "Search the hyperparameters of an algorithm: tune word2vec, text-classification, topics or object2vec."
SUCCESS, FAILURE, USER_ERROR, INTERRUPTED = 0, 1, 2, 130
RUN, OUTPUT = Group("Run", sort_key=1), Group("Output", sort_key=3)
FLAGS = {
    "json": "Make the last line of stdout one JSON object: where things are, metrics, speed, seconds, what was reused.",
    "debug": "Show Prefect's log, and the traceback of an error.",
}
PLAIN = {"Registration"}  # forms whose fields are no hyperparameters
LARGEST_INT = 2**31 - 1  # a bound that says nothing to a person
METAVARS = {"enum": "CHOICE", "integer": "INTEGER", "number": "NUMBER"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """0: done; 1: it failed; 2: the user can put it right; 130: interrupted. One line on stderr says why."""
    debug = "--debug" in arguments
    configure(debug=debug)
    try:
        commands = app(arguments)
        plain = bool({"backfill", "registry"} & {*arguments[:1]})  # their flags take no value
        words = list(arguments) if plain else normalised(arguments)
        commands(words, exit_on_error=False, print_error=False)
    except (Exception, KeyboardInterrupt) as error:
        if is_interrupt(error):
            print("interrupted; nothing half-written is left", file=sys.stderr)
            return INTERRUPTED
        if debug:
            raise
        users = isinstance(error, ValueError | cyclopts.CycloptsError)
        print(f"error: {one_line(error)}{'' if users else '; --debug shows where'}", file=sys.stderr)
        return USER_ERROR if users else FAILURE
    return SUCCESS


def app(arguments: Sequence[str] = ()) -> App:
    """One command a flow; those that tune are below `tune`, and are there when that is what is asked for."""
    commands = App(
        name="embertext",
        help=HELP,
        version=lambda: version("embertext"),
        help_format="plaintext",  # as others it would take __label__ for emphasis
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    commands.command(serve)
    commands.command(train)
    commands.command(drift)
    commands.command(backfill)
    commands.command(registry)
    if arguments and arguments[0] in ("serve", "train", "drift", "backfill", "registry"):
        return commands  # Prefect takes longer to import than a model to be there; and train says where it may write
    from flows.arrivals import arrivals  # not before Prefect is configured
    from flows.evaluate_classifier import evaluate_classifier
    from flows.object2vec import object2vec
    from flows.text_classification import text_classification
    from flows.topics import topics
    from flows.transform import transform
    from flows.word2vec import word2vec

    for flow in (word2vec, text_classification, evaluate_classifier, topics, object2vec, transform, arrivals):
        commands.command(command(flow), name=flow.name)
    if "pipeline" in arguments[:1]:
        from flows.pipeline import pipeline

        commands.command(command(pipeline), name="pipeline")
    else:
        commands.command(App(name="pipeline", help=PIPELINE))
    tuning = App(name="tune", help=TUNE, help_format="plaintext")
    if "tune" in arguments[:1]:  # two seconds for what searches, which others need not wait for
        from flows.tune.object2vec import tune_object2vec
        from flows.tune.text_classification import tune_text_classification
        from flows.tune.topics import tune_topics
        from flows.tune.word2vec import tune_word2vec

        for tuner in (tune_word2vec, tune_text_classification, tune_topics, tune_object2vec):
            tuning.command(command(tuner), name=tuner.name.removeprefix("tune-"))
    commands.command(tuning)
    return commands


def normalised(arguments: Sequence[str]) -> list[str]:
    """--vector_dim 50 becomes --vector-dim=50, and --subwords True, as SageMaker sends it, --subwords=True."""
    words: list[str] = []
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if argument.startswith("--"):
            words.append(name.replace("_", "-") + equals + value)
        elif words and words[-1].startswith("--") and "=" not in words[-1]:
            words[-1] += f"={argument}"
        else:
            words.append(argument)
    return words


def command(flow: Any) -> Callable[..., None]:
    """A function whose options are the flow's form: its own parameters, and the fields of its hyperparameters."""

    def run_flow(*, json: bool = False, debug: bool = False, **values: Any) -> None:
        try:
            arguments = validated(flow.fn, values)
        except ValidationError:
            record_refusal(flow, values)
            raise
        start_prefect()
        result = flow(**arguments)
        from flows.summary import print_json, print_summary  # what draws it is not needed before

        (print_json if json else print_summary)(result)

    options = list(_options(flow.parameters.model_dump_for_openapi()))
    for name, text in FLAGS.items():
        options.append(_option(name, bool, Parameter(help=text, group=OUTPUT, negative="", show_default=False), False))
    run_flow.__doc__ = f"{flow.description}\n\nNames may be written with - or _, and values as SageMaker sends them."
    run_flow.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run_flow.__annotations__ = {option.name: option.annotation for option in options}
    return run_flow


def _options(schema: Mapping[str, Any]) -> Iterator[inspect.Parameter]:
    """The options of a form; a parameter that is a form itself gives one for each of its fields.

    Anything but a flag stays the string that was given, for pydantic to judge. An option not given is None, where it
    need not be.
    """
    empty, required = inspect.Parameter.empty, schema.get("required", [])
    for name, field in schema["properties"].items():
        if "$ref" in field:
            form = schema["definitions"][field["$ref"].rpartition("/")[2]]
            title = form["title"]
            group = Group(title if title in PLAIN else f"Hyperparameters of {title}", sort_key=2)
            fields = {**form["properties"]}
            for key, default in field.get("default", {}).items():
                fields[key] = {**fields[key], "default": default}
        else:
            group, fields = RUN, {name: field}
        for key, each in fields.items():
            kind = bool if each.get("type") == "boolean" else str
            missing = empty if key in required and group is RUN else None
            yield _option(key, kind if missing is empty else kind | None, _parameter(each, group), missing)


def _option(name: str, kind: Any, settings: Parameter, default: object) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, settings], default=default
    )


def _parameter(field: Mapping[str, Any], group: Group) -> Parameter:
    """How one field shows in --help: "Numbers in each word's vector. (1 to 2048) [default: 100]"."""
    flag = field.get("type") == "boolean"
    default = str(field.get("default", ""))
    default = default.lower() if flag else default
    return Parameter(
        help=f"{' '.join(field.get('description', '').split())} {_bounds(field)}".strip(),
        group=group,
        show_default=(lambda _: default) if default else False,
        metavar=None if flag else METAVARS.get("enum" if "enum" in field else field.get("type", ""), "TEXT"),
    )


def _bounds(field: Mapping[str, Any]) -> str:
    """What a field may be, in words."""
    if "const" in field:
        return f"Always {field['const']}."
    if "enum" in field:
        return f"One of {', '.join(field['enum'])}."
    rules = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    found = {rule: field[rule] for rule in rules if rule in field and field[rule] != LARGEST_INT}
    if found.keys() == {"minimum", "maximum"}:
        return f"({found['minimum']} to {found['maximum']})"
    return f"({', '.join(f'{rules[rule]} {bound}' for rule, bound in found.items())})" if found else ""


def validated(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for a flow that a user gave. Raises ValidationError, naming option, value and what is expected."""
    arguments: dict[str, Any] = {}
    for name, value in nested(function, values).items():
        kind = inspect.signature(function).parameters[name].annotation
        if form := form_of(kind):
            arguments[name] = form(**value)
        else:
            field: dict[str, Any] = {name: (kind, ...)}
            arguments[name] = getattr(create_model("Option", **field)(**{name: value}), name)
    return arguments


def nested(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as the flow's parameters: those of a form in a dict of their own.

    With them go the form's fields that the flow has defaults of its own for.
    """
    given = {name: value for name, value in values.items() if value is not None}
    arguments: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if form := form_of(parameter.annotation):
            fields = {field: given[field] for field in form.model_fields if field in given}
            arguments[name] = parameter.default.model_dump(exclude_unset=True) | fields
        elif name in given:
            arguments[name] = given[name]
    return arguments


def record_refusal(flow: Any, values: Mapping[str, Any]) -> None:
    """Leave a Failed run with these parameters on the Prefect server, where there is one that keeps runs."""
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        with suppress(Exception):  # the mistake itself is told by who calls this
            flow(**nested(flow.fn, values))


if __name__ == "__main__":
    main()

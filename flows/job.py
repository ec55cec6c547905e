"""What a container of SageMaker is told to do: the files below /opt/ml/input, read and judged. It trains nothing."""

import difflib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import orjson

from data import recordio, streams
from data.errors import CorpusError, EmbertextError, HyperparameterError

Algorithm = Literal["word2vec", "text_classification", "topics", "object2vec"]
CHANNELS = {
    "word2vec": ("train",),
    "text_classification": ("train", "validation"),
    "topics": ("train", "validation", "test", "auxiliary"),
    "object2vec": ("train", "validation", "test", "auxiliary"),
}
THEIRS = {"blazingtext": "", "ntm": "topics"}  # SageMaker's names; of the first, `mode` tells which
MODES = {"supervised": "text_classification", **dict.fromkeys(("cbow", "skipgram", "batch_skipgram"), "word2vec")}
ENDINGS = {  # by content type: the one to add, and those that are right
    "application/jsonlines": (".jsonl", (".jsonl", ".jsonlines", ".ndjson", ".manifest")),
    "text/csv": (".csv", (".csv",)),
    "application/x-recordio-protobuf": (".pbr", (".pbr", ".rec", ".recordio")),
}
VOCABULARY = "vocab.txt"

_ALGORITHMS = ", ".join(get_args(Algorithm))


class Job(NamedTuple):
    """What a container is told. channels: content types, "" where nobody said, of those that there are."""

    root: Path
    hyperparameters: dict[str, str]
    channels: dict[str, str]
    distribution: str
    host: str
    hosts: list[str]


def read_job(root: Path) -> Job:
    """What the files below `root` ask for. Raises EmbertextError where they cannot be used."""
    config = root / "input" / "config"
    if not config.is_dir():
        remedy = "run it where SageMaker does, or give the folder by --root"
        raise EmbertextError("no such folder", where=str(config), remedy=remedy)
    given = _json(config / "hyperparameters.json")
    resources = _json(config / "resourceconfig.json")
    told = _json(config / "inputdataconfig.json")
    data = root / "input" / "data"
    if not told and data.is_dir():
        told = {path.name: {} for path in sorted(data.iterdir()) if path.is_dir()}
    channels, ways = {}, set()
    for name, about in told.items():
        mode = about.get("TrainingInputMode", "File")
        if mode == "Pipe":
            raise EmbertextError("TrainingInputMode Pipe", where=f"channel {name}", remedy="use File, or FastFile")
        channels[name] = str(about.get("ContentType") or "").partition(";")[0].strip().lower()
        if name == "train":
            ways.add(about.get("S3DistributionType", "FullyReplicated"))
    host = str(resources.get("current_host", "algo-1"))
    return Job(
        root=root,
        hyperparameters={name: _text(value) for name, value in given.items() if not _internal(name)},
        channels=channels,
        distribution="".join(ways) or "FullyReplicated",
        host=host,
        hosts=sorted(map(str, resources.get("hosts", [host]))),
    )


def algorithm_of(asked: str, hyperparameters: Mapping[str, str]) -> str:
    """Which algorithm is wanted: what is said, else what the hyperparameters are of. Raises EmbertextError."""
    name = asked.strip().lower().replace("-", "_")
    name = THEIRS.get(name, name)
    if name in CHANNELS:
        return name
    if name:
        raise EmbertextError("no such algorithm", where=f"algorithm {asked!r}", remedy=f"give one of {_ALGORITHMS}")
    if "mode" in hyperparameters:
        mode = hyperparameters["mode"]
        if mode not in MODES:
            remedy = f"use one of {', '.join(MODES)}"
            raise HyperparameterError("no such mode", field="mode", value=mode, remedy=remedy)
        return MODES[mode]
    if hyperparameters.keys() & {"num_topics", "feature_dim", "counting"}:
        return "topics"
    if any(each.startswith(("enc0_", "enc1_", "enc_dim")) for each in hyperparameters):
        return "object2vec"
    what = "the hyperparameters do not tell which algorithm is wanted"
    remedy = f"set EMBERTEXT_ALGORITHM, or --algorithm, to one of {_ALGORITHMS}"
    raise EmbertextError(what, where="hyperparameters.json", remedy=remedy)


def arguments_of(flow: Any, hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """The flow's arguments that the hyperparameters make: its forms, with SageMaker's defaults, and seed and the like.

    Raises ValidationError, naming the field, and HyperparameterError for one that is none of this algorithm's.
    """
    from pydantic import create_model

    from flows.form import form_of

    left, arguments = dict(hyperparameters), dict[str, Any]()
    known: list[str] = []
    for name, parameter in inspect.signature(flow.fn).parameters.items():
        kind = parameter.annotation
        if form := form_of(kind):
            known += form.model_fields
            arguments[name] = form(**{field: left.pop(field) for field in form.model_fields if field in left})
        elif name not in ("train", "validation", "test", "auxiliary", "output"):
            known.append(name)
            if name in left:
                field: dict[str, Any] = {name: (kind, ...)}
                arguments[name] = getattr(create_model("Option", **field)(**{name: left.pop(name)}), name)
    for name, value in left.items():
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f"did you mean {near[0]}?" if near else "leave it out"
        raise HyperparameterError("no hyperparameter of this algorithm", field=name, value=value, remedy=remedy)
    return arguments


def channels_of(job: Job, algorithm: str, scratch: Path) -> dict[str, str]:
    """The folder of each channel, for the flow: as it lies there, or, where file names do not say what is in them, or
    topics' words are in a channel of their own, as links below `scratch`. Raises CorpusError for a channel that is
    missing, empty or strange.
    """
    allowed = CHANNELS[algorithm]
    for name in job.channels:
        if name not in allowed:
            remedy = f"{algorithm} takes {', '.join(allowed)}"
            raise CorpusError("no channel of this algorithm", where=f"channel {name}", remedy=remedy)
    if "train" not in job.channels:
        raise CorpusError("there is no channel train", where="inputdataconfig.json", remedy="give it its data")
    found: dict[str, str] = {}
    for name, content_type in job.channels.items():
        folder = job.root / "input" / "data" / name
        files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
        if not files:
            raise CorpusError("it holds no files", where=f"channel {name}: {folder}", remedy="give it its data")
        names = {path: _named(path, folder, content_type, algorithm) for path in files}
        if name == "auxiliary":
            found[name] = str(folder)
            continue
        links = {path: scratch / name / as_ for path, as_ in names.items()}
        if algorithm == "topics" and (words := job.root / "input" / "data" / "auxiliary" / VOCABULARY).exists():
            links |= {words: scratch / name / VOCABULARY} if name == "train" else {}
        if all(str(path.relative_to(folder)) == as_ for path, as_ in names.items()) and len(links) == len(names):
            found[name] = str(folder)
            continue
        for path, link in links.items():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.absolute())
        found[name] = str(scratch / name)
    if algorithm == "topics":
        found.pop("auxiliary", None)
    return found


def _json(path: Path) -> dict[str, Any]:
    """The object in a file; {} where there is none."""
    if not path.exists():
        return {}
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise EmbertextError(f"cannot be read ({error})", where=str(path), remedy="write the file again") from error
    if not isinstance(found, dict):
        raise EmbertextError("no JSON object", where=str(path), remedy="write the file again")
    return found


def _internal(name: str) -> bool:
    """Names that SageMaker, and its SDK, add for themselves: _tuning_objective_metric, _kvstore, sagemaker_region."""
    return name.startswith(("_", "sagemaker_"))


def _text(value: Any) -> str:
    """A value as a string; script mode's SDK writes JSON into the string."""
    if not isinstance(value, str):
        return orjson.dumps(value).decode()
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return str(orjson.loads(value)) if quoted else value


def _named(path: Path, folder: Path, content_type: str, algorithm: str) -> str:
    """The file's name below its channel, with an ending that says what the channel's content type does."""
    name = str(path.relative_to(folder))
    if not content_type and algorithm == "object2vec":
        content_type = "application/jsonlines"
    elif not content_type and algorithm == "topics" and path.name != VOCABULARY:
        with path.open("rb") as file:
            content_type = "application/x-recordio-protobuf" if file.read(4) == recordio.MAGIC_BYTES else ""
    ending, right = ENDINGS.get(content_type, ("", ()))
    if not ending or path.name == VOCABULARY or streams.suffix(name) in right:
        return name
    packed = streams.endings(name).removeprefix(streams.suffix(name))
    return name.removesuffix(packed) + ending + packed

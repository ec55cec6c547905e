"""What OpenAPI says of the invocations, which go past FastAPI: it cannot tell of them itself."""

from collections.abc import Mapping
from typing import Any

import orjson

from algorithms.answers import JSON, JSON_LINES
from tasks.serve.models import Model, Models

ROUTES = {
    "/invocations": "Ask the default model, or the one that a header names",
    "/models/{name}/invocations": "Ask a model by its name",
    "/endpoints/{name}/invocations": "As boto3's invoke_endpoint asks",
}
HEADERS = {
    "Accept": "What to answer in, where a model has several ways. Others answer in the type of the request.",
    "X-Amzn-SageMaker-Target-Model": "The model to ask.",
    "X-Amzn-SageMaker-Custom-Attributes": "Comes back as it is.",
    "X-Amzn-SageMaker-Inference-Id": "Comes back as it is.",
}
REFUSALS = {
    "400": "The body is not what the model reads: one line says where and why",
    "404": "There is no such model",
    "406": "There is no answer of the type that Accept asks for",
    "413": "The body is too large",
    "415": "The model does not read this type",
    "500": "The model failed; the server's log says why",
}
MODEL_ERROR = "ModelError: OriginalStatusCode and OriginalMessage are what the model said"


def completed(described: dict[str, Any], models: Models) -> dict[str, Any]:
    """FastAPI's description, with the invocations in front."""
    paths = {path: {"post": _operation(path, summary, list(models))} for path, summary in ROUTES.items()}
    return {**described, "paths": {**paths, **described["paths"]}}


def _operation(path: str, summary: str, models: list[Model]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in HEADERS.items()
    ]
    if "{name}" in path:
        name: dict[str, Any] = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
        parameters = [
            name,
            *(each for each in parameters if path.startswith("/endpoints") or "Target" not in each["name"]),
        ]
    refusals: Mapping[str, str] = REFUSALS
    if path.startswith("/endpoints"):
        refusals = {"400": "ValidationError: there is no such endpoint", "413": REFUSALS["413"], "424": MODEL_ERROR}
    return {
        "tags": ["SageMaker"],
        "summary": summary,
        "operationId": "invoke_" + path.split("/")[1],
        "parameters": parameters,
        "requestBody": {"required": True, "content": _content(models)},
        "responses": {
            "200": {"description": "The answer", "content": {JSON: {"schema": {}}}},
            **{status: {"description": text} for status, text in refusals.items()},
        },
    }


def _content(models: list[Model]) -> dict[str, Any]:
    """Every type that a model reads, with an example of each model that reads it."""
    content: dict[str, Any] = {}
    for model in models:
        example = model.about.get("example")
        for kind in model.answers.content_types:
            told = content.setdefault(kind, {"schema": {} if kind == JSON else {"type": "string"}, "examples": {}})
            if example and kind == JSON:
                told["examples"][model.name] = {"value": example}
            elif example and kind == JSON_LINES:
                lines = [orjson.dumps(_line(each)).decode() for each in example.get("instances", [])]
                told["examples"][model.name] = {"value": "\n".join(lines)}
    return content


def _line(instance: Any) -> Any:
    """An instance as a line has it."""
    return {"source": instance} if isinstance(instance, str) else instance

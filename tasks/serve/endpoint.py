"""`create_app`: models behind SageMaker's routes, and more.

    GET  /ping  /execution-parameters                    as SageMaker's containers have them
    POST /invocations  /endpoints/{name}/invocations     `invocations`
    GET  /models  /models/{name}                         what is served
    GET, POST /neighbors                                 `neighbours`
    POST /reload                                         take newer versions now
    GET  /metrics                                        for Prometheus
    GET  /  /docs  /openapi.json                         for people: `pages`

Any ASGI server runs it. It knows no algorithm.
"""

import logging
from collections.abc import Callable, Coroutine
from enum import Enum
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from algorithms.answers import RequestError
from data.process import cores
from tasks.serve import bodies, neighbours, openapi, pages
from tasks.serve.bodies import CLOSE, TEXT
from tasks.serve.invocations import SUFFIX, Invocations
from tasks.serve.metrics import CONTENT_TYPE, Metrics
from tasks.serve.models import Model, Models, Reloaded

logger = logging.getLogger("embertext.serve")

MOST_CONCURRENT_BYTES = 100_000_000  # that batch transform may have under way: SageMaker's own rule


class Endpoint(FastAPI):
    """The application. Invocations go past FastAPI, whose way would take longer than many an answer."""

    invocations: Invocations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif scope["path"].endswith(SUFFIX):
            await self.invocations(scope, receive, send)
        else:
            await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As FastAPI does it, once the body is here and no larger than is allowed."""
        most, announced = self.invocations.most_bytes, dict(scope["headers"]).get(b"content-length", b"")
        try:
            waiting = [await bodies.read(receive, announced=announced, most=most)]
        except (bodies.TooLarge, bodies.Disconnected, TimeoutError) as error:
            await bodies.refuse(error, receive, send, most=most)
            return

        async def replay() -> Message:
            return {"type": "http.request", "body": waiting.pop()} if waiting else await receive()

        async def last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], CLOSE]
            await send(message)

        await super().__call__(scope, replay, last if self.invocations.closing else send)


class Sizes(BaseModel):
    """How batch transform may send."""

    MaxConcurrentTransforms: int
    BatchStrategy: str
    MaxPayloadInMB: int


class Described(BaseModel):
    """A model, as it is served now. `about` is in its own words."""

    name: str
    algorithm: str
    version: str
    created: str
    default: bool
    content_types: list[str]
    about: dict[str, Any]


def create_app(
    models: Models,
    *,
    counts: Metrics | None = None,
    most_bytes: int = bodies.MOST_BYTES,
    processes: int = 1,
    reload_others: Callable[[], None] = lambda: None,
) -> Endpoint:
    """The endpoint of `models`, which need not be open yet: until they are, /ping says 503.

    counts: of this process, where several share them. reload_others: tells the other processes to look for newer
    versions too.
    """
    counts = counts or Metrics(models)
    app = Endpoint(
        title="Embertext",
        version=version("embertext"),
        description="Models at work, behind the routes that SageMaker's clients call.",
        docs_url=None,
        redoc_url=None,
        exception_handlers=HANDLERS,
    )
    app.invocations = Invocations(models, counts, most_bytes=most_bytes)
    sagemaker: list[str | Enum] = ["SageMaker"]
    beyond: list[str | Enum] = ["Beyond SageMaker"]

    @app.get(
        "/ping",
        summary="Is it ready?",
        tags=sagemaker,
        response_class=Response,
        responses={503: {"description": "Not yet"}},
    )
    async def ping() -> Response:
        """200 and nothing more, once every model can answer."""
        return Response(status_code=200 if models.ready else 503)

    @app.get("/execution-parameters", summary="How batch transform may send", tags=sagemaker)
    async def execution_parameters() -> Sizes:
        """What batch transform should keep to."""
        megabytes = max(1, most_bytes // 2**20)
        concurrent = max(1, min(max(cores(), processes), MOST_CONCURRENT_BYTES // most_bytes))
        return Sizes(MaxConcurrentTransforms=concurrent, BatchStrategy="MULTI_RECORD", MaxPayloadInMB=megabytes)

    @app.get("/models", summary="What is served", tags=beyond)
    async def list_models() -> list[Described]:
        """What is served; the first answers who names no model."""
        return [_described(model, models) for model in models]

    @app.get("/models/{name}", summary="What is served under a name", tags=beyond)
    async def one_model(name: str) -> Described:
        """What is served under a name."""
        return _described(neighbours.ask_for(models, name), models)

    @app.post("/reload", summary="Take newer versions", tags=beyond)
    def reload() -> list[Reloaded]:
        """Look for newer versions now; each takes its place once it has answered, and no request is dropped."""
        found = models.reload()
        reload_others()
        return found

    @app.get("/metrics", summary="For Prometheus", tags=beyond, response_class=Response)
    def metrics() -> Response:
        """Requests, seconds and bytes by model, as Prometheus reads them."""
        return Response(counts.exposition(), media_type=CONTENT_TYPE)

    app.include_router(neighbours.router(models))
    app.include_router(pages.router(app))
    generated = app.openapi
    app.openapi = lambda: openapi.completed(generated(), models)  # type: ignore[method-assign]
    return app


def _described(model: Model, models: Models) -> Described:
    return Described(
        name=model.name,
        algorithm=model.answers.algorithm,
        version=model.version.name,
        created=model.version.created,
        default=model.name == models.default,
        content_types=list(model.answers.content_types),
        about=dict(model.about),
    )


def _text(status: int, text: str) -> Response:
    """Whatever is wrong is told in one line of text."""
    return Response(text, status_code=status, media_type=TEXT, headers={"X-Content-Type-Options": "nosniff"})


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return _text(error.status, str(error))


async def _unreadable(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    mistakes = [f"{'.'.join(map(str, each['loc'][1:])) or 'body'}: {_mistake(each)}" for each in error.errors()]
    return _text(400, "; ".join(mistakes))


def _mistake(found: dict[str, Any]) -> str:
    unknown = found["type"] == "extra_forbidden"
    return "no such parameter; /docs tells which there are" if unknown else str(found["msg"])


async def _other(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = f"{request.method} {request.url.path[:100]}: {error.detail}; /docs tells which routes there are"
    answer = _text(error.status_code, text)
    answer.headers.update(error.headers or {})
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _text(500, "this cannot be answered; the server's log says why")


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    RequestError: _refused,
    RequestValidationError: _unreadable,
    HTTPException: _other,
    Exception: _failed,
}

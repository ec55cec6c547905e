"""POST .../invocations: the one route that has to be fast, so it is ASGI without a framework around it.

    /invocations                     of the default model, or the one that X-Amzn-SageMaker-Target-Model names
    /models/{name}/invocations       of that model
    /endpoints/{name}/invocations    as boto3's `sagemaker-runtime` calls it: errors have SageMaker's own shape

What takes long is done in a thread, so that others need not wait for it.
"""

import logging
import time
from asyncio import get_running_loop
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import orjson

from algorithms.answers import Answer, RequestError
from data.process import cores
from tasks.serve import bodies
from tasks.serve.bodies import CLOSE, TEXT, Headers, Receive, Send
from tasks.serve.metrics import UNKNOWN, Metrics
from tasks.serve.models import Model, Models

logger = logging.getLogger("embertext.serve")

SUFFIX = "/invocations"
INLINE_SECONDS = 0.001  # that a request may keep all others waiting; longer ones are answered in a thread
TARGET_MODEL = b"x-amzn-sagemaker-target-model"
ECHOED = (b"x-amzn-sagemaker-custom-attributes", b"x-amzn-sagemaker-inference-id")
FAILED = "the model could not answer; the server's log says why"
GONE = 499  # nginx's number for a client that did not wait; only metrics see it


class Refusal(NamedTuple):
    """What is said instead of an answer. from_model: the model said it, and not what is in front of it."""

    status: int
    text: str
    from_model: bool = True


class Invocations:
    """The ASGI application. `closing`: connections end with the answer that is given next, as the server is to end."""

    def __init__(self, models: Models, metrics: Metrics, *, most_bytes: int = bodies.MOST_BYTES) -> None:
        self.models, self.metrics, self.most_bytes = models, metrics, most_bytes
        self.closing = False
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="answer")
        self._pace: dict[str, float] = {}  # seconds of computing that a byte of a request took, by model

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        path: str = scope["path"]
        headers: dict[bytes, bytes] = dict(scope["headers"])
        endpoint = path.startswith("/endpoints/")
        model, refusal = self._route(path, headers)
        if scope["method"] != "POST":
            refusal = Refusal(405, f"{scope['method']} is not for {SUFFIX}; use POST", from_model=False)
        label = UNKNOWN if model is None else model.name
        echo = [(name, headers[name]) for name in ECHOED if name in headers]
        received, answer, lingering = 0, None, False
        self.metrics.begun(label)
        try:
            body = await bodies.read(receive, announced=headers.get(b"content-length", b""), most=self.most_bytes)
            received = len(body)
            if refusal is None:
                assert model is not None
                answer = await self._answer(model, body, headers)
        except RequestError as error:
            refusal = Refusal(error.status, str(error))
        except bodies.TooLarge as error:
            refusal, lingering = Refusal(413, bodies.too_large(error, self.most_bytes), from_model=False), True
        except TimeoutError:
            refusal = Refusal(408, bodies.TOO_SLOW, from_model=False)
            echo.append(CLOSE)
        except bodies.Disconnected:
            self.metrics.ended(label, GONE, time.perf_counter() - began, received=received, sent=0)
            return
        except Exception:
            logger.exception("%s failed at a request of %d bytes", label, received)
            refusal = Refusal(500, FAILED)
        if self.closing or lingering:
            echo.append(CLOSE)
        status = 200
        if answer is None:
            assert refusal is not None
            status = refusal.status
            sent = await _refuse(send, refusal, echo, endpoint=endpoint, more=lingering)
        else:
            assert model is not None
            sent = len(answer.body)
            variant = (b"x-amzn-invoked-production-variant", label.encode())
            await bodies.send_all(send, status, answer.content_type, answer.body, [*echo, variant])
        self.metrics.ended(label, status, time.perf_counter() - began, received=received, sent=sent)
        if lingering:
            await bodies.linger(receive, send)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _route(self, path: str, headers: dict[bytes, bytes]) -> tuple[Model | None, Refusal | None]:
        """Whose the request is, or why it is nobody's."""
        target = headers.get(TARGET_MODEL, b"").decode("latin-1")
        if path == SUFFIX:
            name = target
        else:
            kind, _, name = path[1 : -len(SUFFIX)].partition("/")
            if kind == "endpoints":
                # an endpoint's name is its caller's choice; only among several models does it have to tell which
                name = target or (name if len(self.models.places) > 1 else "")
            elif kind != "models" or not name:
                return None, Refusal(404, f"{path[:100]}: no such route; /docs tells which there are", from_model=False)
        model = self.models.find(name)
        if model is not None:
            return model, None
        if not self.models.ready:
            return None, Refusal(503, "models are being loaded; ask again", from_model=False)
        known = ", ".join(self.models.places)
        return None, Refusal(404, f"{name[:100]}: no such model; there is {known}", from_model=False)

    async def _answer(self, model: Model, body: bytes, headers: dict[bytes, bytes]) -> Answer:
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        accept = headers.get(b"accept", b"").decode("latin-1")
        if self._pace.get(model.name, 1.0) * len(body) > INLINE_SECONDS:
            loop = get_running_loop()
            return await loop.run_in_executor(self._threads, self._timed, model, body, content_type, accept)
        return self._timed(model, body, content_type, accept)

    def _timed(self, model: Model, body: bytes, content_type: str, accept: str) -> Answer:
        """The answer, and what it teaches about the next: this thread's own time, however many others compute."""
        began = time.thread_time()
        answer = model.answers.answer(body, content_type=content_type, accept=accept)
        taken = (time.thread_time() - began) / (len(body) or 1)
        self._pace[model.name] = 0.9 * self._pace.get(model.name, taken) + 0.1 * taken
        return answer


async def _refuse(send: Send, refusal: Refusal, headers: Headers, *, endpoint: bool, more: bool) -> int:
    """Say no, as a container would, or as SageMaker in front of it; the bytes of that."""
    status, text, kind, error = refusal.status, refusal.text, TEXT, b""
    if endpoint:
        kind = "application/json"
        if refusal.from_model:
            status, error, told = 424, b"ModelError", _model_error(refusal)
        else:
            status, error = {404: (400, b"ValidationError"), 503: (503, b"ServiceUnavailable")}.get(
                status, (status, b"ValidationError")
            )
            told = {"Message": text}
        body = orjson.dumps(told)
        headers = [*headers, (b"x-amzn-errortype", error)]
    else:
        body = text.encode()
        if status == 405:
            headers = [*headers, (b"allow", b"POST")]
    await bodies.send_all(send, status, kind, body, headers, more=more)
    return len(body)


def _model_error(refusal: Refusal) -> dict[str, str | int]:
    """What botocore makes its ModelError of."""
    who = "client" if refusal.status < 500 else "server"
    return {
        "Message": f'Received {who} error ({refusal.status}) from primary with message "{refusal.text}".',
        "OriginalStatusCode": refusal.status,
        "OriginalMessage": refusal.text,
        "LogStreamArn": "",
    }

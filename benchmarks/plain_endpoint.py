"""The endpoint that comes to mind: FastAPI around gensim, fastText or a module of torch. What `endpoint` compares with.

    python -m benchmarks.plain_endpoint word2vec|text_classification|topics|object2vec FOLDER PORT

Handlers as FastAPI's documentation has them, with models of pydantic for what comes and what goes. They are `async`:
each answer takes less than handing it to a thread would. What goes is declared as well, since FastAPI then writes JSON
by pydantic's own compiled serialiser, several times faster than without. The server is uvicorn with the settings of
`tasks.serve.server`.
"""

# ruff: noqa: D101 - their fields say what they are

import sys
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from tasks.serve.server import BACKLOG, KEEP_ALIVE_SECONDS

Served = Callable[[Path], FastAPI]


class Texts(BaseModel):
    instances: list[str]


class WordVector(BaseModel):
    vector: list[float]
    word: str


class Labels(BaseModel):
    prob: list[float]
    label: list[str]


class Features(BaseModel):
    keys: list[int]
    shape: list[int]
    values: list[float]


class Data(BaseModel):
    features: Features


class Document(BaseModel):
    data: Data


class Documents(BaseModel):
    instances: list[Document]


class Mixture(BaseModel):
    topic_weights: list[float]


class Mixtures(BaseModel):
    predictions: list[Mixture]


class Pair(BaseModel):
    in0: list[int]
    in1: list[int]


class Pairs(BaseModel):
    instances: list[Pair]


class Score(BaseModel):
    scores: list[float]


class Scores(BaseModel):
    predictions: list[Score]


def word2vec(folder: Path) -> FastAPI:
    from gensim.models import KeyedVectors

    app, vectors = FastAPI(), KeyedVectors.load(str(folder / "gensim"), mmap="r")

    @app.post("/invocations")
    async def invocations(asked: Texts) -> list[WordVector]:
        return [WordVector(vector=vectors[word].tolist(), word=word) for word in asked.instances]

    return app


def text_classification(folder: Path) -> FastAPI:
    import fasttext

    app, model = FastAPI(), fasttext.load_model(str(folder / "model.bin"))

    @app.post("/invocations")
    async def invocations(asked: Texts) -> list[Labels]:
        labels, chances = model.predict(asked.instances, k=1)
        return [Labels(prob=prob.tolist(), label=label) for label, prob in zip(labels, chances, strict=True)]

    return app


def topics(folder: Path) -> FastAPI:
    import torch
    from torch import nn

    weights = load(folder)
    layers = [linear(weights[name].T, weights[f"{name}_bias"]) for name in ("encoder_0", "encoder_1", "posterior")]
    network = nn.Sequential(layers[0], nn.Sigmoid(), layers[1], nn.Sigmoid(), layers[2]).eval()
    app, words, kept = FastAPI(), layers[0].in_features, layers[2].out_features // 2  # means, and then spreads

    @app.post("/invocations")
    async def invocations(asked: Documents) -> Mixtures:
        counts = torch.zeros(len(asked.instances), words)
        for row, document in zip(counts, asked.instances, strict=True):
            features = document.data.features
            row[features.keys] = torch.tensor(features.values)
        with torch.inference_mode():
            shares = network(counts)[:, :kept].softmax(dim=1)
        return Mixtures(predictions=[Mixture(topic_weights=each) for each in shares.tolist()])

    return app


def object2vec(folder: Path) -> FastAPI:
    import torch
    from torch import nn

    weights = load(folder)
    encoders = [nn.EmbeddingBag.from_pretrained(weights[f"tokens_{side}"], mode="mean") for side in (0, 1)]
    layers = [linear(weights[name], weights[f"{name}_bias"]) for name in ("mlp_1", "mlp_2", "output")]
    network = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2]).eval()
    app = FastAPI()

    def encode(side: int, sequences: list[list[int]]) -> Any:
        starts = torch.tensor([0, *accumulate(map(len, sequences[:-1]))])
        return encoders[side](torch.tensor([each for ids in sequences for each in ids]), starts)

    @app.post("/invocations")
    async def invocations(asked: Pairs) -> Scores:
        with torch.inference_mode():
            in0 = encode(0, [pair.in0 for pair in asked.instances])
            in1 = encode(1, [pair.in1 for pair in asked.instances])
            shown = torch.cat([in0 * in1, in0, in1, (in0 - in1).abs()], dim=1)
            chances = network(shown).softmax(dim=1)
        return Scores(predictions=[Score(scores=each) for each in chances.tolist()])

    return app


def load(folder: Path) -> Any:
    """The arrays of a state, as tensors."""
    from safetensors.torch import load_file

    return load_file(folder / "state.safetensors")


def linear(weight: Any, bias: Any) -> Any:
    """A layer with weights (H, I)."""
    from torch import nn

    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight, layer.bias = nn.Parameter(weight.contiguous()), nn.Parameter(bias)
    return layer


SYSTEMS: dict[str, Served] = {
    "word2vec": word2vec, "text_classification": text_classification, "topics": topics, "object2vec": object2vec,
}  # fmt: skip


if __name__ == "__main__":
    uvicorn.run(
        SYSTEMS[sys.argv[1]](Path(sys.argv[2])),
        port=int(sys.argv[3]),
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )

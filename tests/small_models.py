"""Four models, one of each algorithm, written down and not trained, each as a published folder: small, and true.

Word vectors of animals and foods, a classifier that tells these apart, topics of twelve words, pairs of texts.
"""

from pathlib import Path

import numpy as np
import orjson

from algorithms.model import save_state
from algorithms.object2vec.algorithm import Object2Vec
from algorithms.topics.algorithm import Topics
from data import fasttext, storage
from data.fasttext import Args, Dictionary, Entry, EntryType, LossName, ModelName
from data.pairs import Pairs, Shards
from tasks.publish import pack
from tests.algorithms.topics.documents import InMemory, planted

ANIMALS, FOODS = ["dog", "cat", "bird", "horse"], ["bread", "cheese", "apple", "soup"]
WORDS = ["</s>", *ANIMALS, *FOODS]
LABELS = ["__label__animal", "__label__food"]
TOPIC_WORDS = [*ANIMALS, *FOODS, "rain", "snow", "wind", "cloud"]


def publish(root: Path) -> dict[str, str]:
    """The published folder of each algorithm's model."""
    made = {"word2vec": write_words, "text_classification": _labels, "topics": _topics, "object2vec": _pairs}
    return {algorithm: publish_one(root / algorithm, algorithm, make) for algorithm, make in made.items()}


def publish_one(folder: Path, algorithm: str, make, *, created="2026-01-02T03:04:05+00:00") -> str:
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    make(files)
    pack(folder / "model.tar.gz", sorted(files.iterdir()))
    manifest = {"algorithm": algorithm, "created": created, "files": {"model.tar.gz": {}}}
    storage.write_json(str(folder / "manifest.json"), manifest)
    return str(folder)


def _binary(path: Path, rows: np.ndarray, entries: list[Entry], outputs: np.ndarray, name: ModelName) -> None:
    args = Args(rows.shape[1], 5, 5, 1, 5, 1, LossName.SOFTMAX, name, 0, 0, 0, 100, 1e-4)
    with path.open("wb") as file:
        fasttext.write_model(
            file, args, Dictionary(entries, 100), input_blocks=[rows.astype(np.float32)], input_rows=len(rows),
            output_blocks=[outputs.astype(np.float32)], output_rows=len(outputs),
        )  # fmt: skip


def vectors(*, turn: float = 0.0) -> np.ndarray:
    """(9, 4): animals point one way, foods another; `turn` makes another version of them."""
    near = np.random.default_rng(1).normal(scale=0.2, size=(len(WORDS), 4)) + turn
    near[1:5, 0] += 1
    near[5:, 1] += 1
    return near.astype(np.float32)


def write_words(folder: Path, *, turn: float = 0.0) -> None:
    rows = vectors(turn=turn)
    _binary(folder / "vectors.bin", rows, [Entry(word, 9) for word in WORDS], 0 * rows, ModelName.SKIPGRAM)


def _labels(folder: Path) -> None:
    rows = np.array([[0, 0], *[[6, 0]] * 4, *[[0, 6]] * 4])
    entries = [*(Entry(word, 9) for word in WORDS), *(Entry(label, 9, EntryType.LABEL) for label in LABELS)]
    _binary(folder / "model.bin", rows, entries, np.eye(2), ModelName.SUPERVISED)


def _topics(folder: Path) -> None:
    form = Topics(num_topics=3, encoder_layers="5")
    save_state(folder / "state.safetensors", form.init(InMemory(planted(6, topics=3, words=12)), seed=1))
    manifest = {"algorithm": "topics", "counting": {"lemmatizer": "none", "vocabulary_size": 12}}
    (folder / "algorithm.json").write_bytes(orjson.dumps(form.model_dump(mode="json")))
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in TOPIC_WORDS))
    (folder / "topics.txt").write_text("dog cat bird\nbread cheese apple\nrain snow wind\n")


def _pairs(folder: Path) -> None:
    form = Object2Vec(enc0_network="pooled_embedding", enc_dim=4, mlp_dim=5, mlp_layers=1)
    size = len(WORDS)
    state = form.init(Pairs(None, (size, size), (5, 5), Shards(["none"], [1], 2)), seed=1)
    save_state(folder / "state.safetensors", state)
    (folder / "algorithm.json").write_bytes(orjson.dumps(form.model_dump(mode="json")))
    (folder / "manifest.json").write_bytes(orjson.dumps({"algorithm": "object2vec"}))
    (folder / "vocab.json").write_bytes(orjson.dumps({word: place for place, word in enumerate(["<pad>", *WORDS[1:]])}))
    (folder / "pairing.json").write_bytes(orjson.dumps({}))

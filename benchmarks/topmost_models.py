"""TopMost's ProdLDA and ECRTM, trained by its own trainer.

Its package as a whole imports sentence-transformers, which these models need nothing of, and pip would bring another
torch with it. So `pip install --no-deps topmost`, and only the modules that are needed are imported: the packages above
them are put in place empty.
"""

import importlib
import importlib.util
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Found = tuple[NDArray[np.floating], NDArray[np.floating], float]  # see `topic_models.Topics`

EPOCHS = 100  # its trainer's own number is 200: NPMI and TU are then the same or worse, at twice the time
MODULES = {"ProdLDA": "topmost.models.basic.ProdLDA", "ECRTM": "topmost.models.basic.ECRTM.ECRTM"}
TRAINER = "topmost.trainers.basic.basic_trainer"
EMPTY = ("", ".data", ".models", ".models.basic", ".trainers", ".trainers.basic")


def train(
    name: str, rows: sparse.csr_matrix, words: list[str], num_topics: int, *, threads: int, seed: int, effort: float
) -> Found:
    """Train on dense rows, as its own dataset holds them, with its defaults: mini-batches of 200, Adam at 0.002."""
    import torch

    model_of, trainer_of = getattr(_load(MODULES[name]), name), _load(TRAINER).BasicTrainer
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    begun = time.perf_counter()
    bags = torch.from_numpy(rows.toarray())
    batches: Any = torch.utils.data.DataLoader(bags, batch_size=200, shuffle=True)  # type: ignore[arg-type]
    dataset = SimpleNamespace(train_data=bags, vocab=words, train_dataloader=batches)
    model = model_of(len(words), num_topics=num_topics)
    trainer = trainer_of(model, dataset, epochs=max(1, round(effort * EPOCHS)))
    trainer.train()
    seconds = time.perf_counter() - begun
    return trainer.get_beta(), _chances(model, dataset.train_dataloader), seconds


def _chances(model: Any, batches: Any) -> NDArray[np.floating]:
    """What each topic alone makes of the words, (K, V).

    Its decoder's remembered moments lag behind the training, ProdLDA's by thousands of mini-batches; with them the
    chances would be next to the same for all topics. So they are taken anew, as ours are.
    """
    import torch

    norm = model.decoder_bn
    norm.reset_running_stats()
    norm.momentum = None  # the mean of all mini-batches
    with torch.no_grad():
        model.train()
        for batch in batches:
            model(batch)
        model.eval()
        topics = torch.eye(model.num_topics)
        if hasattr(model, "decode"):
            chances = model.decode(topics)
        else:
            chances = torch.softmax(norm(topics @ model.get_beta()), dim=1)
    found: NDArray[np.floating] = chances.numpy()
    return found


def _load(module: str) -> ModuleType:
    """One module of the package, without what its `__init__`s import."""
    if "topmost" not in sys.modules:
        spec = importlib.util.find_spec("topmost")
        assert spec is not None
        assert spec.submodule_search_locations is not None
        folder = next(iter(spec.submodule_search_locations))
        for part in EMPTY:
            package = ModuleType(f"topmost{part}")
            package.__path__ = [folder + part.replace(".", "/")]
            sys.modules[package.__name__] = package
    return importlib.import_module(module)

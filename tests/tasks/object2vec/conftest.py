import pytest

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.pairing import Pairing
from tasks.ingest import ingest
from tasks.object2vec.text import Prepared, prepare
from tasks.train import machines
from tests import related

HERE = machines(threads=1, workers=0, scheduler="")
PAIRING = Pairing(min_count=1)
FORM = Object2Vec(
    enc0_network="pooled_embedding", enc_dim=8, tied_encoders=True, token_embedding_storage_type="row_sparse",
    comparator_list="cosine", mlp_layers=0, negative_sampling_rate=3, mini_batch_size=32, learning_rate=0.03, epochs=3,
)  # fmt: skip


@pytest.fixture
def ingested(tmp_path):
    return ingest.fn(str(related.write(tmp_path / "subjects.jsonl", related.documents(count=200))))


@pytest.fixture
def prepared(ingested, cache) -> Prepared:
    return prepare.fn(
        ingested, {}, {}, PAIRING, num_classes=2, vocab_sizes=(0, 0), negative_sampling_rate=3, seed=1, machines=HERE,
        work=f"{cache}/work",
    )  # fmt: skip

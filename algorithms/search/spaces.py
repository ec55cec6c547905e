"""The ranges that are searched when none are given: those that AWS's developer guide recommends for each algorithm.

Ours differ where it says why. Names of algorithms are those of their flows.
"""

from collections.abc import Mapping
from typing import Any

from algorithms.search.ranges import Categorical, Continuous, Integer
from algorithms.search.reading import ranges

RECOMMENDED: dict[str, dict[str, Mapping[str, Any]]] = {
    "word2vec": {
        "mode": {"values": ["batch_skipgram", "skipgram", "cbow"]},
        # the guide has 0.005 to 0.01, which leaves out the form's default of 0.05
        "learning_rate": {"low": 0.005, "high": 0.05, "scaling": "Logarithmic"},
        "window_size": {"low": 1, "high": 10},
        "vector_dim": {"low": 32, "high": 300},
        "negative_samples": {"low": 5, "high": 25},
        "min_count": {"low": 0, "high": 100},
        "epochs": {"low": 5, "high": 15},
        "sampling_threshold": {"low": 0.0001, "high": 0.001},
        "batch_size": {"low": 8, "high": 32, "when": {"mode": ["batch_skipgram"]}},
    },
    "text_classification": {
        # the guide has 0.005 to 0.01, AWS's notebook 0.05 to 0.15; small sets want more
        "learning_rate": {"low": 0.005, "high": 1.0, "scaling": "Logarithmic"},
        "vector_dim": {"low": 32, "high": 300},
        "word_ngrams": {"low": 1, "high": 3},
        "min_count": {"low": 0, "high": 100},
        "epochs": {"low": 5, "high": 15},
        "buckets": {"low": 1_000_000, "high": 10_000_000, "when": {"word_ngrams": [2, 3]}},
    },
    "topics": {
        "encoder_layers_activation": {"values": ["sigmoid", "tanh", "relu"]},
        "optimizer": {"values": ["sgd", "adam", "adadelta"]},
        # adadelta takes no learning rate
        "learning_rate": {"low": 0.0001, "high": 0.1, "when": {"optimizer": ["sgd", "adam"]}},
        "mini_batch_size": {"low": 16, "high": 2048},
        "rescale_gradient": {"low": 0.1, "high": 1.0},
        "weight_decay": {"low": 0.0, "high": 1.0},
    },
    "object2vec": {
        "dropout": {"low": 0.0, "high": 1.0},
        "early_stopping_patience": {"low": 1, "high": 5},
        "early_stopping_tolerance": {"low": 0.001, "high": 0.1},
        "enc_dim": {"low": 4, "high": 4096},
        "enc0_cnn_filter_width": {"low": 1, "high": 5, "when": {"enc0_network": ["hcnn"]}},
        "enc0_layers": {"low": 1, "high": 4, "when": {"enc0_network": ["hcnn", "bilstm"]}},
        "enc0_token_embedding_dim": {"low": 5, "high": 300, "when": {"enc0_network": ["hcnn", "bilstm"]}},
        "enc1_cnn_filter_width": {"low": 1, "high": 5, "when": {"enc1_network": ["hcnn"]}},
        "enc1_layers": {"low": 1, "high": 4, "when": {"enc1_network": ["hcnn", "bilstm"]}},
        "enc1_token_embedding_dim": {"low": 5, "high": 300, "when": {"enc1_network": ["hcnn", "bilstm"]}},
        "epochs": {"low": 4, "high": 20},
        # adadelta takes no learning rate
        "learning_rate": {"low": 1e-6, "high": 1.0, "when": {"optimizer": ["adagrad", "adam", "rmsprop", "sgd"]}},
        "mini_batch_size": {"low": 1, "high": 8192},
        "mlp_activation": {"values": ["tanh", "relu", "linear"], "when": {"mlp_layers": [1, 2, 3, 4]}},
        "mlp_dim": {"low": 16, "high": 1024, "when": {"mlp_layers": [1, 2, 3, 4]}},
        "mlp_layers": {"low": 1, "high": 4},
        "optimizer": {"values": ["adagrad", "adam", "rmsprop", "sgd", "adadelta"]},
        "weight_decay": {"low": 0.0, "high": 1.0},
    },
}


def recommended(algorithm: str) -> dict[str, Integer | Continuous | Categorical]:
    """The ranges of word2vec, text_classification, topics or object2vec."""
    return ranges(RECOMMENDED[algorithm])

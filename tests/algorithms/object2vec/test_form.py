import re

import pytest
from pydantic import ValidationError

from algorithms.object2vec.algorithm import Object2Vec
from algorithms.object2vec.form import Encoder

# what SageMaker's notebook of document embeddings sends, as it sends it
NOTEBOOK = {
    "_kvstore": "device", "_num_gpus": "auto", "_num_kv_servers": "auto", "bucket_width": "0", "dropout": "0.4",
    "early_stopping_patience": "2", "early_stopping_tolerance": "0.01", "enc0_layers": "auto", "enc0_max_seq_len": "50",
    "enc0_network": "pooled_embedding", "enc0_pretrained_embedding_file": "", "enc0_token_embedding_dim": "300",
    "enc0_vocab_size": "267522", "enc1_network": "enc0", "enc_dim": "300", "epochs": "20", "learning_rate": "0.01",
    "mini_batch_size": "512", "mlp_activation": "relu", "mlp_dim": "512", "mlp_layers": "2", "num_classes": "2",
    "optimizer": "adam", "output_layer": "softmax", "weight_decay": "0", "negative_sampling_rate": "3",
    "comparator_list": "hadamard", "tied_token_embedding_weight": "true", "token_embedding_storage_type": "row_sparse",
    "_tuning_objective_metric": "",
}  # fmt: skip


def test_the_notebooks_strings_are_understood():
    form = Object2Vec.model_validate(NOTEBOOK)
    assert form.encoders == (Encoder("pooled_embedding", 0, 3, 300, 50),) * 2
    assert (form.sparse, form.tied, form.tied_encoders, form.comparators) == (True, True, False, ("hadamard",))
    assert (form.epochs, form.dropout, form.rule.rate, form.outputs) == (20, 0.4, 0.01, 2)
    assert form.adjustments() == []
    assert Object2Vec.model_validate(form.model_dump()) == form


def test_defaults_are_sagemakers():
    form = Object2Vec()
    assert form.model_dump() | {"device": "auto"} == {
        "enc0_network": "hcnn", "enc0_max_seq_len": 0, "enc0_vocab_size": 0, "enc0_token_embedding_dim": 300,
        "enc0_layers": "auto", "enc0_cnn_filter_width": 3, "enc0_pretrained_embedding_file": "",
        "enc0_freeze_pretrained_embedding": True, "enc0_vocab_file": "", "enc1_network": "enc0", "enc1_max_seq_len": 0,
        "enc1_vocab_size": 0, "enc1_token_embedding_dim": 300, "enc1_layers": "auto", "enc1_cnn_filter_width": 3,
        "enc1_pretrained_embedding_file": "", "enc1_freeze_pretrained_embedding": True, "enc1_vocab_file": "",
        "enc_dim": 4096, "tied_token_embedding_weight": False, "tied_encoders": False,
        "token_embedding_storage_type": "dense", "comparator_list": "hadamard, concat, abs_diff", "mlp_layers": 2,
        "mlp_dim": 512, "mlp_activation": "linear", "dropout": 0.0, "output_layer": "softmax", "num_classes": 2,
        "negative_sampling_rate": 0, "epochs": 30, "mini_batch_size": 32, "bucket_width": 0, "optimizer": "adam",
        "learning_rate": 0.0004, "weight_decay": 0.0, "early_stopping_patience": 3, "early_stopping_tolerance": 0.01,
        "device": "auto",
    }  # fmt: skip
    assert form.encoders == (Encoder("hcnn", 4, 3, 300, 5000),) * 2


@pytest.mark.parametrize(
    ("settings", "encoders"),
    [
        ({"enc0_network": "bilstm"}, [("bilstm", 1, 3, 300, 5000)] * 2),
        (
            {"enc0_layers": 2, "enc0_max_seq_len": 9, "enc1_layers": "3", "enc1_token_embedding_dim": 7},
            [("hcnn", 2, 3, 300, 9)] * 2,  # enc1_network=enc0 has no fields of its own but a length
        ),
        ({"enc0_max_seq_len": 9, "enc1_max_seq_len": 4}, [("hcnn", 4, 3, 300, 9), ("hcnn", 4, 3, 300, 4)]),
        (
            {"enc1_network": "hcnn", "enc1_layers": "1", "enc1_cnn_filter_width": 5, "enc1_token_embedding_dim": 7},
            [("hcnn", 4, 3, 300, 5000), ("hcnn", 1, 5, 7, 5000)],
        ),
        (
            {"enc_dim": 50, "enc1_network": "pooled_embedding"},
            [("hcnn", 4, 3, 300, 5000), ("pooled_embedding", 0, 3, 50, 5000)],
        ),
    ],
)
def test_what_fields_come_to_for_each_encoder(settings, encoders):
    assert Object2Vec(**settings).encoders == tuple(Encoder(*each) for each in encoders)


def test_what_is_done_differently_is_told():
    form = Object2Vec(
        enc0_network="pooled_embedding", enc_dim=100, bucket_width=10, token_embedding_storage_type="row_sparse"
    )
    first, second, third = form.adjustments()
    assert "100 vs 300. Setting token embedding dim to be 100" in first
    assert "in1" in second
    assert "bucket_width=10" in third
    assert form.bucketing == 0
    assert Object2Vec(bucket_width=10).bucketing == 10
    assert Object2Vec().adjustments() == []


@pytest.mark.parametrize("given", ["hadamard,concat", " Concat ,abs_diff,hadamard", "cosine"])
def test_comparators_in_any_order(given):
    form = Object2Vec(comparator_list=given)
    assert form.comparators == tuple(name.strip().lower() for name in given.split(","))
    assert Object2Vec(comparator_list=form.comparator_list) == form


@pytest.mark.parametrize(
    "settings",
    [
        {"comparator_list": ""}, {"comparator_list": "hadamard, dot"}, {"comparator_list": "concat, concat"},
        {"enc0_layers": "5"}, {"enc0_layers": 0}, {"enc0_layers": "two"}, {"enc_dim": 3}, {"enc0_max_seq_len": 5001},
        {"enc0_vocab_size": 3_000_001}, {"bucket_width": 101}, {"dropout": 1.1}, {"epochs": 101}, {"num_classes": 31},
        {"early_stopping_patience": 6}, {"early_stopping_tolerance": 0.2}, {"mini_batch_size": 10_001},
        {"mlp_layers": 11}, {"mlp_dim": 1}, {"optimizer": "lamb"}, {"learning_rate": 2}, {"weight_decay": -1},
        {"negative_sampling_rate": 101}, {"enc0_cnn_filter_width": 10}, {"enc0_token_embedding_dim": 1},
        {"enc0_pretrained_embedding_file": "../x"}, {"unknown": 1}, {"_unknown": 1},
    ],
)  # fmt: skip
def test_bounds(settings):
    with pytest.raises(ValidationError):
        Object2Vec(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"token_embedding_storage_type": "row_sparse", "optimizer": "adadelta"},
         "optimizer='adadelta': row_sparse moves some rows and not others, which this does not know; "
         "choose adam, adagrad or sgd, or token_embedding_storage_type=dense"),
        ({"negative_sampling_rate": 3, "output_layer": "mean_squared_error"},
         "negative_sampling_rate=3: no score is known of a pair that is drawn; choose 0, or output_layer=softmax"),
        ({"tied_encoders": True, "enc1_network": "bilstm"},
         "tied_encoders=True: the two encoders are built differently; "
         "choose enc1_network=enc0 and the same enc1_max_seq_len, or tied_encoders=False"),
        ({"tied_token_embedding_weight": True, "enc1_network": "pooled_embedding"},
         "tied_token_embedding_weight=True: token vectors have 300 numbers in0 and 4096 in1; "
         "choose the same token_embedding_dim, which is enc_dim for pooled_embedding"),
    ],
)  # fmt: skip
def test_settings_that_do_not_go_together(settings, message):
    with pytest.raises(ValueError, match=f"Value error, {re.escape(message)} "):
        Object2Vec(**settings)


def test_several_workers_share_a_mini_batch():
    form = Object2Vec(mini_batch_size=10, dropout=0.1)
    assert form.among(1) is form
    assert form.among(3) == Object2Vec(mini_batch_size=3, dropout=0.1)
    assert form.among(100).mini_batch_size == 1

"""Object2Vec's hyperparameters: their names, bounds and defaults."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from algorithms.forms import in_order
from algorithms.object2vec import fields
from algorithms.object2vec.fields import AUTO, Layers, Network
from algorithms.optimizers import Name

HIDDEN = ("_kvstore", "_num_gpus", "_num_kv_servers", "_tuning_objective_metric")  # notebooks send them, nobody reads


class Hyperparameters(BaseModel):
    """SageMaker's Object2Vec, with its names, defaults and bounds (AWS's developer guide).

    What the guide requires, lengths and sizes of vocabularies, may be 0: the data knows. The comparator cosine,
    tied_encoders and device are ours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", title="Object2Vec", json_schema_extra=in_order)

    enc0_network: Annotated[
        Network,
        Field(
            title="in0: network",
            description="hcnn: layers of convolutions; bilstm: a recurrent network, read both ways; pooled_embedding:"
            " the mean of the token vectors, the fastest by far.",
        ),
    ] = "hcnn"
    enc0_max_seq_len: Annotated[int, fields.max_seq_len("in0", "nothing, up to 5000 ids")] = 0
    enc0_vocab_size: Annotated[int, fields.vocab_size("in0", "as the data")] = 0
    enc0_token_embedding_dim: Annotated[int, fields.token_dim("in0")] = 300
    enc0_layers: Annotated[Layers, fields.layers_field("in0")] = AUTO
    enc0_cnn_filter_width: Annotated[int, fields.filter_width("in0")] = 3
    enc0_pretrained_embedding_file: Annotated[str, fields.vectors_file("in0")] = ""
    enc0_freeze_pretrained_embedding: Annotated[bool, fields.freeze("in0")] = True
    enc0_vocab_file: Annotated[str, fields.vocab_file("in0")] = ""
    enc1_network: Annotated[
        Literal["enc0", "hcnn", "bilstm", "pooled_embedding"],
        Field(title="in1: network", description="enc0: built as that of in0, with weights of its own."),
    ] = "enc0"
    enc1_max_seq_len: Annotated[int, fields.max_seq_len("in1", "as in0")] = 0
    enc1_vocab_size: Annotated[int, fields.vocab_size("in1", "as the data")] = 0
    enc1_token_embedding_dim: Annotated[int, fields.token_dim("in1")] = 300
    enc1_layers: Annotated[Layers, fields.layers_field("in1")] = AUTO
    enc1_cnn_filter_width: Annotated[int, fields.filter_width("in1")] = 3
    enc1_pretrained_embedding_file: Annotated[str, fields.vectors_file("in1")] = ""
    enc1_freeze_pretrained_embedding: Annotated[bool, fields.freeze("in1")] = True
    enc1_vocab_file: Annotated[str, fields.vocab_file("in1")] = ""
    enc_dim: Annotated[
        int, Field(title="Encoding dimension", description="Numbers in what an encoder gives.", ge=4, le=10_000)
    ] = 4096
    tied_token_embedding_weight: Annotated[
        bool, Field(title="Tie token vectors", description="Both sides have the same token vectors.")
    ] = False
    tied_encoders: Annotated[
        bool,
        Field(title="Tie encoders", description="Both sides have the same encoder: equal input, equal encoding."),
    ] = False
    token_embedding_storage_type: Annotated[
        Literal["dense", "row_sparse"],
        Field(
            title="Token gradients",
            description="row_sparse: only the vectors of tokens that a mini-batch has are moved; then its time does not"
            " grow with the vocabulary.",
        ),
    ] = "dense"
    comparator_list: Annotated[
        str,
        Field(
            title="Comparators",
            description="How the encodings are compared, any of hadamard, concat, abs_diff, cosine: hadamard, abs_diff",
        ),
        AfterValidator(fields.comparators),
    ] = "hadamard, concat, abs_diff"
    mlp_layers: Annotated[
        int, Field(title="MLP: layers", description="Layers between the comparators and the output.", ge=0, le=10)
    ] = 2
    mlp_dim: Annotated[int, Field(title="MLP: units", description="Units of each such layer.", ge=2, le=10_000)] = 512
    mlp_activation: Annotated[
        Literal["tanh", "relu", "linear"],
        Field(title="MLP: activation", description="What follows each such layer."),
    ] = "linear"
    dropout: Annotated[
        float,
        Field(title="Dropout", description="Share of the units of each layer that a step does without.", ge=0, le=1),
    ] = 0.0
    output_layer: Annotated[
        Literal["softmax", "mean_squared_error"],
        Field(title="Output layer", description="softmax: labels are classes; mean_squared_error: labels are scores."),
    ] = "softmax"
    num_classes: Annotated[int, Field(title="Classes", description="Of labels; softmax only.", ge=2, le=30)] = 2
    negative_sampling_rate: Annotated[
        int,
        Field(
            title="Negatives",
            description="Pairs with the label 0 drawn at random for each pair with another, anew in each epoch.",
            ge=0,
            le=100,
        ),
    ] = 0
    epochs: Annotated[int, Field(title="Epochs", description="Passes over the pairs, at most.", ge=1, le=100)] = 30
    mini_batch_size: Annotated[
        int,
        Field(
            title="Mini-batch size",
            description="Pairs in a step of all workers, drawn ones not counted.",
            ge=1,
            le=10_000,
        ),
    ] = 32
    bucket_width: Annotated[
        int,
        Field(
            title="Bucket width",
            description="A mini-batch has sequences that differ by about so many tokens; 0: of any lengths.",
            ge=0,
            le=100,
        ),
    ] = 0
    optimizer: Annotated[
        Name, Field(title="Optimizer", description="adadelta needs no learning rate, and takes none.")
    ] = "adam"
    learning_rate: Annotated[float, Field(title="Learning rate", description="Step size.", ge=1e-6, le=1)] = 0.0004
    weight_decay: Annotated[
        float, Field(title="Weight decay", description="L2 regularisation of all weights but biases.", ge=0, le=10_000)
    ] = 0.0
    early_stopping_patience: Annotated[
        int, Field(title="Patience", description="Epochs without improvement that end the training.", ge=1, le=5)
    ] = 3
    early_stopping_tolerance: Annotated[
        float,
        Field(title="Tolerance", description="By how much the loss must fall to improve.", ge=1e-6, le=0.1),
    ] = 0.01
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(title="Device", description="auto: a GPU where there is one.")
    ] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _without_hidden(cls, values: Any) -> Any:
        return (
            {name: value for name, value in values.items() if name not in HIDDEN}
            if isinstance(values, dict)
            else values
        )

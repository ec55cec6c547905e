"""What Object2Vec's hyperparameters come to, of each encoder and as a whole, and which of them cannot go together."""

from typing import NamedTuple, Self

from pydantic import model_validator

from algorithms.object2vec.fields import AUTO, LONGEST, Network
from algorithms.object2vec.hyperparameters import Hyperparameters
from algorithms.optimizers import Rule
from data.errors import HyperparameterError

LAYERS = {"hcnn": 4, "bilstm": 1, "pooled_embedding": 0}  # what "auto" means
LAZY = ("adam", "adagrad", "sgd")  # optimizers that may leave rows alone that a mini-batch does not have


class Encoder(NamedTuple):
    """One side: what its fields come to. dim: numbers in a token's vector."""

    network: Network
    layers: int
    filter_width: int
    dim: int
    max_seq_len: int


class Form(Hyperparameters):
    """The hyperparameters of a model that can be."""

    @model_validator(mode="after")
    def _can_work(self) -> "Form":
        first, second = self.encoders
        wrong: tuple[str, str, object, str] | None = None
        if self.sparse and self.optimizer not in LAZY:
            remedy = f"choose {', '.join(LAZY[:-1])} or {LAZY[-1]}, or token_embedding_storage_type=dense"
            wrong = (
                "row_sparse moves some rows and not others, which this does not know",
                "optimizer",
                self.optimizer,
                remedy,
            )
        elif self.negative_sampling_rate and self.regression:
            remedy = "choose 0, or output_layer=softmax"
            wrong = (
                "no score is known of a pair that is drawn",
                "negative_sampling_rate",
                self.negative_sampling_rate,
                remedy,
            )
        elif self.tied_encoders and first != second:
            remedy = "choose enc1_network=enc0 and the same enc1_max_seq_len, or tied_encoders=False"
            wrong = ("the two encoders are built differently", "tied_encoders", True, remedy)
        elif self.tied_token_embedding_weight and first.dim != second.dim:
            remedy = "choose the same token_embedding_dim, which is enc_dim for pooled_embedding"
            what = f"token vectors have {first.dim} numbers in0 and {second.dim} in1"
            wrong = (what, "tied_token_embedding_weight", True, remedy)
        if wrong:
            what, field, value, remedy = wrong
            raise HyperparameterError(what, field=field, value=value, remedy=remedy)
        return self

    @property
    def encoders(self) -> tuple[Encoder, Encoder]:
        """Those of in0 and of in1."""
        longest = self.enc0_max_seq_len or LONGEST
        first = self._encoder(self.enc0_network, self.enc0_layers, self.enc0_cnn_filter_width,
                              self.enc0_token_embedding_dim, longest)  # fmt: skip
        longest = self.enc1_max_seq_len or longest
        if self.enc1_network == "enc0":
            return first, first._replace(max_seq_len=longest)
        return first, self._encoder(self.enc1_network, self.enc1_layers, self.enc1_cnn_filter_width,
                                    self.enc1_token_embedding_dim, longest)  # fmt: skip

    def _encoder(self, network: Network, layers: str, width: int, dim: int, longest: int) -> Encoder:
        dim = self.enc_dim if network == "pooled_embedding" else dim
        return Encoder(network, LAYERS[network] if layers == AUTO else int(layers), width, dim, longest)

    @property
    def comparators(self) -> tuple[str, ...]:
        """In their order."""
        return tuple(self.comparator_list.split(", "))

    @property
    def tied(self) -> bool:
        """Whether there is one token table for both sides."""
        return self.tied_token_embedding_weight or self.tied_encoders

    @property
    def sparse(self) -> bool:
        """Whether only rows that a mini-batch has are moved."""
        return self.token_embedding_storage_type == "row_sparse"

    @property
    def regression(self) -> bool:
        """Whether labels are scores."""
        return self.output_layer == "mean_squared_error"

    @property
    def outputs(self) -> int:
        """Numbers that are told of a pair."""
        return 1 if self.regression else self.num_classes

    @property
    def bucketing(self) -> int:
        """The width of buckets that is worked with: as in the original, none with row_sparse."""
        return 0 if self.sparse else self.bucket_width

    @property
    def vocab_sizes(self) -> tuple[int, int]:
        """Every id of in0, and of in1, is less; 0 where the data decides."""
        return self.enc0_vocab_size, self.enc0_vocab_size if self.enc1_network == "enc0" else self.enc1_vocab_size

    @property
    def rule(self) -> Rule:
        """How weights move."""
        return Rule(self.optimizer, 1.0 if self.optimizer == "adadelta" else self.learning_rate, self.weight_decay)

    def among(self, workers: int) -> Self:
        """What each of several workers trains with: they share a mini-batch, and so make as many steps as one would."""
        size = max(1, round(self.mini_batch_size / workers))
        return type(self)(**{**self.model_dump(), "mini_batch_size": size}) if size != self.mini_batch_size else self

    def adjustments(self) -> list[str]:
        """What is done differently from what the fields say, for the log: one line each."""
        lines = []
        for side, given in enumerate((self.enc0_token_embedding_dim, self.enc1_token_embedding_dim)):
            encoder = self.encoders[side]
            given = self.enc0_token_embedding_dim if side and self.enc1_network == "enc0" else given
            if encoder.dim != given:
                lines.append(
                    f"Inconsistent enc_dim and token_embedding_dim found for the encoder of in{side}: {encoder.dim} vs"
                    f" {given}. Setting token embedding dim to be {encoder.dim}"
                )
        if self.sparse and self.bucket_width:
            lines.append(f"Bucketing is off with row_sparse: bucket_width={self.bucket_width} is not used")
        return lines

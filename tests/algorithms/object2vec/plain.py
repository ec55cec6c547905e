"""Object2Vec the usual way, with torch.nn: padded sequences, whole tables, comparisons put together. The oracle."""

import torch
from torch import nn

from algorithms.object2vec.algorithm import Object2Vec
from data.pairs import Batch, Sequences


class Plain(nn.Module):
    """Takes its weights from a state, in double precision."""

    def __init__(self, form: Object2Vec, state) -> None:
        super().__init__()
        self.form = form
        self.tables = nn.ModuleList(
            nn.Embedding.from_pretrained(tensor(state[name]), freeze=False)
            for name in ("tokens_0", "tokens_1")
            if name in state
        )
        names = ("encoder_0", "encoder_0" if form.tied_encoders else "encoder_1")
        self.encoders = nn.ModuleList(
            _encoder(encoder, form.enc_dim, state, name) for encoder, name in zip(form.encoders, names, strict=True)
        )
        if form.tied_encoders:
            self.encoders[1] = self.encoders[0]
        names = [*(f"mlp_{layer}" for layer in range(1, form.mlp_layers + 1)), "output"]
        self.layers = nn.ModuleList(_linear(state, name) for name in names)
        self.scale = nn.Parameter(tensor(state["cosine_scale"])) if "cosine_scale" in state else None

    def encode(self, side: int, sequences: Sequences) -> torch.Tensor:
        lists = [torch.from_numpy(sequences.sequence(i).astype("i8")) for i in range(sequences.size)]
        lists = [each[: self.form.encoders[side].max_seq_len] for each in lists]
        lengths = torch.tensor([len(each) for each in lists])
        table = self.tables[side if len(self.tables) > 1 else 0]
        padded = table(nn.utils.rnn.pad_sequence(lists, batch_first=True))
        return self.encoders[side](padded, lengths)

    def forward(self, batch: Batch) -> torch.Tensor:
        a, b = self.encode(0, batch.in0), self.encode(1, batch.in1)
        comparisons = {
            "hadamard": lambda: a * b,
            "concat": lambda: torch.cat([a, b], dim=1),
            "abs_diff": lambda: (a - b).abs(),
            "cosine": lambda: self.scale * nn.functional.cosine_similarity(a, b)[:, None],
        }
        values = torch.cat([comparisons[name]() for name in self.form.comparators], dim=1)
        for layer in self.layers[:-1]:
            values = {"relu": torch.relu, "tanh": torch.tanh, "linear": lambda x: x}[self.form.mlp_activation](
                layer(values)
            )
        return self.layers[-1](values)

    def cost(self, batch: Batch) -> torch.Tensor:
        found, labels = self(batch), torch.from_numpy(batch.labels)
        if self.form.regression:
            return nn.functional.mse_loss(found[:, 0], labels.double())
        return nn.functional.cross_entropy(found, labels.long())


def tensor(array) -> torch.Tensor:
    return torch.from_numpy(array).double()


def _linear(state, name) -> nn.Linear:
    layer = nn.Linear(*state[name].shape[::-1]).double()
    layer.weight.data, layer.bias.data = tensor(state[name]), tensor(state[f"{name}_bias"])
    return layer


def _encoder(encoder, enc_dim, state, name) -> nn.Module:
    if encoder.network == "pooled_embedding":
        return Pooled()
    return (Hcnn if encoder.network == "hcnn" else BiLstm)(encoder, enc_dim, state, name)


def valid(values, lengths):
    """(E, T, 1): what is no padding."""
    return (torch.arange(values.shape[1]) < lengths[:, None])[:, :, None]


class Pooled(nn.Module):
    def forward(self, values, lengths):
        return (values * valid(values, lengths)).sum(dim=1) / lengths[:, None]


class Hcnn(nn.Module):
    def __init__(self, encoder, enc_dim, state, name) -> None:
        super().__init__()
        self.layers, width = nn.ModuleList(), encoder.filter_width
        for number in range(1, encoder.layers + 1):
            weight = tensor(state[f"{name}_conv_{number}"])
            layer = nn.Conv1d(weight.shape[1], weight.shape[0], width).double()
            layer.weight.data, layer.bias.data = weight, tensor(state[f"{name}_conv_{number}_bias"])
            self.layers.append(nn.Sequential(nn.ConstantPad1d(((width - 1) // 2, width // 2), 0.0), layer, nn.ReLU()))
        self.out = _linear(state, f"{name}_out")

    def forward(self, values, lengths):
        """Each sequence by itself, without padding."""
        every = []
        for sequence, length in zip(values, lengths.tolist(), strict=True):
            below, strongest = sequence[:length].T[None], []
            for layer in self.layers:
                below = layer(below)
                strongest.append(below.amax(dim=2)[0])
            every.append(torch.cat(strongest))
        return self.out(torch.stack(every))


class BiLstm(nn.Module):
    def __init__(self, encoder, enc_dim, state, name) -> None:
        super().__init__()
        self.enc_dim, hidden = enc_dim, -(-enc_dim // 2)
        self.lstm = nn.LSTM(encoder.dim, hidden, encoder.layers, batch_first=True, bidirectional=True).double()
        for layer in range(encoder.layers):
            for way, suffix in (("forward", ""), ("backward", "_reverse")):
                ours = f"{name}_lstm_{layer + 1}_{way}"
                for theirs, own in (
                    ("weight_ih", ours), ("weight_hh", f"{ours}_hidden"),
                    ("bias_ih", f"{ours}_bias"), ("bias_hh", f"{ours}_hidden_bias"),
                ):  # fmt: skip
                    getattr(self.lstm, f"{theirs}_l{layer}{suffix}").data = tensor(state[own])

    def forward(self, values, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
        found, _ = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return found.masked_fill(~valid(found, lengths), -torch.inf).amax(dim=1)[:, : self.enc_dim]

"""ProdLDA as one writes it in PyTorch, and how many documents a second it trains on, beside ours.

Dense rows in memory, `nn.Linear`, `nn.BatchNorm1d`, autograd and Adam (Srivastava & Sutton 2017, and the tutorials that
follow it). No DataLoader, whose collecting of single rows takes longer than the network: rows are taken by an index.
"""

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.harness import Figures, answer

OURS, PLAIN = "embertext prodlda", "plain PyTorch"
RATE = 0.002


class ProdLDA(nn.Module):
    """The paper's network: softplus, dropout, a Dirichlet of ones by Laplace's approximation."""

    def __init__(self, columns: int, topics: int, units: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(columns, units), nn.Softplus(), nn.Linear(units, units), nn.Softplus(), nn.Dropout(0.2)
        )
        self.mean, self.spread = nn.Linear(units, topics), nn.Linear(units, topics)
        self.mean_norm, self.spread_norm = nn.BatchNorm1d(topics), nn.BatchNorm1d(topics)
        self.dropout = nn.Dropout(0.2)
        self.decoder = nn.Linear(topics, columns, bias=False)
        self.decoder_norm = nn.BatchNorm1d(columns)
        self.variance = 1 - 1 / topics

    def forward(self, counts: Tensor) -> Tensor:
        """The loss of documents (B, V): a mean, in nats."""
        hidden = self.encoder(counts)
        mean, spread = self.mean_norm(self.mean(hidden)), self.spread_norm(self.spread(hidden))
        drawn = mean + torch.exp(spread / 2) * torch.randn_like(mean)
        mixture = self.dropout(functional.softmax(drawn, dim=1))
        scores = functional.log_softmax(self.decoder_norm(self.decoder(mixture)), dim=1)
        recons = -(counts * scores).sum(dim=1)
        variance = torch.tensor(self.variance)
        kld = 0.5 * ((spread.exp() + mean**2) / variance - spread + variance.log() - 1).sum(dim=1)
        loss: Tensor = (recons + kld).mean()
        return loss


def plain(rows: Tensor, *, num_topics: int, units: int, batch: int) -> Iterator[float]:
    """Train on an epoch after the other, and tell the seconds of each."""
    network = ProdLDA(rows.shape[1], num_topics, units)
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, fused=True)  # the quickest there is
    while True:
        begun = time.perf_counter()
        order = torch.randperm(len(rows))
        for first in range(0, len(rows), batch):
            loss = network(rows[order[first : first + batch]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield time.perf_counter() - begun


def ours(counts: str, settings: Figures, *, threads: int) -> Iterator[float]:
    """The same of ours: the rounds of an epoch, as the flow trains them."""
    from algorithms.here import Here
    from algorithms.topics.algorithm import Topics
    from algorithms.topics.corpus import Corpus
    from algorithms.training import train
    from data.counts import Counts

    form = Topics(**settings)
    seconds = 0.0
    for each in train(form, Corpus(Counts.load(counts)), cluster=Here(threads), seed=1):
        seconds += each.seconds
        if each.number * form.epochs % each.rounds == 0:
            yield seconds
            seconds = 0.0


def speeds(*, counts: str, num_topics: int, units: int, batch: int, threads: int, epochs: int) -> Figures:
    """Seconds of each system's epochs, one after the other in turns; documents: of an epoch.

    units: of each of the encoder's two layers, prodlda's and plain PyTorch's.
    """
    from benchmarks.topic_models import documents
    from data.counts import Counts

    torch.set_num_threads(threads)
    rows = torch.from_numpy(documents(Counts.load(counts)).toarray())
    shared = {"num_topics": num_topics, "mini_batch_size": batch, "epochs": epochs + 1}
    prodlda = {
        "decoder": "prodlda",
        "optimizer": "adam",
        "learning_rate": RATE,
        "encoder_layers_activation": "softplus",
    }
    layers = {"encoder_layers": f"{units},{units}"}
    running: dict[str, Iterator[float]] = {
        PLAIN: plain(rows, num_topics=num_topics, units=units, batch=batch),
        OURS: ours(counts, shared | prodlda | layers, threads=threads),
        f"{OURS}, its own layers": ours(counts, shared | prodlda, threads=threads),
        "embertext ntm": ours(counts, shared, threads=threads),
    }
    seconds: dict[str, list[float]] = {system: [] for system in running}
    for epoch in range(epochs + 1):
        for system, each in running.items():
            spent = next(each)
            if epoch:  # in the first one memory is found, kernels are compiled
                seconds[system].append(spent)
    return {"seconds": seconds, "documents": len(rows)}


SYSTEMS: dict[str, Callable[..., Figures]] = {"speeds": speeds}

if __name__ == "__main__":
    answer(SYSTEMS)

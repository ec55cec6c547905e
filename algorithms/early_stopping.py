"""When to stop: BlazingText's rule, which its job logs show. Knows numbers only."""


class EarlyStopping:
    """From `min_epochs` on each epoch is judged; after `patience` epochs in a row that are no better it is over."""

    def __init__(self, *, min_epochs: int, patience: int) -> None:
        self.min_epochs, self.patience = min_epochs, patience
        self.best, self.epoch, self.waited = float("-inf"), 0, 0

    def improved(self, epoch: int, score: float) -> bool:
        """Whether this epoch, counted from 1, is the best of those judged: then its weights are the ones to keep."""
        if epoch < self.min_epochs:
            return False
        if score > self.best:
            self.best, self.epoch, self.waited = score, epoch, 0
            return True
        self.waited += 1
        return False

    @property
    def over(self) -> bool:
        """Whether there is no more to hope for."""
        return self.waited >= self.patience

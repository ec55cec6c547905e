"""When to stop: the rules of BlazingText and of NTM, which their job logs show. Knows numbers only."""

from collections import deque


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


class WindowStopping:
    """NTM's rule: an epoch is bad unless its loss beats all of the last `num_patience_epochs` by more than `tolerance`.

    The tolerance is absolute, whatever SageMaker's documentation says; the first epochs, until the window is full, are
    never bad. A good epoch forgives all bad ones before it; when those in a row exceed `num_patience_epochs`, it is
    over.
    """

    def __init__(self, *, num_patience_epochs: int, tolerance: float) -> None:
        self.num_patience_epochs, self.tolerance = num_patience_epochs, tolerance
        self.window: deque[float] = deque(maxlen=num_patience_epochs)
        self.best, self.epoch, self.bad = float("inf"), 0, 0

    def improved(self, epoch: int, loss: float) -> bool:
        """Whether this epoch, counted from 1, has the lowest loss so far: then its weights are the ones to keep."""
        loss = loss if loss == loss else float("inf")  # nan is no better than anything
        if len(self.window) == self.num_patience_epochs:
            self.bad = 0 if min(self.window) - loss > self.tolerance else self.bad + 1
        self.window.append(loss)
        if loss < self.best:
            self.best, self.epoch = loss, epoch
            return True
        return False

    @property
    def over(self) -> bool:
        """Whether there is no more to hope for."""
        return self.bad > self.num_patience_epochs

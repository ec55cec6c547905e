"""When Object2Vec stops: early_stopping_patience and early_stopping_tolerance. Knows numbers only."""


class Patience:
    """An epoch is good if its loss is lower than the lowest before by more than `tolerance`.

    After `patience` epochs in a row that are not, it is over. The tolerance is absolute. As the losses of epochs that
    were not good count too, a loss that creeps down by less than the tolerance ends the training as well.
    """

    def __init__(self, *, patience: int, tolerance: float) -> None:
        self.patience, self.tolerance = patience, tolerance
        self.best, self.epoch, self.waited = float("inf"), 0, 0

    def improved(self, epoch: int, loss: float) -> bool:
        """Whether this epoch, counted from 1, has the lowest loss so far: then its weights are the ones to keep."""
        loss = loss if loss == loss else float("inf")  # nan is no better than anything
        self.waited = 0 if self.best - loss > self.tolerance else self.waited + 1
        if loss < self.best:
            self.best, self.epoch = loss, epoch
            return True
        return False

    @property
    def over(self) -> bool:
        """Whether there is no more to hope for."""
        return self.waited >= self.patience

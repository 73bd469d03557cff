"""When to stop (S21): patience with a value that should keep improving."""

import numpy as np


class Patience:
    """Counts the epochs that did not improve a value by more than `tol`.

    Parameters
    ----------
    tol : float
        An epoch counts as no improvement unless it beats the best value by this much.
    n_iter_no_change : int or inf
        How many such epochs in a row are accepted.
    higher_is_better : bool
        True for a validation score, False for a loss.
    n_terms : int, default=1
        Terms of which a value is the sum; an improvement is the mean over them.
    """

    def __init__(self, tol: float, n_iter_no_change: float, *, higher_is_better: bool, n_terms: int = 1):
        self.tol: float = tol
        self.n_terms: int = n_terms
        self.n_iter_no_change: float = n_iter_no_change
        self.higher_is_better: bool = higher_is_better
        self.best: float
        self.count: int
        self.start()

    def start(self) -> None:
        """Forget all values, for those to come cannot be compared with them."""
        self.best = -np.inf if self.higher_is_better else np.inf
        self.count = 0

    def update(self, value: float) -> bool:
        """Take note of an epoch's value; return whether it is the best so far."""
        tol = self.tol * self.n_terms
        if self.higher_is_better:
            stalled, best = not value >= self.best + tol, value > self.best  # NaN is no improvement
        else:
            stalled, best = value > self.best - tol, value < self.best
        self.count = self.count + 1 if stalled else 0
        if best:
            self.best = value
        return best

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.count > self.n_iter_no_change

    def __str__(self) -> str:
        kind = "Validation score" if self.higher_is_better else "Training loss"
        return f"{kind} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive epochs."

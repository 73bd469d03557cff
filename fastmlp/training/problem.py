"""What a solver learns from."""

from dataclasses import dataclass, replace

import numpy as np

from fastmlp._core._data import Data
from fastmlp._typing import Matrix


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows to learn from, or to judge by, as the core reads them.

    Attributes
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features), C-contiguous, of the network's dtype
    targets : ndarray of shape (n_samples, n_targets) of the same dtype, or (n_samples,) of class numbers
    sample_weight : ndarray of shape (n_samples,) of the same dtype, default=None
    rows : ndarray of intp, default=None
        Rows of X that belong to the problem, in the order to take them; None for all as they lie.
    target_values : tuple of float, default=(0.0, 1.0)
        What targets 0 and 1 become in the loss.
    mean_weight : float, default=None
        A batch's loss and gradient are divided by its number of rows times this, so that its gradient is on average
        that of the weighted mean loss of all rows, whichever rows it has. None for the mean weight of its own rows.
    """

    X: Matrix
    targets: np.ndarray
    sample_weight: np.ndarray | None = None
    rows: np.ndarray | None = None
    target_values: tuple[float, float] = (0.0, 1.0)
    mean_weight: float | None = None

    @property
    def n_rows(self) -> int:
        """Rows that belong to the problem."""
        return self.X.shape[0] if self.rows is None else len(self.rows)

    def in_steps(self, mean_weight: float | None = None) -> "Problem":
        """The problem as it is learnt in batches.

        Parameters
        ----------
        mean_weight : float, default=None
            By default that of the problem's rows.

        Returns
        -------
        Problem
            Itself where there are no weights.
        """
        if self.sample_weight is None:
            return self
        if mean_weight is None:
            weights = self.sample_weight if self.rows is None else self.sample_weight[self.rows]
            mean_weight = float(np.mean(weights, dtype=np.float64))
        return replace(self, mean_weight=mean_weight)

    def data(self, order: np.ndarray | None = None) -> Data:
        """The problem for the core.

        Parameters
        ----------
        order : ndarray of intp, default=None
            Rows of X in the order to take them, which may change between passes; by default `rows`.

        Returns
        -------
        Data
        """
        order = self.rows if order is None else order
        return Data(self.X, self.targets, self.sample_weight, order, *self.target_values, self.mean_weight or 0.0)

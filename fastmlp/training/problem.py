"""What a solver learns from."""

import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastmlp._blocks import row_blocks
from fastmlp._core._data import Data
from fastmlp._typing import Matrix

# Elements of X that tell one problem from another: a checksum of all would take longer than a short fit.
CHECKED_ELEMENTS = 1 << 14
# Rows of a sample, however wide they are.
LEAST_ROWS = 16


def checksum(*arrays: np.ndarray) -> int:
    """A number that changes with any bit of the arrays."""
    value = 0
    for array in arrays:
        value = zlib.crc32(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data, value)
    return value


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

    def identity(self) -> tuple[Any, ...]:
        """What tells these rows from others: their number, all targets and weights, and rows of X at equal distances.

        Returns
        -------
        tuple
            Equal for equal problems, in another process too.
        """
        X: Any = self.sample(CHECKED_ELEMENTS)
        parts = [X.data, X.indices, X.indptr] if issparse(X) else [X]
        for part in (self.targets, self.sample_weight):
            if part is not None:
                parts.append(part if self.rows is None else part[self.rows])
        return self.n_rows, self.target_values, checksum(*parts)

    def sample(self, n_elements: int) -> Matrix:
        """Rows of X at equal distances, about as many as have so many elements.

        Parameters
        ----------
        n_elements : int

        Returns
        -------
        ndarray or CSR array
        """
        return self._rows_of(self.X, n_elements // self.X.shape[1])

    def sample_targets(self, n_elements: int) -> np.ndarray:
        """Rows of the targets at equal distances, about as many as have so many elements.

        Parameters
        ----------
        n_elements : int

        Returns
        -------
        ndarray
        """
        return self._rows_of(self.targets, n_elements // self.targets[0].size)

    def _rows_of(self, array, n_sampled):
        some = slice(None, None, -(-self.n_rows // max(LEAST_ROWS, n_sampled)))
        return array[some] if self.rows is None else array[self.rows[some]]

    def blocks(self, row_bytes: int, **limits: int) -> list[Data]:
        """The problem for the core, a block of rows at a time.

        Parameters
        ----------
        row_bytes, **limits : int
            As for `fastmlp._blocks.row_blocks`.

        Returns
        -------
        list of Data
        """
        blocks = list(row_blocks(self.n_rows, row_bytes, **limits))
        if len(blocks) == 1:
            return [self.data()]
        rows = np.arange(self.n_rows, dtype=np.intp) if self.rows is None else self.rows
        return [self.data(rows[block]) for block in blocks]

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

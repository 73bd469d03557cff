"""What the columns of X, or of y, are like, a block of rows at a time."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis

from fastmlp._blocks import row_blocks
from fastmlp._typing import Matrix

# Rows of a block.
BLOCK_ROWS = 4096


class Moments(NamedTuple):
    """Of each column.

    Attributes
    ----------
    mean, deviation : ndarray of shape (n_columns,), float64
        A constant column's deviation is 0, without the rounding of its mean.
    distance : ndarray of shape (n_columns,)
        The largest distance from the mean.
    """

    mean: np.ndarray
    deviation: np.ndarray
    distance: np.ndarray


def column_moments(X: Matrix, weights: np.ndarray) -> Moments:
    """Mean, standard deviation and largest distance from the mean of each column.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_columns)
    weights : ndarray of shape (n_samples,), float64
        Shares of the rows, which sum to 1.

    Returns
    -------
    Moments
    """
    if issparse(X):
        mean, variance = mean_variance_axis(X.astype(np.float64), axis=0, weights=weights)
        least, largest = min_max_axis(X, axis=0)
    else:
        n_columns = X.shape[1]
        mean, variance = np.zeros(n_columns), np.zeros(n_columns)
        least, largest = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
        blocks = list(row_blocks(X.shape[0], weights.itemsize * n_columns, BLOCK_ROWS))
        for rows in blocks:
            mean += weights[rows] @ X[rows]
            least, largest = np.minimum(least, X[rows].min(axis=0)), np.maximum(largest, X[rows].max(axis=0))
        for rows in blocks:
            difference = X[rows] - mean
            variance += weights[rows] @ np.square(difference, out=difference)
    deviation = np.where(largest > least, np.sqrt(variance), 0.0)
    return Moments(mean, deviation, np.maximum(largest - mean, mean - least))


def spread_over(n_rows: int, n_wanted: int) -> np.ndarray:
    """Numbers of so many rows, evenly spread over all of them.

    Parameters
    ----------
    n_rows, n_wanted : int
        More than there are takes some of them again.

    Returns
    -------
    ndarray of intp of shape (n_wanted,)
    """
    return np.arange(n_wanted) * n_rows // n_wanted


def some_rows(X: Matrix, rows: np.ndarray | None, n_values: int, least: int) -> np.ndarray:
    """Rows that are evenly spread and hold so many values in all.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_columns)
    rows : ndarray of intp, or None
        Which to choose from; None for all.
    n_values : int
        Of a sparse X, stored ones.
    least : int
        Rows to take nevertheless.

    Returns
    -------
    ndarray of intp
    """
    n_rows = X.shape[0] if rows is None else len(rows)
    of_a_row = X.nnz // X.shape[0] + 1 if issparse(X) else X.shape[1]  # type: ignore[union-attr]  # issparse tells mypy nothing
    places = spread_over(n_rows, min(n_rows, max(least, n_values // of_a_row)))
    return places if rows is None else rows[places]

"""Arrays that users give, checked as scikit-learn does, and as the core reads them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils.validation import (
    _check_sample_weight,
    _get_feature_names,
    check_X_y,
    column_or_1d,
    validate_data,
)

from fastmlp._checks import check_some_weight
from fastmlp._typing import MatrixLike
from fastmlp._unreadable import elements_named

# Elements of an array up to which its own look at it takes less time than scikit-learn's, which takes 50 microseconds.
FEW_ELEMENTS = 1 << 16


def for_core(X: Any) -> Any:
    """X as the core reads it: contiguous and aligned, a sparse one with indices that are all inside and in order.

    Copied only where that is not so, as in a file mapped at an odd offset.
    """
    if not issparse(X):
        return np.require(X, requirements=["C", "A"])
    index_dtype = np.result_type(X.indices, X.indptr)
    arrays = (
        np.require(X.data, requirements=["C", "A"]),
        np.require(X.indices, index_dtype, ["C", "A"]),
        np.require(X.indptr, index_dtype, ["C", "A"]),
    )
    if any(new is not old for new, old in zip(arrays, (X.data, X.indices, X.indptr), strict=True)):
        X = type(X)(arrays, shape=X.shape)
    X.check_format(full_check=True)
    return X if X.has_sorted_indices else X.sorted_indices()


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of X that a model is fitted to.

    Attributes
    ----------
    n_features : int
    names : ndarray of str, or None
        None where X had none.
    """

    n_features: int
    names: np.ndarray | None

    def suit(self, X: Any, dtype: DTypeLike) -> bool:
        """Whether X is a small array in which scikit-learn's checks would find nothing to refuse, change or copy."""
        return (
            type(X) is np.ndarray
            and X.dtype == dtype
            and X.ndim == 2
            and X.shape[1] == self.n_features
            and self.names is None
            and 0 < X.size <= FEW_ELEMENTS
            and X.flags.carray
            and bool(np.isfinite(X).all())
        )


def check_X(model: Any, X: MatrixLike, columns: Columns, dtype: DTypeLike) -> Any:
    """Rows to predict, as the core reads them.

    Parameters
    ----------
    model : estimator
        It has been fitted to `columns`.
    X : array-like or sparse array of shape (n_samples, n_features)
    columns : Columns
    dtype : dtype

    Returns
    -------
    ndarray or CSR array

    Raises
    ------
    ValueError
        If X is not finite, or has other columns.
    """
    if columns.suit(X, dtype):
        return X
    with elements_named(dtype, X=X):
        rows = validate_data(model, X, accept_sparse="csr", dtype=dtype, order="C", reset=False)
    return for_core(_of_dtype(rows, [dtype]))


def check_rows(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: ArrayLike | None,
    dtype: Any,
    columns: Columns | None,
    *,
    is_part: bool = False,
) -> tuple[Columns, Any, np.ndarray, np.ndarray | None]:
    """Rows to learn from or to validate on.

    Parameters
    ----------
    model : estimator
        It has been fitted to `columns`, if there are any.
    X : array-like or sparse array of shape (n_samples, n_features)
    y : array-like or sparse array of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), or None
    dtype : dtype, or list of dtype
        What X is to be of; the first of a list, unless it is of another one of it.
    columns : Columns or None
        What X has to have; None for whatever it has.
    is_part : bool, default=False
        Whether they are a part of a stream, whose rows may all be without weight.

    Returns
    -------
    tuple
        Columns; X as the core reads it; y as an ndarray, in which rows without weight have targets of others; sample
        weights as an ndarray of X's dtype, or None.

    Raises
    ------
    ValueError
        If something is not finite, of a wrong shape, or negative.
    """
    if columns is None or not (columns.suit(X, dtype) and is_ready_target(y, len(X))):
        columns, X, y = check_X_and_y(
            model, X, y, columns, dtype=dtype, accept_sparse="csr", y_numeric=is_regressor(model)
        )
    if sample_weight is None:
        return columns, X, y, None
    with elements_named(X.dtype, sample_weight=sample_weight):
        if is_part and not np.any(sample_weight):  # which scikit-learn refuses
            some: np.ndarray = _check_sample_weight(np.add(sample_weight, 1), X, dtype=X.dtype)
            return columns, X, y, np.zeros_like(some)
        weights: np.ndarray = _check_sample_weight(sample_weight, X, dtype=X.dtype, ensure_non_negative=True)
    check_some_weight(weights)
    if not np.all(weights):
        y = y.copy()
        y[weights == 0] = y[np.argmax(weights > 0)]
    return columns, X, y, weights


def is_ready_target(y: Any, n_rows: int) -> bool:
    """Whether y is a small array in which scikit-learn's checks would find nothing to refuse or to change."""
    return (
        type(y) is np.ndarray
        and y.dtype.kind in "biuf"
        and 0 < y.size <= FEW_ELEMENTS
        and len(y) == n_rows
        and (y.ndim == 1 or (y.ndim == 2 and y.shape[1] > 1))
        and (y.dtype.kind != "f" or bool(np.isfinite(y).all()))
    )


def check_X_and_y(
    model: Any, X: Any, y: Any, columns: Columns | None, **settings: Any
) -> tuple[Columns, Any, np.ndarray]:
    """X and y by scikit-learn's checks, which tell the model nothing.

    Parameters
    ----------
    model : estimator
        It has been fitted to `columns`, if there are any.
    X, y
        As they were given.
    columns : Columns or None
        What X has to have; None for whatever it has.
    **settings
        As for `sklearn.utils.check_X_y`.

    Returns
    -------
    tuple
        Columns; X as the core reads it; y as an ndarray, of one dimension if it has one column.

    Raises
    ------
    ValueError
        If they do not suit.
    """
    settings = {"order": "C", "multi_output": True, **settings}
    dtypes = settings["dtype"] if isinstance(settings["dtype"], list) else [settings["dtype"]]
    if y is None:
        raise ValueError(
            f"This {type(model).__name__} estimator requires y to be passed, but the target y is None; pass the "
            "targets of the rows as y."
        )
    with elements_named(dtypes[0], labels=not settings.get("y_numeric", False), X=X, y=y):
        if columns is not None:
            X, y = validate_data(model, X, y, reset=False, **settings)
        else:  # validate_data would tell the model of the columns
            names = _get_feature_names(X)
            X, y = check_X_y(X, y, estimator=model, **settings)
            columns = Columns(X.shape[1], names)
        if y.dtype.kind in "mM" and np.isnat(y).any():  # labels, which scikit-learn looks for NaN in only as numbers
            raise ValueError("Input y contains NaT.")
    X, y = _of_dtype(X, dtypes), y.toarray() if issparse(y) else y
    return columns, for_core(X), column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def _of_dtype(X, dtypes):
    """X in the first of the dtypes, unless it is in one: scikit-learn leaves bool where a frame is sparse."""
    return X if X.dtype in dtypes else X.astype(dtypes[0])

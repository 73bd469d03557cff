"""What inspection asks of a fitted estimator: its network, a codec of its targets, and checked rows."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_y, check_consistent_length, check_is_fitted

from fastmlp._typing import MatrixLike
from fastmlp._unreadable import elements_named
from fastmlp.network import Network


class Codec(Protocol):
    """How y becomes targets, and raw outputs decisions.

    Attributes
    ----------
    classes : ndarray, list of ndarray, or None
        Labels in the order of the outputs; None for numbers.
    has_independent_outputs : bool
        Whether every output has its own meaning, as targets, quantiles and labels have, but not exclusive classes.
    """

    classes: np.ndarray | list[np.ndarray] | None
    has_independent_outputs: bool

    @property
    def target_values(self) -> tuple[float, float]:
        """What encoded 0 and 1 become in the loss."""

    @property
    def reads_activated(self) -> bool:
        """Whether `decide` reads activated outputs, and not logits."""

    def encode(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Targets as the core reads them."""

    def check(self, targets: np.ndarray) -> None:
        """Refuse encoded targets that the loss is not for."""

    def decide(self, raw: np.ndarray) -> np.ndarray:
        """Class numbers, or numbers, from raw outputs."""


class FittedModel:
    """An estimator that can be looked into."""

    network_: Network
    _targets: Codec

    def _check_X(self, X: MatrixLike) -> Any:
        """X as the core reads it, checked."""
        raise NotImplementedError


class Inside(NamedTuple):
    """The fitted estimator at the end of pipelines, searches and transformed targets, and what comes to it.

    Attributes
    ----------
    estimator : estimator
    X, y : array-like or None
        As the steps before it make them.
    """

    estimator: Any
    X: Any = None
    y: Any = None


def look_inside(estimator: Any, X: Any = None, y: Any = None) -> Inside:
    """What a pipeline, a search or a TransformedTargetRegressor, or several of them, have inside.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X, y : array-like, default=None
        As for the outermost; the steps on the way transform them.

    Returns
    -------
    Inside

    Raises
    ------
    NotFittedError
        If it is not fitted.
    TypeError
        If a search has not fitted its best estimator again.
    """
    while True:
        if isinstance(estimator, Pipeline):
            check_is_fitted(estimator)
            X = X if X is None or len(estimator) == 1 else estimator[:-1].transform(X)
            estimator = estimator[-1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, BaseSearchCV):
            check_is_fitted(estimator)
            raise TypeError(
                f"estimator is a {type(estimator).__name__} with refit={estimator.refit!r}, which keeps no fitted "
                "model; set refit=True."
            )
        elif hasattr(estimator, "regressor") and hasattr(estimator, "transformer"):
            check_is_fitted(estimator)
            y = None if y is None else _transformed(estimator.transformer_, y)
            estimator = estimator.regressor_
        else:
            return Inside(estimator, X, y)


def _transformed(transformer, y):
    """Targets as TransformedTargetRegressor hands them to its regressor."""
    y = np.asarray(y)
    transformed = transformer.transform(y.reshape(-1, 1) if y.ndim == 1 else y)
    return transformed.squeeze(axis=1) if transformed.ndim == 2 and transformed.shape[1] == 1 else transformed


def loss_targets(model: FittedModel, X: Any, y: Any) -> np.ndarray:
    """Targets as ``fit`` encodes them.

    Parameters
    ----------
    model : FittedModel
    X : ndarray or CSR array of shape (n_samples, n_features), checked
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If y is not what the model was fitted to.
    """
    dense: Any = y.toarray() if issparse(y) else y
    y_numeric = is_regressor(model)
    with elements_named(X.dtype, labels=not y_numeric, y=dense):
        columns: np.ndarray = _check_y(dense, multi_output=True, y_numeric=y_numeric, estimator=model)
    check_consistent_length(X, columns)
    columns = columns.ravel() if columns.ndim == 2 and columns.shape[1] == 1 else columns
    codec = model._targets
    targets = codec.encode(columns, X.dtype)
    has_own_columns = targets.ndim == 2 or codec.has_independent_outputs
    if has_own_columns and targets.shape[1:] != (model.network_.n_targets,):
        raise ValueError(f"y has shape {columns.shape}, but the model was not fitted to such; pass targets as for fit.")
    codec.check(targets)
    return targets

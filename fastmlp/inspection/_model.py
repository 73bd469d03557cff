"""What inspection asks of a fitted estimator: its network, a codec of its targets, and checked rows."""

from typing import Any, Protocol

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_regressor
from sklearn.utils.validation import _check_y, check_consistent_length

from fastmlp._typing import MatrixLike
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
    columns: np.ndarray = _check_y(dense, multi_output=True, y_numeric=is_regressor(model), estimator=model)
    check_consistent_length(X, columns)
    columns = columns.ravel() if columns.ndim == 2 and columns.shape[1] == 1 else columns
    codec = model._targets
    targets = codec.encode(columns, X.dtype)
    has_own_columns = targets.ndim == 2 or codec.has_independent_outputs
    if has_own_columns and targets.shape[1:] != (model.network_.n_targets,):
        raise ValueError(f"y has shape {columns.shape}, but the model was not fitted to such; pass targets as for fit.")
    codec.check(targets)
    return targets

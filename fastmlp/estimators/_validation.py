"""Rows to validate on while a fit runs: held out of X, or given as X_val."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from fastmlp._core._data import Data
from fastmlp._typing import MatrixLike


@dataclass
class Validation:
    """Judges the weights of the moment by rows that no step learns from.

    Attributes
    ----------
    model : estimator
    X : ndarray or CSR array of shape (n_samples, n_features), as the core reads it
    targets : ndarray
        Encoded.
    sample_weight : ndarray or None
    rows : ndarray of intp, or None
        Which of them; None for all.
    scorer : callable, 'loss' or None
        Scores the model; None is the estimator's own score, 'loss' the negative mean loss.
    given : tuple
        (X, y) as the user gave them, and sample weights, for the scorer.
    """

    model: Any
    X: MatrixLike
    targets: np.ndarray
    sample_weight: np.ndarray | None
    rows: np.ndarray | None
    scorer: Callable | str | None
    given: tuple

    def __post_init__(self):
        self._data = Data(self.X, self.targets, self.sample_weight, self.rows, *self.model._target_values)
        if callable(self.scorer):
            parameters = inspect.signature(self.scorer).parameters.values()
            self._takes_weights = any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)
        if callable(self.scorer) and self.rows is not None:
            self.given = tuple(None if part is None else _safe_indexing(part, self.rows) for part in self.given)
        if self.rows is not None:
            self.targets = self.targets[self.rows]
            self.sample_weight = None if self.sample_weight is None else self.sample_weight[self.rows]

    def __call__(self) -> tuple[float, float]:
        """(score, mean loss without penalties); NaN where the outputs are not finite."""
        loss = float(self.model.network_.mean_loss(self._data))
        if self.scorer == "loss":
            return -loss, loss
        if self.scorer is None:
            return self._own_score(), loss
        X, y, sample_weight = self.given
        weights = {} if sample_weight is None or not self._takes_weights else {"sample_weight": sample_weight}
        score = self.scorer(self.model, X, y, **weights)
        if not isinstance(score, Real) or (
            np.isfinite(loss) and not np.isfinite(score)
        ):  # a diverging model may score NaN
            raise ValueError(
                f"scoring returned {score!r} for the rows to validate on; it has to return a finite number."
            )
        return float(score), loss

    def check(self) -> None:
        """Refuse a scorer that cannot judge these rows, by the weights that training begins with."""
        if not callable(self.scorer):
            return
        try:
            self()
        except Exception as error:
            raise ValueError(
                f"scoring is {self.model.scoring!r}, which cannot judge the rows to validate on: "
                f"{str(error).rstrip('.')}; choose one that suits these targets, and takes their sample weights if "
                "there are any."
            ) from error

    def _own_score(self):
        outputs = self.model._outputs(self.X, rows=self.rows)
        if not np.isfinite(outputs).all():
            return float("nan")
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging model's score
            return float(self.model._score_outputs(outputs, self.targets, self.sample_weight))

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
from fastmlp.training._scoring import try_scorer


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
            if self.rows is not None:
                self.given = tuple(None if part is None else _safe_indexing(part, self.rows) for part in self.given)
            if self.given[2] is None or not _takes_weights(self.scorer):
                self.given = (*self.given[:2], None)
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
        return self._checked(self.scorer(self.model, X, y, **_as_keyword(sample_weight)), loss), loss

    @staticmethod
    def _checked(score, loss):
        """The score as a float, if it is a number; that of a diverging model need not be finite."""
        if not isinstance(score, Real) or (np.isfinite(loss) and not np.isfinite(score)):
            raise ValueError(
                f"scoring returned {score!r} for the rows to validate on; it has to return a finite number."
            )
        return float(score)

    def check(self) -> None:
        """Refuse a scorer that cannot judge these rows, by the weights that training begins with."""
        if not callable(self.scorer):
            return
        X, y, sample_weight = self.given
        try:
            self._checked(try_scorer(self.scorer, self.model, X, y, **_as_keyword(sample_weight)), loss=0.0)
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


def _takes_weights(scorer):
    try:
        parameters = inspect.signature(scorer).parameters.values()
    except ValueError:  # of a builtin
        return False
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


def _as_keyword(sample_weight):
    return {} if sample_weight is None else {"sample_weight": sample_weight}

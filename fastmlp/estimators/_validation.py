"""Rows to validate on while a fit runs: held out of X, or given as X_val."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis

from fastmlp._blocks import LEAST_PREDICTED_ROWS
from fastmlp._warn import warn
from fastmlp.estimators._arrays import Columns
from fastmlp.estimators._targets import Targets
from fastmlp.network import Network
from fastmlp.training._scoring import try_scorer
from fastmlp.training.problem import Problem

# Elements of X and of X_val, and of the targets, whose columns are compared.
COMPARED_ELEMENTS = 1 << 20
# Rows that say nothing of a column's spread if they are fewer.
FEW_ROWS = 20
# Standard deviations from the mean that are far. A trend over time takes half of the rows three away from those before.
FAR = 5.0
# Columns that a message names.
NAMED_COLUMNS = 5


@dataclass
class GivenScorer:
    """A scorer of the user's, and what it scores.

    Attributes
    ----------
    scorer : callable
    model : estimator
    given : tuple
        X, y and sample weights as the user gave them.
    rows : ndarray of intp, or None
        Rows of them to score; None for all.
    """

    scorer: Callable
    model: Any
    given: tuple
    rows: np.ndarray | None

    def __post_init__(self):
        if self.rows is not None:
            # Not every sparse format can be asked for rows.
            given = (part.tocsr() if issparse(part) else part for part in self.given)
            self.given = tuple(None if part is None else _safe_indexing(part, self.rows) for part in given)
        X, y, sample_weight = self.given
        takes_weights = sample_weight is not None and _takes_weights(self.scorer)
        self._weights = {"sample_weight": sample_weight} if takes_weights else {}
        self._X, self._y = X, y

    def __call__(self, loss: float) -> float:
        """The model's score; it has to be finite where the mean loss is."""
        return self._checked(self.scorer(self.model, self._X, self._y, **self._weights), loss)

    @staticmethod
    def _checked(score, loss):
        if not isinstance(score, Real) or (np.isfinite(loss) and not np.isfinite(float(score))):
            raise ValueError(
                f"scoring returned {score!r} for the rows to validate on; it has to return a finite number."
            )
        return float(score)

    def check(self) -> None:
        """Refuse a scorer that cannot judge these rows, by the weights that training begins with."""
        try:
            self._checked(try_scorer(self.scorer, self.model, self._X, self._y, **self._weights), loss=0.0)
        except Exception as error:
            raise ValueError(
                f"scoring is {self.model.scoring!r}, which cannot judge the rows to validate on: "
                f"{str(error).rstrip('.')}; choose one that suits these targets, and takes their sample weights if "
                "there are any."
            ) from error


@dataclass
class Validation:
    """Judges the weights of the moment by rows that no step learns from.

    Attributes
    ----------
    network : Network
    codec : Targets
    problem : Problem
        The rows.
    scorer : GivenScorer, 'loss' or None
        What scores; None is the codec's own score, 'loss' the negative mean loss.
    n_jobs : int or None
        The most threads of a pass.
    """

    network: Network
    codec: Targets
    problem: Problem
    scorer: GivenScorer | str | None
    n_jobs: int | None

    def __post_init__(self):
        # Only the codec's own score takes outputs, which may be many for each row.
        row_bytes = self.network.parameters.itemsize * self.network.sizes[-1]
        self._blocks = (
            self.problem.blocks(row_bytes, least_rows=LEAST_PREDICTED_ROWS)
            if self.scorer is None
            else [self.problem.data()]
        )
        self._targets, self._weights = self.problem.targets, self.problem.sample_weight
        rows = self.problem.rows
        if rows is not None:
            self._targets = self._targets[rows]
            self._weights = None if self._weights is None else self._weights[rows]
        ends = np.cumsum([data.n_rows for data in self._blocks])
        ones_or_weights = np.ones(ends[-1], bool) if self._weights is None else self._weights
        self._block_weights = [part.sum(dtype=np.float64) for part in np.split(ones_or_weights, ends[:-1])]

    def __call__(self) -> tuple[float, float]:
        """(score, mean loss without penalties); NaN where the outputs are not finite."""
        if self.scorer is None:
            return self._judge()
        loss = float(self.network.mean_loss(self._blocks[0]))
        return (self.scorer(loss) if isinstance(self.scorer, GivenScorer) else -loss), loss

    def _judge(self):
        """The codec's own score and the mean loss, in one pass over blocks of rows."""
        losses, parts, is_finite = [], [], True
        for data in self._blocks:
            loss, raw = self.network.evaluate(data, activate_output=self.codec.reads_activated, n_jobs=self.n_jobs)
            losses.append(loss)
            is_finite = is_finite and bool(np.isfinite(raw).all())
            parts.append(self.codec.decide(raw))
        loss = float(losses[0] if len(losses) == 1 else np.average(losses, weights=self._block_weights))
        if not is_finite:
            return float("nan"), loss
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging model's score
            decided = parts[0] if len(parts) == 1 else np.concatenate(parts)
            return float(self.codec.score(decided, self._targets, self._weights)), loss

    def check(self) -> None:
        """Refuse a scorer that cannot judge these rows."""
        if isinstance(self.scorer, GivenScorer):
            self.scorer.check()


def warn_of_other_scale(learnt: Problem, judged: Problem, columns: Columns, *, is_regression: bool) -> None:
    """Warn where rows to validate on were not scaled as those to learn from, which spoils what they tell.

    Parameters
    ----------
    learnt, judged : Problem
    columns : Columns
    is_regression : bool
        Whether targets have a scale.
    """
    if learnt.n_rows < FEW_ROWS:
        return
    places = far_columns(learnt.sample(COMPARED_ELEMENTS), judged.sample(COMPARED_ELEMENTS))
    names = columns.names
    _warn_of_far_columns(
        "X",
        [str(place) if names is None else repr(str(names[place])) for place in places],
        "A pipeline does so with metadata routing: call sklearn.set_config(enable_metadata_routing=True), build "
        "Pipeline(steps, transform_input=['X_val']) with set_fit_request(X_val=True, y_val=True) on this estimator, "
        "and pass X_val and y_val to the pipeline's fit.",
    )
    if is_regression:
        places = far_columns(learnt.sample_targets(COMPARED_ELEMENTS), judged.sample_targets(COMPARED_ELEMENTS))
        is_one = learnt.targets.shape[1] == 1
        _warn_of_far_columns(
            "y",
            ["" if is_one else str(place) for place in places],
            "A TransformedTargetRegressor passes y_val on as it is: fit its transformer to y, and pass "
            f"y_val=transformer.transform({'y_val.reshape(-1, 1)).ravel()' if is_one else 'y_val)'}.",
        )


def _warn_of_far_columns(name, columns, remedy):
    if not columns:
        return
    more = f" and {len(columns) - NAMED_COLUMNS} more" if len(columns) > NAMED_COLUMNS else ""
    plural = "s" if len(columns) > 1 else ""
    where = f" in column{plural} {', '.join(columns[:NAMED_COLUMNS])}{more}" if columns[0] else ""
    warn(
        f"{name}_val lies far outside {name}{where}: most values there are over {FAR:g} standard deviations away from "
        f"the mean of {name}. Transform {name}_val as {name} is transformed. {remedy}",
        UserWarning,
    )


def far_columns(X: Any, X_val: Any) -> np.ndarray:
    """Columns in which most values of X_val are beyond those of X, and far from their mean.

    Both, because a value that X has is not strange, however rare, and a range may be short by chance. What is constant
    in X has no scale.

    Parameters
    ----------
    X, X_val : ndarray or CSR array of shape (n_samples, n_features)

    Returns
    -------
    ndarray of intp
    """
    with np.errstate(over="ignore", invalid="ignore"):  # huge numbers, which have no neighbours that are far
        if issparse(X):
            mean, variance = mean_variance_axis(X, axis=0)
            low, high = min_max_axis(X, axis=0)
        else:
            mean, variance = X.mean(axis=0, dtype=np.float64), X.var(axis=0, dtype=np.float64)
            low, high = X.min(axis=0), X.max(axis=0)
        distance = FAR * np.sqrt(variance)
        lower, upper = np.minimum(low, mean - distance), np.maximum(high, mean + distance)
        if issparse(X_val):
            zeros = X_val.shape[0] - np.bincount(X_val.indices, minlength=len(low))
            is_far = (X_val.data < lower[X_val.indices]) | (X_val.data > upper[X_val.indices])
            n_far = np.bincount(X_val.indices, is_far, len(low)) + zeros * ((lower > 0) | (upper < 0))
        else:
            n_far = np.count_nonzero((X_val < lower) | (X_val > upper), axis=0)
    return np.flatnonzero((n_far > X_val.shape[0] / 2) & (low < high))


def _takes_weights(scorer):
    try:
        parameters = inspect.signature(scorer).parameters.values()
    except ValueError:  # of a builtin
        return False
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)

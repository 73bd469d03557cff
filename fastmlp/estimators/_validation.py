"""Rows to validate on while a fit runs: held out of X, or given as X_val."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from fastmlp._blocks import LEAST_PREDICTED_ROWS
from fastmlp.estimators._targets import Targets
from fastmlp.network import Network
from fastmlp.training._scoring import try_scorer
from fastmlp.training.problem import Problem


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
            self.given = tuple(None if part is None else _safe_indexing(part, self.rows) for part in self.given)
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


def _takes_weights(scorer):
    try:
        parameters = inspect.signature(scorer).parameters.values()
    except ValueError:  # of a builtin
        return False
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)

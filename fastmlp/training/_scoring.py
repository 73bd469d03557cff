"""Checking a scorer before training."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

from fastmlp._names import unknown
from fastmlp._typing import MatrixLike


def check_scorer_name(scoring: object, others: Sequence[str] = ()) -> None:
    """Refuse a name that is none of scikit-learn's scorers.

    Parameters
    ----------
    scoring : object
        What is no str has no name to check.
    others : sequence of str, default=()
        Names that may be used besides.

    Raises
    ------
    ValueError
        If there is no scorer of that name.
    """
    from sklearn.metrics import get_scorer_names  # which training alone does not need

    if isinstance(scoring, str) and scoring not in others and scoring not in get_scorer_names():
        names = [*others, *get_scorer_names()]
        raise ValueError(unknown("scoring", scoring, names, or_else=", or a function of (model, X, y)"))


def try_scorer(scorer: Callable[..., Any], model: Any, X: MatrixLike, y: Any, **weights: Any) -> Any:
    """Score a model that has not been trained yet.

    A regressor predicts y itself, because a metric may refuse what random weights predict (negative numbers, say), but
    not what the model is to learn.

    Parameters
    ----------
    scorer : callable
    model : estimator
    X, y, **weights
        As the scorer takes them.

    Returns
    -------
    object
        What the scorer returns, of whatever type.
    """
    from sklearn.base import is_regressor  # which training alone does not need

    def predict(X):  # scikit-learn's scorers ask for its name
        return y

    if is_regressor(model):
        model.predict(X)  # which X has to suit
        model = copy.copy(model)
        model.predict = predict
    return scorer(model, X, y, **weights)

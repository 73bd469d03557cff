"""Trying a scorer before training."""

import copy
from collections.abc import Callable
from typing import Any

from fastmlp._typing import MatrixLike


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

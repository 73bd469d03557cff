"""The predictor of an estimator."""

from typing import Any

from fastmlp.deploy._programs import program_of
from fastmlp.runtime.predictor import Predictor


def compile(estimator: Any, *, out: str = "auto", weights: str = "auto", n_jobs: int | None = None) -> Predictor:
    """Make a fitted estimator ready to predict, as fast as it can.

    Scalers, PCA and the inverse of a scaled target go into the weights where that loses no digits; what else a pipeline
    does stays a step of its own. Later changes of the estimator change nothing here.

    Parameters
    ----------
    estimator : estimator
        ``MLPClassifier`` or ``MLPRegressor``; a ``Pipeline`` or a search with one behind ``StandardScaler``,
        ``MinMaxScaler``, ``MaxAbsScaler``, ``RobustScaler``, ``SimpleImputer``, ``OneHotEncoder``, ``OrdinalEncoder``,
        ``PCA`` and ``ColumnTransformer``; ``TransformedTargetRegressor``, ``CalibratedClassifierCV`` of sigmoids,
        ``VotingClassifier`` of probabilities, ``VotingRegressor`` and bagging of these.
    out : {"auto", "labels", "proba", "raw"}, default="auto"
        What to predict; see `Predictor`.
    weights : {"auto", "float32", "float64", "bfloat16", "int8"}, default="auto"
        What it computes in; "auto" for what the network was trained in. With "bfloat16" and "int8" that is float32, and
        dense layers of 16,384 weights or more are rounded, to half and a quarter of the bytes: for large networks that
        predict a row at a time, whose time goes into reading weights.
    n_jobs : int or None, default=None
        The most threads of one call; None for as many as there are CPUs and the rows pay for.

    Returns
    -------
    Predictor

    Raises
    ------
    NotFittedError
        Before the first fit.
    CannotFoldError
        If there is a part for which there is no step; the message names it.
    ValueError
        If a parameter is none of these.

    Examples
    --------
    >>> import fastmlp
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = [[0.0], [5.0], [10.0]], [0.0, 1.0, 2.0]
    >>> model = fastmlp.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0)
    >>> pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    >>> fastmlp.compile(pipeline)([[2.5]]).round(3)
    array([0.5])
    """
    return Predictor(program_of(estimator), out=out, weights=weights, n_jobs=n_jobs)

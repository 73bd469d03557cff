"""scikit-learn's fitted transformers as steps, a function for each class."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils._missing import is_pandas_na, is_scalar_nan

from fastmlp.deploy._errors import CannotFoldError
from fastmlp.runtime.steps import Activate, Affine, Clip, Dense, Encode, Impute, Indicate, Parallel, Step, Take

Steps = tuple[Step, ...]


def transformer_steps(transformer: Any, name: str) -> Steps:
    """What a fitted transformer does.

    Parameters
    ----------
    transformer : transformer
    name : str
        Its name in the pipeline, for messages.

    Returns
    -------
    tuple of Step

    Raises
    ------
    CannotFoldError
        If there is no step for it, or for one of its settings.
    """
    function = TRANSFORMERS.get(type(transformer))
    if function is not None:
        return function(transformer, name)
    raise CannotFoldError(
        f"{name!r} is a {type(transformer).__name__}, for which there is no step; use one of "
        f"{', '.join(kind.__name__ for kind in TRANSFORMERS)}, or transform the rows before."
    )


def inverse_steps(transformer: Any, n_outputs: int) -> Steps:
    """What turns predictions of a transformed target back.

    Parameters
    ----------
    transformer : transformer
        Fitted, of the target.
    n_outputs : int

    Returns
    -------
    tuple of Step

    Raises
    ------
    CannotFoldError
        If there is no step for it.
    """
    zeros, ones = np.zeros(n_outputs), np.ones(n_outputs)
    if type(transformer) is FunctionTransformer:
        if transformer.inverse_func is None:
            return ()
        if transformer.inverse_func is np.exp:
            return (Activate("exp"),)
        if transformer.inverse_func is np.expm1:
            return (Activate("exp"), Affine(ones, ones, zeros))
        raise CannotFoldError(
            "The inverse_func of TransformedTargetRegressor has no step; use np.exp, np.expm1 or a scaler."
        )
    if type(transformer) not in SCALERS:
        raise CannotFoldError(
            f"The target's transformer is a {type(transformer).__name__}, whose inverse has no step; use one of "
            f"{', '.join(kind.__name__ for kind in SCALERS)}."
        )
    n_scaled = transformer.n_features_in_
    if n_scaled not in (1, n_outputs):
        raise CannotFoldError(f"The target's transformer takes {n_scaled} columns, and there are {n_outputs} outputs.")
    parts = SCALERS[type(transformer)](transformer, n_scaled)
    center, scale, shift = (np.broadcast_to(_floats(part), n_outputs).copy() for part in parts)
    return (Affine(shift, 1 / scale, center),)


# (x - center) * scale + shift, of each scaler.


def _standard(scaler, n):
    center = scaler.mean_ if scaler.with_mean else np.zeros(n)
    return center, 1 / scaler.scale_ if scaler.with_std else np.ones(n), np.zeros(n)


def _robust(scaler, n):
    center = scaler.center_ if scaler.with_centering else np.zeros(n)
    return center, 1 / scaler.scale_ if scaler.with_scaling else np.ones(n), np.zeros(n)


def _min_max(scaler, n):
    low = scaler.feature_range[0]
    return scaler.data_min_, scaler.scale_, np.full(n, float(low))


def _max_abs(scaler, n):
    return np.zeros(n), 1 / scaler.scale_, np.zeros(n)


SCALERS: dict[type, Callable[[Any, int], tuple[np.ndarray, np.ndarray, np.ndarray]]] = {
    StandardScaler: _standard,
    RobustScaler: _robust,
    MinMaxScaler: _min_max,
    MaxAbsScaler: _max_abs,
}


def _scaler_steps(scaler, name):
    scaled = Affine(*map(_floats, SCALERS[type(scaler)](scaler, scaler.n_features_in_)))
    if not getattr(scaler, "clip", False):
        return (scaled,)
    low, high = scaler.feature_range if isinstance(scaler, MinMaxScaler) else (-1.0, 1.0)
    return scaled, Clip(float(low), float(high))


def _floats(values):
    return np.ascontiguousarray(values, dtype=np.float64)


# Missing values and categories.


def _imputer_steps(imputer, name):
    missing = imputer.missing_values
    missing = np.nan if is_pandas_na(missing) or is_scalar_nan(missing) else missing
    statistics = imputer.statistics_
    empty = np.array([is_scalar_nan(value) for value in statistics.tolist()])
    kept = np.arange(len(statistics)) if imputer.keep_empty_features else np.flatnonzero(~empty)
    taken = () if len(kept) == len(statistics) else (Take(kept),)
    imputed = (*taken, Impute(statistics[kept], missing))
    if not imputer.add_indicator:
        return imputed
    columns = imputer.indicator_.features_
    return (Parallel((imputed, (Take(columns), Indicate(missing)))),)


def _one_hot_steps(encoder, name):
    if encoder._infrequent_enabled:
        raise CannotFoldError(
            f"{name!r} is a OneHotEncoder that joins infrequent categories, for which there is no step; leave out "
            "min_frequency and max_categories."
        )
    places = encoder.drop_idx_
    dropped = () if places is None else tuple(-1 if place is None else int(place) for place in places)
    unknown = None if encoder.handle_unknown == "error" else 0.0
    return (Encode(tuple(encoder.categories_), True, dropped, unknown),)


def _ordinal_steps(encoder, name):
    if encoder._infrequent_enabled:
        raise CannotFoldError(
            f"{name!r} is an OrdinalEncoder that joins infrequent categories, for which there is no step; leave out "
            "min_frequency and max_categories."
        )
    unknown = None if encoder.handle_unknown == "error" else float(encoder.unknown_value)
    return (Encode(tuple(encoder.categories_), unknown=unknown, missing=float(encoder.encoded_missing_value)),)


# Columns together.


def _pca_steps(pca, name):
    components = pca.components_.astype(np.float64)
    if pca.whiten:
        scales = np.sqrt(pca.explained_variance_)
        least = np.finfo(scales.dtype).eps
        components = components / np.maximum(scales, least)[:, np.newaxis]
    return (
        Affine(_floats(pca.mean_), *_ones_and_zeros(len(pca.mean_))),
        Dense(np.ascontiguousarray(components.T), np.zeros(len(components))),
    )


def _ones_and_zeros(n):
    return np.ones(n), np.zeros(n)


def _columns_steps(transformer, name):
    if transformer.transformer_weights:
        raise CannotFoldError(f"{name!r} has transformer_weights, for which there is no step; leave them out.")
    branches = []
    for of_name, part, _ in transformer.transformers_:
        columns = np.asarray(transformer._transformer_to_input_indices[of_name], dtype=np.intp)
        if part == "drop" or not columns.size:
            continue
        steps = () if part == "passthrough" else transformer_steps(part, of_name)
        branches.append((Take(columns), *steps))
    return (Parallel(tuple(branches)),)


def _pipeline_steps(pipeline, name):
    steps: list[Step] = []
    for of_name, part in pipeline.steps:
        if part not in (None, "passthrough"):
            steps += transformer_steps(part, f"{name}: {of_name}")
    return tuple(steps)


def _function_steps(transformer, name):
    if transformer.func is not None:
        raise CannotFoldError(f"{name!r} calls a function, for which there is no step; call it on the rows before.")
    return ()


TRANSFORMERS: dict[type, Callable[[Any, str], Steps]] = {
    **dict.fromkeys(SCALERS, _scaler_steps),
    SimpleImputer: _imputer_steps,
    OneHotEncoder: _one_hot_steps,
    OrdinalEncoder: _ordinal_steps,
    PCA: _pca_steps,
    ColumnTransformer: _columns_steps,
    Pipeline: _pipeline_steps,
    FunctionTransformer: _function_steps,
}

"""The data and the fitted models that wrong calls are tried on, and how a refusal is checked."""

import copy
import warnings
from functools import cache

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLPClassifier, MLPRegressor

X = np.random.default_rng(0).normal(size=(40, 3))
LABELS = np.arange(40) % 3
NUMBERS = X.sum(axis=1)
# Epochs that a test has trained for, and fits by lbfgs.
EPOCHS = []


def with_value(value):
    bad = X.copy()
    bad[7, 1] = value
    return bad


@cache
def fitted(estimator, **parameters):
    """Not to be changed, but copied."""
    y = LABELS if estimator is MLPClassifier else NUMBERS
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return estimator(max_iter=2, random_state=0, **parameters).fit(X, y)


def fitted_with(**parameters):
    model = copy.deepcopy(fitted(MLPRegressor)).set_params(**parameters)
    EPOCHS.clear()
    return model


def check_refused(estimator, error, message, call, n_epochs=0):
    """The call fails with one sentence, before any epoch; the model stays as it was, be it new or fitted."""
    fresh_state = dict(vars(estimator))
    with pytest.raises(error, match=f"(?s){message}") as caught:
        call(estimator)
    assert caught.type is error
    assert vars(estimator) == fresh_state

    model = copy.deepcopy(fitted(type(estimator)))
    before, parameters = model.predict(X), model.get_params(deep=False)
    model.set_params(**without_defaults(estimator))
    EPOCHS.clear()
    with pytest.raises(error, match=f"(?s){message}"):
        call(model)
    assert len(EPOCHS) == n_epochs
    np.testing.assert_array_equal(model.set_params(**parameters).predict(X), before)


def without_defaults(estimator):
    defaults = type(estimator)().get_params(deep=False)
    return {name: value for name, value in estimator.get_params(deep=False).items() if value is not defaults[name]}


def check_call_refused(estimator, call, message):
    """The call of a fitted model fails with one sentence, before any epoch; the model predicts as before."""
    model, epochs = copy.deepcopy(fitted(estimator)), []
    before, attributes, parameters = model.predict(X), set(vars(model)), model.get_params(deep=False)
    model.set_params(callbacks=epochs.append)
    with pytest.raises(ValueError, match=f"(?s){message}") as caught:
        call(model)
    assert caught.type is ValueError
    assert not epochs
    assert set(vars(model)) == attributes
    np.testing.assert_array_equal(model.set_params(**parameters).predict(X), before)

"""Copies of a model, deep and shallow."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import Perceptron

from .short_fits import NUMBERS, X, Y, assert_same_weights, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("settings", [dict(), dict(warm_start=True), dict(batch_norm=True, early_stopping=True)])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_deep_copy_is_independent(settings, method):
    """Training it further changes nothing of the original, which goes on as if there were no copy."""
    if method == "partial_fit" and "early_stopping" in settings:
        settings = dict(batch_norm=True)
    model, alone = classifier(**settings).fit(X, Y), classifier(**settings).fit(X, Y)
    before, losses = model.predict_proba(X), list(model.loss_curve_)
    duplicate = copy.deepcopy(model)
    assert_array_equal(duplicate.predict_proba(X), before)
    getattr(duplicate, method)(X[::-1] + 1, Y)
    assert not np.array_equal(duplicate.predict_proba(X), before)
    assert_array_equal(model.predict_proba(X), before)
    assert model.loss_curve_ == losses
    assert_same_weights(getattr(model, method)(X, Y), getattr(alone, method)(X, Y))


def test_deep_copies_in_a_callback_are_the_models_of_their_epochs():
    copies = []
    regressor(callbacks=lambda info: copies.append(copy.deepcopy(info.model))).fit(X, NUMBERS)
    for n_epochs in (1, 7, 15):
        assert_array_equal(copies[n_epochs - 1].predict(X), regressor(max_iter=n_epochs).fit(X, NUMBERS).predict(X))


@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_shallow_copy_fitted_anew_is_independent(make):
    y = Y if make is classifier else NUMBERS
    model = make().fit(X, y)
    before = model.predict(X)
    copy.copy(model).fit(X[::-1] + 1, y)
    assert_array_equal(model.predict(X), before)


def test_a_shallow_copy_shares_its_network():
    """As the word says, and as in scikit-learn: what continues the training of one changes the weights of both."""
    model = classifier().fit(X, Y)
    shallow = copy.copy(model)
    assert shallow.network_ is model.network_
    before = model.predict_proba(X)
    shallow.partial_fit(X[::-1] + 1, Y)
    assert not np.array_equal(model.predict_proba(X), before)
    assert_array_equal(model.predict_proba(X), shallow.predict_proba(X))
    assert len(model.loss_curve_) == 15  # but the original does not know of it


def test_a_perceptron_and_its_shallow_copy_are_independent():
    model = Perceptron(random_state=0).partial_fit(X, Y, classes=[0, 1, 2])
    before = model.coef_.copy()
    copy.copy(model).partial_fit(X[::-1], Y)
    assert_array_equal(model.coef_, before)

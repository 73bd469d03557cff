"""Training by L-BFGS."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastmlp import MLPClassifier, MLPRegressor

from ..problems import IRIS_X, IRIS_Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_lbfgs_calls_back_and_stops(capsys):
    seen = []

    def third(info):
        seen.append(info)
        return info.epoch == 3

    model = MLPClassifier((8,), solver="lbfgs", callbacks=[third], random_state=0).fit(IRIS_X, IRIS_Y)
    assert model.stop_reason_ == "callback"
    assert model.n_iter_ == 3
    assert [info.loss for info in seen] == model.loss_curve_
    assert all(info.learning_rate is None for info in seen)


def test_lbfgs_goes_on_for_a_smaller_tol():
    """SciPy's other criterion, a small change of the cost, has to move with tol, or this ends with a constant."""
    x = np.linspace(-2, 2, 101).reshape(-1, 1)
    y = np.sin(2 * np.pi * x.ravel()) * np.exp(-(x.ravel() ** 2))
    model = MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", solver="lbfgs", alpha=0, random_state=0)
    assert model.fit(x, y).score(x, y) < 0.1
    assert model.set_params(tol=1e-10, max_iter=600).fit(x, y).score(x, y) > 0.99


def test_lbfgs_minimizes_the_sum_over_outputs(rng):
    """With several outputs and no hidden layer it finds ridge regression of each, alpha as it is."""
    X, Y = rng.normal(size=(80, 3)), rng.normal(size=(80, 2))
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=5.0, tol=1e-10, max_iter=500).fit(X, Y)
    centred = X - X.mean(axis=0)
    expected = np.linalg.solve(centred.T @ centred + 5.0 * np.eye(3), centred.T @ (Y - Y.mean(axis=0)))
    assert_allclose(model.coefs_[0], expected, atol=1e-5)

"""Training by L-BFGS."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.losses import Loss

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


@pytest.mark.parametrize(
    ("size", "dtype"), [(1e30, "float64"), (1e100, "float64"), (1e12, "float32"), (1e18, "float32")], ids=str
)
def test_a_fit_that_gets_nowhere_says_so(rng, size, dtype):
    """No step is small enough to be seen in the loss, and none is large enough to reach such targets."""
    X = rng.normal(size=(60, 4))
    y = size * np.sign(X.sum(axis=1))
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", dtype=dtype, random_state=0)
    with pytest.warns(
        ConvergenceWarning,
        match=r"failed to converge: it found no lower loss .* tol is 0.0001\. targets-not-scaled: y has .* Put",
    ):
        model.fit(X, y)
    assert_allclose(model.loss_, size**2 / 2, rtol=1e-3)
    assert model.best_loss_ == model.loss_curve_[-1]


def broken_loss(n_good):
    """Squared error, whose values are NaN after some calls."""

    class Broken(Loss):
        name = "broken"
        calls = 0

        def values(self, a, y):
            self.calls += 1
            return ((a - y) ** 2).sum(axis=1) / 2 if self.calls <= n_good else np.full(len(a), np.nan)

        def gradient(self, a, y):
            return a - y

    return Broken()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("size", "parameters"),
    [
        (1e200, {}),
        (1e30, dict(dtype="float32")),
        (1.0, dict(loss=broken_loss(0))),
        (1.0, dict(loss=broken_loss(5), tol=1e-9)),
    ],
    ids=["overflow", "float32", "loss", "later loss"],
)
def test_divergence_loses_nothing(rng, size, parameters):
    """An earlier fit stays, unless there have been good steps of the new one."""
    X = rng.normal(size=(60, 4))
    y = np.sign(X.sum(axis=1))
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0, tol=0.1).fit(X, y)
    before = model.network_.parameters.copy()
    with pytest.raises(ValueError, match="Training diverged in iteration"):
        model.set_params(**parameters).fit(X, size * y)
    assert np.isfinite(model.network_.parameters).all()
    assert np.isfinite(model.loss_)
    if model.stop_reason_ != "diverged":
        assert_array_equal(model.network_.parameters, before)


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e200])
def test_weights_that_are_no_numbers(rng, value):
    """Which the user has assigned: they are the start, and training says what is wrong."""
    X = rng.normal(size=(60, 4))
    model = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0, warm_start=True, max_iter=5)
    losses = list(model.fit(X, X[:, 0]).loss_curve_)
    model.coefs_[0][0, 0] = value
    with pytest.raises(ValueError, match="Training diverged in iteration 1"):
        model.fit(X, X[:, 0])
    assert model.loss_curve_ == losses


def test_a_minimum_is_no_standstill(rng):
    """Where a fit that goes on begins at its minimum, there is nothing to warn of."""
    X = rng.normal(size=(60, 4))
    model = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", random_state=0, warm_start=True, max_iter=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(4):
            model.fit(X, X[:, 0])
    assert model.stop_reason_ == "converged"

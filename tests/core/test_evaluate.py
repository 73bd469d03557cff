"""Loss and outputs of one pass, with what is written in Python, by any number of threads."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import MLPRegressor, Network
from fastmlp._core._data import Data
from fastmlp.activations import Activation
from fastmlp.losses import Loss
from fastmlp.training import _threads


class Half(Loss):
    """squared_error, in Python."""

    name = "half"

    def values(self, a, y):
        return np.sum((a - y) ** 2, axis=1) / 2

    def gradient(self, a, y):
        return a - y


class Tangent(Activation):
    """tanh, in Python, which looks at what it is given."""

    name = "tangent"

    def forward(self, z):
        return np.tanh(z)

    def backward(self, gradient, z, a):
        assert_array_equal(a, np.tanh(z))
        return gradient * (1 - a**2)


@pytest.fixture
def eager_threads(monkeypatch):
    monkeypatch.setattr(_threads, "MIN_WORK_A_FIT", 1)


# More rows than one block takes, and a last one that is shorter.
X = np.random.default_rng(0).normal(size=(2_111, 9))
Y = np.random.default_rng(1).normal(size=(len(X), 2))
WEIGHT = np.random.default_rng(2).random(len(X)) + 0.1


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
@pytest.mark.parametrize("activate_output", [False, True])
@pytest.mark.parametrize("out_activation", ["tanh", Tangent()], ids=str)
@pytest.mark.parametrize("loss", ["squared_error", Half()], ids=str)
def test_loss_and_outputs(isa, eager_threads, loss, out_activation, activate_output, n_jobs):
    network = Network([9, 150, 150, 2], out_activation=out_activation, loss=loss, random_state=0)
    plain = Network([9, 150, 150, 2], out_activation="tanh", random_state=0)
    for order in (None, np.random.default_rng(3).permutation(len(X))[:1_500]):
        rows = slice(None) if order is None else order
        mean_loss, outputs = network.evaluate(Data(X, Y, WEIGHT, order), activate_output=activate_output, n_jobs=n_jobs)
        expected = plain.predict_raw(X[rows], activate_output=activate_output)
        assert_allclose(outputs, expected, atol=1e-12)
        assert_allclose(mean_loss, plain.cost(X[rows], Y[rows], WEIGHT[rows]), rtol=1e-12)


def test_validation_by_a_loss_in_python(eager_threads):
    """Its curve is that of the same loss in C, for any number of threads."""
    settings = dict(hidden_layer_sizes=(150, 150), max_iter=3, tol=0, n_iter_no_change=9, random_state=0)
    fit = dict(X_val=X, y_val=np.tanh(X[:, 0]))
    curves = []
    for loss, n_jobs in [("squared_error", 1), (Half(), 1), (Half(), 2)]:
        model = MLPRegressor(loss, **settings, n_jobs=n_jobs)
        with pytest.warns(UserWarning, match="Maximum iterations"):
            model.fit(X[:300], np.tanh(X[:300, 0]), **fit)
        curves.append(model.validation_loss_curve_)
    assert_allclose(curves[1], curves[0], rtol=1e-10)
    assert_allclose(curves[2], curves[0], rtol=1e-10)


def test_a_cost_asks_for_no_gradient():
    class NoGradient(Half):
        def gradient(self, a, y):
            raise AssertionError("only the loss is needed")

    network = Network([9, 4, 2], loss=NoGradient(), random_state=0)
    plain = Network([9, 4, 2], random_state=0)
    assert_allclose(network.cost(X, Y), plain.cost(X, Y), rtol=1e-12)

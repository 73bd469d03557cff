"""Activations and losses that a user writes in Python."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from fastmlp import MLPRegressor, Network
from fastmlp.activations import Activation, LeakyReLU
from fastmlp.losses import Loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class OwnSoftmax(Activation):
    name = "own_softmax"
    is_distribution = True

    def forward(self, z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def backward(self, gradient, z, a):
        return a * (gradient - (gradient * a).sum(axis=1, keepdims=True))


class OwnLogistic(Activation):
    name = "own_logistic"

    def forward(self, z):
        return 1 / (1 + np.exp(-z))

    def backward(self, gradient, z, a):
        return gradient * a * (1 - a)


@pytest.mark.parametrize("loss", ["log_loss", "kl_divergence"])
@pytest.mark.parametrize(("own", "matched"), [(OwnSoftmax(), "softmax"), (OwnLogistic(), "logistic")])
def test_cross_entropy_with_an_activation_of_ones_own(rng, isa, loss, own, matched):
    """By the general path, cost and deltas are those of the closed form."""
    X, y = rng.normal(size=(20, 4)), rng.dirichlet(np.ones(3), size=20)
    networks = [Network([4, 5, 3], out_activation=out, loss=loss, random_state=0) for out in (own, matched)]
    gradients = [network.backward(X, y) for network in networks]
    assert_allclose(gradients[0].cost, gradients[1].cost, rtol=1e-12)
    for ours, closed in zip(gradients[0].deltas, gradients[1].deltas, strict=True):
        assert_allclose(ours, closed, atol=1e-14)


class Softsign(Activation):
    name = "softsign"

    def forward(self, z):
        return z / (1 + np.abs(z))

    def backward(self, gradient, z, a):
        return gradient / (1 + np.abs(z)) ** 2


@dataclass
class LogCosh(Loss):
    sharpness: float = 1.0
    name = "log_cosh"

    def values(self, a, y):
        return np.log(np.cosh(self.sharpness * (a - y))).sum(axis=1)

    def gradient(self, a, y):
        return self.sharpness * np.tanh(self.sharpness * (a - y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_own_activation_and_loss_in_an_estimator(rng, solver, dtype):
    X = rng.normal(size=(300, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    model = MLPRegressor(
        loss=LogCosh(2.0), hidden_layer_sizes=(20, 10), activation=[Softsign(), LeakyReLU(0.3)], solver=solver,
        learning_rate_init=0.02, max_iter=150, dtype=dtype, random_state=0,
    )  # fmt: skip
    model = clone(model).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.predict(X).dtype == dtype
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


class NegatedLeakyReLU(LeakyReLU):
    """A built-in one with a method of its own is no longer the kernel's."""

    def forward(self, z):
        return -super().forward(z)

    def backward(self, gradient, z, a):
        return -super().backward(gradient, z, -a)


class WrongShapes(Softsign):
    name = "wrong_shapes"

    def __init__(self, method):
        self.method = method

    def forward(self, z):
        return super().forward(z)[:, :1] if self.method == "forward" else super().forward(z)

    def backward(self, gradient, z, a):
        return super().backward(gradient, z, a)[:1] if self.method == "backward" else super().backward(gradient, z, a)


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_shapes_that_an_activation_returns(method):
    network = Network([2, 3, 1], activation=WrongShapes(method), random_state=0)
    with pytest.raises(ValueError, match=f"{method} of 'wrong_shapes' returned an array of shape .*; return one of"):
        network.backward(np.eye(2), [0, 1])


class WrongLoss(LogCosh):
    def gradient(self, a, y):
        return super().gradient(a, y)[:, 0]


def test_shapes_that_a_loss_returns():
    with pytest.raises(ValueError, match=r"gradient of 'log_cosh' returned .* \(2,\); return one of shape \(2, 1\)"):
        Network([2, 1], activation=[], loss=WrongLoss()).backward(np.eye(2), [0, 1])


def test_a_method_of_a_subclass_is_used(rng):
    X = rng.normal(size=(5, 3))
    plain = Network([3, 4, 1], activation=LeakyReLU(0.2), random_state=0)
    negated = Network([3, 4, 1], activation=NegatedLeakyReLU(0.2), random_state=0)
    assert_allclose(negated.activations(X)[1], -plain.activations(X)[1])
    negated.coefs_[1][...] *= -1
    assert_allclose(negated.backward(X, X[:, 0]).inputs, plain.backward(X, X[:, 0]).inputs)

"""Initial weights."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import kstest

from fastmlp import MLPClassifier, Network
from fastmlp.initializers import INITIALIZERS

from ..problems import IRIS_X, IRIS_Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"zeros", "orthogonal"}))
def test_initial_weights_have_their_distribution(name):
    fan_in, fan_out = 300, 100
    network = Network([fan_in, fan_out, 1], init=name, random_state=0)
    variance = {"glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in, "lecun": 1 / fan_in}[name.split("_")[0]]
    drawn = network.coefs_[0].ravel() / np.sqrt(variance)
    uniform = ("uniform", (-np.sqrt(3), 2 * np.sqrt(3)))
    assert kstest(drawn, *(uniform if name.endswith("uniform") else ("norm",))).pvalue > 0.01
    assert not network.intercepts_[0].any()


@pytest.mark.parametrize("sizes", [(30, 20, 1), (20, 30, 1), (20, 20, 1)])
def test_orthogonal_initial_weights(sizes):
    w = Network(sizes, init="orthogonal", random_state=0).coefs_[0]
    smaller = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    assert_allclose(smaller, np.eye(len(smaller)), atol=1e-12)


def test_zeros_for_the_last_layer():
    network = Network([4, 8, 3], init=["he_normal", "zeros"], random_state=0)
    assert network.coefs_[0].any()
    assert not network.forward(IRIS_X).any()
    model = MLPClassifier((16,), init=["he_normal", "zeros"], learning_rate_init=0.01, max_iter=100, random_state=0)
    assert model.fit(IRIS_X, IRIS_Y).score(IRIS_X, IRIS_Y) > 0.95

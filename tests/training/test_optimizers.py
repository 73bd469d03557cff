"""Every solver's steps against the NumPy reference, and what a solver takes of an estimator."""

import inspect
from collections import defaultdict

import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastmlp import MLPRegressor
from fastmlp.losses import Loss
from fastmlp.training.optimizers import SOLVERS

from .. import reference
from ..problems import as_reference

SETTINGS = dict(momentum=0.8, nesterovs_momentum=True, beta_1=0.85, beta_2=0.97, epsilon=1e-3)
N_SAMPLES, BATCH_SIZE, EPOCHS, LEARNING_RATE = 40, 12, 10, 0.01
TOLERANCE = {"float64": dict(rtol=1e-9, atol=1e-11), "float32": dict(rtol=1e-3, atol=1e-4)}


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("settings", [{}, dict(alpha=2.0), dict(weight_decay=0.3), dict(nesterovs_momentum=False)])
def test_steps(rng, isa, dtype, solver, settings):
    """Ten epochs of three batches of 12 rows and one of 4, with penalties on weights alone."""
    X, y = rng.normal(size=(N_SAMPLES, 4)), rng.normal(size=(N_SAMPLES, 2))
    settings = SETTINGS | dict(alpha=0.0, weight_decay=0.0) | settings
    model = MLPRegressor(
        hidden_layer_sizes=(8, 5),
        activation="tanh",
        solver=solver,
        learning_rate_init=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        shuffle=False,
        dtype=dtype,
        max_iter=1,
        random_state=0,
        **settings,
    )
    # The weights before training are those after a step that has no size.
    start = MLPRegressor(
        **model.get_params() | dict(solver="sgd", learning_rate_init=1e-300, weight_decay=0.0, alpha=0.0)
    )
    coefs, intercepts, activations, loss = as_reference(start.partial_fit(X, y).network_)
    parameters = [*coefs, *intercepts]
    memories = [defaultdict(float) for _ in parameters]
    step = reference.SOLVERS[solver]
    takes = {name: settings[name] for name in inspect.signature(step).parameters if name in settings}
    k = 0
    for _ in range(EPOCHS):
        model.partial_fit(X, y)
        for first in range(0, N_SAMPLES, BATCH_SIZE):
            rows = slice(first, first + BATCH_SIZE)
            gradients = reference.backward(coefs, intercepts, activations, loss, X[rows], y[rows])
            k += 1
            for number, (w, g, memory) in enumerate(
                zip(parameters, [*gradients.coefs, *gradients.intercepts], memories, strict=True)
            ):
                if number < len(coefs):
                    w *= 1 - LEARNING_RATE * settings["weight_decay"]
                    g = g + settings["alpha"] / len(X[rows]) * w
                w += step(memory, g, LEARNING_RATE, k, **takes)
    assert not np.allclose(coefs[0], start.coefs_[0], rtol=0, atol=1e-2)
    for got, expected in zip([*model.coefs_, *model.intercepts_], parameters, strict=True):
        assert_allclose(got, expected, **TOLERANCE[dtype])


@pytest.mark.parametrize("solver", SOLVERS)
def test_settings_are_parameters_of_an_estimator(solver):
    optimizer = SOLVERS[solver].from_settings(np.zeros(3), MLPRegressor())
    assert set(optimizer.settings) <= MLPRegressor().get_params().keys()
    assert len(optimizer.moments) == optimizer.n_moments


class GradientOfNaN(Loss):
    """Finite, but without a gradient."""

    name = "gradient_of_nan"

    def values(self, a, y):
        return np.sum((a - y) ** 2, axis=1)

    def gradient(self, a, y):
        return np.full_like(a, np.nan)


@pytest.mark.parametrize("solver", SOLVERS)
def test_nan_in_the_gradient_is_seen(rng, isa, solver):
    X = rng.normal(size=(20, 3))
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        MLPRegressor(GradientOfNaN(), hidden_layer_sizes=(5,), solver=solver).fit(X, X[:, 0])

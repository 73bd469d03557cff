"""Weights of rows and classes: what a batch is divided by, against the gradient of the whole weighted loss."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.metrics import log_loss

from fastmlp import MLPClassifier, MLPRegressor

from .. import reference

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 48
WEIGHTS = {
    "random": np.random.default_rng(5).uniform(0.1, 3, N),
    "decaying": 0.8 ** np.arange(N)[::-1],
    "one heavy row": np.where(np.arange(N) == 7, 1000.0, 1.0),
    "whole numbers": (np.arange(N) % 4 + 1.0),
}
PLAIN_SGD = dict(solver="sgd", momentum=0.0, alpha=0.0, max_iter=1)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    return X, X @ rng.normal(size=(3, 2)) + 0.1 * rng.normal(size=(N, 2))


def start_of(model, X, y):
    """Weights and biases with which a fit begins."""
    begun = type(model)(**model.get_params()).set_params(learning_rate_init=1e-300).fit(X, y)
    return [w.copy() for w in begun.coefs_], [b.copy() for b in begun.intercepts_]


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("batch_size", [1, 4, 16, N])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_mean_over_batches_is_the_gradient_of_the_whole_loss(rows, weights, batch_size, shuffle, sparse):
    """Of an epoch of steps so small that the weights are as good as the same."""
    (X, y), w, step = rows, WEIGHTS[weights], 1e-7
    model = MLPRegressor(hidden_layer_sizes=(5,), batch_size=batch_size, shuffle=shuffle, random_state=0, **PLAIN_SGD)
    model.set_params(activation="tanh", learning_rate_init=step)
    coefs, intercepts = start_of(model, X, y)
    model.fit(csr_array(X) if sparse else X, y, w)
    network = coefs, intercepts, [reference.tanh(), reference.identity()], reference.squared_error("identity")
    expected = reference.backward(*network, X, y, w)
    n_steps = N // batch_size
    for got, begun, gradient in zip(model.coefs_, coefs, expected.coefs, strict=True):
        assert_allclose((begun - got) / (step * n_steps), gradient, rtol=1e-3, atol=1e-4)
    assert_allclose(model.loss_, reference.cost(*network, X, y, w), rtol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1, 32, 200, 4000])
@pytest.mark.parametrize(
    ("solver", "rate"),
    [("sgd", 1e-3), ("adam", 2e-3), ("adamw", 2e-3), ("rmsprop", 1e-3), ("adagrad", 0.05), ("lbfgs", 1e-3)],
)
def test_balanced_classes_on_noise_are_even(solver, rate, batch_size, dtype):
    """X says nothing, and of each class there is as much."""
    X, y = np.zeros((4000, 1)), np.arange(4000) % 100 == 0
    epochs = {1: 8, 32: 40, 200: 150, 4000: 1500}[batch_size]
    model = MLPClassifier((), solver=solver, class_weight="balanced", batch_size=batch_size, alpha=0, dtype=dtype)
    model.set_params(max_iter=epochs, tol=0, n_iter_no_change=epochs, random_state=0)
    model.set_params(learning_rate_init=rate * {1: 1, 32: 5}.get(batch_size, 10))
    if solver != "lbfgs":
        model.set_params(learning_rate="cosine")
    assert abs(model.fit(X, y).predict_proba(X[:1])[0, 1] - 0.5) < 0.02


ALIKE = [
    dict(solver="sgd", batch_size=5),
    dict(solver="adam", batch_size=5, l1=0.3),
    dict(solver="rmsprop", batch_size=1, dropout=0.2),
    dict(solver="adamw", batch_norm=True, n_jobs=2, batch_size=16),
    dict(solver="lbfgs", activation="tanh", max_iter=10),
    dict(solver="adam", early_stopping=True, validation_fraction=0.3, scoring="loss", batch_size=5),
    dict(solver="adam", clip_norm=0.1, batch_size=5),
]


@pytest.mark.parametrize("settings", ALIKE, ids=str)
@pytest.mark.parametrize("scale", [1e-9, 0.3])
def test_small_weights_that_are_all_the_same_change_nothing(rows, settings, scale):
    """Nor do penalties grow beside a small weighted loss."""
    X, y = rows
    settings = dict(hidden_layer_sizes=(5,), alpha=1.0, max_iter=4, random_state=0) | settings
    plain, scaled = MLPRegressor(**settings).fit(X, y), MLPRegressor(**settings).fit(X, y, np.full(N, scale))
    assert_allclose(scaled.network_.parameters, plain.network_.parameters, rtol=0, atol=1e-9)
    assert_allclose(scaled.loss_curve_, plain.loss_curve_, rtol=1e-9)
    assert_allclose(scaled.validation_scores_ or [0], plain.validation_scores_ or [0], rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_scale_of_weights_is_without_meaning(rows, scale, solver):
    (X, y), w = rows, WEIGHTS["random"]
    settings = dict(hidden_layer_sizes=(5,), activation="tanh", alpha=0, solver=solver, batch_size=5, max_iter=5)
    plain, scaled = [MLPRegressor(**settings, random_state=0).fit(X, y, w * by) for by in (1, scale)]
    assert_allclose(scaled.network_.parameters, plain.network_.parameters, rtol=0, atol=1e-9)


def test_weights_of_one_are_no_weights(rows):
    X, y = rows
    settings = dict(hidden_layer_sizes=(5,), batch_size=5, max_iter=4, alpha=1.0, random_state=0)
    plain, weighted = MLPRegressor(**settings).fit(X, y), MLPRegressor(**settings).fit(X, y, np.ones(N))
    assert_array_equal(weighted.network_.parameters, plain.network_.parameters)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_one_batch_of_all_rows_takes_the_steps_of_repeated_rows(rows, solver):
    """Penalties too: a weight of 2 is two rows."""
    (X, y), counts = rows, WEIGHTS["whole numbers"].astype(int)
    settings = dict(hidden_layer_sizes=(5,), activation="tanh", alpha=1.0, solver=solver, max_iter=8, random_state=0)
    weighted = MLPRegressor(**settings).fit(X, y, counts)
    repeated = MLPRegressor(**settings).fit(X.repeat(counts, axis=0), y.repeat(counts, axis=0))
    assert_allclose(weighted.network_.parameters, repeated.network_.parameters, rtol=0, atol=1e-10)


def test_a_row_that_weighs_next_to_nothing_moves_nothing(rows):
    """Not even alone in the last batch."""
    (X, y), w = rows, np.r_[np.ones(N - 1), 1e-12]
    settings = dict(hidden_layer_sizes=(5,), batch_size=N - 1, shuffle=False, random_state=0) | PLAIN_SGD
    other = y.copy()
    other[-1] += 100
    fits = [MLPRegressor(**settings).fit(X, y, w) for y in (y, other)]
    assert_allclose(fits[0].network_.parameters, fits[1].network_.parameters, rtol=0, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_a_stream_each_row_weighs_what_it_is_given(rows, dtype):
    """The step of a row of weight w is w times that of a row of weight 1."""
    (X, y), steps = rows, []
    for weight in (1.0, 0.25, 8.0):
        model = MLPRegressor(hidden_layer_sizes=(5,), learning_rate_init=1e-3, dtype=dtype, random_state=0, **PLAIN_SGD)
        model.partial_fit(X[:1], y[:1], [1e-30])
        before = model.network_.parameters.copy()
        steps.append((model.partial_fit(X[1:2], y[1:2], [weight]).network_.parameters - before) / weight)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert np.abs(steps[0]).max() > 1e-4
    assert_allclose(steps[1], steps[0], rtol=0, atol=tolerance)
    assert_allclose(steps[2], steps[0], rtol=0, atol=tolerance)


def test_in_a_stream_classes_weigh_what_they_are_given(rows):
    X, y = rows[0], np.arange(N) % 2
    settings = dict(hidden_layer_sizes=(5,), random_state=0, **PLAIN_SGD)
    by_class, by_row = MLPClassifier(**settings, class_weight={0: 0.5, 1: 20.0}), MLPClassifier(**settings)
    for i in range(N):
        by_class.partial_fit(X[i : i + 1], y[i : i + 1], classes=[0, 1])
        by_row.partial_fit(X[i : i + 1], y[i : i + 1], classes=[0, 1], sample_weight=[20.0 if y[i] else 0.5])
    assert_array_equal(by_class.network_.parameters, by_row.network_.parameters)
    plain = MLPClassifier(**settings)
    for i in range(N):
        plain.partial_fit(X[i : i + 1], y[i : i + 1], classes=[0, 1])
    assert np.abs(by_class.network_.parameters - plain.network_.parameters).max() > 1e-3


def test_rows_held_out_are_judged_by_their_own_mean(rows):
    """Their weights are divided by their own sum, whatever the others weigh."""
    X, y = rows[0], np.arange(N) % 2
    w, w_val = WEIGHTS["decaying"], np.linspace(1e-3, 2e-3, N)
    model = MLPClassifier((5,), batch_size=5, max_iter=3, random_state=0)
    model.fit(X, y, w, X_val=X, y_val=y, sample_weight_val=w_val)
    expected = log_loss(y, model.predict_proba(X), sample_weight=w_val)
    assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-9)


def test_warm_starts_with_weights_are_one_fit(rows):
    (X, y), w = rows, WEIGHTS["random"]
    settings = dict(hidden_layer_sizes=(5,), batch_size=5, random_state=0)
    whole, parts = MLPRegressor(max_iter=3, **settings), MLPRegressor(max_iter=1, warm_start=True, **settings)
    whole.fit(X, y, w)
    for _ in range(3):
        parts.fit(X, y, w)
    assert_array_equal(parts.network_.parameters, whole.network_.parameters)

"""Penalties, clipping, batch normalization and dropout."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_moons

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.estimators._problem import Request, check_request, hold_out

from ..problems import IRIS_X, IRIS_Y

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_l1_makes_weights_sparse(rng):
    X = rng.normal(size=(500, 20))
    y = X[:, 0] - 2 * X[:, 1]
    settings = dict(hidden_layer_sizes=(), alpha=0, learning_rate_init=0.02, max_iter=300, tol=0, random_state=0)
    plain = MLPRegressor(**settings).fit(X, y + rng.normal(size=500)).coefs_[0].ravel()
    sparse = MLPRegressor(**settings, l1=60.0).fit(X, y + rng.normal(size=500)).coefs_[0].ravel()
    assert np.abs(sparse[2:]).max() < 0.05 < np.abs(plain[2:]).max()
    assert np.all(np.abs(sparse[:2]) > 0.4)


def test_penalties_are_in_the_reported_loss(rng):
    """loss_curve_ of one full batch is the cost plus alpha / (2 n) |W|^2 + l1 / n |W|_1 of the weights before."""
    X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    for weight_decay in (0.0, 0.5):
        model = MLPRegressor(hidden_layer_sizes=(6,), alpha=3.0, l1=2.0, weight_decay=weight_decay, random_state=0)
        model.partial_fit(X, y)
        before = Network([4, 6, 1], random_state=0)
        weights = np.concatenate([w.ravel() for w in before.coefs_])
        penalty = 3.0 / 60 * np.sum(weights**2) + 2.0 / 30 * np.abs(weights).sum()
        assert_allclose(model.loss_, before.cost(X, y) + penalty, rtol=1e-12)


def test_weight_decay_leaves_biases_alone(rng):
    """With a learning rate so small that only weight decay acts, weights shrink and biases stay."""
    X, y = rng.normal(size=(32, 3)), rng.normal(size=32)
    model = MLPRegressor(
        hidden_layer_sizes=(4,), alpha=0, solver="adamw", learning_rate_init=1e-9, weight_decay=1e8, random_state=0
    )
    model.partial_fit(X, y)
    before = Network([3, 4, 1], random_state=0)
    for was, now in zip(before.coefs_, model.coefs_, strict=True):
        assert_allclose(now, 0.9 * was, rtol=1e-6)
    for was, now in zip(before.intercepts_, model.intercepts_, strict=True):
        assert_allclose(now, was, rtol=1e-6)


def test_clip_norm_bounds_the_step(rng):
    X, y = rng.normal(size=(40, 3)), 1e6 * rng.normal(size=40)
    model = MLPRegressor(
        hidden_layer_sizes=(4,), solver="sgd", momentum=0, alpha=0, learning_rate_init=0.5, clip_norm=2, random_state=0
    )
    model.partial_fit(X, y)
    moved = model.network_.parameters - Network([3, 4, 1], random_state=0).parameters
    assert_allclose(np.linalg.norm(moved), 0.5 * 2, rtol=1e-9)


def test_clip_norm_of_a_gradient_whose_square_overflows(rng):
    X, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", momentum=0, alpha=0, learning_rate_init=0.5, clip_norm=2, dtype="float32"
    )
    model.set_params(random_state=0).partial_fit(1e15 * X, 1e15 * y)
    moved = model.network_.parameters - Network([3, 1], dtype="float32", random_state=0).parameters
    assert_allclose(np.linalg.norm(moved), 0.5 * 2, rtol=1e-5)


def test_statistics_that_overflow_are_divergence(rng):
    X = (1e20 * rng.normal(size=(200, 3))).astype(np.float32)
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        MLPRegressor(hidden_layer_sizes=(6,), batch_norm=True).fit(X, X[:, 0] / 1e20)


def test_batch_norm_goes_on_with_single_rows(rng):
    """As they arrive: by the running statistics, which stay as they are."""
    X = rng.normal(size=(50, 3))
    model = MLPRegressor(hidden_layer_sizes=(6,), batch_norm=True, random_state=0).partial_fit(X, X[:, 0])
    before = model.network_.statistics.copy()
    weights = model.network_.parameters.copy()
    model.partial_fit(X[:1], X[:1, 0])
    assert_array_equal(model.network_.statistics, before)
    assert not np.array_equal(model.network_.parameters, weights)


@pytest.mark.parametrize("n_rows", [64, 65, 79])
def test_batch_norm_with_a_short_last_batch(rng, n_rows, dtype):
    """Also of one row, which has no variance; statistics stay finite, and predictions are good."""
    X = rng.normal(5, 3, size=(n_rows, 3))
    y = X @ [0.5, -1, 0.2]
    model = MLPRegressor(
        hidden_layer_sizes=(32,), batch_norm=True, batch_size=16, learning_rate_init=0.02, max_iter=100, dtype=dtype
    )
    model.set_params(random_state=0).fit(X, y)
    assert np.isfinite(model.network_.statistics).all()
    assert model.score(X, y) > 0.8


def test_batch_norm_learns_unscaled_inputs(rng):
    X, y = make_moons(400, noise=0.1, random_state=0)
    X = X * 1000 + 5000
    settings = dict(hidden_layer_sizes=(32, 32), learning_rate_init=0.01, max_iter=60, random_state=0)
    assert MLPClassifier(**settings, batch_norm=True).fit(X, y).score(X, y) > 0.95
    assert MLPClassifier(**settings).fit(X, y).score(X, y) < 0.9


def test_running_statistics_come_back_with_the_best_weights():
    X, y = make_moons(300, noise=0.3, random_state=0)
    model = MLPClassifier(
        (16,), batch_norm=True, early_stopping=True, learning_rate_init=0.05, max_iter=30, random_state=0
    ).fit(X, y)
    request = Request(model.set_params(warm_start=True), X, y, None, (None, None, None))
    rows = hold_out(request, check_request(request), None).held_out
    assert_allclose(model.score(X[rows], y[rows]), model.best_validation_score_)


@pytest.mark.parametrize("activation", ["relu", "randomized_leaky_relu"])
def test_random_training_repeats_and_continues(activation):
    """The same seed draws the same masks, and n epochs one by one are n epochs at once, through pickle too."""
    settings = dict(
        activation=activation, dropout=0.3, input_dropout=0.1, batch_norm=True, shuffle=False, tol=0, random_state=7
    )
    whole = MLPClassifier((12, 6), **settings, max_iter=4).fit(IRIS_X, IRIS_Y)
    again = MLPClassifier((12, 6), **settings, max_iter=4).fit(IRIS_X, IRIS_Y)
    assert_array_equal(whole.network_.parameters, again.network_.parameters)
    other = MLPClassifier((12, 6), **{**settings, "random_state": 8}, max_iter=4).fit(IRIS_X, IRIS_Y)
    assert not np.allclose(whole.network_.parameters, other.network_.parameters)
    steps = MLPClassifier((12, 6), **settings)
    for _ in range(4):
        steps.partial_fit(IRIS_X, IRIS_Y, classes=[0, 1, 2])
        steps = pickle.loads(pickle.dumps(steps))
    assert_array_equal(whole.network_.parameters, steps.network_.parameters)
    assert_array_equal(whole.network_.statistics, steps.network_.statistics)


def test_dropout_does_not_change_what_it_does_not_use():
    """Rows are shuffled as without it: a rate of 0 draws nothing."""
    plain = MLPClassifier((12,), max_iter=3, random_state=0).fit(IRIS_X, IRIS_Y)
    zero = MLPClassifier((12,), max_iter=3, random_state=0, dropout=[0.0], input_dropout=0.0).fit(IRIS_X, IRIS_Y)
    assert_array_equal(plain.network_.parameters, zero.network_.parameters)

"""The same steps as scikit-learn, from the same seed."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.demo import SETTINGS, load_split

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = {
    "binary": (SklearnClassifier, MLPClassifier, lambda rng: rng.integers(0, 2, 230)),
    "multiclass": (SklearnClassifier, MLPClassifier, lambda rng: rng.choice(["a", "b", "c", "d"], 230)),
    "multilabel": (SklearnClassifier, MLPClassifier, lambda rng: rng.integers(0, 2, (230, 3))),
    "regression": (SklearnRegressor, MLPRegressor, lambda rng: rng.normal(size=230)),
    "multi-output": (SklearnRegressor, MLPRegressor, lambda rng: rng.normal(size=(230, 2))),
}


def fit_both(task, **settings):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(230, 12))
    sklearn_class, our_class, make_targets = TASKS[task]
    y = make_targets(rng)
    settings = {"hidden_layer_sizes": (15, 9), "batch_size": 50, "random_state": 3, "max_iter": 10, **settings}
    return sklearn_class(**settings).fit(X, y), our_class(**settings).fit(X, y), X


def assert_same_weights(theirs, ours, atol=1e-9):
    for expected, got in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        assert_allclose(got, expected, rtol=0, atol=atol)


# 10 epochs of 5 batches, the last of which is short: 50 steps.
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("alpha", [0, 0.1])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_fifty_steps(task, alpha, solver, shuffle):
    theirs, ours, _ = fit_both(task, alpha=alpha, solver=solver, shuffle=shuffle)
    assert_same_weights(theirs, ours)
    n_outputs = 2 if task == "multi-output" else 1
    if n_outputs == 1 or alpha == 0:  # scikit-learn averages the loss over outputs, but not the penalty
        assert_allclose(ours.loss_curve_, np.multiply(theirs.loss_curve_, n_outputs), rtol=1e-9)


@pytest.mark.parametrize(
    "settings",
    [
        dict(activation="tanh"),
        dict(activation="logistic"),
        dict(activation="identity"),
        dict(solver="sgd", nesterovs_momentum=False),
        dict(solver="sgd", momentum=0.0, learning_rate_init=0.1),
        dict(solver="sgd", learning_rate="invscaling", learning_rate_init=0.5),
        dict(solver="sgd", learning_rate="adaptive", learning_rate_init=0.5, tol=0.1, n_iter_no_change=1, max_iter=40),
        dict(early_stopping=True, n_iter_no_change=3, max_iter=50),
        dict(beta_1=0.0, beta_2=0.5, epsilon=1e-3),
        dict(batch_size=230),
        dict(batch_size=1, max_iter=2),
        dict(hidden_layer_sizes=()),
        dict(tol=1e-2, n_iter_no_change=2, max_iter=100),
    ],
    ids=str,
)
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_settings(task, settings):
    theirs, ours, _ = fit_both(task, **settings)
    assert ours.n_iter_ == theirs.n_iter_
    assert_same_weights(theirs, ours)
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-9)
    if ours.early_stopping:
        assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=1e-9)
        assert ours.best_loss_ is None
    else:
        assert_allclose(ours.best_loss_, theirs.best_loss_, rtol=1e-9)
    assert ours.t_ == theirs.t_
    assert ours.n_layers_ == theirs.n_layers_
    assert ours.out_activation_ == theirs.out_activation_


@pytest.mark.parametrize("task", TASKS)
def test_predictions(task):
    theirs, ours, X = fit_both(task)
    if task in ("regression", "multi-output"):
        assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-9)
        return
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=0, atol=1e-9)
    assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=0, atol=1e-9)


def test_poisson():
    pytest.importorskip("sklearn", minversion="1.7")  # whose MLPRegressor has no choice of the loss before
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(150, 4)), rng.poisson(2, 150).astype(float)
    settings = dict(loss="poisson", hidden_layer_sizes=(8,), max_iter=10, random_state=0)
    theirs, ours = SklearnRegressor(**settings).fit(X, y), MLPRegressor(**settings).fit(X, y)
    assert_same_weights(theirs, ours)
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_lbfgs(task):
    small = dict(hidden_layer_sizes=(5,), activation="tanh")
    theirs, ours, _ = fit_both(task, solver="lbfgs", alpha=1.0, max_iter=500, tol=1e-6, **small)
    assert ours.stop_reason_ == "converged"
    assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)
    assert np.all(np.diff(ours.loss_curve_) <= 1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        dict(),
        dict(solver="sgd", learning_rate="adaptive", learning_rate_init=0.05),
        dict(early_stopping=True),
        dict(warm_start=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_outputs", [2, 9])
def test_patience_with_several_outputs(settings, n_outputs):
    """tol goes by the mean over outputs, of which the reported loss is the sum."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(230, 5))
    y = np.tanh(X @ rng.normal(size=(5, n_outputs)))
    settings = (
        dict(hidden_layer_sizes=(20,), learning_rate_init=0.01, tol=1e-3, max_iter=400, random_state=0) | settings
    )
    theirs, ours = SklearnRegressor(**settings).fit(X, y), MLPRegressor(**settings).fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_ < 400


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_sample_weight(task):
    """In one batch; in several scikit-learn divides each by its own weights, which forgets how heavy it is."""
    pytest.importorskip("sklearn", minversion="1.7")  # whose MLPs take no weights before
    rng = np.random.default_rng(0)
    sklearn_class, our_class, make_targets = TASKS[task]
    X, y, sample_weight = rng.normal(size=(230, 12)), make_targets(rng), rng.uniform(0.1, 3, 230)
    settings = dict(hidden_layer_sizes=(15,), batch_size=230, max_iter=10, random_state=0, alpha=0.1)
    theirs = sklearn_class(**settings).fit(X, y, sample_weight)
    ours = our_class(**settings).fit(X, y, sample_weight)
    assert_same_weights(theirs, ours)
    assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


def test_demo_accuracy():
    """Handwritten digits in float32: at most half a point behind scikit-learn, on average over five seeds."""
    X_train, X_test, y_train, y_test = load_split()
    settings = {**SETTINGS, "max_iter": 30}
    scores = {SklearnClassifier: [], MLPClassifier: []}
    for seed in range(5):
        for estimator, values in scores.items():
            model = estimator(**{**settings, "random_state": seed})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X_train, y_train)
            values.append(model.score(X_test, y_test))
    assert np.mean(scores[MLPClassifier]) >= np.mean(scores[SklearnClassifier]) - 0.005
    assert np.mean(scores[MLPClassifier]) > 0.95

"""scikit-learn's own tests of its MLP, run with these estimators in place of its own.

``python -m pytest tests/ecosystem/test_sklearn_suite.py`` prints how many there are and how many pass. Six of them
look at private parts of scikit-learn's classes; below they make the same assertions of what is public.
"""

import importlib.util
import inspect

import numpy as np
import pytest
import sklearn.neural_network.tests as sklearn_tests
from numpy.testing import assert_array_almost_equal

from fastmlp import MLPClassifier, MLPRegressor, Network

REWRITTEN = {
    "test_fit",
    "test_gradient",
    "test_learning_rate_warmstart",
    "test_adaptive_learning_rate",
    "test_n_iter_no_change",
    "test_n_iter_no_change_inf",
}

pytestmark = [
    pytest.mark.filterwarnings("default"),  # theirs are not written to have none
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


def load_sklearn_suite():
    """A module of its own, so that what other tests import of it stays as it is."""
    spec = importlib.util.find_spec(f"{sklearn_tests.__name__}.test_mlp")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.MLPClassifier, module.MLPRegressor = MLPClassifier, MLPRegressor
    return module


suite = load_sklearn_suite()


@pytest.fixture
def global_random_seed():
    """Of scikit-learn's own configuration, which is not installed; its default."""
    return 42


tests_of_theirs = {name: test for name, test in vars(suite).items() if name.startswith("test_") and callable(test)}
globals().update({name: test for name, test in tests_of_theirs.items() if name not in REWRITTEN})


def test_all_of_them_are_here():
    assert set(tests_of_theirs) <= set(globals()), "a test of theirs is neither run nor written again"
    assert all(inspect.getsource(globals()[name]) for name in REWRITTEN)


def test_fit():
    """One step of an example worked out by hand, in their comments."""
    X, y = np.array([[0.6, 0.8, 0.7]]), np.array([0])
    mlp = MLPClassifier(
        solver="sgd",
        learning_rate_init=0.1,
        alpha=0.1,
        activation="logistic",
        random_state=1,
        max_iter=1,
        hidden_layer_sizes=2,
        momentum=0,
    )
    mlp.partial_fit(X, y, classes=[0, 1])
    mlp.coefs_[0][...] = [[0.1, 0.2], [0.3, 0.1], [0.5, 0]]
    mlp.coefs_[1][...] = [[0.1], [0.2]]
    mlp.intercepts_[0][...] = 0.1
    mlp.intercepts_[1][...] = 1.0
    mlp.partial_fit(X, y)
    assert_array_almost_equal(mlp.coefs_[0], [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]], 3)
    assert_array_almost_equal(mlp.coefs_[1], [[0.04706], [0.154089]], 3)
    assert_array_almost_equal(mlp.intercepts_[0], [0.098333, 0.09626], 3)
    assert_array_almost_equal(mlp.intercepts_[1], [0.9235], 3)
    assert mlp.predict_proba(X)[0, 1] == pytest.approx(0.739, abs=1e-3)


def test_gradient():
    """Their differences of the cost, for each of their activations, two and three classes."""
    n_samples, epsilon = 5, 1e-5
    X = np.random.RandomState(42).rand(n_samples, 10)
    for n_labels in [2, 3]:
        classes = np.mod(np.arange(n_samples) + 1, n_labels)
        y = classes if n_labels == 2 else np.eye(3)[classes]
        out_activation = "logistic" if n_labels == 2 else "softmax"
        for activation in suite.ACTIVATION_TYPES:
            network = Network(
                [10, 10, 1 if n_labels == 2 else 3],
                activation=activation,
                out_activation=out_activation,
                loss="log_loss",
                random_state=1,
            )
            gradients = network.backward(X, y)
            blocks = zip(gradients.coefs, gradients.intercepts, strict=True)
            gradient = np.hstack([np.vstack([w, b]).ravel() for w, b in blocks])
            differences = np.empty_like(gradient)
            for i, parameter in enumerate(network.parameters.copy()):
                costs = []
                for moved in (parameter + epsilon, parameter - epsilon):
                    network.parameters[i] = moved
                    costs.append(network.cost(X, y))
                network.parameters[i] = parameter
                differences[i] = (costs[0] - costs[1]) / (2 * epsilon)
            assert_array_almost_equal(differences, gradient, 7)


def test_learning_rate_warmstart():
    X, y = [[3, 2], [1, 6], [5, 6], [-2, -4]], [1, 1, 1, 0]
    for learning_rate in ["invscaling", "constant"]:
        mlp = MLPClassifier(
            solver="sgd",
            hidden_layer_sizes=4,
            learning_rate=learning_rate,
            max_iter=1,
            power_t=0.25,
            warm_start=True,
        )
        for _ in range(3):
            mlp.fit(X, y)
        _, previous, following = mlp.learning_rate_curve_
        if learning_rate == "constant":
            assert previous == following
        else:
            assert following == mlp.learning_rate_init / pow(8 + 1, mlp.power_t)


def test_adaptive_learning_rate():
    X, y = [[3, 2], [1, 6]], [1, 0]
    clf = MLPClassifier(tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive").fit(X, y)
    assert clf.max_iter > clf.n_iter_
    assert clf.learning_rate_curve_[-1] < 1e-6


def n_without_improvement(losses, tol):
    """Epochs since one was the last to improve on all before it by more than tol."""
    best, count = np.inf, 0
    for loss in losses:
        count = count + 1 if loss > best - tol else 0
        best = min(best, loss)
    return count


def test_n_iter_no_change():
    X, y = suite.X_digits_binary[:100], suite.y_digits_binary[:100]
    tol, max_iter = 0.01, 3000
    for n_iter_no_change in [2, 5, 10, 50, 100]:
        clf = MLPClassifier(tol=tol, max_iter=max_iter, solver="sgd", n_iter_no_change=n_iter_no_change).fit(X, y)
        assert n_without_improvement(clf.loss_curve_, tol) == n_iter_no_change + 1
        assert max_iter > clf.n_iter_


def test_n_iter_no_change_inf():
    X, y = suite.X_digits_binary[:100], suite.y_digits_binary[:100]
    tol, max_iter = 1e9, 3000
    clf = MLPClassifier(tol=tol, max_iter=max_iter, solver="sgd", n_iter_no_change=np.inf).fit(X, y)
    assert clf.n_iter_ == max_iter
    assert n_without_improvement(clf.loss_curve_, tol) == clf.n_iter_ - 1

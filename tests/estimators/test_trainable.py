"""Layers that do not train, in fits of every solver, going on, and with what else users set."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.training.solvers import SOLVERS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(120, 6))
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
SETTINGS = dict(hidden_layer_sizes=(9, 7), max_iter=5, tol=10.0, n_iter_no_change=1, random_state=0)


def weights(model):
    return [np.vstack([w, b]).copy() for w, b in zip(model.coefs_, model.intercepts_, strict=True)]


def assert_changed(before, after, layers):
    changed = [number for number, (b, a) in enumerate(zip(before, after, strict=True), 1) if (a != b).any()]
    assert changed == list(layers)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("trainable", "layers"), [("last", [3]), ([1], [1]), ((2, 3), [2, 3])])
def test_going_on(isa, dtype, solver, trainable, layers):
    model = MLPClassifier(**SETTINGS, solver=solver, dtype=dtype, warm_start=True, alpha=0.1).fit(X, Y)
    before = weights(model)
    model.set_params(trainable=trainable, tol=1e-9).fit(X, Y)
    assert_changed(before, weights(model), layers)


@pytest.mark.parametrize(
    "settings",
    [
        dict(clip_norm=0.1),
        dict(weight_decay=0.1, l1=0.01),
        dict(dropout=0.3, input_dropout=0.1),
        dict(batch_norm=True),
        dict(class_weight="balanced"),
        dict(batch_size=1),
        dict(n_jobs=2),
    ],
    ids=str,
)
def test_with_other_parameters(settings):
    model = MLPClassifier(**SETTINGS, **settings, warm_start=True).fit(X, Y)
    before, statistics = weights(model), model.network_.statistics.copy()
    model.set_params(trainable="last").fit(X, Y)
    assert_changed(before, weights(model), [3])
    assert_array_equal(model.network_.statistics, statistics)


def test_with_early_stopping():
    """The best weights have the frozen layers that training began with."""
    settings = SETTINGS | dict(max_iter=30, tol=0.0, n_iter_no_change=30, learning_rate_init=0.01)
    model = MLPClassifier(**settings, early_stopping=True, trainable="last").fit(X, Y)
    start = MLPClassifier(**settings | dict(max_iter=1, learning_rate_init=1e-300, alpha=0)).fit(X, Y)
    assert_changed(weights(start), weights(model), [3])


def test_partial_fit_changes_its_mind_and_goes_through_pickles():
    model = MLPClassifier(**SETTINGS).partial_fit(X, Y, classes=[0, 1])
    for trainable, layers in [("last", [3]), ("all", [1, 2, 3]), ([2], [2])]:
        before = weights(model)
        model = pickle.loads(pickle.dumps(model.set_params(trainable=trainable).partial_fit(X, Y)))
        assert_changed(before, weights(model), layers)
    assert clone(model).trainable == [2]


def test_sparse_rows_and_a_pipeline():
    sparse = csr_array(np.where(np.abs(X) > 1, X, 0))
    model = MLPRegressor(**SETTINGS, warm_start=True).fit(sparse, X[:, 0])
    before = weights(model)
    model.set_params(trainable=[2]).fit(sparse, X[:, 0])
    assert_changed(before, weights(model), [2])
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SETTINGS, trainable="last")).fit(X, Y)
    start = MLPClassifier(**SETTINGS | dict(max_iter=1), learning_rate_init=1e-300, alpha=0).fit(X, Y)
    assert_changed(weights(start), weights(pipeline[-1]), [3])


def test_a_search_over_it():
    search = GridSearchCV(MLPClassifier(**SETTINGS), {"trainable": ["all", "last", (1, 2)]}, cv=2, error_score="raise")
    assert len(search.fit(X, Y).cv_results_["params"]) == 3


def test_last_only_is_a_linear_model_on_fixed_features():
    """lbfgs on the last layer finds the optimum that a linear model of the hidden features has."""
    settings = dict(hidden_layer_sizes=(30,), solver="lbfgs", alpha=0.5, max_iter=5000, tol=1e-9, random_state=0)
    model = MLPRegressor(**settings, trainable="last").fit(X, X[:, 0] ** 2)
    features = model.transform(X)
    linear = MLPRegressor(**settings | dict(hidden_layer_sizes=())).fit(features, X[:, 0] ** 2)
    np.testing.assert_allclose(model.predict(X), linear.predict(features), atol=1e-5)


@pytest.mark.parametrize("trainable", ["first", [], [0], [4], [1.5], 1])
def test_wrong_values(trainable):
    model = MLPClassifier(**SETTINGS).fit(X, Y)
    before = weights(model)
    with pytest.raises(ValueError, match="trainable"):
        model.set_params(trainable=trainable).fit(X, Y)
    for now, was in zip(weights(model), before, strict=True):
        assert_array_equal(now, was)

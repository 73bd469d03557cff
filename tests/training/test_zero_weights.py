"""A row of weight 0 is the same as a row that is not there, to the bit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = dict(hidden_layer_sizes=(6,), batch_size=16, max_iter=4, random_state=0)
KINDS = ["classes", "labels", "targets", "numbers"]


def problem(kind):
    """An estimator's class, rows, targets and weights, of which a third are 0."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(120, 4))
    targets = {
        "classes": (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5),
        "labels": (X[:, :3] > 0.2).astype(int),
        "targets": np.stack([np.digitize(X[:, 0], [-1, 1]), np.digitize(X[:, 1], [0, 1, 2])], axis=1),
        "numbers": X @ rng.normal(size=(4, 2)),
    }
    weights = rng.choice([0.0, 1.0, 2.5], 120)
    return MLPRegressor if kind == "numbers" else MLPClassifier, X, targets[kind], weights


def assert_same(model, other, X):
    assert_array_equal(model.network_.parameters, other.network_.parameters)
    assert model.loss_curve_ == other.loss_curve_
    assert model.validation_loss_curve_ == other.validation_loss_curve_
    assert model.validation_scores_ == other.validation_scores_
    assert model.best_iter_ == other.best_iter_
    assert_array_equal(model.predict(X), other.predict(X))
    assert_array_equal(model.feature_importances_, other.feature_importances_)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        dict(solver="sgd", shuffle=False),
        dict(solver="lbfgs"),
        dict(early_stopping=True, validation_fraction=0.3),
        dict(early_stopping=True, validation_fraction=0.3, scoring="loss"),
        dict(dropout=0.2, batch_norm=True),
    ],
    ids=["adam", "sgd", "lbfgs", "early stopping", "by loss", "dropout"],
)
def test_in_training(kind, settings):
    make, X, y, w = problem(kind)
    model = make(**SETTINGS | settings).fit(X, y, w)
    assert_same(model, make(**SETTINGS | settings).fit(X[w > 0], y[w > 0], w[w > 0]), X)


@pytest.mark.parametrize("kind", ["classes", "labels", "targets"])
def test_beside_balanced_classes(kind):
    make, X, y, w = problem(kind)
    model = make(**SETTINGS, class_weight="balanced").fit(X, y, w)
    assert_same(model, make(**SETTINGS, class_weight="balanced").fit(X[w > 0], y[w > 0], w[w > 0]), X)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("scoring", [None, "loss", "own"])
def test_in_validation(kind, early_stopping, scoring):
    make, X, y, w = problem(kind)
    if scoring == "own":
        scoring = make.score
    model = make(**SETTINGS, early_stopping=early_stopping, scoring=scoring)
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:], sample_weight_val=w[60:])
    kept = 60 + np.flatnonzero(w[60:])
    other = make(**SETTINGS, early_stopping=early_stopping, scoring=scoring)
    other.fit(X[:60], y[:60], X_val=X[kept], y_val=y[kept], sample_weight_val=w[kept])
    assert_same(model, other, X)


@pytest.mark.parametrize("kind", KINDS)
def test_in_score(kind):
    make, X, y, w = problem(kind)
    model = make(**SETTINGS).fit(X, y)
    assert model.score(X, y, w) == pytest.approx(model.score(X[w > 0], y[w > 0], w[w > 0]), abs=1e-14)


def test_whichever_rows_they_are_from_call_to_call():
    make, X, y, _ = problem("numbers")
    model, other = make(**SETTINGS), make(**SETTINGS)
    for row in (3, 5, 7):
        w = np.ones(120)
        w[row] = 0
        model.partial_fit(X, y, w)
        other.partial_fit(X[w > 0], y[w > 0])
        assert_array_equal(model.network_.parameters, other.network_.parameters)


def test_all_of_a_class():
    make, X, y, _ = problem("classes")
    w = (y < 2).astype(float)
    model = make(**SETTINGS, early_stopping=True).fit(X, y, w)
    assert model.classes_.tolist() == [0, 1]
    assert_same(model, make(**SETTINGS, early_stopping=True).fit(X[y < 2], y[y < 2], w[y < 2]), X)


def test_targets_that_the_loss_refuses():
    make, X, y, _ = problem("numbers")
    y = np.abs(y[:, 0])
    y[5] = -1.0
    w = np.ones(120)
    w[5] = 0
    model = make(loss="poisson", **SETTINGS).fit(X, y, w)
    assert_same(model, make(loss="poisson", **SETTINGS).fit(X[w > 0], y[w > 0], w[w > 0]), X)
    with pytest.raises(ValueError, match="y has -1"):
        make(loss="poisson", **SETTINGS).fit(X, y)


def test_a_single_row_to_validate_on():
    """R^2 of one row is refused, whether or not there is another one without weight."""
    make, X, y, _ = problem("numbers")
    for rows, w in (([0], [1.0]), ([0, 1], [1.0, 0.0])):
        with pytest.raises(ValueError, match=r"X_val and y_val, cannot be used: R\^2 of 1 row is not defined"):
            make(**SETTINGS).fit(X, y, X_val=X[rows], y_val=y[rows], sample_weight_val=w)


def weightless(kind, how, classes):
    """What makes all rows of a part weightless: settings, rows of the part, and their weights."""
    X, y = np.random.default_rng(4).normal(size=(5, 4)), np.zeros((5, 2) if kind == "numbers" else 5)
    if how == "classes":
        return {"class_weight": {0: 0, **dict.fromkeys(classes[1:], 1)}}, X, y, None
    return {}, X, y, 0.0 if how == "scalar" else np.zeros(5, int)


@pytest.mark.parametrize(("kind", "how"), [("classes", "classes"), ("classes", "rows"), ("numbers", "scalar")])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        dict(early_stopping=True),
        dict(batch_norm=True, dtype="float32"),
        dict(solver="sgd", learning_rate="adaptive"),
    ],
    ids=["adam", "early stopping", "batch_norm", "sgd"],
)
def test_a_part_of_a_stream_that_has_no_weight(kind, how, settings):
    """It is no epoch, and the stream goes on as if it had not come."""
    make, X, y, _ = problem(kind)
    keywords = {"classes": np.unique(y)} if kind == "classes" else {}
    if "early_stopping" in settings:
        keywords |= dict(X_val=X[100:], y_val=np.maximum(y[100:], 1))
    further, *part = weightless(kind, how, np.unique(y))
    model, other = (make(**SETTINGS | settings | further) for _ in range(2))
    parts = [(X[:60], y[:60]), (X[60:100], y[60:100])]
    with pytest.raises(ValueError, match="partial_fit begins with rows whose weights"):
        model.partial_fit(*part, **keywords)
    for given in (parts[0], part, part, parts[1], part):
        model.partial_fit(*given, **keywords)
    for given in parts:
        other.partial_fit(*given, **keywords)
    assert_same_stream(model, other)
    assert_same_stream(model.partial_fit(*parts[0], **keywords), other.partial_fit(*parts[0], **keywords))


def assert_same_stream(model, other):
    assert_array_equal(model.network_.parameters, other.network_.parameters)
    assert model.loss_curve_ == other.loss_curve_
    assert model.validation_scores_ == other.validation_scores_
    assert (model.n_iter_, model.t_) == (other.n_iter_, other.t_)


def test_a_part_without_weight_is_checked():
    model = MLPClassifier(**SETTINGS | {"batch_size": 1}).partial_fit([[1.0]], [2], classes=[1, 2])
    with pytest.raises(ValueError, match="expected"):
        model.partial_fit([[1.0]], [2], [0.0, 0.0])
    with pytest.raises(ValueError, match="not 0 for all rows"):
        MLPClassifier(**SETTINGS, class_weight={1: 0, 2: 0}).partial_fit([[1.0]], [2], classes=[1, 2])

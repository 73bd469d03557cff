"""Rows to validate on: held out, given, weighted, scored in any way."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.datasets import make_classification, make_regression
from sklearn.metrics import accuracy_score, log_loss, make_scorer, mean_absolute_error, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp._core import _data

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = dict(hidden_layer_sizes=8, learning_rate_init=0.02, max_iter=12, tol=0, random_state=0)


@pytest.fixture
def classes():
    X, y = make_classification(300, n_features=6, n_informative=4, n_classes=3, random_state=0)
    return train_test_split(X, y, random_state=0)


@pytest.fixture
def numbers():
    X, y = make_regression(300, n_features=5, noise=5.0, random_state=0)
    return train_test_split(X, y / y.std(), random_state=0)


def curves(model, X, y, measure, **fit_parameters):
    """What a callback measures of the model after each epoch."""
    values = []
    model.set_params(callbacks=lambda info: values.append(measure(info.model)))
    model.fit(X, y, **fit_parameters)
    return values


def test_curves_are_those_of_the_rows(classes):
    X, X_val, y, y_val = classes
    model = MLPClassifier(**SETTINGS)
    losses = curves(model, X, y, lambda m: log_loss(y_val, m.predict_proba(X_val)), X_val=X_val, y_val=y_val)
    assert_allclose(model.validation_loss_curve_, losses)
    assert model.validation_scores_[-1] == accuracy_score(y_val, model.predict(X_val))
    assert model.best_validation_score_ is None
    assert model.best_iter_ is None


@pytest.mark.parametrize("some", [False, True], ids=["all rows", "some rows"])
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("activated", [False, True], ids=["logits", "activated"])
def test_evaluate(rng, isa, sparse, some, activated):
    """The mean loss of some rows, and their outputs."""
    network = Network([6, 9, 3], out_activation="softmax", loss="log_loss", random_state=0)
    X, labels, weights = rng.normal(size=(40, 6)), rng.integers(0, 3, 40).astype(np.uint8), rng.random(40)
    rows = np.flatnonzero(labels) if some else None
    taken = slice(None) if rows is None else rows
    data = _data.Data(csr_array(X) if sparse else X, labels, weights, rows)
    loss, raw = network.evaluate(data, activate_output=activated)
    assert_allclose(loss, network.cost(X[taken], np.eye(3)[labels[taken]], weights[taken]), rtol=1e-12)
    expected = network.activations(X[taken])[-1] if activated else network.predict_raw(X[taken])
    assert_allclose(raw, expected, rtol=1e-12)


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_network_is_asked_once_an_epoch(numbers, scoring, monkeypatch):
    X, X_val, y, y_val = numbers
    asked = []
    for name in ("evaluate", "mean_loss"):
        ask = getattr(Network, name)

        def counted(self, *args, name=name, ask=ask, **kwargs):
            asked.append(name)
            return ask(self, *args, **kwargs)

        monkeypatch.setattr(Network, name, counted)
    model = MLPRegressor(**SETTINGS, scoring=scoring).fit(X, y, X_val=X_val, y_val=y_val)
    assert asked.count("evaluate" if scoring is None else "mean_loss") == model.n_iter_
    assert scoring is None or "evaluate" not in asked


def test_validation_changes_nothing_else(classes):
    """Without early stopping it only watches."""
    X, X_val, y, y_val = classes
    watched = MLPClassifier(**SETTINGS).fit(X, y, X_val=X_val, y_val=y_val)
    alone = MLPClassifier(**SETTINGS).fit(X, y)
    assert_array_equal(watched.network_.parameters, alone.network_.parameters)
    assert alone.validation_loss_curve_ is None


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_regression_curves(numbers, solver):
    X, X_val, y, y_val = numbers
    model = MLPRegressor(**SETTINGS, solver=solver)
    losses = curves(model, X, y, lambda m: np.mean((y_val - m.predict(X_val)) ** 2) / 2, X_val=X_val, y_val=y_val)
    assert_allclose(model.validation_loss_curve_, losses)
    assert_allclose(model.validation_scores_[-1], r2_score(y_val, model.predict(X_val)))
    assert len(model.loss_curve_) == len(losses)


@pytest.mark.parametrize(
    ("scoring", "measure"),
    [
        ("neg_mean_absolute_error", lambda m, X, y: -mean_absolute_error(y, m.predict(X))),
        (make_scorer(r2_score), lambda m, X, y: r2_score(y, m.predict(X))),
        (lambda m, X, y: 7.0 + m.n_outputs_, lambda m, X, y: 8.0),
        ("loss", lambda m, X, y: -np.mean((y - m.predict(X)) ** 2) / 2),
    ],
    ids=["name", "scorer", "function", "loss"],
)
def test_any_scoring(numbers, scoring, measure):
    X, X_val, y, y_val = numbers
    model = MLPRegressor(**SETTINGS, scoring=scoring)
    scores = curves(model, X, y, lambda m: measure(m, X_val, y_val), X_val=X_val, y_val=y_val)
    assert_allclose(model.validation_scores_, scores)


def test_scoring_of_held_out_rows_sees_the_table_as_given(classes):
    """The scorer gets rows of the table, with its names, and the labels, not their numbers."""
    X, _, y, _ = classes
    table, labels = pd.DataFrame(X, columns=list("abcdef")), np.array(["x", "y", "z"])[y]
    seen = []

    def scoring(model, rows, targets):
        seen.append((list(rows.columns), set(targets)))
        return float(np.mean(model.predict(rows) == targets))

    model = MLPClassifier(**SETTINGS, early_stopping=True, scoring=scoring).fit(table, labels)
    plain = MLPClassifier(**SETTINGS, early_stopping=True).fit(table, labels)
    assert seen[0] == (list("abcdef"), {"x", "y", "z"})
    assert model.validation_scores_ == plain.validation_scores_


@pytest.mark.parametrize("held_out", [False, True])
def test_scorers_are_given_weights_that_they_take(numbers, held_out):
    """A metric of scikit-learn's counts them; a function without a place for them does not."""
    X, X_val, y, y_val = numbers
    weights = np.linspace(0.1, 3, len(y) if held_out else len(y_val))
    data = dict(sample_weight=weights) if held_out else dict(X_val=X_val, y_val=y_val, sample_weight_val=weights)
    seen = []

    def plain(model, X, y):
        seen.append((X, y))
        return -mean_absolute_error(y, model.predict(X))

    settings = {**SETTINGS, "max_iter": 1, "early_stopping": held_out}
    model = MLPRegressor(**settings, scoring="neg_mean_absolute_error").fit(X, y, **data)
    without = MLPRegressor(**settings, scoring=plain).fit(X, y, **data)
    rows, targets = seen[-1]
    if held_out:
        weights = weights[[int(np.flatnonzero(y == target)[0]) for target in targets]]
    error = np.abs(targets - without.predict(rows))
    assert_allclose(model.validation_scores_, [-np.average(error, weights=weights)])
    assert_allclose(without.validation_scores_, [-error.mean()])
    assert model.validation_scores_ != without.validation_scores_


def test_early_stopping_keeps_the_best_weights(numbers):
    X, X_val, y, y_val = numbers
    model = MLPRegressor(**{**SETTINGS, "max_iter": 60, "learning_rate_init": 0.3}, early_stopping=True)
    model.fit(X, y, X_val=X_val, y_val=y_val)
    best = int(np.argmax(model.validation_scores_))
    assert best + 1 == model.best_iter_ < len(model.validation_scores_)
    assert_allclose(r2_score(y_val, model.predict(X_val)), model.validation_scores_[best])
    assert model.best_validation_score_ == model.validation_scores_[best]


def test_early_stopping_with_partial_fit(numbers):
    """Epoch by epoch the same weights, best ones and scores as in one fit, until patience runs out."""
    X, X_val, y, y_val = numbers
    settings = dict(SETTINGS, learning_rate_init=0.3, n_iter_no_change=3, early_stopping=True, max_iter=60)
    whole = MLPRegressor(**settings).fit(X, y, X_val=X_val, y_val=y_val)
    parts = MLPRegressor(**settings)
    for _ in range(60):
        parts.partial_fit(X, y, X_val=X_val, y_val=y_val)
        assert_allclose(r2_score(y_val, parts.predict(X_val)), max(parts.validation_scores_))
        if parts.stop_reason_ == "no_improvement":
            break
    assert parts.validation_scores_ == whole.validation_scores_
    assert_array_equal(parts.network_.parameters, whole.network_.parameters)


def test_weights_count_in_validation(classes):
    """Sample weights and class weights; a row of weight 0 is the same as one that is not there."""
    X, X_val, y, y_val = classes
    weight_val = np.arange(len(y_val)) % 3 * 1.0
    class_weight = {0: 1.0, 1: 2.5, 2: 0.5}
    model = MLPClassifier(**SETTINGS, class_weight=class_weight)
    model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weight_val)
    total = weight_val * np.array([class_weight[label] for label in y_val])
    loss = log_loss(y_val, model.predict_proba(X_val), sample_weight=total)
    assert_allclose(model.validation_loss_curve_[-1], loss)
    assert_allclose(model.validation_scores_[-1], accuracy_score(y_val, model.predict(X_val), sample_weight=total))
    there = weight_val > 0
    fewer = MLPClassifier(**SETTINGS, class_weight=class_weight)
    fewer.fit(X, y, X_val=X_val[there], y_val=y_val[there], sample_weight_val=weight_val[there])
    assert fewer.validation_loss_curve_ == model.validation_loss_curve_


def test_balanced_weights_are_those_of_the_training_rows(classes):
    X, X_val, y, y_val = classes
    own = np.arange(len(y)) % 3 + 1.0
    model = MLPClassifier(**SETTINGS, class_weight="balanced").fit(X, y, own, X_val=X_val, y_val=y_val)
    weights = (own.sum() / (3 * np.bincount(y, own)))[y_val]
    loss = log_loss(y_val, model.predict_proba(X_val), sample_weight=weights)
    assert_allclose(model.validation_loss_curve_[-1], loss)


def test_inside_a_pipeline(classes):
    """X_val passes the same steps as X."""
    X, X_val, y, y_val = classes
    with config_context(enable_metadata_routing=True):
        model = MLPClassifier(**SETTINGS).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(StandardScaler(), model, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    last = pipeline[-1]
    assert_allclose(last.validation_loss_curve_[-1], log_loss(y_val, pipeline.predict_proba(X_val)))


def test_many_validation_rows_take_no_more_memory(numbers):
    """Tiles of rows, whose mean is that of all: more rows than a tile has."""
    X, X_val, y, y_val = numbers
    many = np.tile(X_val, (200, 1))
    model = MLPRegressor(**SETTINGS).fit(X, y, X_val=many, y_val=np.tile(y_val, 200))
    once = MLPRegressor(**SETTINGS).fit(X, y, X_val=X_val, y_val=y_val)
    assert_allclose(model.validation_loss_curve_, once.validation_loss_curve_)


@pytest.mark.parametrize(
    ("fit_parameters", "message"),
    [
        (dict(X_val=[[0.0] * 5]), "y_val is None, but X_val came; pass X_val and y_val, or neither"),
        (dict(y_val=[0.0]), "X_val is None, but y_val came"),
        (dict(sample_weight_val=[1.0]), "X_val is None, but sample_weight_val came"),
        (dict(X_val=[[0.0] * 4], y_val=[0.0]), "X_val and y_val, cannot be used: X has 4 features, but MLPRegressor"),
        (dict(X_val=[[np.nan] * 5], y_val=[0.0]), "X_val and y_val, cannot be used: Input X contains NaN"),
        (dict(X_val=[[0.0] * 5], y_val=[[0.0, 1.0]]), "pass the columns of the y that is trained on"),
        (
            dict(X_val=[[0.0] * 5], y_val=[0.0], sample_weight_val=[-1.0]),
            "X_val and y_val, cannot be used: Negative values",
        ),
        (dict(X_val=[[0.0] * 5] * 2, y_val=[0.0]), "inconsistent numbers of samples"),
        (
            dict(X_val=[[0.0] * 5], y_val=[0.0]),
            "R.2 of 1 row is not defined; pass two rows or more, or set scoring='loss'",
        ),
    ],
)
def test_wrong_validation_rows(numbers, fit_parameters, message):
    X, _, y, _ = numbers
    model = MLPRegressor(**SETTINGS).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **fit_parameters)
    assert_array_equal(model.predict(X), before)


def test_unknown_class_in_validation(classes):
    X, X_val, y, y_val = classes
    with pytest.raises(ValueError, match=r"X_val and y_val, cannot be used: `y` has classes not in"):
        MLPClassifier(**SETTINGS).fit(X, y, X_val=X_val, y_val=y_val + 1)


def test_wrong_scoring(numbers):
    X, _, y, _ = numbers
    with pytest.raises(ValueError, match="'no_such_score'"):
        MLPRegressor(**SETTINGS, scoring="no_such_score").fit(X, y)

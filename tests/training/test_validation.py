"""Rows to validate on: held out, given, weighted, scored in any way."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from scipy.sparse import random as sparse_random
from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_regression,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, make_scorer, mean_absolute_error, r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp._core import _data
from fastmlp.estimators._validation import far_columns

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


@pytest.mark.parametrize("held_out", [True, False])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("layout", ["csc", "coo", "bsr", "dia", "lil", "dok"])
def test_scorers_are_given_rows_of_any_sparse_format(layout, several, held_out):
    """Held out, or those of X_val that have weight; a sparse y of several labels too."""
    X = sparse_random(80, 5, density=0.5, format="csr", random_state=0)
    dense = X.toarray()
    y = (dense[:, :3] > 0.4).astype(int) if several else (dense[:, 0] > 0).astype(int)
    given = X.asformat(layout), csr_array(y).asformat(layout) if several else y
    weights = {"sample_weight_val": np.arange(80) % 3}
    settings = dict(**SETTINGS, early_stopping=held_out, scoring="f1_macro")
    validation, as_csr = ({}, {}) if held_out else (dict(X_val=A, y_val=b) | weights for A, b in (given, (X, y)))
    model = MLPClassifier(**settings).fit(*given, **validation)
    assert model.validation_scores_ == MLPClassifier(**settings).fit(X, y, **as_csr).validation_scores_


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


TABLES = [load_breast_cancer, load_wine, load_iris, load_digits]
SCALERS = [StandardScaler(), MinMaxScaler(), RobustScaler()]
FAR_OUTSIDE = "X_val lies far outside X in column"


@pytest.mark.parametrize("load", TABLES)
@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_rows_to_validate_on_that_were_not_scaled(load, scaler):
    """A pipeline hands X_val on as it is, which a warning says; by its recipe, none is needed."""
    X, X_val, y, y_val = train_test_split(*load(return_X_y=True), random_state=0)
    model = MLPClassifier(hidden_layer_sizes=2, max_iter=1, early_stopping=True)
    with pytest.warns(UserWarning, match=FAR_OUTSIDE + ".*transform_input=.*set_fit_request"):
        make_pipeline(scaler, model).fit(X, y, mlpclassifier__X_val=X_val, mlpclassifier__y_val=y_val)
    with config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        steps = [("scaler", scaler), ("model", model.set_fit_request(X_val=True, y_val=True))]
        pipeline = Pipeline(steps, transform_input=["X_val"]).fit(X, y, X_val=X_val, y_val=y_val)
        assert pipeline[-1].best_validation_score_ == pipeline.score(X_val, y_val)
        model.fit(X, y, X_val=X_val, y_val=y_val)


def test_the_columns_are_named(numbers):
    X, X_val, y, y_val = numbers
    names = [f"feature {k}" for k in range(5)]
    X, X_val = pd.DataFrame(X, columns=names), pd.DataFrame(X_val, columns=names)
    X_val["feature 3"] += 20
    model = MLPRegressor(**SETTINGS | dict(max_iter=1))
    with pytest.warns(UserWarning, match=FAR_OUTSIDE + " 'feature 3': most values there are over 5 standard"):
        model.fit(X, y, X_val=X_val, y_val=y_val)
    with pytest.warns(UserWarning, match=FAR_OUTSIDE + "s 0, 1, 2, 3, 4: most"):
        model.fit(X.to_numpy(), y, X_val=X_val.to_numpy() * 50, y_val=y_val)
    wide = np.tile(X.to_numpy(), 20)
    with pytest.warns(UserWarning, match=FAR_OUTSIDE + "s 0, 1, 2, 3, 4 and 95 more: most"):
        model.fit(wide, y, X_val=wide + 30, y_val=y)


TARGETS_FAR_OUTSIDE = "y_val lies far outside y"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("transform", "back", "raw"),
    [
        ((lambda y: (y - 1000) / 100), (lambda y: 1000 + 100 * y), (lambda x: 1000 + 100 * x)),
        (np.log, np.exp, (lambda x: np.exp(8 + x))),
        ((lambda y: y / 50), (lambda y: 50 * y), (lambda x: 50 * x)),
    ],
    ids=["standardized", "logarithms", "no offset"],
)
def test_targets_to_validate_on_that_were_not_transformed(numbers, transform, back, raw, dtype):
    """TransformedTargetRegressor hands y_val on as it is, which a warning says; transformed ones need none."""
    X, X_val, _, _ = numbers
    y, y_val = raw(X[:, 0]), raw(X_val[:, 0])
    model = MLPRegressor(hidden_layer_sizes=2, max_iter=1, early_stopping=True, dtype=dtype)
    whole = TransformedTargetRegressor(model, func=transform, inverse_func=back)
    with pytest.warns(UserWarning, match=TARGETS_FAR_OUTSIDE + r": most.*y_val=transformer\.transform\(y_val\.res"):
        whole.fit(X, y, X_val=X_val, y_val=y_val)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        whole.fit(X, y, X_val=X_val, y_val=transform(y_val))
        model.fit(X, y, X_val=X_val, y_val=y_val)
        classifier = MLPClassifier(hidden_layer_sizes=2, max_iter=1)
        classifier.fit(X, np.arange(len(X)) % 10 > 8, X_val=X_val, y_val=np.ones(len(X_val), bool))


def test_the_columns_of_targets_are_named(numbers):
    X, X_val, _, _ = numbers
    y, y_val = X[:, :3], X_val[:, :3] + [0, 50, 0]
    model = MLPRegressor(hidden_layer_sizes=2, max_iter=1)
    with pytest.warns(UserWarning, match=TARGETS_FAR_OUTSIDE + " in column 1: most values there are over 5 standard"):
        model.fit(X, y, X_val=X_val, y_val=y_val)
    # Rows that are not learnt from have no say.
    far = np.vstack([y, np.full((5, 3), 50)])
    weights = np.r_[np.ones(len(y)), np.zeros(5)]
    with pytest.warns(UserWarning, match=TARGETS_FAR_OUTSIDE + " in column 1: most"):
        model.fit(np.vstack([X, X[:5]]), far, sample_weight=weights, X_val=X_val, y_val=y_val)


def ordinary_tables(rng):
    """Columns as they are met, and later rows of them."""
    n, time = 500, np.linspace(0, 1, 500)
    normal = rng.normal(size=n)
    return {
        "trend": (time, 1 + time / 4),
        "random walk": np.split(rng.normal(size=2 * n).cumsum(), 2),
        "heavy tails": (rng.standard_cauchy(n), rng.standard_cauchy(n)),
        "wide": (rng.lognormal(sigma=4, size=n), rng.lognormal(sigma=4, size=n)),
        "one outlier": (normal, np.r_[normal[1:], 1e6]),
        "rare category": (np.eye(n)[0], np.ones(n)),
        "unseen category": (np.zeros(n), np.ones(n)),
        "constant": (np.full(n, 3.0), np.full(n, 3.0)),
        "shifted": (normal, normal + 3),
        "wider": (normal, 4 * normal),
        "narrower": (1000 * normal, normal),
        "numbers of rows": (np.arange(n), np.arange(n, 2 * n)),
        "huge": (1e200 * normal, 1e200 * normal),
    }


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ordinary_columns_are_not_far_outside(rng, sparse, dtype):
    tables = ordinary_tables(rng)
    if dtype == np.float32:
        del tables["huge"]
    X, X_val = (np.column_stack(columns).astype(dtype) for columns in zip(*tables.values(), strict=True))
    if sparse:
        X, X_val = csr_array(X), csr_array(X_val)
    assert [list(tables)[place] for place in far_columns(X, X_val)] == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_columns_of_sparse_tables_are_those_of_dense_ones(rng, dtype):
    """Zeros that are not stored count as the others do."""
    X = sparse_random(300, 60, 0.2, format="csr", dtype=dtype, random_state=0)
    X_val = sparse_random(200, 60, 0.3, format="csr", dtype=dtype, random_state=1)
    X, X_val = X.toarray() + 4 * (np.arange(60) % 3 == 0), X_val.toarray() + 9 * (np.arange(60) % 4 == 0)
    X, X_val = X.astype(dtype), X_val.astype(dtype)
    places = far_columns(X, X_val)
    assert 10 < len(places) < 50
    for layout in (csr_array, csr_matrix):
        assert_array_equal(far_columns(layout(X), layout(X_val)), places)


@pytest.mark.parametrize("layout", [np.asarray, csr_array])
def test_what_is_compared_are_rows_that_count(numbers, layout):
    """Rows of weight 0 have no say, and parts of a stream are not compared."""
    X, X_val, y, y_val = numbers
    strange = np.r_[X, 1000 + X[:100]]
    weights = np.r_[np.ones(len(X)), np.zeros(100)]
    model = MLPRegressor(**SETTINGS | dict(max_iter=1))
    with pytest.warns(UserWarning, match=FAR_OUTSIDE):
        model.fit(layout(strange), np.r_[y, y[:100]], weights, X_val=layout(1000 + X_val), y_val=y_val)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(layout(X), y, X_val=layout(X_val), y_val=y_val)
        model.partial_fit(layout(X[:1]), y[:1], X_val=layout(1000 + X_val), y_val=y_val)


@pytest.mark.parametrize(
    ("parameters", "validates", "message"),
    [
        (dict(solver="lbfgs", early_stopping=True), False, "early_stopping is True, which solver='lbfgs' ignores"),
        (dict(solver="lbfgs", early_stopping=True), True, "early_stopping is True, which solver='lbfgs' ignores"),
        (dict(scoring="r2"), False, "scoring is 'r2', which is ignored, .* Pass X_val and y_val, set early_stopping"),
        (dict(scoring=make_scorer(r2_score)), False, "scoring is make_scorer.*, which is ignored"),
        (dict(scoring="r2", solver="lbfgs"), False, "scoring is 'r2', .* Pass X_val and y_val, or set scoring=None"),
        (dict(scoring="r2", solver="lbfgs"), True, None),
        (dict(scoring="r2"), True, None),
        (dict(scoring="r2", early_stopping=True), False, None),
    ],
)
def test_what_is_ignored_is_named(numbers, parameters, validates, message):
    X, X_val, y, y_val = numbers
    model = MLPRegressor(**SETTINGS | parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, **(dict(X_val=X_val, y_val=y_val) if validates else {}))
    messages = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert len(messages) == (message is not None)
    assert all(re.match(message, text) for text in messages)
    assert all(warning.filename == __file__ for warning in caught)


def test_a_search_over_what_is_ignored(numbers):
    X, _, y, _ = numbers
    grid = {"solver": ["adam", "lbfgs"], "early_stopping": [False, True]}
    search = GridSearchCV(MLPRegressor(**SETTINGS, warm_start=True), grid, cv=2, error_score="raise")
    with pytest.warns(UserWarning, match="early_stopping is True, which solver='lbfgs' ignores"):
        search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_partial_fits_name_what_is_ignored_once(numbers):
    X, _, y, _ = numbers
    model = MLPRegressor(**SETTINGS, scoring="r2")
    with pytest.warns(UserWarning, match=r"scoring is 'r2', .* Pass X_val and y_val, or set scoring=None"):
        model.partial_fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X, y)

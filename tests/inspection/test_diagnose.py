"""Every fault is found in a model that has it, and not in one that has not."""

import inspect
import pickle
import re
import tracemalloc
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.sparse import random as sparse_random
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.estimators import _fitting
from fastmlp.inspection import Diagnosis, Finding, _columns, _diagnose, diagnose
from fastmlp.inspection._diagnose import DETECTIONS, SHARE_OF_UNITS, Evidence
from fastmlp.training.problem import Problem
from fastmlp.training.run import DivergenceError

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Got `batch_size` larger:UserWarning"),
]


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="module")
def healthy(iris):
    return MLPClassifier((20,), learning_rate_init=0.02, random_state=0).fit(*iris)


def names(diagnosis):
    return [finding.name for finding in diagnosis]


def only(diagnosis, name):
    """The one finding of that name."""
    (finding,) = [finding for finding in diagnosis if finding.name == name]
    assert finding.what.endswith(".")
    assert finding.change.endswith(".")
    return finding


def first_with(has_fault, model, X, y):
    """The model fitted with the first seed that gives it the fault to look for; most seeds do."""
    fits = (clone(model).set_params(random_state=seed).fit(X, y) for seed in range(10))
    return next(fitted for fitted in fits if has_fault(fitted))


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "hard_sigmoid"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_nothing_found(iris, activation, solver):
    X, y = iris
    rate = 0.5 if solver == "sgd" and activation in ("logistic", "hard_sigmoid") else 0.05
    alpha = 0.1 if activation == "tanh" else 0.0001  # lbfgs goes on to where tanh saturates
    model = MLPClassifier(
        (20,), activation, solver=solver, learning_rate_init=rate, alpha=alpha, max_iter=600, random_state=0
    ).fit(X, y)
    assert model.stop_reason_ in ("no_improvement", "converged")
    assert str(diagnose(model, X, y)) == "Nothing found."
    assert len(diagnose(model, X)) == 0


def test_as_text_and_list(healthy, iris):
    assert repr(healthy.diagnose(*iris)) == "Nothing found."
    findings = Diagnosis([Finding("a", "This is so.", "Do that."), Finding("b", "So is this.", "Do this.")])
    assert str(findings) == "1. a: This is so.\n   Do that.\n2. b: So is this.\n   Do this."
    assert names(findings) == ["a", "b"]


def test_inputs_not_scaled(iris, rng):
    pandas = pytest.importorskip("pandas")
    columns = {
        "height": rng.normal(1.7, 0.1, 200),
        "pressure": rng.normal(1e5, 1e3, 200),
        "charge": rng.normal(0, 1e-6, 200),
        "year": rng.normal(2000, 5, 200),
        "income": rng.normal(0, 300, 200),
        "constant": np.full(200, 1e6),
        "rare": np.eye(200)[0],
    }
    X, y = pandas.DataFrame(columns), columns["height"] > 1.7
    model = MLPClassifier((5,), "identity", max_iter=2, random_state=0).fit(X, y)
    finding = only(diagnose(model, X, y), "inputs-not-scaled")
    assert finding.what.startswith("4 of 7 columns are far from mean 0 and deviation 1: the worst pressure (mean ")
    assert all(name in finding.what for name in ("pressure", "charge", "year"))  # the worst three of four
    assert "height" not in finding.what
    scaled = pandas.DataFrame(StandardScaler().fit_transform(X), columns=X.columns)
    assert "inputs-not-scaled" not in names(diagnose(model.fit(scaled, y), scaled, y))


def test_inputs_of_sparse_data(rng):
    """Which have no mean of 0, but should not be large."""
    X = csr_array(rng.uniform(size=(100, 5)) * (rng.uniform(size=(100, 5)) < 0.1))
    model = MLPRegressor(hidden_layer_sizes=(), max_iter=1).fit(X, X.sum(axis=1))
    assert "inputs-not-scaled" not in names(diagnose(model, X))
    assert "MaxAbsScaler" in only(diagnose(model, 1000 * X), "inputs-not-scaled").change


def test_moments_of_columns(rng, monkeypatch):
    monkeypatch.setattr(_columns, "BLOCK_ROWS", 7)
    X = rng.normal(5, 2, size=(50, 3))
    counts = rng.integers(1, 4, 50)
    repeated = np.repeat(X, counts, axis=0)
    for data in (X, csr_array(X)):
        mean, deviation, distance = Evidence(None, data, None, None, counts / counts.sum()).column_moments
        assert_allclose(mean, repeated.mean(axis=0), rtol=1e-12)
        assert_allclose(deviation, repeated.std(axis=0), rtol=1e-12)
        assert_allclose(distance, np.abs(X - repeated.mean(axis=0)).max(axis=0), rtol=1e-12)


def test_a_wide_sparse_table_is_not_made_dense():
    X = csr_array(sparse_random(2000, 50_000, density=1e-4, format="csr", random_state=0))
    model = MLPRegressor(hidden_layer_sizes=4, max_iter=1).fit(X, X.sum(axis=1))
    tracemalloc.start()
    diagnose(model, X)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.1 * 2000 * 50_000 * 8


def test_targets_not_scaled(rng):
    """As many a table has them: R^2 is below 0 until they are scaled."""
    X, y = load_diabetes(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = MLPRegressor(random_state=0).fit(X, y)
    finding = only(diagnose(model, X, y), "targets-not-scaled")
    assert finding.what.startswith("y has mean 152 and deviation 77, far from 0 and 1")
    assert model.score(X, y) < 0
    advised = TransformedTargetRegressor(model, transformer=StandardScaler()).fit(X, y)
    assert advised.score(X, y) > 0.5
    assert "targets-not-scaled" not in names(
        diagnose(advised.regressor_, X, StandardScaler().fit_transform(y[:, None]))
    )
    assert "targets-not-scaled" not in names(diagnose(model, X))
    two = MLPRegressor(random_state=0, max_iter=1).fit(X, np.stack([X[:, 0], 1e-5 * X[:, 1]], axis=1))
    finding = only(diagnose(two, X, np.stack([X[:, 0], 1e-5 * X[:, 1]], axis=1)), "targets-not-scaled")
    assert "column 1 of y" in finding.what
    # Whose steps have no size of their own, and outputs that do not begin at 0.
    lbfgs, poisson = MLPRegressor(solver="lbfgs", max_iter=1), MLPRegressor(loss="poisson", max_iter=1)
    for other in (lbfgs, poisson):
        assert "targets-not-scaled" not in names(diagnose(other.fit(X, y), X, y))


@pytest.mark.parametrize("shift", [0, 1])
def test_what_to_do_about_dead_units(rng, shift):
    """What is so before training is not for a smaller step size to mend."""
    X = rng.normal(scale=0.05 if shift else 1.0, size=(200, 5)) + shift
    y = X[:, 0] > shift
    model = MLPClassifier((200,), max_iter=1, random_state=0).fit(X, y)
    if shift:
        dead = np.mean(np.all(model.transform(X) == 0, axis=0))
        assert 0.2 < dead < 0.6  # about half of the units, less those that X's spread reaches
    model.coefs_[0][:], model.intercepts_[0][:] = np.abs(model.coefs_[0]), -10 - 2 * model.intercepts_[0]
    assert np.all(model.transform(X) == 0)
    change = only(diagnose(model, X, y), "dead-units").change
    assert change == "Lower learning_rate_init=0.001 by a factor of ten, so that they go on learning."
    assert "leaky_relu" in only(diagnose(model.set_params(solver="lbfgs"), X, y), "dead-units").change


def test_units_that_are_dead_from_the_start(rng):
    """All rows lie on one side of most of them."""
    X = rng.normal(5, 0.05, size=(200, 2))
    y = X[:, 0] > 5
    model = MLPClassifier((100,), max_iter=1, init="he_normal", random_state=1).fit(X, y)
    model.coefs_[0][:, :30] = -1
    dead = np.mean(np.all(model.transform(X) == 0, axis=0))
    assert dead > 0.5
    finding = only(diagnose(model, X, y), "dead-units")
    assert f"{dead:.0%} of hidden layer 0" in finding.what
    assert finding.change == "Put a StandardScaler before the model, in a pipeline, so that they go on learning."


def test_rows_count_by_their_weights_for_units(iris):
    X, y = iris
    model = MLPClassifier((30,), "tanh", max_iter=1, random_state=0).fit(X, y)
    X = X.copy()
    X[:10] *= 1e6  # these saturate all units
    assert "saturated-units" not in names(diagnose(model, X, y))
    weights = np.where(np.arange(150) < 10, 1e3, 1.0)
    assert "saturated-units" in names(diagnose(model, X, y, sample_weight=weights))


def test_dead_units(iris, healthy):
    """Steps that are far too large throw units of relu to where no row moves them any more."""
    X, y = iris

    def share_of_dead(model):
        return np.mean(np.all(model.transform(X, layer=1) == 0, axis=0))

    model = MLPClassifier((30, 30), learning_rate_init=0.5, max_iter=20)
    model = first_with(lambda model: share_of_dead(model) > SHARE_OF_UNITS, model, X, y)
    dead = share_of_dead(model)
    assert f"{dead:.0%} of hidden layer 1" in only(diagnose(model, X, y), "dead-units").what
    assert "dead-units" not in names(diagnose(healthy, X, y))


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_saturated_units(iris, activation):
    X, y = iris
    large, small = (
        MLPClassifier((30,), activation, max_iter=1, random_state=0).fit(scale * X, y) for scale in (1000, 1)
    )
    outputs = large.transform(1000 * X)
    low, high = (-1, 1) if activation == "tanh" else (0, 1)
    margin = 0.01 * (high - low)
    share = np.mean(np.mean((outputs < low + margin) | (outputs > high - margin), axis=0) > 0.95)
    assert share > 0.5
    finding = only(diagnose(large, 1000 * X, y), "saturated-units")
    assert f"{share:.0%} of hidden layer 0" in finding.what
    assert "saturated-units" not in names(diagnose(small, X, y))
    assert "dead-units" not in names(diagnose(large, 1000 * X, y))  # whose outputs are 0 on one side of logistic


def test_still_falling(iris, healthy):
    X, y = iris
    model = MLPClassifier((20,), learning_rate_init=0.02, max_iter=15, random_state=0).fit(X, y)
    finding = only(diagnose(model, X, y), "still-falling")
    assert finding.what.startswith("Training ended at max_iter=15 while the loss fell by ")
    assert finding.change == "Raise max_iter."
    assert healthy.stop_reason_ == "no_improvement"
    assert "still-falling" not in names(diagnose(healthy, X, y))
    level = MLPClassifier((), solver="sgd", learning_rate_init=1.0, alpha=10, n_iter_no_change=np.inf, max_iter=100)
    assert level.fit(X, y).stop_reason_ == "max_iter"
    assert "still-falling" not in names(diagnose(level, X, y))
    # An epoch of partial_fit is not the end of anything.
    for _ in range(5):
        model.partial_fit(X, y)
    assert "still-falling" not in names(diagnose(model, X, y))


def test_loss_goes_up_and_down(iris, healthy):
    X, y = iris
    model = MLPClassifier((20,), "tanh", learning_rate_init=0.5, batch_size=10, max_iter=30, random_state=0).fit(X, y)
    finding = only(diagnose(model, X, y), "step-size-too-large")
    assert np.mean(np.diff(model.loss_curve_) > 0) > 0.3
    assert finding.what.startswith("The loss rose from ")
    assert finding.change == "Lower learning_rate_init=0.5 by a factor of ten."
    assert "step-size-too-large" not in names(diagnose(healthy, X, y))


def test_loss_ends_above_its_beginning(iris):
    X, y = iris
    model = MLPClassifier((20,), solver="sgd", learning_rate_init=5.0)
    model = first_with(lambda model: model.loss_curve_[-1] > 1.2 * model.loss_curve_[0], model, X, y)
    first, last = model.loss_curve_[0], model.loss_curve_[-1]
    finding = only(diagnose(model, X, y), "step-size-too-large")
    assert finding.what == f"The loss rose from {first:.3g} to {last:.3g} in {model.n_iter_} epochs."


@pytest.mark.parametrize("learning_rate_init", [10.0, 100.0])
def test_loss_above_that_of_an_untrained_network(learning_rate_init):
    """It may fall from wherever the first epoch has thrown it, and still be far above the loss without training."""
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = MLPClassifier(learning_rate_init=learning_rate_init, max_iter=12, random_state=0).fit(X, y)
    assert np.log(10) < 0.3 * model.loss_curve_[-1] < 0.3 * model.loss_curve_[0]
    finding = only(diagnose(model, X, y), "step-size-too-large")
    loss = -model.predict_log_proba(X)[np.arange(len(y)), y].mean()
    assert finding.what.startswith(
        f"The loss of these rows is {loss:.3g}, and that of such a network before training 2."
    )
    assert loss > 10 * np.log(10)


@pytest.mark.parametrize("parameters", [dict(alpha=1.0), dict(alpha=100.0), dict(l1=1.0)], ids=str)
def test_penalties_are_not_the_steps_fault(rng, parameters):
    X = rng.normal(size=(300, 4))
    y = 0.1 * X[:, 0]
    model = MLPRegressor(hidden_layer_sizes=(100, 100), max_iter=15, random_state=0, **parameters).fit(X, y)
    assert model.loss_curve_[-1] > 2 * np.mean(y**2) / 2
    assert "step-size-too-large" not in names(diagnose(model, X, y))


def test_diagnosis_with_sparse_labels(iris):
    X, y = iris
    labels = np.eye(3, dtype=int)[y]
    model = MLPClassifier(max_iter=5, random_state=0).fit(X, csr_array(labels))
    assert diagnose(model, X, csr_array(labels)) == diagnose(model, X, labels)
    assert_array_equal(model.input_gradient(X, csr_array(labels)), model.input_gradient(X, labels))


def test_one_class_because_of_steps_that_are_too_large():
    """One cause has one remedy."""
    X, y = load_digits(return_X_y=True)
    model = MLPClassifier(learning_rate_init=3.0)
    model = first_with(lambda model: len(np.unique(model.predict(X / 16))) == 1, model, X / 16, y)
    diagnosis = diagnose(model, X / 16, y)
    changes = {finding.change for finding in diagnosis}
    assert only(diagnosis, "one-class-only").change in changes
    assert all("Lower learning_rate_init=3 " in change for change in changes)


def evidence_of(curve, **attributes):
    settings = dict(solver="adam", stop_reason_="max_iter", learning_rate_init=0.01, best_iter_=None)
    lengths = dict(n_iter_=len(curve), max_iter=len(curve), validation_loss_curve_=None)
    return Evidence(SimpleNamespace(loss_curve_=list(curve), **settings | lengths | attributes), None, None, None, None)


def falling(share, n_epochs=10):
    return np.linspace(1, 1 - share, n_epochs)


def with_rises(n_rises, n_epochs=41):
    steps = np.full(n_epochs - 1, -3.0)
    steps[2 : 2 + 2 * n_rises : 2] = 6.0
    return 200 + np.cumsum(steps)


NOISE = np.tile([0.02, -0.02], 10)
CURVES = [
    (_diagnose.loss_still_falling, falling(0.005), {}, False),
    (_diagnose.loss_still_falling, falling(0.02), {}, True),
    (_diagnose.loss_still_falling, falling(0.02), dict(max_iter=11), False),
    (_diagnose.loss_still_falling, falling(0.02), dict(stop_reason_="no_improvement"), False),
    (_diagnose.step_size_too_large, with_rises(6), {}, False),
    (_diagnose.step_size_too_large, with_rises(10), {}, True),
    (_diagnose.step_size_too_large, with_rises(10), dict(solver="lbfgs"), False),
    (_diagnose.step_size_too_large, falling(0.8, 20) + 0.1 * NOISE, {}, False),
    (_diagnose.step_size_too_large, [1.0, 1.005] * 6, {}, False),
    (_diagnose.step_size_too_large, [1.0, 0.9, 1.5], {}, False),
    (_diagnose.step_size_too_small, falling(0.4), {}, True),
    (_diagnose.step_size_too_small, falling(0.4), dict(solver="lbfgs"), False),
    (_diagnose.step_size_too_small, falling(0.6), {}, False),
    (_diagnose.step_size_too_small, falling(0.4, 20) + NOISE, {}, False),
    (_diagnose.step_size_too_small, falling(0.4, 9), {}, False),
    (_diagnose.step_size_too_small, [1.0] * 10, {}, False),
    (_diagnose.over_fitting, falling(0.5, 20), dict(validation_loss_curve_=[1.0] * 10 + [1.15] * 10), True),
    (_diagnose.over_fitting, falling(0.5, 20), dict(validation_loss_curve_=[1.0] * 10 + [1.05] * 10), False),
    (_diagnose.over_fitting, -falling(0.5, 20), dict(validation_loss_curve_=[1.0] * 10 + [1.15] * 10), False),
    (_diagnose.over_fitting, falling(0.5, 9), dict(validation_loss_curve_=[1.0] * 4 + [1.15] * 5), False),
    (
        _diagnose.over_fitting,
        falling(0.5, 20),
        dict(validation_loss_curve_=[np.nan] * 5 + [1.0] * 5 + [1.15] * 9),
        True,
    ),
    (_diagnose.over_fitting, falling(0.5, 20), dict(validation_loss_curve_=[np.nan] * 15 + [1.0, 1.15]), False),
]


@pytest.mark.parametrize(("detect", "curve", "attributes", "finds"), CURVES)
def test_what_counts_in_a_curve(detect, curve, attributes, finds):
    """On either side of each limit."""
    assert (detect(evidence_of(curve, **attributes)) is not None) == finds


@pytest.mark.parametrize("how", ["partial_fit", "warm_start"])
def test_fits_that_continue_each_other_are_one(iris, how):
    X, y = iris
    settings = dict(hidden_layer_sizes=(20,), learning_rate_init=1e-5, max_iter=1, random_state=0)
    model = MLPClassifier(**settings, warm_start=True)
    for _ in range(30):
        model = model.partial_fit(X, y, classes=[0, 1, 2]) if how == "partial_fit" else model.fit(X, y)
    assert only(diagnose(model, X, y), "step-size-too-small").what.endswith(
        "in 30 epochs, by nearly the same amount in each."
    )


def test_divergence(rng):
    X = rng.normal(size=(100, 3))
    model = MLPRegressor(activation="identity", solver="sgd", learning_rate_init=1.0, random_state=0)
    with pytest.raises(DivergenceError):
        model.fit(X, X.sum(axis=1))
    finding = only(diagnose(model, X), "step-size-too-large")
    assert finding.what == f"The loss or a weight became infinite or NaN after {model.n_iter_} epochs."


def test_step_size_too_small(iris, healthy):
    X, y = iris
    model = MLPClassifier((20,), learning_rate_init=1e-5, n_iter_no_change=np.inf, max_iter=50, random_state=0)
    finding = only(diagnose(model.fit(X, y), X, y), "step-size-too-small")
    fall = 1 - model.loss_curve_[-1] / model.loss_curve_[0]
    assert f"fell by only {fall:.1%} in 50 epochs" in finding.what
    assert finding.change == "Raise learning_rate_init=1e-05 by a factor of ten."
    assert "step-size-too-small" not in names(diagnose(healthy, X, y))


def test_over_fitting(rng):
    """Labels of noise can be learnt by heart only."""
    X, y = make_moons(60, noise=0.3, random_state=0)
    y = np.where(rng.uniform(size=60) < 0.3, 1 - y, y)
    X_val, y_val = make_moons(300, noise=0.3, random_state=1)
    settings = dict(activation="tanh", learning_rate_init=0.02, max_iter=300, n_iter_no_change=np.inf, random_state=0)
    model = MLPClassifier((100, 100), alpha=0, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    finding = only(diagnose(model, X, y), "over-fitting")
    lowest = np.argmin(model.validation_loss_curve_)
    assert finding.what.startswith(f"Since epoch {lowest + 1} the validation loss has risen by ")
    assert "early_stopping=True" in finding.change
    penalized = MLPClassifier((5,), alpha=3.0, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    assert "over-fitting" not in names(diagnose(penalized, X, y))
    # Early stopping keeps the weights from before the rise.
    stopped = MLPClassifier((100, 100), alpha=0, early_stopping=True, scoring="loss", **settings)
    stopped.fit(X, y, X_val=X_val, y_val=y_val)
    assert stopped.best_iter_ < len(stopped.loss_curve_)
    assert "over-fitting" not in names(diagnose(stopped, X, y))
    # Where the best score comes late, the loss may have risen all the same, and stopping earlier is done already.
    stopped.best_iter_ = len(stopped.loss_curve_)
    assert only(diagnose(stopped, X, y), "over-fitting").change == "Raise alpha or dropout."


def test_one_class_only(rng):
    X = rng.normal(size=(400, 3))
    y = np.where(rng.permutation(400) < 30, "rare", "usual")  # of no cause in X
    model = MLPClassifier((5,), learning_rate_init=0.01, max_iter=30)
    model = first_with(lambda model: np.all(model.predict(X) == "usual"), model, X, y)
    finding = only(diagnose(model, X, y), "one-class-only")
    share = re.fullmatch(r"The model predicts usual for every row, but that is only (.*)% of y\.", finding.what)[1]
    assert float(share) == pytest.approx(100 * np.mean(y == "usual"), abs=0.051)
    assert finding.change == "Set class_weight='balanced'."
    assert "one-class-only" not in names(diagnose(model, X))
    # Rows are counted by their weights.
    weights = np.where(y == "rare", 10.0, 1.0)
    share = weights[y == "usual"].sum() / weights.sum()
    assert f"only {share:.1%} of y" in only(diagnose(model, X, y, sample_weight=weights), "one-class-only").what
    # Without the others there is nothing to miss.
    assert "one-class-only" not in names(diagnose(model, X, y, sample_weight=y == "usual"))
    model.set_params(class_weight="balanced", max_iter=200).fit(X, y)
    assert "one-class-only" not in names(diagnose(model, X, y))
    # Where classes are balanced, weights would change nothing.
    y = np.where(X[:, 0] > 0, "right", "left")
    model = MLPClassifier((5,), learning_rate_init=1e-6, max_iter=1, random_state=0).fit(X, y)
    model.intercepts_[-1][:] = 9
    assert only(diagnose(model, X, y), "one-class-only").change.startswith("Raise max_iter or learning_rate_init")


def unscaled_validation(estimator, X, y, X_val, y_val):
    """X_val reaches the last step as it is, past the scaler."""
    name = type(estimator).__name__.lower()
    with pytest.warns(UserWarning, match="X_val lies far outside X"):
        return make_pipeline(StandardScaler(), estimator).fit(
            X, y, **{f"{name}__X_val": X_val, f"{name}__y_val": y_val}
        )


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_validation_worse_than_the_most_frequent_class(scoring):
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))
    train, test = rows[:400], rows[400:]
    share = np.bincount(y[train]).max() / 400
    model = MLPClassifier(early_stopping=True, scoring=scoring)
    models = (clone(model).set_params(random_state=seed) for seed in range(20))
    pipelines = (unscaled_validation(model, X[train], y[train], X[test], y[test]) for model in models)
    pipeline = next(pipeline for pipeline in pipelines if pipeline[-1].best_validation_score_ < 0.8 * share)
    finding = only(diagnose(pipeline, X[train], y[train]), "worse-than-constant")
    best = pipeline[-1].best_validation_score_
    assert finding.what == (
        f"The best validation score is {best:.3g}, and the most frequent class for every row would have {share:.3g}."
    )
    assert "transform_input=['X_val']" in finding.change
    # Rows held out of X have been scaled.
    pipeline = make_pipeline(StandardScaler(), clone(model)).fit(X[train], y[train])
    assert "worse-than-constant" not in names(diagnose(pipeline, X[train], y[train]))


def test_validation_worse_than_the_mean(rng):
    X, y = load_diabetes(return_X_y=True)
    X, y = 100 + 50 * X, (y - y.mean()) / y.std()
    for early_stopping in (True, False):
        model = MLPRegressor(early_stopping=early_stopping, random_state=0, max_iter=30, learning_rate_init=0.01)
        pipeline = unscaled_validation(model, X[:300], y[:300], X[300:], y[300:])
        finding = only(diagnose(pipeline, X[:300]), "worse-than-constant")
        assert finding.what.endswith("one number for every row would have 0.")
    # Other scores have other scales.
    model.set_params(scoring="neg_mean_squared_error")
    pipeline = unscaled_validation(model, X[:300], y[:300], X[300:], y[300:])
    assert "worse-than-constant" not in names(diagnose(pipeline, X[:300], y[:300]))


def test_targets_to_validate_on_that_were_not_transformed(rng):
    """They come before what else may be found, after a pickle too, and say what y_val has to be."""
    X = rng.normal(size=(300, 5))
    y = 1000 + 100 * X[:, 0]
    for settings in (dict(early_stopping=True), dict(early_stopping=True, learning_rate_init=1e-5), dict(max_iter=20)):
        model = TransformedTargetRegressor(MLPRegressor(random_state=0, **settings), transformer=StandardScaler())
        with pytest.warns(UserWarning, match="y_val lies far outside y"):
            model.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
        for copied in (model, pickle.loads(pickle.dumps(model))):
            first, *_ = diagnose(copied, X[:200], y[:200])
            assert first.name == "worse-than-constant"
            assert "y_val through those of y: TransformedTargetRegressor passes it on as it is" in first.change


def test_what_cannot_be_learnt_is_not_worse_than_the_most_frequent_class(rng):
    """Held-out rows have classes in nearly the same proportion."""
    X, y = rng.normal(size=(100, 3)), np.arange(100) % 20 < 11
    for seed in range(5):
        model = MLPClassifier((5,), early_stopping=True, max_iter=30, random_state=seed).fit(X, y)
        assert "worse-than-constant" not in names(diagnose(model, X, y))
        settings = dict(hidden_layer_sizes=(), alpha=100.0, learning_rate_init=0.1, max_iter=30, random_state=seed)
        regressor = MLPRegressor(early_stopping=True, **settings).fit(X, X[::-1, 0])
        assert "worse-than-constant" not in names(diagnose(regressor, X))
    labels = np.eye(3, dtype=int)[np.arange(100) % 3]
    model.fit(X, labels)
    assert "worse-than-constant" not in names(diagnose(model, X, labels))


def test_what_pipelines_searches_and_transformed_targets_have_inside():
    X, y = load_diabetes(return_X_y=True)
    X = 1000 * X
    settings = dict(hidden_layer_sizes=10, max_iter=30, learning_rate_init=0.01, random_state=0)
    scaled = make_pipeline(StandardScaler(), MLPRegressor(**settings))
    whole = TransformedTargetRegressor(scaled, transformer=StandardScaler())
    searches = [
        GridSearchCV(whole, {"regressor__mlpregressor__alpha": [0.1, 1.0]}, cv=2),
        RandomizedSearchCV(make_pipeline("passthrough", whole), {}, n_iter=1, cv=2),
    ]
    for estimator in (whole, *searches):
        found = names(diagnose(estimator.fit(X, y), X, y))
        assert "inputs-not-scaled" not in found
        assert "targets-not-scaled" not in found
    # By hand, step by step.
    regressor, targets = whole.regressor_, whole.transformer_.transform(y[:, np.newaxis]).ravel()
    weights = np.arange(len(y)) % 3
    assert diagnose(whole, X, y, sample_weight=weights) == diagnose(
        regressor[-1], regressor[0].transform(X), targets, sample_weight=weights
    )
    # What is not scaled on the way.
    assert "targets-not-scaled" in names(diagnose(clone(scaled).fit(X, y), X, y))
    plain = TransformedTargetRegressor(MLPRegressor(**settings), func=np.log, inverse_func=np.exp).fit(X, y)
    assert names(diagnose(plain, X, y))[:1] == ["inputs-not-scaled"]
    assert "targets-not-scaled" not in names(diagnose(plain, X, y))
    for estimator in (whole, scaled, searches[0]):
        with pytest.raises(NotFittedError):
            diagnose(clone(estimator), X, y)
    unfit = GridSearchCV(scaled, {}, cv=2, refit=False).fit(X, y)
    with pytest.raises(
        TypeError, match="estimator is a GridSearchCV with refit=False, which keeps no fitted model; set"
    ):
        diagnose(unfit, X, y)
    other = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y > 100)
    with pytest.raises(TypeError, match="estimator is a LogisticRegression; pass a fitted MLPClassifier or"):
        diagnose(other, X)


# What a fit that has not converged says.


def warning_of(model, X, y, **given):
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y, **given)
    (message,) = [str(warning.message) for warning in caught if warning.category is ConvergenceWarning]
    return message


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_fit_that_has_not_converged_names_the_cause(dtype, sparse, rng):
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), y
    convert = csr_array if sparse else np.asarray
    model = MLPRegressor(max_iter=12, dtype=dtype, random_state=0)
    begin = "Stochastic Optimizer: Maximum iterations (12) reached and the optimization hasn't converged yet. "
    message = warning_of(model, convert(X), y)
    assert message.startswith(f"{begin}targets-not-scaled: y has mean 152 and deviation 77, far from")
    assert message.endswith("Put the model into a TransformedTargetRegressor(model, transformer=StandardScaler()).")
    message = warning_of(model, convert(X), np.column_stack([y / 100, y]))
    assert "targets-not-scaled: column 1 of y has mean 152" in message
    message = warning_of(model, convert(1e4 * X), y)  # which is worse
    assert message.startswith(f"{begin}inputs-not-scaled: 10 of 10 columns are far from mean 0 and deviation 1: ")
    y = (y - y.mean()) / y.std()
    message = warning_of(model, convert(X), y)
    assert message == f"{begin}Increase max_iter, or scale X, or change learning_rate_init."
    message = warning_of(model.set_params(learning_rate_init=2e-5), convert(X), y)
    assert message.startswith(f"{begin}step-size-too-small: The loss fell by only ")
    classifier = MLPClassifier(max_iter=12, dtype=dtype, random_state=0)
    assert "inputs-not-scaled: " in warning_of(classifier, convert(100 * X), y > 0)
    lbfgs = warning_of(MLPRegressor(solver="lbfgs", max_iter=2, dtype=dtype, random_state=0), convert(100 * X), y)
    assert re.match(
        r"lbfgs failed to converge after 2 iteration\(s\): .*max_fun=15000. inputs-not-scaled: 10 of", lbfgs
    )


def test_only_rows_learnt_from_count(rng):
    """Those of weight 0 do not, nor do rows that are validated on."""
    X, y = rng.normal(size=(100, 3)), rng.normal(size=100)
    weights = np.where(np.arange(100) % 2, 1.0, 0.0)
    far = np.where(weights, y, 1e6)
    message = warning_of(MLPRegressor(max_iter=3, random_state=0), X, far, sample_weight=weights)
    assert message.endswith("Increase max_iter, or scale X, or change learning_rate_init.")
    model = MLPRegressor(max_iter=3, early_stopping=True, random_state=0)
    with pytest.warns(UserWarning, match="y_val lies far outside y"):
        message = warning_of(model, X, y, X_val=X, y_val=1e3 + y)
    assert "worse-than-constant: The best validation score is -" in message


def test_a_fit_that_diverges_names_the_cause(rng):
    X, y = rng.normal(size=(200, 3)), 1e6 + 1e6 * rng.normal(size=200)
    model = MLPRegressor(solver="sgd", learning_rate_init=0.1, random_state=0)
    with pytest.raises(DivergenceError, match=r"lower learning_rate_init. targets-not-scaled: y has mean .* The model"):
        model.fit(X, y)
    with pytest.raises(DivergenceError, match=r"lower learning_rate_init. The model keeps"):
        model.set_params(learning_rate_init=1e6).fit(X, X[:, 0])
    with pytest.raises(DivergenceError, match=r"preprocessed: look for single large values in X and y, or lower"):
        model.fit(X, X[:, 0])
    with pytest.raises(
        DivergenceError, match=r"scale large regression targets, or lower learning_rate_init. The model"
    ):
        model.partial_fit(X, y)
    stopped = MLPRegressor(solver="sgd", early_stopping=True, learning_rate_init=0.001, random_state=0)
    message = warning_of(stopped, X, 4e3 * X[:, 0])
    assert "diverged in epoch" in message
    assert "targets-not-scaled: y has mean " in message
    lbfgs = MLPRegressor(solver="lbfgs", random_state=0)  # which has no learning rate
    with pytest.raises(DivergenceError, match=r"need to be preprocessed\. targets-not-scaled: y has mean") as caught:
        lbfgs.fit(X, 1e160 * X[:, 0])
    assert "learning_rate" not in str(caught.value)


def starts_badly(classifier, X, labels, seed):
    """Whether it predicts the rarer class more often than the other before it has learnt."""
    model = clone(classifier).set_params(random_state=seed)
    return model.partial_fit(X, labels, classes=[False, True], X_val=X, y_val=labels).score(X, labels) < 0.5


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_early_stopping_without_a_useful_score_names_the_cause(rng, dtype, sparse):
    X = rng.normal(size=(300, 5))
    y = 1e5 + 1e4 * X[:, 0]
    convert = csr_array if sparse else np.asarray
    model = MLPRegressor(hidden_layer_sizes=(32,), early_stopping=True, dtype=dtype, random_state=0)
    message = warning_of(model, convert(X), y)
    assert model.stop_reason_ == "no_improvement"
    assert message.startswith(
        f"Early stopping ended training after {model.n_iter_} epochs: The best validation score is "
        f"{model.best_validation_score_:.3g}, and one number for every row would have 0. targets-not-scaled: y has mean"
    )
    classifier = MLPClassifier((8,), early_stopping=True, learning_rate_init=1e-7, dtype=dtype, random_state=0)
    labels = X[:, 0] > -1.5
    classifier.set_params(random_state=next(s for s in range(50) if starts_badly(classifier, convert(X), labels, s)))
    message = warning_of(classifier, convert(X), labels)
    assert "the most frequent class for every row would have" in message
    assert message.endswith("change learning_rate_init, or raise n_iter_no_change and max_iter.")
    # What has been learnt, or cannot be learnt, is no reason to warn; nor is a part of a stream.
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        TransformedTargetRegressor(model.set_params(max_iter=1000), transformer=StandardScaler()).fit(convert(X), y)
        model.fit(convert(X), rng.normal(size=300))
        model.partial_fit(convert(X), y, X_val=convert(X), y_val=y)


def test_fits_in_small_steps_look_for_no_cause(rng, monkeypatch):
    monkeypatch.setattr(_diagnose, "quick_evidence", None)
    monkeypatch.setattr(_fitting, "quick_evidence", None)
    X = rng.normal(size=(50, 3))
    MLPRegressor(random_state=0).partial_fit(1e3 * X, X[:, 0])
    MLPRegressor(random_state=0, tol=10.0).fit(1e3 * X, X[:, 0])  # nor does one that has converged


def test_looking_for_the_cause_makes_no_pass(rng, monkeypatch):
    """Neither through the network nor over all rows."""
    X = rng.normal(size=(10_000, 20))
    model = MLPRegressor(hidden_layer_sizes=5, max_iter=12, random_state=0).fit(X, 1e3 * X[:, 0])
    problem = Problem(X, 1e3 * X[:, :1])
    monkeypatch.setattr(Network, "predict_raw", None)
    monkeypatch.setattr(Network, "mean_loss", None)
    evidence = _diagnose.quick_evidence(model, problem)
    assert evidence.X.size <= _diagnose.QUICK_VALUES
    assert _diagnose.likeliest_fault(evidence).name == "targets-not-scaled"
    wide = Problem(csr_array(sparse_random(5000, 3000, density=0.01, format="csr", random_state=0)), X[:5000, :1])
    assert _diagnose.quick_evidence(model, wide).X.nnz < 1.2 * _diagnose.QUICK_VALUES


def test_rows_of_weight_0_are_left_out(iris, healthy):
    X, y = iris
    X, weights = X.copy(), np.ones(150)
    X[:3], weights[:3] = 1e6, 0
    assert "inputs-not-scaled" in names(diagnose(healthy, X, y))
    assert names(diagnose(healthy, X, y, sample_weight=weights)) == []


@pytest.mark.parametrize(
    "targets",
    [lambda y: np.eye(3, dtype=int)[y], lambda y: y.reshape(-1, 1), lambda y: y.tolist()],
    ids=["labels", "column", "list"],
)
def test_targets(iris, targets):
    X, y = iris
    model = MLPClassifier((20,), learning_rate_init=0.02, random_state=0).fit(X, np.squeeze(targets(y)))
    assert set(names(model.diagnose(X, targets(y)))) <= {"still-falling"}


def test_refused(iris, healthy):
    X, y = iris
    with pytest.raises(NotFittedError):
        diagnose(MLPClassifier(), X)
    for other in (LogisticRegression(), GaussianNB()):
        with pytest.raises(TypeError, match=f"estimator is a {type(other).__name__}; pass a fitted MLPClassifier or"):
            diagnose(other.fit(X, y), X)
    with pytest.raises(ValueError, match="`y` has classes not in `self.classes_`"):
        diagnose(healthy, X, y.astype(str))
    with pytest.raises(ValueError, match="Input y contains NaN"):
        diagnose(healthy, X, np.where(y, 1.0, np.nan))
    with pytest.raises(ValueError, match="but the model was not fitted to such"):
        diagnose(MLPRegressor(max_iter=1).fit(X, y), X, X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        diagnose(healthy, X, y[:-1])
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        diagnose(healthy, X, y, sample_weight=-np.ones(150))


def test_every_detection_has_a_test():
    """By the names of findings that the tests of this file ask for."""
    source = Path(__file__).read_text()
    asked = set(re.findall(r'only\(.+?, "([\w-]+)"\)', source))
    found = set(re.findall(r'^    [^\n]*"([a-z]+(?:-[a-z]+)+)"', inspect.getsource(_diagnose), flags=re.MULTILINE))
    assert len(asked) == len(DETECTIONS)
    assert asked <= found

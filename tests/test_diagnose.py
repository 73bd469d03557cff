"""Every fault is found in a model that has it, and not in one that has not."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.datasets import load_iris, make_moons
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.inspection import Diagnosis, Finding, _diagnose, _passes, diagnose
from fastmlp.inspection._diagnose import DETECTIONS, Evidence
from fastmlp.training.loop import DivergenceError

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
    monkeypatch.setattr(_passes, "BLOCK_ROWS", 7)
    X = rng.normal(5, 2, size=(50, 3))
    counts = rng.integers(1, 4, 50)
    repeated = np.repeat(X, counts, axis=0)
    for data in (X, csr_array(X)):
        mean, deviation, distance = Evidence(None, data, None, counts / counts.sum()).column_moments
        assert_allclose(mean, repeated.mean(axis=0), rtol=1e-12)
        assert_allclose(deviation, repeated.std(axis=0), rtol=1e-12)
        assert_allclose(distance, np.abs(X - repeated.mean(axis=0)).max(axis=0), rtol=1e-12)


def test_dead_units(iris, healthy):
    """Steps that are far too large throw units of relu to where no row moves them any more."""
    X, y = iris
    model = MLPClassifier((30, 30), learning_rate_init=0.5, max_iter=20, random_state=0).fit(X, y)
    dead = np.mean(np.all(model.transform(X, layer=1) == 0, axis=0))
    assert dead > 0.5
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
    assert finding.what.startswith("The loss rose from one epoch to the next in ")
    assert finding.change == "Lower learning_rate_init=0.5 by a factor of ten."
    assert "step-size-too-large" not in names(diagnose(healthy, X, y))


def test_loss_ends_above_its_beginning(iris):
    X, y = iris
    model = MLPClassifier((20,), solver="sgd", learning_rate_init=5.0, random_state=0).fit(X, y)
    first, last = model.loss_curve_[0], model.loss_curve_[-1]
    finding = only(diagnose(model, X, y), "step-size-too-large")
    assert finding.what == f"The loss rose from {first:.3g} to {last:.3g} in {model.n_iter_} epochs."


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


def test_one_class_only(rng):
    X = rng.normal(size=(400, 3))
    y = np.where(rng.uniform(size=400) < 0.05, "rare", "usual")  # of no cause in X
    model = MLPClassifier((5,), learning_rate_init=0.01, max_iter=30, random_state=0).fit(X, y)
    finding = only(diagnose(model, X, y), "one-class-only")
    share = f"{np.mean(y == 'usual'):.1%}"
    assert finding.what == f"The model predicts usual for every row, but that is only {share} of y."
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
    with pytest.raises(TypeError, match="estimator is a LogisticRegression; pass a fitted MLPClassifier or"):
        diagnose(LogisticRegression(), X)
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

"""From a call of fit to a problem: what is checked, when, and that checking changes nothing."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.estimators import _arrays, _parameters
from fastmlp.estimators._arrays import Columns
from fastmlp.estimators._problem import Request, check_request, hold_out

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 3
NO_VALIDATION = (None, None, None)


def request(model, y=Y, weights=None, **further):
    return Request(model, X, y, weights, NO_VALIDATION, **further)


def test_checking_changes_nothing():
    model = MLPClassifier(random_state=0)
    before = dict(vars(model))
    checked = check_request(request(model))
    assert vars(model) == before
    assert_array_equal(checked.codec.classes, [0, 1, 2])
    assert checked.columns.n_features == 3
    assert checked.problem.X is X
    assert checked.problem.rows is checked.own_weight is None


def test_rows_without_weight_are_left_out():
    weights = np.where(Y == 2, 0.0, 1.0)
    checked = check_request(request(MLPClassifier(), weights=weights))
    assert_array_equal(checked.problem.rows, np.flatnonzero(weights))
    assert checked.problem.n_rows == np.count_nonzero(weights)
    assert_array_equal(checked.codec.classes, [0, 1])


def test_a_fit_that_goes_on_holds_out_the_same_rows():
    model = MLPClassifier(early_stopping=True, max_iter=1, warm_start=True, random_state=0).fit(X, Y)
    held_out = []
    for _ in range(2):
        asked = request(model)
        checked = hold_out(asked, check_request(asked), None)
        held_out.append(checked.held_out)
        assert not set(checked.held_out) & set(checked.problem.rows)
    assert_array_equal(held_out[0], held_out[1])


@pytest.fixture
def checks(monkeypatch):
    """Names of the parameters of each check."""
    check, seen = _parameters.validate_parameter_constraints, []

    def noted(constraints, parameters, caller_name):
        seen.append(list(parameters))
        check(constraints, parameters, caller_name=caller_name)

    monkeypatch.setattr(_parameters, "validate_parameter_constraints", noted)
    return seen


def test_parameters_are_checked_when_they_change(checks):
    model = MLPRegressor(hidden_layer_sizes=(4,), random_state=0)
    for _ in range(3):
        model.partial_fit(X, X[:, 0])
    assert len(checks) == 1
    model.set_params(alpha=0.5).partial_fit(X, X[:, 0])
    assert checks[1:] == [["alpha"]]
    with pytest.raises(ValueError, match="The 'alpha' parameter of MLPRegressor must be"):
        model.set_params(alpha=-0.5).partial_fit(X, X[:, 0])
    with pytest.raises(ValueError, match="n_jobs is 0; pass"):
        model.set_params(alpha=0.5, n_jobs=0).partial_fit(X, X[:, 0])


def test_equal_parameters_of_another_type_are_checked(checks):
    model = MLPRegressor(hidden_layer_sizes=(4,), random_state=0).partial_fit(X, X[:, 0])
    with pytest.raises(ValueError, match="The 'max_iter' parameter of MLPRegressor must be an int"):
        model.set_params(max_iter=200.0).partial_fit(X, X[:, 0])


def test_parameters_that_may_change_in_their_place_are_checked_every_time(checks):
    sizes = [4]
    model = MLPRegressor(hidden_layer_sizes=sizes, random_state=0)
    for _ in range(2):
        model.partial_fit(X, X[:, 0])
    assert checks[1] == ["hidden_layer_sizes"]
    sizes[0] = 5
    with pytest.raises(ValueError, match=r"layer sizes \(3, 4, 1\), but data and parameters now ask for \(3, 5, 1\)"):
        model.partial_fit(X, X[:, 0])


@pytest.fixture
def without_scikit_learn(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("scikit-learn was asked")

    monkeypatch.setattr(_arrays, "validate_data", refuse)


def test_small_arrays_need_no_further_check(without_scikit_learn):
    model = MLPRegressor(hidden_layer_sizes=4, random_state=0)
    model.partial_fit(X, X[:, 0])
    model.partial_fit(X[:1], X[:1, 0]).predict(X[:1])
    for unusual in (X.astype(np.float32), X.tolist(), X[::-1], np.asfortranarray(X), np.ma.array(X)):
        with pytest.raises(AssertionError, match="scikit-learn was asked"):
            model.predict(unusual)
        with pytest.raises(AssertionError, match="scikit-learn was asked"):
            model.partial_fit(unusual, X[:, 0])
    for unusual in (X[:, :1], X[:, 0].tolist(), X[:, 0].astype(object), X[:7, 0]):
        with pytest.raises(AssertionError, match="scikit-learn was asked"):
            model.partial_fit(X, unusual)


@pytest.mark.parametrize("repeats", [1, 1000], ids=["small", "large"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X[:, :2], "X has 2 features, but MLPRegressor is expecting 3 features as input"),
        (lambda X: X[:, 0], "Expected 2D array, got 1D array instead"),
        (lambda X: X[:0], r"Found array with 0 sample\(s\)"),
        (lambda X: np.where(X[0, 0] == X, np.nan, X), "Input X contains NaN"),
        (lambda X: np.where(X[0, 0] == X, np.inf, X), "Input X contains infinity"),
    ],
)
def test_refusals_are_the_same_whatever_the_size(change, message, repeats):
    model = MLPRegressor(hidden_layer_sizes=4, random_state=0).partial_fit(X, X[:, 0])
    wrong = change(np.repeat(X, repeats, axis=0))
    y = np.zeros(len(wrong))
    for call in (lambda: model.predict(wrong), lambda: model.partial_fit(wrong, y)):
        with pytest.raises(ValueError, match=message):
            call()


def test_names_of_columns_are_missed():
    pandas = pytest.importorskip("pandas")
    model = MLPRegressor(hidden_layer_sizes=4, random_state=0).partial_fit(pandas.DataFrame(X, columns=list("abc")), Y)
    with pytest.warns(UserWarning, match="X does not have valid feature names, but MLPRegressor was fitted with"):
        model.predict(X[:1])
    assert not Columns(3, model.feature_names_in_).suit(X, X.dtype)


@pytest.mark.parametrize("classes", [None, [0, 1, 2], np.arange(3)])
def test_classes_that_are_named_again(classes):
    models = [MLPClassifier((4,), random_state=0).partial_fit(X, Y, classes=[0, 1, 2]) for _ in range(2)]
    codec = models[0]._targets
    models[0].partial_fit(X[:1], Y[:1], classes=classes)
    models[1].partial_fit(X[:1], Y[:1])
    assert models[0]._targets is codec
    assert_array_equal(models[0].network_.parameters, models[1].network_.parameters)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        models[0].partial_fit(X, Y, classes=[0, 1])


def test_balanced_classes_cannot_go_on_in_small_steps():
    model = MLPClassifier((4,), class_weight="balanced", max_iter=1, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows at once"):
        model.partial_fit(X, Y)

"""scikit-learn's tools that look into a model, beside the model's own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibrationDisplay, calibration_curve
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.inspection import DecisionBoundaryDisplay, partial_dependence, permutation_importance
from sklearn.pipeline import make_pipeline

from .short_fits import BINARY, NUMBERS, X, classifier, regressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def pyplot():
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture(scope="module")
def two_useless_columns():
    """A regression in which only columns 0 and 3 matter."""
    inputs = np.random.default_rng(0).normal(size=(400, 4))
    return inputs, np.tanh(inputs[:, 0]) + 0.5 * inputs[:, 3] ** 2


def smooth_regressor():
    return regressor(hidden_layer_sizes=16, activation="tanh", max_iter=120)


def test_importances_agree_with_permutations(two_useless_columns):
    inputs, targets = two_useless_columns
    model = smooth_regressor().fit(inputs, targets)
    permuted = permutation_importance(model, inputs, targets, n_repeats=3, random_state=0).importances_mean
    for importances in (model.feature_importances_, permuted):
        assert set(np.argsort(importances)[:2]) == {1, 2}
        assert importances[[1, 2]].max() < 0.2 * importances[[0, 3]].min()


@pytest.mark.parametrize("selector", [SelectFromModel, RFE])
def test_selection_of_features(two_useless_columns, selector):
    inputs, targets = two_useless_columns
    selection = selector(smooth_regressor()).fit(inputs, targets)
    assert selection.get_support().tolist() == [True, False, False, True]
    pipeline = make_pipeline(selector(smooth_regressor()), smooth_regressor()).fit(inputs, targets)
    kept = inputs[:, [0, 3]]
    assert_array_equal(pipeline.predict(inputs), smooth_regressor().fit(kept, targets).predict(kept))


def test_partial_dependence_is_a_mean_over_rows():
    model = regressor().fit(X, NUMBERS)
    result = partial_dependence(model, X, [1], grid_resolution=5, method="brute")
    for value, mean in zip(result["grid_values"][0], result["average"][0], strict=True):
        changed = X.copy()
        changed[:, 1] = value
        assert mean == pytest.approx(model.predict(changed).mean())


def test_decision_boundary(pyplot):
    model = classifier().fit(X[:, :2], BINARY)
    display = DecisionBoundaryDisplay.from_estimator(
        model, X[:, :2], grid_resolution=7, response_method="predict_proba"
    )
    points = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    assert_allclose(display.response.ravel(), model.predict_proba(points)[:, 1])


def test_calibration_curve(pyplot):
    model = classifier(max_iter=60).fit(X, BINARY)
    probability = model.predict_proba(X)[:, 1]
    share, mean = calibration_curve(BINARY, probability, n_bins=4)
    bins = np.minimum((probability * 4).astype(int), 3)
    assert_allclose(share, [BINARY[bins == b].mean() for b in np.unique(bins)])
    assert_allclose(mean, [probability[bins == b].mean() for b in np.unique(bins)])
    display = CalibrationDisplay.from_estimator(model, X, BINARY, n_bins=4)
    assert_allclose(display.prob_true, share)

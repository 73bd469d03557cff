"""Data that are refused: the exact error class, a sentence that names the remedy, and nothing lost."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.estimators import _arrays

from ..wrong_calls import LABELS, NUMBERS, X, check_refused, with_value

pytestmark = pytest.mark.usefixtures("count_epochs")


BAD_DATA = [
    (with_value(np.nan), LABELS, None, ValueError, "Input X contains NaN"),
    (with_value(np.inf), LABELS, None, ValueError, "Input X contains infinity"),
    (X[:, 0], LABELS, None, ValueError, "Expected 2D array, got 1D array instead.*Reshape your data"),
    (X[:, :0], LABELS, None, ValueError, r"0 feature\(s\)"),
    (X[:0], LABELS[:0], None, ValueError, r"0 sample\(s\)"),
    (X[:-1], LABELS, None, ValueError, "inconsistent numbers of samples: .39, 40."),
    (X[np.newaxis], LABELS, None, ValueError, "Found array with dim 3"),
    ([[1.0], [1.0, 2.0]], LABELS[:2], None, ValueError, "inhomogeneous shape"),
    (None, LABELS, None, ValueError, "Expected 2D array, got scalar array instead.*Reshape your data"),
    (X, None, None, ValueError, "requires y to be passed"),
    (X.astype(str).astype(object) + "x", LABELS, None, ValueError, "Columns 0, 1 and 2 of X hold words"),
    (X + 1j, LABELS, None, ValueError, "Complex data not supported"),
    (csr_array(with_value(np.nan)), LABELS, None, ValueError, "Input X contains NaN"),
    (csr_array(with_value(np.inf)), LABELS, None, ValueError, "Input X contains infinity"),
    (csr_array(X + 1j), LABELS, None, ValueError, "Complex data not supported"),
    (X, LABELS, np.ones(3), ValueError, "sample_weight.shape == .* expected"),
    (X, LABELS, -np.ones(40), ValueError, "Negative values in data passed to `sample_weight`"),
    (X, LABELS, np.zeros(40), ValueError, "sample_weight|Sample weights"),
    (X, LABELS, np.full(40, np.nan), ValueError, "Input sample_weight contains NaN"),
    (X, LABELS, np.full(40, np.inf), ValueError, "Input sample_weight contains infinity"),
    (X, LABELS, np.ones((40, 1)), ValueError, "Sample weights must be 1D array or scalar"),
    (
        X,
        LABELS,
        "balanced",
        ValueError,
        "sample_weight holds words, for example 'balanced'; pass a number for each row",
    ),
    (X, np.full(40, np.inf), None, ValueError, "Input y contains infinity"),
    (X, LABELS + 1j, None, ValueError, "Complex data not supported"),
    (X, LABELS[:, np.newaxis, np.newaxis], None, ValueError, "Found array with dim 3"),
    (X, np.ones((40, 0)), None, ValueError, r"0 feature\(s\) .* a minimum of 1 is required"),
]


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("X", "y", "sample_weight", "error", "message"), BAD_DATA, ids=[row[-1] for row in BAD_DATA])
@pytest.mark.filterwarnings("error")
def test_bad_data(estimator, X, y, sample_weight, error, message):
    check_refused(estimator(), error, message, lambda model: model.fit(X, y, sample_weight))


BAD_LABELS = [
    (
        np.array([None, 1, 0, 1] * 10, dtype=object),
        "y holds None; leave out the rows without a label",
    ),
    (np.array(["a", 1] * 20, dtype=object), "y holds labels of type int, str as objects; pass labels of one type"),
    (
        np.array([["a", 1], ["b", "c"]] * 20, dtype=object),
        "y holds labels of type int, str as objects; pass labels of one",
    ),
    (np.array([["a", None]] * 40, dtype=object), "y holds None; leave out the rows"),
    (NUMBERS, "Unknown label type: continuous"),
    (np.where(np.arange(40) == 3, np.nan, 1.0), "Input y contains NaN"),
    (
        np.stack([NUMBERS, NUMBERS], axis=1),
        r"y of shape \(40, 2\) holds fractions, and loss is .auto.; set loss=.kl_divergence",
    ),
]


@pytest.mark.parametrize(("y", "message"), BAD_LABELS, ids=[row[-1] for row in BAD_LABELS])
def test_bad_labels(y, message):
    check_refused(MLPClassifier(), ValueError, message, lambda model: model.fit(X, y))


BAD_NUMBERS = [
    (np.where(np.arange(40) == 3, np.nan, 1.0), "Input y contains NaN"),
    (np.full(40, "1"), r"y holds numbers of dtype <U1; pass np.asarray\(y\).astype\(float\)"),
    (np.full(40, "a", dtype=object), "y holds words, for example 'a'; use MLPClassifier to predict labels"),
    (np.full(40, "a"), "y holds words, for example 'a'; use MLPClassifier to predict labels, or pass numbers"),
    (np.arange(40).astype("M8[s]"), "y holds dates, which are not numbers; pass numbers instead, for example days"),
]


@pytest.mark.parametrize(("y", "message"), BAD_NUMBERS, ids=[row[-1] for row in BAD_NUMBERS])
def test_bad_numbers(y, message):
    check_refused(MLPRegressor(), ValueError, message, lambda model: model.fit(X, y))


def test_targets_too_large_for_the_dtype():
    with pytest.raises(ValueError, match="y has 1e[+]39, which is too large for float32; scale y, or use"):
        MLPRegressor(dtype="float32").fit(X, NUMBERS * 0 + 1e39)


@pytest.mark.parametrize("weight", [1e308, 1e-320])
def test_weights_whose_sum_is_no_number(weight):
    with pytest.raises(ValueError, match="sample_weight sums to .*; scale"):
        MLPRegressor().fit(X, NUMBERS, np.full(40, weight))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_weights_that_are_all_0(solver, monkeypatch):
    """Also where scikit-learn lets them pass, as before version 1.7."""
    monkeypatch.setattr(_arrays, "_check_sample_weight", lambda weights, X, **settings: np.asarray(weights))
    for make, y in ((MLPRegressor, NUMBERS), (MLPClassifier, LABELS)):
        with pytest.raises(ValueError, match="at least one non-zero number"):
            make(solver=solver).fit(X, y, np.zeros(40))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_weights_whose_products_with_those_of_classes_are_all_0(solver):
    model = MLPClassifier(solver=solver, class_weight=dict.fromkeys(set(LABELS.tolist()), 1e-300))
    with pytest.raises(ValueError, match="sample_weight times class_weight sums to 0; scale it"):
        model.fit(X, LABELS, np.full(40, 1e-300))


def test_balanced_classes_need_all_rows():
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows at once.*pass the weights as a dict"):
        MLPClassifier(class_weight="balanced").partial_fit(X, LABELS, classes=[0, 1, 2])


def test_bad_partial_fit():
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        MLPClassifier().partial_fit(X, LABELS)
    with pytest.raises(
        ValueError, match="does not support early_stopping=True without rows to validate on; pass X_val and y_val"
    ):
        MLPRegressor(early_stopping=True).partial_fit(X, NUMBERS)
    with pytest.raises(AttributeError, match="partial_fit"):
        MLPRegressor(solver="lbfgs").partial_fit(X, NUMBERS)
    model = MLPClassifier().partial_fit(X, LABELS, classes=[0, 1, 2])
    with pytest.raises(
        ValueError,
        match=r"classes not in `self.classes_`, \[0 1 2\], for example .*; pass only these, or name all classes",
    ):
        model.partial_fit(X, LABELS + 5)
    with pytest.raises(ValueError, match="classes not in"):
        model.partial_fit(X, np.array(["a", "b"])[LABELS % 2])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, LABELS, classes=[0, 1])


def raise_value_error(info):
    raise ValueError("from a callback")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("refit", "message"),
    [
        (lambda model: model.fit(with_value(np.nan), LABELS), "Input X contains NaN"),
        (lambda model: model.fit(X[:, :2], LABELS[:5]), "inconsistent numbers of samples"),
        (lambda model: model.fit(X, NUMBERS), "Unknown label type"),
        (lambda model: model.set_params(alpha=-1).fit(X, LABELS), "'alpha' parameter"),
        (lambda model: model.set_params(hidden_layer_sizes=(3, -1)).fit(X[:, :2], LABELS + 7), "must be > 0"),
        (
            lambda model: model.set_params(early_stopping=True, validation_fraction=0.01).fit(X[:, :2], LABELS % 2),
            "validation set is too small",
        ),
        (lambda model: model.set_params(warm_start=True).fit(X, LABELS % 2), "same classes as in the previous call"),
        (lambda model: model.partial_fit(X[:, :2], LABELS), "X has 2 features, but .* expecting 3"),
        (lambda model: model.set_params(callbacks=raise_value_error).fit(X[:, :2], LABELS + 7), "from a callback"),
        (
            lambda model: model.set_params(learning_rate_init=1e300, batch_size=5).fit(X, LABELS),
            "diverged in epoch 1.*it had before",
        ),
    ],
)
def test_a_failed_fit_keeps_the_earlier_one(refit, message):
    model = MLPClassifier(max_iter=3, random_state=0).fit(X, LABELS)
    before = model.predict_proba(X)
    attributes = {name for name in vars(model) if name.endswith("_")}
    with pytest.raises(ValueError, match=message):
        refit(model)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    assert {name for name in vars(model) if name.endswith("_")} == attributes


@pytest.mark.parametrize(
    ("common", "rare"),
    [("cat", "dog"), ("dog", "cat"), (3, 7), (0, 1), (True, False), (2.0, 1.0)],
    ids=str,
)
def test_a_class_of_one_row_is_named_by_its_label(common, rare):
    """Where rows of two classes are held out in proportion; weights of 0 leave rows out of the count."""
    y = np.array([common] * 9 + [rare], dtype=object if isinstance(common, str) else None)
    message = rf"^Class {rare!r} of y has only 1 member, and early_stopping needs 2, .* Pass more.*least populated"
    model = MLPClassifier((4,), early_stopping=True, max_iter=2, random_state=0)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:10], y)
    with pytest.raises(ValueError, match=message):
        model.fit(np.tile(X[:10], (2, 1)), np.tile(y, 2), sample_weight=np.repeat([1.0, 0.0], 10))
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(("fraction", "n_rows", "n_left"), [(0.95, 10, 0), (0.9, 10, 1)])
def test_too_few_rows_left_to_learn_from(fraction, n_rows, n_left):
    message = (
        rf"^The training set is too small: validation_fraction={fraction} of {n_rows} samples leaves {n_left}, and"
    )
    model = MLPClassifier((4,), early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:n_rows], np.arange(n_rows) % 2)

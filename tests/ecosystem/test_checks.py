"""scikit-learn's checks of an estimator, on variants of each: ``python tests/ecosystem/test_checks.py`` prints a table.

Beside them, what the checks leave out: float32 and sparse input give the same model as float64 and dense input.
"""

import sys
import warnings
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from fastmlp import MLPClassifier, MLPRegressor, Perceptron

EPOCHS = dict(max_iter=50)
SOLVERS = {
    "adam": dict(EPOCHS),
    "adamw": dict(EPOCHS, solver="adamw", weight_decay=0.01),
    "sgd": dict(EPOCHS, solver="sgd", learning_rate="cosine", learning_rate_init=0.1, clip_norm=1.0),
    "rmsprop": dict(EPOCHS, solver="rmsprop", activation="gelu"),
    "adagrad": dict(EPOCHS, solver="adagrad", learning_rate_init=0.05),
    # Few steps on a smooth cost, so that rounding does not grow. alpha keeps the classifier from probabilities that
    # round to 0 or 1, for which the checks expect log(0) where ours is finite.
    "lbfgs": dict(solver="lbfgs", activation="tanh", alpha=1.0, max_iter=10),
}
MODES = {
    # A share that the smallest data of the checks can give.
    "early_stopping": dict(EPOCHS, early_stopping=True, validation_fraction=0.4, learning_rate_init=0.01),
    "float32": dict(EPOCHS, dtype="float32"),
    "warm_start": dict(max_iter=20, warm_start=True),
    "dropout, batch_norm": dict(EPOCHS, activation="randomized_leaky_relu", dropout=0.1, batch_norm=True),
}
VARIANTS = {
    **{("MLPClassifier", name): MLPClassifier(**settings) for name, settings in {**SOLVERS, **MODES}.items()},
    ("MLPClassifier", "balanced"): MLPClassifier(**EPOCHS, class_weight="balanced"),
    ("MLPClassifier", "hinge"): MLPClassifier(**EPOCHS, loss="hinge", init="he_normal"),
    **{("MLPRegressor", name): MLPRegressor(**settings) for name, settings in {**SOLVERS, **MODES}.items()},
    ("MLPRegressor", "huber"): MLPRegressor(**EPOCHS, loss="huber", l1=0.01),
    ("Perceptron", "default"): Perceptron(),
    ("Perceptron", "in order"): Perceptron(shuffle=False, eta0=0.1),
    ("Perceptron", "warm_start"): Perceptron(warm_start=True),
}

WEIGHTED = "check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data"
PARTIAL = "check_fit_score_takes_y", "check_n_features_in_after_fitting", "check_estimators_partial_fit_n_features"
REFITTED = (
    "check_pipeline_consistency",
    "check_supervised_y_2d",
    "check_transformer_data_not_an_array",
    "check_transformer_general",
    "check_transformer_preserve_dtypes",
)
MULTILABEL = "check_classifiers_multilabel_representation_invariance"

HELD_OUT = "Rows are held out by their number, so that a row of weight 2 is held out once, and two rows perhaps apart."
NEEDS_ROWS = "They call partial_fit, which with early_stopping needs X_val: an epoch has no rows to hold out again."
ROUNDING = "They allow a difference of 1e-7, which is the rounding of one float32; sums in another order differ more."
IN_FLOAT32 = "It expects float64 predictions for float64 input; they come in the dtype that was asked for."
GOES_ON = "They fit one instance twice and expect a new model, which warm_start=True is there to prevent."
RANDOM = "Dropout draws a number for each row and batch normalization counts rows, so a weight of 2 is not two rows."
NEEDS_ALL_ROWS = "They call partial_fit, which cannot count the classes of rows that are still to come."

EXPECTED_FAILURES = {
    ("MLPClassifier", "early_stopping"): {**dict.fromkeys(WEIGHTED, HELD_OUT), **dict.fromkeys(PARTIAL, NEEDS_ROWS)},
    ("MLPRegressor", "early_stopping"): {
        **dict.fromkeys(WEIGHTED, HELD_OUT),
        **dict.fromkeys(PARTIAL, NEEDS_ROWS),
    },
    ("MLPClassifier", "float32"): dict.fromkeys(WEIGHTED, ROUNDING),
    ("MLPRegressor", "float32"): {**dict.fromkeys(WEIGHTED, ROUNDING), "check_regressor_multioutput": IN_FLOAT32},
    ("MLPClassifier", "warm_start"): dict.fromkeys((*REFITTED, MULTILABEL), GOES_ON),
    ("MLPRegressor", "warm_start"): dict.fromkeys(REFITTED, GOES_ON),
    ("Perceptron", "warm_start"): dict.fromkeys(("check_supervised_y_2d", MULTILABEL), GOES_ON),
    ("MLPClassifier", "dropout, batch_norm"): dict.fromkeys(WEIGHTED, RANDOM),
    ("MLPRegressor", "dropout, batch_norm"): dict.fromkeys(WEIGHTED, RANDOM),
    ("MLPClassifier", "balanced"): dict.fromkeys(PARTIAL, NEEDS_ALL_ROWS),
}


def results_of(variant):
    """What became of each check: (name, status, exception); those expected to fail have the status xfail."""
    expected = EXPECTED_FAILURES.get(variant, {})
    results = check_estimator(VARIANTS[variant], expected_failed_checks=expected, on_skip=None, on_fail=None)
    return [(result["check_name"], result["status"], result["exception"]) for result in results]


@pytest.mark.parametrize("variant", VARIANTS, ids=" ".join)
@pytest.mark.filterwarnings("ignore")  # the checks feed few rows, columns as vectors and short fits, on purpose
def test_scikit_learn_checks(variant):
    results = results_of(variant)
    assert len(results) > 50
    assert not [(name, exception) for name, status, exception in results if status == "failed"]
    # Each of those expected to fail does; a name may stand for several checks.
    failed = {name for name, status, _ in results if status == "xfail"}
    assert failed == EXPECTED_FAILURES.get(variant, {}).keys() & {name for name, _, _ in results}


def test_expected_failures_are_of_variants():
    assert EXPECTED_FAILURES.keys() <= VARIANTS.keys()


# Eighths, which float32 holds exactly, so that only computing rounds; most of them 0.
X = np.random.default_rng(0).integers(-16, 17, size=(90, 12)) / 8
X[np.random.default_rng(1).random(X.shape) < 0.6] = 0
CLASSES = (X[:, :3] + np.eye(3)[np.arange(90) % 3]).argmax(axis=1)
TARGETS = np.round(np.sin(X[:, 0]) + X[:, 1] * X[:, 2], 2).astype(np.float32)
# The estimators' settings, short enough for rounding not to grow into another model.
SHORT = {
    name: {**settings, "max_iter": 8, "random_state": 0}
    for name, settings in {**SOLVERS, **MODES}.items()
    if name != "float32"
}


def fit(make, settings, table):
    labels = CLASSES if make is MLPClassifier else TARGETS.astype(table.dtype)
    with warnings.catch_warnings(action="ignore"):  # of not having converged
        return make(hidden_layer_sizes=(10, 6), **settings).fit(table, labels)


def predictions(model, table):
    return model.predict_proba(table) if isinstance(model, MLPClassifier) else model.predict(table)


@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("settings", SHORT.values(), ids=SHORT.keys())
def test_float32_input(make, settings):
    """It is computed in float32, with the same steps; with dtype='float64' it is the float64 model itself."""
    narrow = X.astype(np.float32)
    wide = fit(make, settings, X)
    expected = predictions(wide, X)
    model = fit(make, settings, narrow)
    assert model.coefs_[0].dtype == predictions(model, narrow).dtype == "float32"
    assert_allclose(predictions(model, narrow), expected, rtol=0, atol=1e-4)
    assert_array_equal(predictions(fit(make, {**settings, "dtype": "float64"}, narrow), narrow), expected)


@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("settings", SHORT.values(), ids=SHORT.keys())
def test_sparse_input(dtype, make, settings):
    """The same sums without the zeros."""
    dense = X.astype(dtype)
    sparse = csr_array(dense)
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    model = fit(make, settings, sparse)
    assert_allclose(predictions(model, sparse), predictions(fit(make, settings, dense), dense), rtol=0, atol=tolerance)
    assert_allclose(predictions(model, sparse), predictions(model, dense), rtol=0, atol=tolerance)


def test_float32_input_of_the_perceptron():
    """Its weights are sums of rows, here exact in both."""
    settings = dict(max_iter=20, random_state=0)
    with warnings.catch_warnings(action="ignore"):  # of not having separated the classes
        wide = Perceptron(**settings).fit(X, CLASSES)
        narrow = Perceptron(**settings).fit(X.astype(np.float32), CLASSES)
    assert narrow.coef_.dtype == "float32"
    assert_array_equal(narrow.coef_, wide.coef_)
    assert_array_equal(narrow.predict(X), wide.predict(X))


def test_the_perceptron_refuses_sparse_input():
    with pytest.raises(TypeError, match="[Ss]parse"):
        Perceptron().fit(csr_array(X), CLASSES)


def test_balanced_classes_of_weighted_rows():
    """A weight of zero is the same as leaving the row out, whatever the class weights."""
    weight = np.where((CLASSES == 0) & (np.arange(90) % 2 == 0), 0.0, 1.0)
    model = MLPClassifier(max_iter=3, class_weight="balanced", random_state=0)
    with warnings.catch_warnings(action="ignore"):  # of not having converged
        fewer = clone(model).fit(X[weight > 0], CLASSES[weight > 0])
        model.fit(X, CLASSES, sample_weight=weight)
    assert_allclose(model.predict_proba(X), fewer.predict_proba(X), rtol=0, atol=1e-10)


def main():
    """Print how each variant does; 1 if a check failed that should not have, else 0."""
    reasons, all_well = {}, True
    print(f"{'estimator':14} {'variant':20} {'passed':>6} {'of':>3} {'skipped':>7}  expected failures")
    for variant in VARIANTS:
        with warnings.catch_warnings(action="ignore"):
            results = results_of(variant)
        counts = Counter(status for _, status, _ in results)
        numbers = Counter()
        for name, status, exception in results:
            if status == "xfail":
                reason = EXPECTED_FAILURES[variant][name]
                numbers[reasons.setdefault(reason, len(reasons) + 1)] += 1
            elif status == "failed":
                all_well = False
                print(f"FAILED {name}: {exception}")
        expected = ", ".join(f"{count} [{number}]" for number, count in numbers.items())
        n_run = len(results) - counts["skipped"]
        print(f"{variant[0]:14} {variant[1]:20} {counts['passed']:6} {n_run:3} {counts['skipped']:7}  {expected}")
    print("\nSkipped: array API input, and a method that the estimator does not have.")
    for reason, number in reasons.items():
        print(f"[{number}] {reason}")
    return 0 if all_well else 1


if __name__ == "__main__":
    sys.exit(main())

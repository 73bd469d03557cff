"""Wrong calls: the exact error class, a sentence that names the parameter and the remedy, and nothing lost."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from fastmlp import MLPClassifier, MLPRegressor

X = np.random.default_rng(0).normal(size=(40, 3))
LABELS = np.arange(40) % 3
NUMBERS = X.sum(axis=1)


def raise_value_error(info):
    raise ValueError("from a callback")


def with_value(value):
    bad = X.copy()
    bad[7, 1] = value
    return bad


BAD_PARAMETERS = [
    (dict(hidden_layer_sizes=0), "'hidden_layer_sizes' parameter .* must be .* Got 0"),
    (dict(hidden_layer_sizes=(10, 0)), r"hidden_layer_sizes must be > 0, got \[10, 0\]; pass one positive integer"),
    (dict(hidden_layer_sizes=(10, 2.5)), r"got \[10, 2.5\]"),
    (dict(activation="relux"), "'activation' parameter .*'relu'.* Got 'relux'"),
    (dict(activation=["relux"]), "activation 'relux' is unknown for a hidden layer; use one of: identity, relu"),
    (dict(activation=["relu", "tanh"]), "2 activations for 1 hidden layers; pass one name"),
    (dict(activation="softmax"), "'activation' parameter"),
    (dict(solver="adamm"), "'solver' parameter .*'adam'.* Got 'adamm'"),
    (dict(alpha=-1.0), r"'alpha' parameter .* \[0.0, inf\). Got -1.0"),
    (dict(batch_size=0), r"'batch_size' parameter .* \[1, inf\).* Got 0"),
    (dict(batch_size=2.5), "'batch_size' parameter .* Got 2.5"),
    (dict(batch_size="all"), "'batch_size' parameter .*'auto'.* Got 'all'"),
    (dict(learning_rate="cosin"), "'learning_rate' parameter .* Got 'cosin'"),
    (dict(learning_rate_init=0), "'learning_rate_init' parameter .* Got 0"),
    (dict(power_t=-1), "'power_t' parameter"),
    (dict(max_iter=0), "'max_iter' parameter"),
    (dict(shuffle="yes"), "'shuffle' parameter"),
    (dict(random_state="seed"), "'random_state' parameter"),
    (dict(tol=-1e-3), "'tol' parameter"),
    (dict(verbose="loud"), "'verbose' parameter"),
    (dict(warm_start=2.0), "'warm_start' parameter"),
    (dict(momentum=1.5), "'momentum' parameter"),
    (dict(nesterovs_momentum=None), "'nesterovs_momentum' parameter"),
    (dict(early_stopping="no"), "'early_stopping' parameter"),
    (dict(validation_fraction=1.0), "'validation_fraction' parameter"),
    (dict(early_stopping=True, validation_fraction=0.01), "validation set is too small.*Increase"),
    (dict(beta_1=1.0), "'beta_1' parameter"),
    (dict(beta_2=-0.1), "'beta_2' parameter"),
    (dict(epsilon=0.0), "'epsilon' parameter"),
    (dict(n_iter_no_change=0), "'n_iter_no_change' parameter"),
    (dict(max_fun=0), "'max_fun' parameter"),
    (dict(callbacks="print"), "'callbacks' parameter"),
    (dict(callbacks=[print, 3]), "callbacks holds 3, which cannot be called; pass functions of one EpochInfo"),
    (dict(dtype="float16"), "'dtype' parameter .*'float32'.* Got 'float16'"),
]

BAD_DATA = [
    (with_value(np.nan), LABELS, None, ValueError, "Input X contains NaN"),
    (with_value(np.inf), LABELS, None, ValueError, "Input X contains infinity"),
    (X[:, 0], LABELS, None, ValueError, "Expected 2D array, got 1D array instead.*Reshape your data"),
    (X[:, :0], LABELS, None, ValueError, r"0 feature\(s\)"),
    (X[:0], LABELS[:0], None, ValueError, r"0 sample\(s\)"),
    (X[:-1], LABELS, None, ValueError, "inconsistent numbers of samples"),
    (X, None, None, ValueError, "requires y to be passed"),
    (X.astype(str).astype(object) + "x", LABELS, None, ValueError, "could not convert string to float"),
    (X + 1j, LABELS, None, ValueError, "Complex data not supported"),
    (csr_array(with_value(np.nan)), LABELS, None, ValueError, "Input X contains NaN"),
    (X, LABELS, np.ones(3), ValueError, "sample_weight.shape == .* expected"),
    (X, LABELS, -np.ones(40), ValueError, "Negative values in data passed to `sample_weight`"),
    (X, LABELS, np.zeros(40), ValueError, "sample_weight|Sample weights"),
    (X, LABELS, np.full(40, np.nan), ValueError, "Input sample_weight contains NaN"),
]

BAD_LABELS = [
    (np.where(np.eye(3)[LABELS] > 0, 1, -1), r"y has values \[-1  1\]; multilabel targets need a matrix of 0 and 1"),
    (NUMBERS, "Unknown label type: continuous"),
    (np.where(np.arange(40) == 3, np.nan, 1.0), "Input y contains NaN"),
    (np.stack([LABELS, LABELS], axis=1), "multiclass-multioutput, which is not supported; pass one column"),
]

BAD_NUMBERS = [
    (np.where(np.arange(40) == 3, np.nan, 1.0), "Input y contains NaN"),
    (np.full(40, "1"), r"y holds str_ values; pass numbers, for example y.astype\(float\)"),
    (np.full(40, "a", dtype=object), "could not convert string to float"),
    (np.ones((40, 2, 2)), "dim 3|Expected <= 2"),
]


def check_refused(estimator, error, message, call):
    """The call fails with one sentence, before any training, and an earlier fit is untouched."""
    fresh_state = dict(vars(estimator))
    with pytest.raises(error, match=f"(?s){message}"):
        call(estimator)
    assert vars(estimator) == fresh_state


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS, ids=str)
def test_bad_parameters(estimator, parameters, message):
    error = InvalidParameterError if "parameter" in message else ValueError
    y = LABELS if estimator is MLPClassifier else NUMBERS
    check_refused(estimator(**parameters), error, message, lambda model: model.fit(X, y))


def test_bad_loss():
    with pytest.raises(InvalidParameterError, match="'loss' parameter of MLPRegressor must be a str among"):
        MLPRegressor(loss="squared").fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"y has -\d.*loss='poisson' needs y >= 0; shift y or use squared_error"):
        MLPRegressor(loss="poisson").fit(X, NUMBERS)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("X", "y", "sample_weight", "error", "message"), BAD_DATA, ids=[row[-1] for row in BAD_DATA])
@pytest.mark.filterwarnings("error")
def test_bad_data(estimator, X, y, sample_weight, error, message):
    check_refused(estimator(), error, message, lambda model: model.fit(X, y, sample_weight))


@pytest.mark.parametrize(("y", "message"), BAD_LABELS, ids=[row[-1] for row in BAD_LABELS])
def test_bad_labels(y, message):
    check_refused(MLPClassifier(), ValueError, message, lambda model: model.fit(X, y))


@pytest.mark.parametrize(("y", "message"), BAD_NUMBERS, ids=[row[-1] for row in BAD_NUMBERS])
def test_bad_numbers(y, message):
    check_refused(MLPRegressor(), ValueError, message, lambda model: model.fit(X, y))


def test_targets_too_large_for_the_dtype():
    with pytest.raises(ValueError, match="y has 1e[+]39, which is too large for float32; scale y, or use"):
        MLPRegressor(dtype="float32").fit(X, NUMBERS * 0 + 1e39)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("parameters", "y", "message"),
    [
        (dict(activation="tanh"), LABELS, r"hidden activations \('relu',\), but .* ask for \('tanh',\); keep them, or"),
        (dict(hidden_layer_sizes=(7,)), LABELS, r"layer sizes \(3, 5, 3\), but .* ask for \(3, 7, 3\)"),
        (dict(dtype="float32"), LABELS, "dtype is 'float32', but the model to continue computes in float64"),
        (dict(), np.eye(3, dtype=int)[LABELS] | np.eye(3, dtype=int)[0], r"output and loss \('softmax', 'log_loss'\)"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_what_cannot_change_while_training_goes_on(parameters, y, message, method):
    model = MLPClassifier((5,), max_iter=2, warm_start=True, random_state=0).fit(X, LABELS)
    before, classes = model.predict_proba(X), model.classes_
    with pytest.raises(ValueError, match=message):
        getattr(model.set_params(**parameters), method)(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert model.classes_ is classes


def test_loss_cannot_change_while_training_goes_on():
    model = MLPRegressor(warm_start=True).partial_fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"output and loss \('identity', 'squared_error'\), .* \('exp', 'poisson'\)"):
        model.set_params(loss="poisson").fit(X, np.abs(NUMBERS))


def test_bad_partial_fit():
    with pytest.raises(ValueError, match="classes must be passed on the first call to partial_fit"):
        MLPClassifier().partial_fit(X, LABELS)
    with pytest.raises(ValueError, match="does not support early_stopping=True; set early_stopping=False, or use fit"):
        MLPRegressor(early_stopping=True).partial_fit(X, NUMBERS)
    with pytest.raises(AttributeError, match="partial_fit"):
        MLPRegressor(solver="lbfgs").partial_fit(X, NUMBERS)
    model = MLPClassifier().partial_fit(X, LABELS, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`, \[0 1 2\]; name all classes"):
        model.partial_fit(X, LABELS + 5)
    with pytest.raises(ValueError, match="classes not in"):
        model.partial_fit(X, np.array(["a", "b"])[LABELS % 2])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, LABELS, classes=[0, 1])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
def test_bad_predictions(method):
    with pytest.raises(NotFittedError, match="not fitted yet. Call 'fit'"):
        getattr(MLPClassifier(), method)(X)
    model = MLPClassifier().partial_fit(X, LABELS, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="X has 2 features, but MLPClassifier is expecting 3 features"):
        getattr(model, method)(X[:, :2])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        getattr(model, method)(with_value(np.nan))


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


def test_bad_isa(monkeypatch):
    monkeypatch.setenv("FASTMLP_ISA", "sse9")
    with pytest.raises(ValueError, match="FASTMLP_ISA is 'sse9'.*unset it or use one of: generic"):
        MLPRegressor().fit(X, NUMBERS)

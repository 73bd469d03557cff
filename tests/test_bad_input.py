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
    (NUMBERS, "Unknown label type: continuous"),
    (np.where(np.arange(40) == 3, np.nan, 1.0), "Input y contains NaN"),
    (np.stack([LABELS, LABELS], axis=1), "multiclass-multioutput, which is not supported; pass one column"),
]

BAD_NUMBERS = [
    (np.where(np.arange(40) == 3, np.nan, 1.0), "Input y contains NaN"),
    (np.full(40, "a"), "dtype='numeric' is not compatible|could not convert string to float"),
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
    "refit",
    [
        lambda model: model.fit(with_value(np.nan), LABELS),
        lambda model: model.fit(X[:, :2], LABELS[:5]),
        lambda model: model.fit(X, NUMBERS),
        lambda model: model.set_params(alpha=-1).fit(X, LABELS),
        lambda model: model.set_params(hidden_layer_sizes=(3, -1)).fit(X[:, :2], LABELS + 7),
        lambda model: model.set_params(early_stopping=True, validation_fraction=0.01).fit(X[:, :2], LABELS % 2),
        lambda model: model.set_params(warm_start=True).fit(X, LABELS % 2),
        lambda model: model.set_params(warm_start=True, hidden_layer_sizes=(5,)).fit(X, LABELS),
        lambda model: model.partial_fit(X[:, :2], LABELS),
    ],
)
def test_a_failed_fit_keeps_the_earlier_one(refit):
    model = MLPClassifier(max_iter=3, random_state=0).fit(X, LABELS)
    before = model.predict_proba(X)
    attributes = {name for name in vars(model) if name.endswith("_")}
    with pytest.raises(ValueError, match="."):
        refit(model)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    assert {name for name in vars(model) if name.endswith("_")} == attributes


def test_bad_isa(monkeypatch):
    monkeypatch.setenv("FASTMLP_ISA", "sse9")
    with pytest.raises(ValueError, match="FASTMLP_ISA is 'sse9'.*unset it or use one of: generic"):
        MLPRegressor().fit(X, NUMBERS)

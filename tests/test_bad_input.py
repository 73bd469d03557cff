"""Wrong calls: the exact error class, a sentence that names the parameter and the remedy, and nothing lost."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.activations import ELU, Increasing, LeakyReLU, Maxout, PowerProduct, RandomizedLeakyReLU
from fastmlp.losses import Huber, Quantile
from fastmlp.training.schedules import Cosine, Exponential, OneCycle, Step, WarmUp

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
    (dict(activation=["relux"]), "activation 'relux' is unknown; use one of identity, .*, or an Activation object"),
    (dict(activation=["relu", "tanh"]), "activation has 2 values for 1 hidden layers; pass one, or one for each"),
    (dict(activation=["power_product"]), r"'power_product' needs its exponents; pass PowerProduct\(exponents\)"),
    (dict(activation="hard_limit"), "Layer 1 has activation 'hard_limit', whose derivative is 0 .* use Perceptron"),
    (dict(activation=["relu", "hard_limit"], hidden_layer_sizes=(4, 4)), "Layer 2 has activation 'hard_limit'"),
    (dict(activation="maxout", hidden_layer_sizes=5), "maxout takes units in groups of 2, but the layer has 5 units"),
    (dict(activation=PowerProduct([[1], [1]])), "have 2 rows, but the layer has 100 units; give one row for each"),
    (
        dict(activation=PowerProduct(np.full((100, 1), 0.5))),
        "power_product in layer 1 has a negative input with a frac",
    ),
    (dict(out_activation="sigmoid"), "'out_activation' parameter .* Got 'sigmoid'"),
    (dict(out_activation="hard_limit"), "Layer 2 has activation 'hard_limit'"),
    (dict(dropout=1.0), r"'dropout' parameter .* \[0.0, 1.0\).* Got 1.0"),
    (dict(dropout=[1.0]), "dropout is 1.0; pass the share to drop, at least 0 and less than 1"),
    (dict(dropout=[0.1, 0.2]), "dropout has 2 values for 1 hidden layers"),
    (dict(input_dropout=1.5), "'input_dropout' parameter .* Got 1.5"),
    (dict(batch_norm="yes"), "'batch_norm' parameter"),
    (dict(batch_norm=True, batch_size=1), "batch_norm=True needs batches of at least two samples.*raise batch_size"),
    (dict(l1=-1), "'l1' parameter"),
    (dict(weight_decay=-0.1), "'weight_decay' parameter"),
    (
        dict(weight_decay=2000),
        "weight_decay is 2000 and learning_rate reaches 0.001, whose product.*less than 1; lower",
    ),
    (dict(clip_norm=0), "'clip_norm' parameter"),
    (dict(init="xavier"), "'init' parameter"),
    (dict(init=["xavier", "zeros"]), "init 'xavier' is unknown; use one of auto, glorot_uniform"),
    (dict(init="zeros"), "init is 'zeros' for layer 1 of 2, whose units would all stay alike; use it for the last"),
    (dict(init=["auto"]), "init has 1 values for 2 layers"),
    (dict(learning_rate=lambda epoch: np.nan), "learning_rate gives nan in epoch 0; make the schedule return finite"),
    (dict(learning_rate=lambda epoch: "fast"), "learning_rate returned 'fast' for epoch 0; it has to return a number"),
    (dict(learning_rate=lambda epoch: -0.1), "learning_rate gives -0.1 in epoch 0"),
    (dict(solver="lbfgs", dropout=0.5), "dropout is 0.5, but solver='lbfgs' follows one fixed, smooth cost"),
    (dict(solver="lbfgs", batch_norm=True), "batch_norm is True, but solver='lbfgs'.*set batch_norm=False, or use"),
    (dict(solver="lbfgs", l1=0.1), "l1 is 0.1, but solver='lbfgs'"),
    (dict(solver="lbfgs", clip_norm=1), "clip_norm is 1, but solver='lbfgs'.*set clip_norm=None"),
    (dict(solver="lbfgs", activation="randomized_leaky_relu"), "draws its slopes anew .* use 'leaky_relu'"),
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
    (np.stack([NUMBERS, NUMBERS], axis=1), "continuous-multioutput, which is not supported; pass one column"),
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


BAD_CLASSIFIERS = [
    (dict(loss="poisson"), LABELS, "'loss' parameter"),
    (dict(loss="kl_divergence", out_activation="tanh"), LABELS, "'tanh' makes no sense with loss 'kl_divergence'; use"),
    (dict(label_smoothing=1.0), LABELS, "'label_smoothing' parameter"),
    (dict(loss="hinge", label_smoothing=0.1), LABELS, "label_smoothing is 0.1, but loss='hinge' needs .* set label_"),
    (dict(class_weight="balance"), LABELS, "'class_weight' parameter"),
    (dict(class_weight={0: 1, 1: -5}), LABELS, "class_weight is {0: 1, 1: -5}; pass finite weights of at least 0"),
    (dict(class_weight={0: 0, 1: 0, 2: 0}), LABELS, "pass finite weights of at least 0, not 0 for all rows"),
    (dict(class_weight={0: np.nan}), LABELS, "pass finite weights of at least 0"),
    (dict(class_weight={7: 1}), LABELS, r"class_weight has \[7\], which are not among the classes \[0 1 2\]; remove"),
    (dict(class_weight=[{0: 1}]), LABELS, "class_weight is .*; pass a dict from class labels to weights"),
    (dict(out_activation="softmax"), LABELS * 0, "'softmax' with one output, which is always 1; use 'logistic'"),
    (dict(loss="kl_divergence"), np.full((40, 3), 0.5), "row of y sums to 1.5, .* divide each row by its sum"),
    (dict(loss="kl_divergence"), np.full((40, 2), [1.5, -0.5]), "y has values from -0.5 to 1.5, .* from 0 to 1"),
]


@pytest.mark.parametrize(("parameters", "y", "message"), BAD_CLASSIFIERS, ids=[row[-1] for row in BAD_CLASSIFIERS])
def test_bad_classifiers(parameters, y, message):
    error = InvalidParameterError if "parameter" in message else ValueError
    check_refused(MLPClassifier(**parameters), error, message, lambda model: model.fit(X, y))


def test_balanced_classes_need_all_rows():
    with pytest.raises(ValueError, match="class_weight='balanced' needs all rows at once.*pass the weights as a dict"):
        MLPClassifier(class_weight="balanced").partial_fit(X, LABELS, classes=[0, 1, 2])


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson"])
def test_softmax_makes_no_sense_for_numbers(loss):
    with pytest.raises(ValueError, match="out_activation 'softmax' .* makes no sense"):
        MLPRegressor(out_activation="softmax", loss=loss).fit(X, np.abs(NUMBERS))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LeakyReLU(slope=2), r"slope is 2; pass a number in \[0, 1\]"),
        (lambda: RandomizedLeakyReLU(lower=0.5, upper=0.1), r"upper is 0.1; pass a number in \[0.5, 1\]"),
        (lambda: ELU(alpha=0), "alpha is 0; pass a number"),
        (lambda: Maxout(group_size=0), "group_size is 0; pass a positive integer"),
        (lambda: Increasing(group_size=1.5), "group_size is 1.5; pass a positive integer"),
        (lambda: PowerProduct([1, 2]), "exponents is .*; pass a finite matrix"),
        (
            lambda: PowerProduct([[0.5]]).forward([[-1.0]]),
            "negative input with a fractional exponent.*keep its inputs positive",
        ),
        (lambda: PowerProduct([[-1]]).forward([[0.0]]), "zero with a negative one"),
        (lambda: Huber(threshold=0), "threshold is 0; pass a positive number"),
        (lambda: Quantile([0.5, 0.1]), r"levels is \[0.5, 0.1\]; pass numbers between 0 and 1, in increasing order"),
        (lambda: Quantile(1.0), "levels is 1.0; pass numbers between 0 and 1"),
        (lambda: Step(every=0), "every is 0; pass a finite number above 0"),
        (lambda: Exponential(decay=np.nan), "decay is nan; pass a finite number above 0"),
        (lambda: Cosine(final=-1), "final is -1; pass a finite number of at least 0"),
        (lambda: OneCycle(rise=1), "rise is 1; pass a share of the epochs between 0 and 1"),
        (lambda: WarmUp(then="cosine"), "then is 'cosine'; pass a Schedule, for example Cosine"),
        (
            lambda: Network([2, 1], out_activation="softmax", loss="log_loss"),
            "'softmax' with one output.*use 'logistic'",
        ),
        (
            lambda: Network([2, 4], out_activation="increasing", loss=Quantile([0.1, 0.9])),
            r"keeps groups of 4 outputs in order, but .* 2 levels for each target; use Increasing\(group_size=2\)",
        ),
        (
            lambda: Network.from_weights([[[1e300]]], [[0.0]], activation=[], dtype="float32"),
            "too large for float32; scale them, or use dtype='float64'",
        ),
        (lambda: Network([1, 1]).step([[1.0]], [1.0], learning_rate=np.nan), "learning_rate is nan; pass a positive"),
        (lambda: Network([1, 1]).step([[1e200]], [1e200], learning_rate=0.1), "cost is inf, so no step was taken"),
        (lambda: Network([2, 3], loss=Quantile([0.1, 0.9])), "has 3 outputs, but loss 'quantile' with 2 levels"),
    ],
)
def test_bad_objects(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_that_fails_later():
    rates = {0: 0.001, 1: np.inf}
    model = MLPRegressor(learning_rate=rates.get, random_state=0)
    check_refused(model, ValueError, "learning_rate gives inf in epoch 1", lambda model: model.fit(X, NUMBERS))


def test_powers_that_stop_existing():
    """Weights that make an input negative are no divergence, and a model that was fitted stays."""
    model = MLPRegressor(hidden_layer_sizes=2, activation=PowerProduct([[2.0], [1.0]]), max_iter=2, random_state=0)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        model.fit(X, NUMBERS)
    before = model.predict(X)
    model.set_params(activation=PowerProduct([[0.5], [1.0]]))
    with pytest.raises(ValueError, match="power_product in layer 1 has a negative input"):
        model.fit(X, NUMBERS)
    np.testing.assert_array_equal(model.predict(X), before)


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
    with pytest.raises(
        ValueError, match="does not support early_stopping=True without rows to validate on; pass X_val and y_val"
    ):
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


def test_bad_isa(monkeypatch):
    monkeypatch.setenv("FASTMLP_ISA", "sse9")
    with pytest.raises(ValueError, match="FASTMLP_ISA is 'sse9'.*unset it or use one of: generic"):
        MLPRegressor().fit(X, NUMBERS)

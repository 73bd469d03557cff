"""Wrong calls: the exact error class, a sentence that names the parameter and the remedy, and nothing lost."""

import copy
import re
import warnings
from functools import cache

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from fastmlp import MLPClassifier, MLPRegressor, Network
from fastmlp.activations import ELU, Increasing, LeakyReLU, Maxout, PowerProduct, RandomizedLeakyReLU
from fastmlp.losses import Huber, Quantile
from fastmlp.training import lbfgs
from fastmlp.training.callbacks import Checkpoint, EarlyStopping, LearningRateLogger, ScoreMonitor
from fastmlp.training.loop import Trainer
from fastmlp.training.schedules import Cosine, Exponential, OneCycle, Step, WarmUp

X = np.random.default_rng(0).normal(size=(40, 3))
LABELS = np.arange(40) % 3
NUMBERS = X.sum(axis=1)


# Epochs that a test has trained for, and fits by lbfgs.
EPOCHS = []


@pytest.fixture(autouse=True)
def count_epochs(monkeypatch):
    for owner, name in ((Trainer, "_run_epoch"), (lbfgs, "train")):
        run = getattr(owner, name)

        def counted(*args, run=run, **kwargs):
            result = run(*args, **kwargs)
            EPOCHS.append(run)
            return result

        monkeypatch.setattr(owner, name, counted)
    EPOCHS.clear()


def raise_value_error(info):
    raise ValueError("from a callback")


def with_value(value):
    bad = X.copy()
    bad[7, 1] = value
    return bad


# (parameter, value, the part of the message that says what it may be): scikit-learn's own check of a parameter.
OUT_OF_RANGE = [
    ("hidden_layer_sizes", 0, r"an array-like or an int in the range \[1, inf\)"),
    ("hidden_layer_sizes", -1, r"an array-like or an int in the range \[1, inf\)"),
    ("hidden_layer_sizes", 1.5, r"an array-like or an int in the range \[1, inf\)"),
    ("hidden_layer_sizes", "a", r"an array-like or an int in the range \[1, inf\)"),
    ("hidden_layer_sizes", None, r"an array-like or an int in the range \[1, inf\)"),
    ("activation", "relux", "a str among {.*'relu'.*}"),
    ("activation", 3, "a str among {.*'relu'.*}"),
    ("out_activation", "sigmoid", "a str among {.*'logistic'.*}"),
    ("dropout", 1.0, r"a float in the range \[0.0, 1.0\)"),
    ("dropout", -0.1, r"a float in the range \[0.0, 1.0\)"),
    ("input_dropout", 1.5, r"a float in the range \[0.0, 1.0\)"),
    ("input_dropout", [0.1], r"a float in the range \[0.0, 1.0\)"),
    ("batch_norm", "yes", "'bool'"),
    ("l1", -1, r"a float in the range \[0.0, inf\)"),
    ("weight_decay", -0.1, r"a float in the range \[0.0, inf\)"),
    ("clip_norm", 0, r"None or a float in the range \(0.0, inf\)"),
    ("clip_norm", np.nan, r"None or a float in the range \(0.0, inf\)"),
    ("init", "xavier", "a str among {.*'glorot_uniform'.*}"),
    ("init", None, "a str among {.*'glorot_uniform'.*}"),
    ("solver", "adamm", "a str among {.*'adam'.*}"),
    ("alpha", -1.0, r"a float in the range \[0.0, inf\)"),
    ("alpha", np.nan, r"a float in the range \[0.0, inf\)"),
    ("batch_size", 0, r"an int in the range \[1, inf\)"),
    ("batch_size", 2.5, r"an int in the range \[1, inf\)"),
    ("batch_size", "all", "a str among {'auto'}"),
    ("learning_rate", "cosin", "a str among {.*'cosine'.*}"),
    ("learning_rate", 0.1, "a str among {.*'constant'.*}"),
    ("learning_rate_init", 0, r"a float in the range \(0.0, inf\)"),
    ("learning_rate_init", np.inf, r"a float in the range \(0.0, inf\)"),
    ("power_t", -1, r"a float in the range \[0.0, inf\)"),
    ("max_iter", 0, r"an int in the range \[1, inf\)"),
    ("max_iter", 1.5, r"an int in the range \[1, inf\)"),
    ("max_time", 0, r"a float in the range \(0.0, inf\) or None"),
    ("max_time", -1, r"a float in the range \(0.0, inf\) or None"),
    ("max_time", np.nan, r"a float in the range \(0.0, inf\) or None"),
    ("max_time", "1h", r"a float in the range \(0.0, inf\) or None"),
    ("shuffle", "yes", "'bool'"),
    ("random_state", "seed", r"an int in the range \[0, 4294967295\]"),
    ("random_state", -1, r"an int in the range \[0, 4294967295\]"),
    ("tol", -1e-3, r"a float in the range \[0.0, inf\)"),
    ("verbose", "loud", "'bool'"),
    ("warm_start", 2.0, "'bool'"),
    ("momentum", 1.5, r"a float in the range \[0.0, 1.0\]"),
    ("nesterovs_momentum", None, "'bool'"),
    ("early_stopping", "no", "'bool'"),
    ("validation_fraction", 1.0, r"a float in the range \[0.0, 1.0\)"),
    ("beta_1", 1.0, r"a float in the range \[0.0, 1.0\)"),
    ("beta_2", -0.1, r"a float in the range \[0.0, 1.0\)"),
    ("epsilon", 0.0, r"a float in the range \(0.0, inf\)"),
    ("n_iter_no_change", 0, r"an int in the range \[1, inf\) or a float among {inf}"),
    ("n_iter_no_change", 1.5, r"an int in the range \[1, inf\) or a float among {inf}"),
    ("max_fun", 0, r"an int in the range \[1, inf\)"),
    ("scoring", 3, "'str', a callable or None"),
    ("scoring", ["loss"], "'str', a callable or None"),
    ("callbacks", "print", "None, a callable, an instance of 'list'"),
    ("callbacks", {}, "None, a callable, an instance of 'list'"),
    ("dtype", "float16", "a str among {.*'float32'.*}"),
    ("dtype", "int32", "a str among {.*'float32'.*}"),
    ("dtype", np.float32, "a str among {.*'float32'.*}"),
    ("loss", "log_los", "a str among {.*'squared_error'.*}"),
    ("loss", None, "a str among {.*'squared_error'.*}"),
]

# (parameters, message)
BAD_PARAMETERS = [
    (dict(hidden_layer_sizes=(10, 0)), r"hidden_layer_sizes must be > 0, got \[10, 0\]; pass one positive integer"),
    (dict(hidden_layer_sizes=(10, 2.5)), r"hidden_layer_sizes is \[10, 2.5\]; pass one positive integer a layer"),
    (dict(hidden_layer_sizes=[[10]]), r"hidden_layer_sizes is \[\[10\]\]; pass one positive integer a layer"),
    (dict(hidden_layer_sizes=["10"]), r"hidden_layer_sizes is \['10'\]; pass one positive integer a layer"),
    (dict(hidden_layer_sizes=[None]), r"hidden_layer_sizes is \[None\]; pass one positive integer a layer"),
    (dict(activation=["relux"]), "activation 'relux' is unknown; use one of identity, .*, or an Activation object"),
    (dict(activation=["relu", 5], hidden_layer_sizes=(3, 3)), "activation 5 is unknown; use one of identity"),
    (
        dict(activation=["relu", "tanh"]),
        r"activation is \['relu', 'tanh'\] for 1 hidden layer; pass one value, or one for each",
    ),
    (dict(activation=()), r"activation is \(\) for 1 hidden layer; pass one value, or one for each"),
    (dict(activation=["power_product"]), r"'power_product' needs its exponents; pass PowerProduct\(exponents\)"),
    (dict(activation="hard_limit"), "Layer 1 has activation 'hard_limit', whose derivative is 0 .* use Perceptron"),
    (dict(activation=["relu", "hard_limit"], hidden_layer_sizes=(4, 4)), "Layer 2 has activation 'hard_limit'.* use"),
    (dict(activation="maxout", hidden_layer_sizes=5), "maxout takes units in groups of 2, but the layer has 5 units"),
    (dict(activation=PowerProduct([[1], [1]])), "have 2 rows, but the layer has 100 units; give one row for each"),
    (
        dict(activation=PowerProduct(np.full((100, 1), 0.5))),
        "power_product in layer 1 has a negative input with a fractional exponent.*keep its inputs positive",
    ),
    (dict(out_activation="hard_limit"), "Layer 2 has activation 'hard_limit'.* use Perceptron"),
    (dict(dropout=[1.0]), "dropout is 1.0; pass the share to drop, at least 0 and less than 1"),
    (dict(dropout=["a"]), "dropout is 'a'; pass the share to drop, at least 0 and less than 1"),
    (dict(dropout=[np.nan]), "dropout is nan; pass the share to drop, at least 0 and less than 1"),
    (
        dict(dropout=[0.1, 0.2]),
        r"dropout is \[0.1, 0.2\] for 1 hidden layer; pass one value, or one for each",
    ),
    (dict(batch_norm=True, batch_size=1), "batch_norm=True needs batches of at least two samples.*raise batch_size"),
    (
        dict(weight_decay=2000),
        "weight_decay is 2000 and learning_rate reaches 0.001, whose product.*less than 1; lower",
    ),
    (dict(init=["xavier", "zeros"]), "init 'xavier' is unknown; use one of auto, glorot_uniform"),
    (dict(init=[3, "auto"]), "init 3 is unknown; use one of auto, glorot_uniform"),
    (
        dict(init="zeros"),
        "init is 'zeros' for layer 1 of 2, whose units would all stay alike; use it for the last",
    ),
    (dict(init=["auto"]), r"init is \['auto'\] for 2 layers; pass one value, or one for each"),
    (dict(learning_rate=lambda epoch: np.nan), "learning_rate gives nan in epoch 0; make the schedule return"),
    (dict(learning_rate=lambda epoch: "fast"), "learning_rate returned 'fast' for epoch 0; it has to return a number"),
    (dict(learning_rate=lambda epoch: None), "learning_rate returned None for epoch 0; it has to return a number"),
    (dict(learning_rate=lambda epoch: -0.1), "learning_rate gives -0.1 in epoch 0; make the schedule return"),
    (
        dict(solver="lbfgs", dropout=0.5),
        "dropout is 0.5, but solver='lbfgs' follows one fixed.*set dropout=0",
    ),
    (dict(solver="lbfgs", batch_norm=True), "batch_norm is True, but solver='lbfgs'.*set batch_norm=False, or use"),
    (dict(solver="lbfgs", l1=0.1), "l1 is 0.1, but solver='lbfgs'.*set l1=0, or use one of: sgd, adam"),
    (dict(solver="lbfgs", clip_norm=1), "clip_norm is 1, but solver='lbfgs'.*set clip_norm=None"),
    (dict(solver="lbfgs", activation="randomized_leaky_relu"), "draws its slopes anew .* use 'leaky_relu'"),
    (
        dict(early_stopping=True, validation_fraction=0.01),
        "fraction=0.01 of 40 .* is 1.*Increase 'validation_fraction'",
    ),
    (
        dict(early_stopping=True, validation_fraction=0),
        "fraction=0 of 40 .* is 0.*Increase 'validation_fraction'",
    ),
    (dict(callbacks=[print, 3]), "callbacks holds 3, which cannot be called; pass functions of one EpochInfo"),
    (dict(callbacks=[None]), "callbacks holds None, which cannot be called; pass functions of one EpochInfo"),
    (dict(n_jobs=0), "n_jobs is 0; pass the most threads to use, -1 for all CPUs, or None"),
    (dict(n_jobs="2"), "n_jobs is '2'; pass the most threads to use, -1 for all CPUs, or None"),
]

BAD_DATA = [
    (with_value(np.nan), LABELS, None, ValueError, "Input X contains NaN"),
    (with_value(np.inf), LABELS, None, ValueError, "Input X contains infinity"),
    (X[:, 0], LABELS, None, ValueError, "Expected 2D array, got 1D array instead.*Reshape your data"),
    (X[:, :0], LABELS, None, ValueError, r"0 feature\(s\)"),
    (X[:0], LABELS[:0], None, ValueError, r"0 sample\(s\)"),
    (X[:-1], LABELS, None, ValueError, "inconsistent numbers of samples: .39, 40."),
    (X[np.newaxis], LABELS, None, ValueError, "Found array with dim 3, while dim <= 2 is required"),
    ([[1.0], [1.0, 2.0]], LABELS[:2], None, ValueError, "inhomogeneous shape"),
    (None, LABELS, None, ValueError, "Expected 2D array, got scalar array instead.*Reshape your data"),
    (X, None, None, ValueError, "requires y to be passed"),
    (X.astype(str).astype(object) + "x", LABELS, None, ValueError, "could not convert string to float"),
    (X + 1j, LABELS, None, ValueError, "Complex data not supported"),
    (csr_array(with_value(np.nan)), LABELS, None, ValueError, "Input X contains NaN"),
    (csr_array(with_value(np.inf)), LABELS, None, ValueError, "Input X contains infinity"),
    (csr_array(X + 1j), LABELS, None, ValueError, "Complex data not supported"),
    (X, LABELS, np.ones(3), ValueError, "sample_weight.shape == .* expected"),
    (X, LABELS, -np.ones(40), ValueError, "Negative values in data passed to `sample_weight`"),
    (X, LABELS, np.zeros(40), ValueError, "sample_weight|Sample weights"),
    (X, LABELS, np.full(40, np.nan), ValueError, "Input sample_weight contains NaN"),
    (X, LABELS, np.full(40, np.inf), ValueError, "Input sample_weight contains infinity"),
    (X, LABELS, np.ones((40, 1)), ValueError, "Sample weights must be 1D array or scalar, got 2D array. Expected"),
    (X, LABELS, "balanced", ValueError, "could not convert string to float: 'balanced'"),
    (X, np.full(40, np.inf), None, ValueError, "Input y contains infinity"),
    (X, LABELS + 1j, None, ValueError, "Complex data not supported"),
    (X, LABELS[:, np.newaxis, np.newaxis], None, ValueError, "Found array with dim 3, while dim <= 2 is required"),
    (X, np.ones((40, 0)), None, ValueError, r"0 feature\(s\) .* a minimum of 1 is required"),
]

BAD_LABELS = [
    (
        np.array([None, 1, 0, 1] * 10, dtype=object),
        "y holds labels of type NoneType, int as objects; pass labels of one type",
    ),
    (np.array(["a", 1] * 20, dtype=object), "y holds labels of type int, str as objects; pass labels of one type"),
    (
        np.array([["a", 1], ["b", "c"]] * 20, dtype=object),
        "y holds labels of type int, str as objects; pass labels of one",
    ),
    (np.array([["a", None]] * 40, dtype=object), "y holds labels of type"),
    (NUMBERS, "Unknown label type: continuous"),
    (np.where(np.arange(40) == 3, np.nan, 1.0), "Input y contains NaN"),
    (
        np.stack([NUMBERS, NUMBERS], axis=1),
        r"y of shape \(40, 2\) holds fractions, and loss is .auto.; set loss=.kl_divergence",
    ),
]

BAD_NUMBERS = [
    (np.where(np.arange(40) == 3, np.nan, 1.0), "Input y contains NaN"),
    (np.full(40, "1"), r"y holds str_ values; pass numbers, for example y.astype\(float\)"),
    (np.full(40, "a", dtype=object), "could not convert string to float"),
    (np.arange(40).astype("M8[s]"), r"y holds datetime64 values; pass numbers, for example y.astype\(float\)"),
]


@cache
def fitted(estimator, **parameters):
    """Not to be changed, but copied."""
    y = LABELS if estimator is MLPClassifier else NUMBERS
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return estimator(max_iter=2, random_state=0, **parameters).fit(X, y)


def check_refused(estimator, error, message, call, n_epochs=0):
    """The call fails with one sentence, before any epoch; the model stays as it was, be it new or fitted."""
    fresh_state = dict(vars(estimator))
    with pytest.raises(error, match=f"(?s){message}") as caught:
        call(estimator)
    assert caught.type is error
    assert vars(estimator) == fresh_state

    model = copy.deepcopy(fitted(type(estimator)))
    before, parameters = model.predict(X), model.get_params(deep=False)
    model.set_params(**without_defaults(estimator))
    EPOCHS.clear()
    with pytest.raises(error, match=f"(?s){message}"):
        call(model)
    assert len(EPOCHS) == n_epochs
    np.testing.assert_array_equal(model.set_params(**parameters).predict(X), before)


def without_defaults(estimator):
    defaults = type(estimator)().get_params(deep=False)
    return {name: value for name, value in estimator.get_params(deep=False).items() if value is not defaults[name]}


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("name", "value", "allowed"), OUT_OF_RANGE)
def test_out_of_range(estimator, name, value, allowed):
    got = re.escape(repr(value))
    message = f"The '{name}' parameter of {estimator.__name__} must be .*{allowed}.*\\. Got {got} instead\\."
    y = LABELS if estimator is MLPClassifier else NUMBERS
    check_refused(estimator(**{name: value}), InvalidParameterError, message, lambda model: model.fit(X, y))


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS, ids=[row[-1] for row in BAD_PARAMETERS])
def test_bad_parameters(estimator, parameters, message):
    y = LABELS if estimator is MLPClassifier else NUMBERS
    check_refused(estimator(**parameters), ValueError, message, lambda model: model.fit(X, y))


BAD_CLASSIFIERS = [
    (dict(loss="poisson"), LABELS, "'loss' parameter of MLPClassifier must be .*'log_loss'.* Got 'poisson'"),
    (dict(loss="kl_divergence", out_activation="tanh"), LABELS, "'tanh' makes no sense with loss 'kl_divergence'; use"),
    (dict(label_smoothing=1.0), LABELS, r"'label_smoothing' parameter .* in the range \[0.0, 1.0\). Got 1.0"),
    (dict(label_smoothing=-0.1), LABELS, r"'label_smoothing' parameter .* in the range \[0.0, 1.0\). Got -0.1"),
    (dict(label_smoothing="0.1"), LABELS, r"'label_smoothing' parameter .* in the range \[0.0, 1.0\). Got '0.1'"),
    (dict(loss="hinge", label_smoothing=0.1), LABELS, "label_smoothing is 0.1, but loss='hinge' needs .* set label_"),
    (dict(class_weight="balance"), LABELS, "'class_weight' parameter .* a str among {'balanced'} .* Got 'balance'"),
    (dict(class_weight=3), LABELS, "'class_weight' parameter .* an instance of 'dict', .* Got 3"),
    (
        dict(class_weight={"0": 1}),
        LABELS,
        r"class_weight has \['0'\], which are not among the classes \[0 1 2\]; remov",
    ),
    (dict(class_weight={0: None}), LABELS, "class_weight is {0: None}; pass finite weights of at least 0"),
    (dict(class_weight={0: np.inf}), LABELS, "class_weight is {0: inf}; pass finite weights of at least 0"),
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
        (lambda: Checkpoint("model.joblib", every=0), "every is 0; pass a positive number of epochs"),
        (lambda: Checkpoint("model.joblib", every=1.5), "every is 1.5; pass a positive number of epochs"),
        (lambda: EarlyStopping(monitor="accuracy"), "monitor is 'accuracy'; pass 'loss', 'validation_loss' or"),
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
    check_refused(
        model, ValueError, "learning_rate gives inf in epoch 1; make", lambda m: m.fit(X, NUMBERS), n_epochs=1
    )


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
    with pytest.raises(
        ValueError,
        match=r"classes not in `self.classes_`, \[0 1 2\], for example .*; pass only these, or name all classes",
    ):
        model.partial_fit(X, LABELS + 5)
    with pytest.raises(ValueError, match="classes not in"):
        model.partial_fit(X, np.array(["a", "b"])[LABELS % 2])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        model.partial_fit(X, LABELS, classes=[0, 1])


# (call of a fitted model, message)
CALLS_OF_A_CLASSIFIER = [
    (lambda m: m.input_gradient(X, output=3), "output is 3, but the outputs of the network are 0 to 2; pass one"),
    (lambda m: m.input_gradient(X, output=-1), "output is -1, but the outputs of the network are 0 to 2; pass one"),
    (lambda m: m.input_gradient(X, output=1.0), "output is 1.0, but the outputs of the network are 0 to 2; pass one"),
    (lambda m: m.input_gradient(X, LABELS, output=1), "output is 1, but with y the loss is derived; pass only one"),
    (
        lambda m: m.input_gradient(X, LABELS + 5),
        r"`y` has classes not in `self.classes_`, \[0 1 2\], for example .*; pass only these",
    ),
    (lambda m: m.input_gradient(X, LABELS[:3]), r"inconsistent numbers of samples: \[40, 3\]"),
    (lambda m: m.integrated_gradients(X, output=9), "output is 9, but the outputs of the network are 0 to 2; pass one"),
    (lambda m: m.integrated_gradients(X, n_steps=0), "n_steps is 0; pass a positive integer"),
    (lambda m: m.integrated_gradients(X, n_steps=2.5), "n_steps is 2.5; pass a positive integer"),
    (lambda m: m.integrated_gradients(X, baseline=[0, 0]), r"baseline has shape \(2,\); pass one .* feature, \(3,\)"),
    (lambda m: m.integrated_gradients(X, baseline=X[:1]), r"baseline has shape \(1, 3\); pass one value a feature"),
    (lambda m: m.integrated_gradients(X, baseline=[0, np.nan, 0]), "Input baseline contains NaN"),
    (lambda m: m.compute_feature_importances(X[:, :2]), "X has 2 features, but MLPClassifier is expecting 3 features"),
    (lambda m: m.score(X, LABELS[:3]), r"inconsistent numbers of samples: \[3, 40\]"),
    (lambda m: m.score(X, ["a"] * 40), "Mix of label input types"),
    (lambda m: m.partial_fit(X, np.eye(3, dtype=int)[LABELS]), r"output and loss \('softmax', 'log_loss'\).*; keep"),
]

CALLS_OF_A_REGRESSOR = [
    (lambda m: m.predict(np.ones((2, 4))), "X has 4 features, but MLPRegressor is expecting 3 features"),
    (lambda m: m.predict(X[0]), "Expected 2D array, got 1D array instead.*Reshape your data"),
    (lambda m: m.predict(X[:0]), r"0 sample\(s\) .* a minimum of 1 is required"),
    (lambda m: m.predict(X + 1j), "Complex data not supported"),
    (lambda m: m.predict([["a", "b", "c"]]), "could not convert string to float: 'a'"),
    (lambda m: m.predict([[1.0, 2.0, 3.0], [1.0]]), "inhomogeneous shape"),
    (lambda m: m.predict(csr_array(with_value(np.nan))), "Input X contains NaN"),
    (lambda m: m.transform(X, layer=1), "layer is 1, but the hidden layers are 0 to 0; pass one of these, or -1"),
    (lambda m: m.transform(X, layer=-2), "layer is -2, but the hidden layers are 0 to 0; pass one of these, or -1"),
    (lambda m: m.transform(X, layer=0.0), "layer is 0.0, but the hidden layers are 0 to 0; pass one of these, or -1"),
    (lambda m: m.transform(X, layer="last"), "layer is 'last', but the hidden layers are 0 to 0; pass one of these"),
    (lambda m: m.input_gradient(X, X), r"y has shape \(40, 3\), but the model was not fitted to such; pass targets"),
    (lambda m: m.score(X, NUMBERS[:3]), r"inconsistent numbers of samples: \[3, 40\]"),
    (lambda m: m.partial_fit(X, NUMBERS, np.ones(3)), r"sample_weight.shape == \(3,\), expected \(40,\)"),
    (lambda m: m.partial_fit(X[:, :2], NUMBERS), "X has 2 features, but MLPRegressor is expecting 3 features"),
    (lambda m: m.partial_fit(X, X), r"layer sizes \(3, 100, 1\), but .* ask for \(3, 100, 3\); keep them, or"),
    (
        lambda m: m.set_params(early_stopping=True).partial_fit(X, NUMBERS),
        "early_stopping=True without rows to validate on; pass X_val and y_val, set early_stopping=False, or use fit",
    ),
    (lambda m: m.fit(X, NUMBERS, X_val=X[0], y_val=[0]), "X_val and y_val, cannot be used: Expected 2D array"),
    (lambda m: m.fit(X, NUMBERS, X_val=X[:0], y_val=[]), r"X_val and y_val, cannot be used: .*0 sample\(s\)"),
    (
        lambda m: m.fit(X, NUMBERS, X_val=X, y_val=LABELS.astype(str)),
        r"X_val and y_val, cannot be used: y holds str_ values; pass numbers, for example y.astype\(float\)",
    ),
    (
        lambda m: m.fit(X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=np.ones(3)),
        r"X_val and y_val, cannot be used: sample_weight.shape == \(3,\), expected \(40,\)",
    ),
    (
        lambda m: m.fit(X, NUMBERS, X_val=X, y_val=NUMBERS, sample_weight_val=np.zeros(40)),
        "X_val and y_val, cannot be used: Sample weights must contain at least one non-zero number",
    ),
    (lambda m: m.set_params(hidden=3), "Invalid parameter 'hidden' for estimator .* Valid parameters are"),
]
BAD_CALLS = [
    *((MLPClassifier, *row) for row in CALLS_OF_A_CLASSIFIER),
    *((MLPRegressor, *row) for row in CALLS_OF_A_REGRESSOR),
]


@pytest.mark.parametrize(("estimator", "call", "message"), BAD_CALLS, ids=[row[-1] for row in BAD_CALLS])
def test_bad_calls(estimator, call, message):
    model, epochs = copy.deepcopy(fitted(estimator)), []
    before, attributes, parameters = model.predict(X), set(vars(model)), model.get_params(deep=False)
    model.set_params(callbacks=epochs.append)
    with pytest.raises(ValueError, match=f"(?s){message}") as caught:
        call(model)
    assert caught.type is ValueError
    assert not epochs
    assert set(vars(model)) == attributes
    np.testing.assert_array_equal(model.set_params(**parameters).predict(X), before)


@pytest.mark.parametrize("call", [lambda m: m.transform(X), lambda m: m.get_feature_names_out()])
def test_no_hidden_layer(call):
    with pytest.raises(ValueError, match="has no hidden layer to take outputs of; set hidden_layer_sizes"):
        call(fitted(MLPRegressor, hidden_layer_sizes=()))


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning:sklearn")
def test_inputs_too_large_for_the_dtype():
    with pytest.raises(ValueError, match=r"Input X contains infinity or a value too large for dtype\('float32'\)"):
        fitted(MLPRegressor, dtype="float32").predict([[1e300, 0, 0]])


UNFITTED_CALLS = [
    lambda m: m.predict(X),
    lambda m: m.predict_proba(X),
    lambda m: m.predict_log_proba(X),
    lambda m: m.score(X, LABELS),
    lambda m: m.transform(X),
    lambda m: m.get_feature_names_out(),
    lambda m: m.input_gradient(X),
    lambda m: m.integrated_gradients(X),
    lambda m: m.compute_feature_importances(X),
    lambda m: m.summary(),
    lambda m: m.diagnose(X),
    lambda m: m.save_checkpoint("model.joblib"),
]


@pytest.mark.parametrize("call", UNFITTED_CALLS)
def test_not_fitted(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = MLPClassifier()
    state = dict(vars(model))
    with pytest.raises(NotFittedError, match="This MLPClassifier instance is not fitted yet. Call 'fit'"):
        call(model)
    assert vars(model) == state
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_in_place_of_no_path():
    with pytest.raises(ValueError, match="path is 3; pass the name of a file"):
        fitted(MLPRegressor).save_checkpoint(3)


def test_a_checkpoint_without_a_folder(tmp_path):
    model, path = fitted(MLPRegressor), tmp_path / "missing" / "model.joblib"
    with pytest.raises(
        FileNotFoundError, match="path is '.*model.joblib', but there is no folder '.*missing'; make it"
    ):
        model.save_checkpoint(path)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_in_place_of_a_folder(tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(IsADirectoryError, match="path is '.*model', which is a folder; pass the name of a file"):
        fitted(MLPRegressor).save_checkpoint(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


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


# Wrong calls that are accepted, or refused late or without a word about what to do.


def fitted_with(**parameters):
    model = copy.deepcopy(fitted(MLPRegressor)).set_params(**parameters)
    EPOCHS.clear()
    return model


def scoring_without_weights(model, X, y):
    raise RuntimeError("no score")


NOT_NUMBERS = [lambda m, X, y: "good", lambda m, X, y: None, lambda m, X, y: np.ones(2), lambda m, X, y: np.nan]


@pytest.mark.parametrize("scoring", NOT_NUMBERS, ids=["str", "None", "array", "nan"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scoring_that_gives_no_number(scoring):
    model = fitted_with(scoring=scoring, early_stopping=True)
    with pytest.raises(ValueError, match="scoring returned .*; it has to return a finite number"):
        model.fit(X, NUMBERS)
    assert not EPOCHS


@pytest.mark.parametrize(
    ("make", "parameters", "data", "message"),
    [
        (MLPRegressor, dict(scoring="accuracy"), {}, "scoring is 'accuracy', .*: continuous is not supported; choose"),
        (MLPRegressor, dict(scoring=scoring_without_weights), {}, "scoring is <function .*: no score; choose"),
        (
            MLPRegressor,
            dict(scoring="neg_max_error"),
            dict(sample_weight=np.arange(40.0)),
            "scoring is 'neg_max_error', .*unexpected keyword argument 'sample_weight'; choose one that .* takes",
        ),
        (MLPClassifier, dict(scoring="f1"), {}, "scoring is 'f1', which cannot judge .* multiclass .*; choose"),
        (MLPClassifier, dict(scoring="neg_log_loss", loss="hinge"), {}, "scoring is 'neg_log_loss', .*predict_proba"),
    ],
    ids=["accuracy", "function", "weights", "f1", "hinge"],
)
def test_scoring_that_does_not_suit(make, parameters, data, message):
    y = LABELS if make is MLPClassifier else NUMBERS
    estimator = make(early_stopping=True, validation_fraction=0.4, **parameters)
    check_refused(estimator, ValueError, message, lambda model: model.fit(X, y, **data))


def test_scoring_of_rows_that_do_not_suit():
    """One class among the rows to validate on has no log-loss."""
    call = dict(X_val=X[:1], y_val=LABELS[:1])
    message = "scoring is 'neg_log_loss', which cannot judge the rows to validate on: .*contains only one label"
    check_refused(MLPClassifier(scoring="neg_log_loss"), ValueError, message, lambda m: m.fit(X, LABELS, **call))


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (EarlyStopping("validation_score"), "monitor is 'validation_score', but there are no rows to validate on"),
        (EarlyStopping("validation_loss"), "monitor is 'validation_loss', but there are no rows to validate on; pass"),
        (ScoreMonitor(X[:, :2], NUMBERS), "ScoreMonitor cannot score the model by scoring=None: X has 2 features"),
        (ScoreMonitor(X, NUMBERS, "accuracy"), "ScoreMonitor cannot score .*'accuracy': continuous is not supported"),
        (ScoreMonitor(X, NUMBERS, 3), "ScoreMonitor cannot score the model by scoring=3: .*'scoring'"),
        (Checkpoint("model.joblib"), "The model cannot be pickled: .*; pass functions that are defined at the top"),
    ],
    ids=["score", "loss", "width", "accuracy", "number", "lambda"],
)
@pytest.mark.parametrize("by_protocol", [False, True])
def test_callbacks_that_do_not_suit(callback, message, by_protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = fitted_with(callbacks=[lambda info: None])
    if by_protocol and hasattr(model, "set_callbacks"):
        model.set_callbacks(callback)
    else:
        model.callbacks.append(callback)
    before = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.fit(X, NUMBERS)
    assert not EPOCHS
    np.testing.assert_array_equal(model.predict(X), before)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("callback", [EarlyStopping, Checkpoint, LearningRateLogger])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_class_as_a_callback(callback):
    model = fitted_with(callbacks=callback)
    with pytest.raises(ValueError, match=f"callbacks holds the class {callback.__name__}; pass an object of it"):
        model.fit(X, NUMBERS)
    assert not EPOCHS


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (
            "missing/model.joblib",
            FileNotFoundError,
            "path is 'missing/model.joblib', but there is no folder '.*missing'",
        ),
        (".", IsADirectoryError, "path is '.', which is a folder; pass the name of a file"),
        (3, ValueError, "path is 3; pass the name of a file"),
    ],
)
def test_a_checkpoint_that_cannot_be_written_is_seen_before_training(tmp_path, monkeypatch, path, error, message):
    monkeypatch.chdir(tmp_path)
    model = fitted_with(callbacks=Checkpoint(path, every=1))
    with pytest.raises(error, match=message):
        model.fit(X, NUMBERS)
    assert not EPOCHS


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_checkpoint_where_nothing_can_be_written(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)  # folders' modes do not count for a superuser
    model = fitted_with(callbacks=Checkpoint(tmp_path / "model.joblib", every=1))
    with pytest.raises(PermissionError, match=r"path is '.*', but nothing can be written to '.*': Permission denied;"):
        model.fit(X, NUMBERS)
    assert not EPOCHS


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_scoring_of_a_monitor_is_seen_before_training():
    with pytest.raises(ValueError, match="scoring"):
        ScoreMonitor(X, NUMBERS, scoring="no_such_score")


@pytest.mark.parametrize(
    "parameters", [dict(n_iter_no_change=0), dict(n_iter_no_change="a"), dict(tol=np.nan), dict(tol="a")], ids=str
)
def test_the_patience_of_early_stopping(parameters):
    name, value = next(iter(parameters.items()))
    with pytest.raises(ValueError, match=f"{name} is {value!r}; pass"):
        EarlyStopping(**parameters)


@pytest.mark.parametrize("weight", [1e308, 1e-320])
def test_weights_whose_sum_is_no_number(weight):
    with pytest.raises(ValueError, match="sample_weight sums to .*; scale"):
        MLPRegressor().fit(X, NUMBERS, np.full(40, weight))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MLPClassifier().partial_fit(X, LABELS, classes=[]), "classes is .*; pass"),
        (lambda: MLPClassifier().partial_fit(X, LABELS, classes=3), "classes is 3; pass"),
        (lambda: MLPClassifier(class_weight={0: "a"}).fit(X, LABELS), "class_weight is {0: 'a'}; pass finite weights"),
        (
            lambda: MLPRegressor(hidden_layer_sizes=np.array(5)).fit(X, NUMBERS),
            "hidden_layer_sizes .*; pass one",
        ),
        (lambda: MLPRegressor(hidden_layer_sizes={10: 1}).fit(X, NUMBERS), "hidden_layer_sizes .*; pass one"),
    ],
    ids=["no classes", "a number of classes", "weight", "array", "dict"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_errors_that_do_not_help(call, message):
    with pytest.raises(ValueError, match=message):
        call()

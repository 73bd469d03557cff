"""Parameters that are refused: the exact error class, a sentence that names the remedy, and nothing lost."""

import re

import numpy as np
import pytest
from sklearn.utils._param_validation import InvalidParameterError

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.activations import PowerProduct

from ..wrong_calls import LABELS, NUMBERS, X, check_refused

pytestmark = pytest.mark.usefixtures("count_epochs")


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
    ("loss", "log_los", "a str among {.*'squared_error'.*}"),
    ("loss", None, "a str among {.*'squared_error'.*}"),
]


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("name", "value", "allowed"), OUT_OF_RANGE)
def test_out_of_range(estimator, name, value, allowed):
    got = re.escape(repr(value))
    message = f"The '{name}' parameter of {estimator.__name__} must be .*{allowed}.*\\. Got {got} instead\\."
    y = LABELS if estimator is MLPClassifier else NUMBERS
    check_refused(estimator(**{name: value}), InvalidParameterError, message, lambda model: model.fit(X, y))


# (parameters, message)
BAD_PARAMETERS = [
    (dict(hidden_layer_sizes=(10, 0)), r"hidden_layer_sizes must be > 0, got \[10, 0\]; pass one positive integer"),
    (dict(hidden_layer_sizes=(10, 2.5)), r"hidden_layer_sizes is \[10, 2.5\]; pass one positive integer a layer"),
    (dict(hidden_layer_sizes=[[10]]), r"hidden_layer_sizes is \[\[10\]\]; pass one positive integer a layer"),
    (dict(hidden_layer_sizes=["10"]), r"hidden_layer_sizes is \['10'\]; pass one positive integer a layer"),
    (dict(hidden_layer_sizes=[None]), r"hidden_layer_sizes is \[None\]; pass one positive integer a layer"),
    (dict(activation=["relux"]), "activation 'relux' is unknown; use one of {'identity', .*, or an Activation object"),
    (dict(activation=["relu", 5], hidden_layer_sizes=(3, 3)), "activation 5 is unknown; use one of {'identity'"),
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
    (dict(init=["xavier", "zeros"]), "init 'xavier' is unknown; use one of {'auto', 'glorot_uniform'"),
    (dict(init=[3, "auto"]), "init 3 is unknown; use one of {'auto', 'glorot_uniform'"),
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
        r"class_weight has \['0'\], which are not among the classes \[0 1 2\]; name",
    ),
    (dict(class_weight={0: None}), LABELS, "class_weight is {0: None}; pass finite weights of at least 0"),
    (dict(class_weight={0: np.inf}), LABELS, "class_weight is {0: inf}; pass finite weights of at least 0"),
    (dict(class_weight={0: 1, 1: -5}), LABELS, "class_weight is {0: 1, 1: -5}; pass finite weights of at least 0"),
    (dict(class_weight={0: 0, 1: 0, 2: 0}), LABELS, "pass finite weights of at least 0, not 0 for all rows"),
    (dict(class_weight={0: np.nan}), LABELS, "pass finite weights of at least 0"),
    (dict(class_weight={7: 1}), LABELS, r"class_weight has \[7\], which are not among the classes \[0 1 2\]; name"),
    (dict(class_weight=[{0: 1}]), LABELS, "class_weight is .*; pass a dict from class labels to weights"),
    (dict(out_activation="softmax"), LABELS * 0, "'softmax' with one output, which is always 1; use 'logistic'"),
    (dict(loss="kl_divergence"), np.full((40, 3), 0.5), "row of y sums to 1.5, .* divide each row by its sum"),
    (dict(loss="kl_divergence"), np.full((40, 2), [1.5, -0.5]), "y has values from -0.5 to 1.5, .* from 0 to 1"),
]


@pytest.mark.parametrize(("parameters", "y", "message"), BAD_CLASSIFIERS, ids=[row[-1] for row in BAD_CLASSIFIERS])
def test_bad_classifiers(parameters, y, message):
    error = InvalidParameterError if "parameter" in message else ValueError
    check_refused(MLPClassifier(**parameters), error, message, lambda model: model.fit(X, y))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson"])
def test_softmax_makes_no_sense_for_numbers(loss):
    with pytest.raises(ValueError, match="out_activation 'softmax' .* makes no sense"):
        MLPRegressor(out_activation="softmax", loss=loss).fit(X, np.abs(NUMBERS))


def test_bad_loss():
    with pytest.raises(InvalidParameterError, match="'loss' parameter of MLPRegressor must be a str among"):
        MLPRegressor(loss="squared").fit(X, NUMBERS)
    with pytest.raises(ValueError, match=r"y has -\d.*loss='poisson' needs y >= 0; shift y or use squared_error"):
        MLPRegressor(loss="poisson").fit(X, NUMBERS)


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

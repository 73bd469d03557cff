"""Names that users bring from other libraries are refused with what to write here, in lists of a fixed order."""

import inspect
import re

import numpy as np
import pytest
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from fastmlp import MLPClassifier, MLPRegressor, Network, Perceptron
from fastmlp.activations import ACTIVATIONS, LeakyReLU, PowerProduct
from fastmlp.initializers import INITIALIZERS
from fastmlp.losses import LOSSES
from fastmlp.training.callbacks import ScoreMonitor
from fastmlp.training.schedules import SCHEDULES, WITH_MEMORY
from fastmlp.training.solvers import SOLVERS

from ..wrong_calls import LABELS, NUMBERS, X, check_refused

# (parameter, value, the name of ours)
VALUES = [
    ("activation", "sigmoid", "logistic"),
    ("activation", "swish", "silu"),
    ("activation", "linear", "identity"),
    ("activation", "ReLU", "relu"),
    ("activation", "Relu", "relu"),
    ("activation", "LeakyReLU", "leaky_relu"),
    ("activation", "leaky-relu", "leaky_relu"),
    ("activation", "tanhh", "tanh"),
    ("activation", LeakyReLU, "leaky_relu"),
    ("activation", np.tanh, "tanh"),
    ("out_activation", "sigmoid", "logistic"),
    ("out_activation", "Softmax", "softmax"),
    ("solver", "Adam", "adam"),
    ("solver", "AdamW", "adamw"),
    ("solver", "SGD", "sgd"),
    ("solver", "L-BFGS", "lbfgs"),
    ("learning_rate", "cosine_annealing", "cosine"),
    ("learning_rate", "OneCycleLR", "one_cycle"),
    ("init", "xavier", "glorot_uniform"),
    ("init", "kaiming_uniform", "he_uniform"),
    ("dtype", "Float32", "float32"),
    ("dtype", np.float16, "float32"),
]
LOSS_NAMES = [
    (MLPRegressor, "mse", "mean_squared_error"),
    (MLPRegressor, "MSELoss", "mean_squared_error"),
    (MLPRegressor, "mae", "absolute_error"),
    (MLPRegressor, "HuberLoss", "huber"),
    (MLPRegressor, "logcosh", "log_cosh"),
    (MLPClassifier, "mse", "squared_error"),
    (MLPClassifier, "cross_entropy", "log_loss"),
    (MLPClassifier, "crossentropy", "log_loss"),
    (MLPClassifier, "binary_crossentropy", "log_loss"),
    (MLPClassifier, "bce", "log_loss"),
    (MLPClassifier, "hinge_loss", "hinge"),
]


def targets_for(estimator):
    return LABELS if estimator is MLPClassifier else NUMBERS


def refusal(estimator, **parameters):
    """The message, after the checks that all refusals have to pass."""
    y = targets_for(estimator)
    check_refused(estimator(**parameters), InvalidParameterError, "parameter of", lambda model: model.fit(X, y))
    with pytest.raises(InvalidParameterError) as caught:
        estimator(**parameters).fit(X, y)
    return str(caught.value)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("name", "value", "ours"), VALUES, ids=str)
def test_values(estimator, name, value, ours):
    assert refusal(estimator, **{name: value}).endswith(f"Got {value!r} instead. Did you mean {name}={ours!r}?")


@pytest.mark.parametrize(("estimator", "value", "ours"), LOSS_NAMES)
def test_losses(estimator, value, ours):
    assert refusal(estimator, loss=value).endswith(f"Got {value!r} instead. Did you mean loss={ours!r}?")


@pytest.mark.parametrize(
    ("estimator", "parameters", "hint"),
    [
        (MLPRegressor, dict(loss=(64, 64)), "Did you mean hidden_layer_sizes=(64, 64)?"),
        (MLPRegressor, dict(loss=(64, 64), hidden_layer_sizes="relu"), "Did you mean hidden_layer_sizes=(64, 64)?"),
        (MLPRegressor, dict(loss=64, hidden_layer_sizes=32), "Did you mean hidden_layer_sizes=(64, 32)?"),
        (MLPClassifier, dict(hidden_layer_sizes=64, activation=32), "Did you mean hidden_layer_sizes=(64, 32)?"),
        (MLPRegressor, dict(loss=64), "Did you mean hidden_layer_sizes=64?"),
        (MLPClassifier, dict(hidden_layer_sizes="relu"), "Did you mean activation='relu'?"),
        (MLPClassifier, dict(activation="adam"), "Did you mean solver='adam'?"),
        (MLPClassifier, dict(learning_rate=0.01), "Did you mean learning_rate_init=0.01?"),
        (MLPRegressor, dict(learning_rate=1), "Did you mean learning_rate_init=1?"),
        (MLPRegressor, dict(loss="cross_entropy"), "loss='log_loss' is for MLPClassifier."),
        (MLPClassifier, dict(loss="poisson"), "loss='poisson' is for MLPRegressor."),
    ],
    ids=str,
)
def test_values_of_other_parameters(estimator, parameters, hint):
    assert refusal(estimator, **parameters).endswith(f" instead. {hint}")


@pytest.mark.parametrize(
    "parameters", [dict(activation="xyz"), dict(activation=None), dict(learning_rate=True), dict(loss=True)], ids=str
)
def test_nothing_is_guessed_without_a_reason(parameters):
    assert refusal(MLPRegressor, **parameters).endswith(" instead.")


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_accepted_names_are_no_ones_mistake(estimator):
    """Whatever a list offers is taken by the parameter that lists it."""
    names = {
        "activation": [*ACTIVATIONS, PowerProduct.name],
        "out_activation": ["auto", *ACTIVATIONS, PowerProduct.name],
        "solver": list(SOLVERS),
        "learning_rate": [*WITH_MEMORY, *SCHEDULES],
        "init": ["auto", *INITIALIZERS],
        "dtype": ["auto", "float32", "float64"],
        "trainable": ["all", "last"],
    }
    kind = "for_classifiers" if estimator is MLPClassifier else "for_regressors"
    names["loss"] = ["auto"] * (estimator is MLPClassifier) + [n for n, loss in LOSSES.items() if getattr(loss, kind)]
    for parameter, expected in names.items():
        listed = re.search(r"a str among {(.*?)}", refusal(estimator, **{parameter: "xyz"}))[1]
        assert listed == ", ".join(map(repr, expected))


@pytest.mark.parametrize(
    ("parameters", "ours"),
    [
        (dict(activation="sigmoid"), "activation='logistic'"),
        (dict(activation=["ReLU"]), "activation='relu'"),
        (dict(out_activation="linear"), "out_activation='identity'"),
        (dict(loss="mse"), "loss='mean_squared_error'"),
        (dict(loss="BCE"), "loss='log_loss'"),
        (dict(init="xavier"), "init='glorot_uniform'"),
        (dict(dtype="float16"), "dtype='float32'"),
    ],
    ids=str,
)
def test_networks_say_the_same(parameters, ours):
    with pytest.raises(ValueError, match=rf"; use .*\. Did you mean {ours}\?$"):
        Network([2, 2, 1], **parameters)


def test_networks_list_names_as_estimators_do():
    for parameter, names in [("activation", ACTIVATIONS), ("loss", LOSSES), ("init", ["auto", *INITIALIZERS])]:
        with pytest.raises(ValueError, match="is unknown") as caught:
            Network([2, 2, 1], **{parameter: "xyz"})
        assert re.search(r"one of {(.*)}", str(caught.value))[1] == ", ".join(map(repr, names))


@pytest.mark.parametrize(
    ("theirs", "ours"), [("acc", "accuracy"), ("MSE", "neg_mean_squared_error"), ("auc", "roc_auc"), ("r_2", "r2")]
)
def test_scorers(theirs, ours):
    """Their names are scikit-learn's, whose own message has them in the order of a set."""
    listed = rf"one of {{{{{{}}'{get_scorer_names()[0]}', .*, '{get_scorer_names()[-1]}'}}}}, or a function.*"
    message = rf"^scoring '{theirs}' is unknown; use {listed}\. Did you mean scoring='{ours}'\?$"
    check_refused(
        MLPRegressor(scoring=theirs), ValueError, message.format("'loss', "), lambda model: model.fit(X, NUMBERS)
    )
    with pytest.raises(ValueError, match=message.format("")):
        ScoreMonitor(X, NUMBERS, scoring=theirs)


KEYWORDS = [
    ("epochs", "max_iter"),
    ("lr", "learning_rate_init"),
    ("optimizer", "solver"),
    ("patience", "n_iter_no_change"),
    ("seed", "random_state"),
    ("hidden_layer_size", "hidden_layer_sizes"),
    ("validation_split", "validation_fraction"),
]


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("theirs", "ours"), KEYWORDS)
def test_keywords(estimator, theirs, ours):
    """Of the constructor, and where they are passed to methods that train."""
    message = (
        f"^{estimator.__name__}{{}}\\(\\) got an unexpected keyword argument '{theirs}'. Did you mean {ours}{{}}\\?$"
    )
    with pytest.raises(TypeError, match=message.format("", "")):
        estimator(**{theirs: 1})
    for method in ("fit", "partial_fit"):
        with pytest.raises(TypeError, match=message.format(f"\\.{method}", " of the constructor")):
            getattr(estimator(), method)(X, targets_for(estimator), **{theirs: 1})


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(("theirs", "ours"), KEYWORDS)
def test_names_that_are_set(estimator, theirs, ours):
    """By set_params, alone, in a pipeline and in a search; scikit-learn's message stays in front."""
    message = rf"^Invalid parameter '{theirs}' for estimator {estimator.__name__}\(.*\]\. Did you mean {ours}\?$"
    model = estimator()
    with pytest.raises(ValueError, match=message):
        model.set_params(alpha=5.0, **{theirs: 1})
    assert model.alpha == estimator().alpha
    step = estimator.__name__.lower()
    with pytest.raises(ValueError, match=message):
        make_pipeline(StandardScaler(), model).set_params(**{f"{step}__{theirs}": 1})
    with pytest.raises(ValueError, match=message):
        GridSearchCV(model, {theirs: [1]}, cv=2, error_score="raise").fit(X, targets_for(estimator))


def test_other_names_that_are_set():
    with pytest.raises(
        ValueError, match=r"^Invalid parameter 'colour' for estimator MLPClassifier.*'weight_decay'\]\.$"
    ):
        MLPClassifier().set_params(colour=1)
    with pytest.raises(ValueError, match=r"Did you mean eta0\?$"):
        Perceptron().set_params(lr=1)
    with pytest.raises(ValueError, match=r"Did you mean X_val and y_val of fit\?$"):
        MLPClassifier().set_params(eval_set=1)
    model = MLPClassifier()
    assert model.set_params() is model
    assert model.set_params(max_iter=3, alpha=0.5) is model
    assert (model.max_iter, model.alpha) == (3, 0.5)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("theirs", ["eval_set", "validation_data"])
def test_rows_to_validate_on(estimator, theirs):
    with pytest.raises(TypeError, match=r"fit\(\) got an .* Did you mean X_val and y_val\?$"):
        estimator().fit(X, targets_for(estimator), **{theirs: [(X, LABELS)]})
    with pytest.raises(TypeError, match=r" Did you mean X_val and y_val of fit\?$"):
        estimator(**{theirs: [(X, LABELS)]})


def test_unexpected_keywords_elsewhere():
    with pytest.raises(TypeError, match=r"^MLPClassifier\(\) got an unexpected keyword argument 'colour'.$"):
        MLPClassifier(colour=1)
    with pytest.raises(TypeError, match=r"^Network\(\) got .* Did you mean random_state\?$"):
        Network([2, 1], seed=0)
    with pytest.raises(TypeError, match=r"^Perceptron\(\) got .* Did you mean eta0\?$"):
        Perceptron(lr=1)
    with pytest.raises(TypeError, match=r"Did you mean X_val and y_val\?$"):
        make_pipeline(MLPRegressor()).fit(X, NUMBERS, mlpregressor__eval_set=[(X, NUMBERS)])


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_signatures_are_those_of_the_source(estimator):
    """Searches, routing and editors read them."""
    assert "loss" in inspect.signature(estimator).parameters
    assert list(inspect.signature(estimator().fit).parameters)[:3] == ["X", "y", "sample_weight"]
    assert all(
        parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        for function in (estimator, estimator.fit, estimator.partial_fit)
        for parameter in inspect.signature(function).parameters.values()
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_searches_pass_on_the_hint():
    search = GridSearchCV(MLPRegressor(max_iter=1), {"activation": ["sigmoid"]}, cv=2, error_score="raise")
    with pytest.raises(InvalidParameterError, match="Did you mean activation='logistic'"):
        search.fit(X, NUMBERS)


@pytest.mark.parametrize(
    ("estimator", "parameters", "end"),
    [
        (MLPClassifier, dict(learning_rate="exp"), "Did you mean learning_rate='exponential'?"),
        (MLPClassifier, dict(learning_rate="cos"), "Did you mean learning_rate='cosine'?"),
        (MLPClassifier, dict(solver="rms"), "Did you mean solver='rmsprop'?"),
        (MLPRegressor, dict(loss="rmse"), "Did you mean loss='mean_squared_error'?"),
        (MLPRegressor, dict(batch_size="full"), "Use 'auto', or len(X) to take all rows in one step."),
        (MLPRegressor, dict(batch_size=None), "Use 'auto', or len(X) to take all rows in one step."),
        (MLPRegressor, dict(batch_size=0.5), "Use 'auto', or len(X) to take all rows in one step."),
    ],
)
def test_beginnings_and_sizes(estimator, parameters, end):
    """A beginning of one of the parameter's own names comes before the same word of another parameter."""
    assert refusal(estimator, **parameters).endswith(f" instead. {end}")


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor, Perceptron])
def test_arguments_that_are_missing(estimator):
    for method in ("fit", "partial_fit"):
        call = getattr(estimator(), method)
        begin = rf"^{estimator.__name__}\.{method}\(\) missing"
        with pytest.raises(TypeError, match=begin + " 1 required positional argument: 'y'; pass y.$"):
            call(X)
        with pytest.raises(TypeError, match=begin + " 1 required positional argument: 'X'; pass X.$"):
            call(y=LABELS)
        with pytest.raises(TypeError, match=begin + " 2 required positional arguments: 'X' and 'y'; pass X and y.$"):
            call()


def test_keywords_of_other_methods():
    with pytest.raises(TypeError, match=r"^Perceptron\.fit\(\) got .* Did you mean max_iter of the constructor\?$"):
        Perceptron().fit(X, LABELS, epochs=3)
    for estimator in (MLPClassifier, Perceptron):
        with pytest.raises(TypeError, match=r"'classes'\. Did you mean classes of partial_fit\?$"):
            estimator().fit(X, LABELS, classes=[0, 1])
    with pytest.raises(TypeError, match=r"'tolerance'\. Did you mean tol\?$"):
        MLPRegressor(tolerance=1)

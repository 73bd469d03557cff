"""Questions about a fitted model that are refused, and that change nothing."""

import numpy as np
import pytest

from fastmlp import MLPClassifier, MLPRegressor

from ..wrong_calls import LABELS, X, check_call_refused, fitted

pytestmark = pytest.mark.usefixtures("count_epochs")


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
]
CALLS_OF_A_REGRESSOR = [
    (lambda m: m.transform(X, layer=1), "layer is 1, but the hidden layers are 0 to 0; pass one of these, or -1"),
    (lambda m: m.transform(X, layer=-2), "layer is -2, but the hidden layers are 0 to 0; pass one of these, or -1"),
    (lambda m: m.transform(X, layer=0.0), "layer is 0.0, but the hidden layers are 0 to 0; pass one of these, or -1"),
    (lambda m: m.transform(X, layer="last"), "layer is 'last', but the hidden layers are 0 to 0; pass one of these"),
    (lambda m: m.input_gradient(X, X), r"y has shape \(40, 3\), but the model was not fitted to such; pass targets"),
]
BAD_CALLS = [
    *((MLPClassifier, *row) for row in CALLS_OF_A_CLASSIFIER),
    *((MLPRegressor, *row) for row in CALLS_OF_A_REGRESSOR),
]


@pytest.mark.parametrize(("estimator", "call", "message"), BAD_CALLS, ids=[row[-1] for row in BAD_CALLS])
def test_bad_calls(estimator, call, message):
    check_call_refused(estimator, call, message)


@pytest.mark.parametrize("call", [lambda m: m.transform(X), lambda m: m.get_feature_names_out()])
def test_no_hidden_layer(call):
    with pytest.raises(ValueError, match="has no hidden layer to take outputs of; set hidden_layer_sizes"):
        call(fitted(MLPRegressor, hidden_layer_sizes=()))

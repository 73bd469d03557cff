"""Fitted models of every kind, for what is made of them."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.activations import ACTIVATIONS, LeakyReLU, Maxout, PowerProduct
from fastmlp.losses import Quantile

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6))
THREE = np.array(["no", "yes", "perhaps"])[np.digitize(X[:, 0], [-0.5, 0.5])]
HIDDEN = [name for name in ACTIVATIONS if name not in ("hard_limit",)]
SIZES = {"maxout": (12, 8), "product": (12, 8), "softmax": (9, 7), "increasing": (8, 6)}

# Name: (class, parameters, targets).
KINDS = {
    "two classes": (MLPClassifier, {}, X[:, 0] > 0),
    "three classes": (MLPClassifier, {}, THREE),
    "one class": (MLPClassifier, {}, np.full(200, 7)),
    "objects": (MLPClassifier, {}, THREE.astype(object)),
    "labels": (MLPClassifier, {}, (X[:, :3] > 0).astype(int)),
    "several targets": (MLPClassifier, {}, np.column_stack([THREE, THREE == "no"]).astype(str)),
    "soft targets": (
        MLPClassifier,
        {"loss": "kl_divergence"},
        np.abs(X[:, :3]) / np.abs(X[:, :3]).sum(axis=1, keepdims=True),
    ),
    "softmax of two": (MLPClassifier, {"out_activation": "softmax"}, X[:, 0] > 0),
    "hard sigmoid": (MLPClassifier, {"out_activation": "hard_sigmoid"}, X[:, 0] > 0),
    "hard sigmoids": (MLPClassifier, {"out_activation": "hard_sigmoid"}, THREE),
    "hinge": (MLPClassifier, {"loss": "hinge"}, X[:, 0] > 0),
    "hinges": (MLPClassifier, {"loss": "hinge"}, THREE),
    "numbers": (MLPRegressor, {}, X[:, 0]),
    "two numbers": (MLPRegressor, {}, X[:, :2]),
    "poisson": (MLPRegressor, {"loss": "poisson"}, np.floor(np.exp(X[:, 0]))),
    "quantiles": (MLPRegressor, {"loss": Quantile([0.1, 0.5, 0.9])}, X[:, 0]),
    "quantiles of two": (MLPRegressor, {"loss": Quantile([0.1, 0.9])}, X[:, :2]),
    "no hidden layer": (MLPClassifier, {"hidden_layer_sizes": ()}, THREE),
    "batch norm": (MLPClassifier, {"batch_norm": True, "dropout": 0.2}, THREE),
    "float32": (MLPClassifier, {"dtype": "float32"}, THREE),
    "leaky": (MLPClassifier, {"activation": LeakyReLU(0.3)}, THREE),
    "wide maxout": (MLPClassifier, {"activation": Maxout(4), "hidden_layer_sizes": (12, 8)}, THREE),
    "power product": (
        MLPClassifier,
        {"activation": ["relu", PowerProduct(RNG.integers(0, 3, (4, 5)))], "hidden_layer_sizes": (8, 4)},
        THREE,
    ),
    **{
        f"hidden {name}": (MLPClassifier, {"activation": name, "hidden_layer_sizes": SIZES.get(name, (8, 6))}, THREE)
        for name in HIDDEN
    },
}


def fitted(kind):
    """A model of a kind, after a few epochs."""
    make, parameters, y = KINDS[kind]
    parameters = {"hidden_layer_sizes": (8, 6), "max_iter": 3, "random_state": 0, "batch_size": 50} | parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make(**parameters).fit(X, y)

"""Data and short fits that the programs here share; how well they learn is asserted where it matters."""

import numpy as np
from numpy.testing import assert_allclose
from sklearn.datasets import make_classification
from sklearn.model_selection import StratifiedKFold

from fastmlp import MLPClassifier, MLPRegressor

SETTINGS = dict(hidden_layer_sizes=6, learning_rate_init=0.02, max_iter=15, random_state=0)
X, Y = make_classification(120, n_features=5, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
NAMES = np.array(["low", "mid", "top"])
BINARY = Y > 0
NUMBERS = X @ [1.0, -2.0, 0.5, 0.0, 1.0] + np.sin(3 * X[:, 0])
TRAIN, TEST = np.arange(90), np.arange(90, 120)
FOLDS = StratifiedKFold(3)
COUNTS = np.arange(120) % 4  # whole weights, some of them 0
REPEATED = np.repeat(np.arange(120), COUNTS)


def classifier(**parameters):
    return MLPClassifier(**{**SETTINGS, **parameters})


def regressor(**parameters):
    return MLPRegressor(**{**SETTINGS, **parameters})


def assert_same_weights(model, expected, tolerance=0.0):
    assert_allclose(model.network_.parameters, expected.network_.parameters, rtol=0, atol=tolerance)

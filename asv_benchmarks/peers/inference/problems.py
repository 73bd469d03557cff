"""The networks that predict, and their rows."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from benchmarks.cases import Case

from fastmlp import MLPClassifier, MLPRegressor

ROWS = (1, 16, 256, 1_000, 10_000)
# An epoch over some rows makes weights of the usual sizes. The last two are shapes that nothing was tuned for.
CASES = (
    Case((20, 64, 64, 2), 32, 1_000),
    Case((784, 512, 512, 10), 128, 1_000),
    Case((50, 256, 256, 256, 1), 256, 1_000, "regression"),
    Case((37, 123, 77, 3), 50, 1_000),
    Case((100, 1_000, 10), 100, 1_000),
)
NETWORKS = {"-".join(map(str, case.sizes)): case for case in CASES}


@dataclass(frozen=True, eq=False)
class Problem:
    """A network of ReLU layers, rows, and what it predicts from them; all float32.

    Two classes are two outputs, the first of which is 0, so that all classifiers end with softmax. This is the function
    that fastmlp computes with one logistic output.
    """

    layers: tuple[tuple[np.ndarray, np.ndarray], ...]  # weights (inputs, outputs) and biases
    is_classifier: bool
    X: np.ndarray
    expected: np.ndarray
    model: MLPClassifier | MLPRegressor


@cache
def model_of(network: str):
    """fastmlp's estimator."""
    case = NETWORKS[network]
    return case.started_model("fastmlp", *case.data())


def problem_of(network: str, n_rows: int) -> Problem:
    model, is_classifier = model_of(network), NETWORKS[network].task == "classification"
    layers = list(zip(model.coefs_, model.intercepts_, strict=True))
    if model.out_activation_ == "logistic":
        weights, bias = layers[-1]
        layers[-1] = (np.hstack([np.zeros_like(weights), weights]), np.append(np.zeros_like(bias), bias))
    X = np.random.default_rng(0).standard_normal((n_rows, len(layers[0][0])), dtype=np.float32)
    expected = model.predict_proba(X) if is_classifier else model.predict(X).reshape(n_rows, -1)
    return Problem(tuple(layers), is_classifier, X, expected, model)


def largest_difference(network: str, weights: str, n_rows: int = 1_000) -> float:
    """Of the outputs of single rows with compact weights and with float32."""
    problem = problem_of(network, n_rows)
    predict_one = model_of(network).compile(weights=weights).predict_one
    return float(max(abs(predict_one(x) - y).max() for x, y in zip(problem.X, problem.expected, strict=True)))
